/* Sealing a record into labels, and back. The table below is the whole format. */
#include "daemon/seal.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum label_kind { LABEL_ARRAY, LABEL_STRING, LABEL_ID, LABEL_INT64, LABEL_UUIDS };

/* Every label is always set, if only to "", so that one inherited from an image never shows. */
static const struct {
        const char *key;
        enum label_kind kind;
        size_t offset, size;
} rows[] = {
#define ARRAY(label, field)                                                                        \
        { label, LABEL_ARRAY, offsetof(struct record, field), sizeof(((struct record *)0)->field) }
        ARRAY("ds01.name", name),
        ARRAY("ds01.nonce", nonce),
        { "ds01.uid", LABEL_ID, offsetof(struct record, uid), 0 },
        { "ds01.gid", LABEL_ID, offsetof(struct record, gid), 0 },
        ARRAY("ds01.user", user),
        ARRAY("ds01.image", image),
        ARRAY("ds01.project", project),
        { "ds01.workspace", LABEL_STRING, offsetof(struct record, workspace), 0 },
        { "ds01.data", LABEL_STRING, offsetof(struct record, data), 0 },
        { "ds01.gpu.uuids", LABEL_UUIDS, offsetof(struct record, uuids), 0 },
        { "ds01.gpu.units", LABEL_INT64, offsetof(struct record, units), 0 },
        { "ds01.limit.cpus_milli", LABEL_INT64, offsetof(struct record, cpus_milli), 0 },
        { "ds01.limit.memory_bytes", LABEL_INT64, offsetof(struct record, memory_bytes), 0 },
        { "ds01.limit.shm_bytes", LABEL_INT64, offsetof(struct record, shm_bytes), 0 },
        { "ds01.limit.pids", LABEL_INT64, offsetof(struct record, pids), 0 },
        { "ds01.created_us", LABEL_INT64, offsetof(struct record, created_us), 0 },
#undef ARRAY
};

static const char version_key[] = "ds01.version", version_value[] = "1", seal_key[] = "ds01.seal";

int nonce_make(char dst[NONCE_SIZE]) {
        unsigned char bytes[(NONCE_SIZE - 1) / 2];

        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                return -EIO;
        for (size_t i = 0; i < sizeof(bytes); i++)
                snprintf(dst + 2 * i, 3, "%02x", bytes[i]);
        return 0;
}

int seal_key_load(const char *path, unsigned char *key, size_t size, struct err *err) {
        _cleanup_buf_ struct buf b = BUF_INIT(size);
        int r = file_read(path, &b);

        if (r == -ENOENT) {
                if (getrandom(key, size, 0) != (ssize_t)size)
                        return err_set(err, EIO, "no random bytes for '%s'", path);
                r = file_write_atomic(path, 0600, key, size);
                if (r < 0)
                        return err_set(err, -r, "can't write '%s': %s", path, strerror(-r));
                return 0;
        }
        if (r == 0 && b.len == size) {
                memcpy(key, b.data, size);
                return 0;
        }
        return err_set(err, r < 0 ? -r : EINVAL,
                       "the key '%s' can't be read (%s); without it no container is recognised",
                       path, r < 0 ? strerror(-r) : "wrong length");
}

/* HMAC over "key=value\n" in the table's order, values with their length in front, so that no two
 * different sets of labels give the same bytes. */
static void compute(const unsigned char *key, size_t key_size, const char *engine_name,
                    const struct engine_label *labels, size_t n, char hex[2 * 32 + 1]) {
        struct hmac_sha256_ctx ctx;
        unsigned char digest[SHA256_DIGEST_SIZE];
        char head[64];

        hmac_sha256_set_key(&ctx, key_size, key);
        hmac_sha256_update(&ctx, strlen(engine_name) + 1, (const uint8_t *)engine_name);
        for (size_t i = 0; i < n; i++) {
                int len = snprintf(head, sizeof(head), "%s=%zu:", labels[i].key,
                                   strlen(labels[i].value));

                hmac_sha256_update(&ctx, (size_t)len, (const uint8_t *)head);
                hmac_sha256_update(&ctx, strlen(labels[i].value), (const uint8_t *)labels[i].value);
        }
        hmac_sha256_digest(&ctx, sizeof(digest), digest);
        for (size_t i = 0; i < sizeof(digest); i++)
                snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void seal_text(const unsigned char *key, size_t key_size, const char *subject, const char *text,
               char hex[SEAL_HEX_SIZE]) {
        const struct engine_label label = { "text", (char *)text };

        compute(key, key_size, subject, &label, 1, hex);
}

static char *join_uuids(char *const *uuids) {
        _cleanup_buf_ struct buf b = BUF_INIT(GPU_PER_CONTAINER_MAX * 100);

        for (size_t i = 0; uuids && uuids[i]; i++)
                if (buf_addf(&b, "%s%s", i ? "," : "", uuids[i]) < 0)
                        return NULL;
        return strdup(buf_str(&b));
}

static char *field_text(const struct record *r, size_t row) {
        const char *at = (const char *)r + rows[row].offset;
        char number[32];

        switch (rows[row].kind) {
        case LABEL_ARRAY:
                return strdup(at);
        case LABEL_STRING:
                return strdup(*(char *const *)at ? *(char *const *)at : "");
        case LABEL_ID:
                snprintf(number, sizeof(number), "%u", *(const uid_t *)at);
                return strdup(number);
        case LABEL_INT64:
                snprintf(number, sizeof(number), "%" PRId64, *(const int64_t *)at);
                return strdup(number);
        case LABEL_UUIDS:
                return join_uuids(*(char **const *)at);
        }
        return NULL;
}

static int add(struct sealed_labels *l, const char *key, char *value) {
        if (!value)
                return -ENOMEM;
        l->labels[l->n++] = (struct engine_label){ .key = key, .value = value };
        return 0;
}

int seal_make(const unsigned char *key, size_t key_size, const struct record *r,
              struct sealed_labels *ret) {
        char hex[65];
        int e;

        _Static_assert(ARRAY_SIZE(rows) + 2 <= SEAL_LABELS_MAX, "room for every label");
        ret->n = 0;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                e = add(ret, rows[i].key, field_text(r, i));
                if (e < 0)
                        return e;
        }
        compute(key, key_size, r->engine_name, ret->labels, ret->n, hex);
        e = add(ret, version_key, strdup(version_value));
        return e < 0 ? e : add(ret, seal_key, strdup(hex));
}

void sealed_labels_release(struct sealed_labels *l) {
        for (size_t i = 0; i < l->n; i++)
                free((char *)l->labels[i].value);
        l->n = 0;
}

static int parse_uuids(const char *text, char ***ret) {
        VEC(char *) uuids = { 0 };
        const char *at = text;

        while (*at) {
                size_t n = strcspn(at, ",");
                char *uuid = strndup(at, n);

                if (!uuid || VEC_PUSH(&uuids, uuid) < 0) {
                        free(uuid);
                        goto no_memory;
                }
                at += n + (at[n] == ',');
        }
        if (uuids.len == 0)
                return 0;
        if (VEC_PUSH(&uuids, NULL) < 0)
                goto no_memory;
        *ret = uuids.items;
        return 0;

no_memory:
        for (size_t i = 0; i < uuids.len; i++)
                free(uuids.items[i]);
        VEC_RELEASE(&uuids);
        return -ENOMEM;
}

static int set_field(struct record *r, size_t row, const char *text) {
        char *at = (char *)r + rows[row].offset;
        int64_t number;
        int e;

        switch (rows[row].kind) {
        case LABEL_ARRAY:
                return str_copy(at, rows[row].size, text) ? 0 : -EINVAL;
        case LABEL_STRING:
                if (*text == '\0')
                        return 0;
                *(char **)at = strdup(text);
                return *(char **)at ? 0 : -ENOMEM;
        case LABEL_ID:
                e = str_to_i64(text, 0, UINT32_MAX, &number);
                if (e == 0)
                        *(uid_t *)at = (uid_t)number;
                return e;
        case LABEL_INT64:
                return str_to_i64(text, INT64_MIN, INT64_MAX, (int64_t *)at);
        case LABEL_UUIDS:
                return parse_uuids(text, (char ***)at);
        }
        return -EINVAL;
}

static const enum container_state states[] = {
        [ENGINE_CREATED] = CONTAINER_CREATED,   [ENGINE_RUNNING] = CONTAINER_RUNNING,
        [ENGINE_PAUSED] = CONTAINER_PAUSED,     [ENGINE_EXITED] = CONTAINER_STOPPED,
        [ENGINE_REMOVING] = CONTAINER_REMOVING, [ENGINE_DEAD] = CONTAINER_STOPPED,
};

void record_update(struct record *r, const struct engine_container *c) {
        r->state = states[c->state];
        r->gpus_lost &= r->pid == c->pid;
        r->pid = c->pid;
        r->wrapped = c->wrapped;
        r->exit_code = c->exit_code;
        r->made_us = c->created_us;
        r->started_us = c->started_us;
        r->finished_us = c->finished_us;
        /* podman says "exited" of a container whose start failed; it was never started. */
        if (r->state == CONTAINER_STOPPED && c->finished_us == 0)
                r->finished_us = c->created_us;
}

int seal_open(const unsigned char *key, size_t key_size, const struct engine_container *c,
              struct record **ret) {
        struct engine_label labels[ARRAY_SIZE(rows)];
        const char *seal = engine_container_label(c, seal_key);
        char hex[65];
        struct record *r;
        int e = 0;

        if (!seal || strlen(seal) != 64)
                return -EPERM;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *value = engine_container_label(c, rows[i].key);

                if (!value)
                        return -EPERM;
                labels[i] = (struct engine_label){ .key = rows[i].key, .value = value };
        }
        compute(key, key_size, c->name, labels, ARRAY_SIZE(rows), hex);
        if (!memeql_sec(hex, seal, 64))
                return -EPERM;
        r = record_new();
        if (!r)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(rows) && e == 0; i++)
                e = set_field(r, i, labels[i].value);
        if (e < 0) {
                record_free(r);
                return e == -ENOMEM ? e : -EPERM;
        }
        str_copy(r->id, sizeof(r->id), c->id);
        str_copy(r->engine_name, sizeof(r->engine_name), c->name);
        record_update(r, c);
        *ret = r;
        return 0;
}

const char image_uid_label[] = "ds01.image.uid";
static const char image_name_label[] = "ds01.image.name", image_seal_label[] = "ds01.image.seal";

/* "image" is no container's name, so that neither seal is good for the other. */
static void compute_image(const unsigned char *key, size_t key_size, const char *uid,
                          const char *project, char hex[2 * 32 + 1]) {
        const struct engine_label labels[] = { { image_uid_label, uid },
                                               { image_name_label, project } };

        compute(key, key_size, "image", labels, ARRAY_SIZE(labels), hex);
}

void image_seal_make(const unsigned char *key, size_t key_size, uid_t uid, const char *project,
                     char ret[IMAGE_LABELS_SIZE]) {
        char hex[65], number[16];

        snprintf(number, sizeof(number), "%u", uid);
        compute_image(key, key_size, number, project, hex);
        snprintf(ret, IMAGE_LABELS_SIZE, "%s=\"%s\" %s=\"%s\" %s=\"%s\"", image_uid_label, number,
                 image_name_label, project, image_seal_label, hex);
}

bool image_seal_valid(const unsigned char *key, size_t key_size, char *const *labels, uid_t uid,
                      char project[NAME_MAX_LEN + 1]) {
        const char *owner = engine_image_label(labels, image_uid_label);
        const char *name = engine_image_label(labels, image_name_label);
        const char *seal = engine_image_label(labels, image_seal_label);
        char hex[65], number[16];

        snprintf(number, sizeof(number), "%u", uid);
        if (!owner || !name || !seal || strlen(seal) != 64 || strlen(name) > NAME_MAX_LEN ||
            strcmp(owner, number) != 0 || engine_image_label(labels, seal_key))
                return false;
        compute_image(key, key_size, owner, name, hex);
        if (!memeql_sec(hex, seal, 64))
                return false;
        if (project)
                str_copy(project, NAME_MAX_LEN + 1, name);
        return true;
}
