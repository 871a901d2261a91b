/* See bin.h. */
#include "daemon/bin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/tree.h"
#include "daemon/call.h"
#include "daemon/failpoint.h"
#include "daemon/image_cache.h"
#include "daemon/leftovers.h"
#include "daemon/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char prefix[] = "ds01-bin/";

static int64_t keep_us(const struct daemon *d) {
        return d->config.bin_keep_days * 24 * 3600 * US_PER_S;
}

/* --- names ---------------------------------------------------------------------------------- */

bool bin_parse(const char *reference, struct bin_item *ret) {
        struct bin_item item = { 0 };
        char text[IMAGE_REF_SIZE], *bytes, *moment, *name;
        struct tm tm = { 0 };
        int64_t uid;

        if (!str_starts(reference, prefix) || !str_copy(text, sizeof(text), reference))
                return false;
        name = strchr(text + strlen(prefix), ':');
        bytes = strrchr(text, '.');
        if (!name || !bytes || bytes < name)
                return false;
        *name++ = '\0';
        *bytes++ = '\0';
        moment = strrchr(name, '.');
        if (!moment)
                return false;
        *moment++ = '\0';
        if (strlen(moment) != 14 || !strptime(moment, "%Y%m%d%H%M%S", &tm) ||
            str_to_i64(bytes, 0, INT64_MAX, &item.bytes) < 0 ||
            str_to_i64(text + strlen(prefix), 0, UINT32_MAX - 1, &uid) < 0 ||
            !str_copy(item.name, sizeof(item.name), name))
                return false;
        item.uid = (uid_t)uid;
        item.kept_us = (int64_t)timegm(&tm) * US_PER_S;
        str_copy(item.reference, sizeof(item.reference), reference);
        *ret = item;
        return true;
}

static void make_reference(const struct record *r, int64_t bytes, char dst[IMAGE_REF_SIZE]) {
        time_t now = (time_t)(clock_real_us() / US_PER_S);
        char moment[16];
        struct tm tm;

        strftime(moment, sizeof(moment), "%Y%m%d%H%M%S", gmtime_r(&now, &tm));
        snprintf(dst, IMAGE_REF_SIZE, "%s%u:%s.%s.%" PRId64, prefix, r->uid, r->name, moment,
                 bytes);
}

struct items {
        VEC(struct bin_item) list;
};

static void items_release(struct items *i) {
        VEC_RELEASE(&i->list);
}

/* Everything in the bin, or one person's part (@uid not -1), oldest first. */
static int list_items(struct daemon *d, uid_t uid, struct items *ret, struct engine_error *error) {
        char **refs = NULL;
        int r = image_cache_refs(d, prefix, &refs, error);

        for (size_t i = 0; r >= 0 && refs[i]; i++) {
                struct bin_item item;
                size_t at = ret->list.len;

                if (!bin_parse(refs[i], &item) || (uid != (uid_t)-1 && item.uid != uid) ||
                    VEC_PUSH(&ret->list, item) < 0)
                        continue;
                for (; at > 0 && ret->list.items[at - 1].kept_us > item.kept_us; at--)
                        ret->list.items[at] = ret->list.items[at - 1];
                ret->list.items[at] = item;
        }
        engine_strv_free(refs);
        return r < 0 ? -1 : 0;
}

/* --- keeping -------------------------------------------------------------------------------- */

/* Is there anything that a person has changed? Directories that only lead to a change, and the
 * places where ds01d and the engine mount something, are not. */
struct look {
        char directory[4096]; /* changed itself, or only on the way to the next path? */
        bool changed;
};

static bool is_place_of_ours(const char *path) {
        static const char *const places[] = { "/.ds01",     "/workspace",    "/data",
                                              "/home",      "/etc/passwd",   "/etc/group",
                                              "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
                                              "/etc/mtab",  "/dev",          "/proc",
                                              "/sys",       "/run",          "/.dockerenv" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                size_t n = strlen(places[i]);

                if (strncmp(path, places[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
                        return true;
        }
        return false;
}

static int look_at_change(void *ctx, const char *path, enum engine_change kind) {
        struct look *l = ctx;
        size_t n = strlen(l->directory);

        if (n > 0 && !(strncmp(path, l->directory, n) == 0 && path[n] == '/') &&
            !is_place_of_ours(l->directory))
                l->changed = true;
        l->directory[0] = '\0';
        if (kind == ENGINE_CHANGE_MODIFIED)
                str_copy(l->directory, sizeof(l->directory), path);
        else if (!is_place_of_ours(path))
                l->changed = true;
        return l->changed;
}

bool bin_has_changes(struct daemon *d, const struct record *r, struct engine_error *error) {
        struct look *l = calloc(1, sizeof(*l));
        bool changed = false;

        if (l && engine_container_changes(d->engine, r->id, look_at_change, l, error) == 0)
                changed = l->changed || (l->directory[0] && !is_place_of_ours(l->directory));
        free(l);
        return changed;
}

static void kept_home_path(const struct daemon *d, const char *reference, char *dst, size_t size) {
        snprintf(dst, size, "%s/bin/%s", d->config.state_dir, reference + strlen(prefix));
}

/* What is in a home directory: never followed out of it. -1 when it is empty. */
static int64_t home_bytes(const struct daemon *d, const struct record *r) {
        char path[PATH_MAX];
        int64_t bytes;

        home_path(d, r->nonce, path, sizeof(path));
        return tree_measure(path, &bytes) > 0 ? bytes : -1;
}

/* Where a container's home goes when it is discarded: a link that leads nowhere but says so. */
static void note_path(const struct daemon *d, const char *nonce, char *dst, size_t size) {
        snprintf(dst, size, "%s/bin/.%s", d->config.state_dir, nonce);
}

static int note_home(const struct daemon *d, const struct record *r, const char *reference) {
        char note[PATH_MAX];

        note_path(d, r->nonce, note, sizeof(note));
        unlink(note);
        return symlink(reference + strlen(prefix), note) < 0 ? -errno : 0;
}

void bin_keep_not(const struct daemon *d, const char *nonce) {
        char note[PATH_MAX];

        note_path(d, nonce, note, sizeof(note));
        unlink(note);
}

void bin_take_home(const struct daemon *d, const char *nonce) {
        char note[PATH_MAX], from[PATH_MAX], to[PATH_MAX], name[IMAGE_REF_SIZE];
        ssize_t n;

        note_path(d, nonce, note, sizeof(note));
        n = readlink(note, name, sizeof(name) - 1);
        if (n <= 0)
                return;
        name[n] = '\0';
        home_path(d, nonce, from, sizeof(from));
        snprintf(to, sizeof(to), "%s/bin/%s", d->config.state_dir, name);
        if (rename(from, to) < 0 && errno != ENOENT)
                log_line(LOG_WARN, "bin", "home", from, "error", strerror(errno), NULL);
        unlink(note);
}

int bin_give_home(struct daemon *d, const struct bin_item *item, const char *nonce) {
        char from[PATH_MAX], to[PATH_MAX];

        kept_home_path(d, item->reference, from, sizeof(from));
        home_path(d, nonce, to, sizeof(to));
        if (access(from, F_OK) < 0)
                return 0;
        return rename(from, to) < 0 ? -errno : 0; /* over an empty one */
}

bool bin_keep(struct daemon *d, const struct record *r, int64_t *ret_until_us, char *note,
              size_t size) {
        int64_t bytes = 0, home, max = d->config.bin_max_gb << 30;
        char reference[IMAGE_REF_SIZE], id[ENGINE_IMAGE_ID_SIZE];
        struct engine_error error = { 0 };

        if (d->config.bin_keep_days == 0 || !r->id[0] || r->state == CONTAINER_CREATED)
                return false;
        home = home_bytes(d, r);
        if (home < 0 && !bin_has_changes(d, r, &error))
                return false;
        if (engine_container_layer_size(d->engine, r->id, &bytes, &error) < 0 ||
            (bytes += home > 0 ? home : 0) > max) {
                if (bytes > max)
                        snprintf(note, size,
                                 "what was changed in it (%" PRId64 " MB) is more than "
                                 "the bin takes (%" PRId64 " GB), so it was not kept",
                                 bytes >> 20, d->config.bin_max_gb);
                return false;
        }
        make_reference(r, bytes, reference);
        FAILPOINT("remove.before-keep");
        if (engine_container_commit(d->engine, r->id, reference, NULL, id, &error) < 0) {
                snprintf(note, size, "what was changed in it could not be kept: %s", error.message);
                log_line(LOG_WARN, "bin", "container", r->engine_name, "error", error.message,
                         NULL);
                return false;
        }
        image_cache_changed(d);
        if (home >= 0 && note_home(d, r, reference) < 0)
                snprintf(note, size, "its home directory could not be kept");
        log_line(LOG_INFO, "kept", "container", r->engine_name, "image", reference, NULL);
        *ret_until_us = clock_real_us() + keep_us(d);
        bin_sweep(d);
        return true;
}

/* --- finding -------------------------------------------------------------------------------- */

/* The record in an image's labels: the container's own seal, bound to its name. */
static int open_image(struct daemon *d, const struct bin_item *item, struct record **ret) {
        struct engine_image image = { 0 };
        struct engine_container c = { 0 };
        char engine_name[ENGINE_NAME_SIZE];
        struct engine_error error;
        size_t n = 0;
        int e = -1;

        if (engine_image_inspect(d->engine, item->reference, &image, &error) < 0)
                return -1;
        while (image.labels && image.labels[n])
                n++;
        engine_name_make(item->name, item->uid, engine_name);
        c.name = engine_name;
        c.state = ENGINE_EXITED;
        c.labels = calloc(n ? n : 1, sizeof(*c.labels));
        for (size_t i = 0; c.labels && i < n; i++) {
                char *equals = strchr(image.labels[i], '=');

                if (!equals)
                        continue;
                *equals = '\0';
                c.labels[c.nlabels].key = image.labels[i];
                c.labels[c.nlabels++].value = equals + 1;
        }
        if (c.labels)
                e = seal_open(d->seal_key, sizeof(d->seal_key), &c, ret);
        free(c.labels);
        engine_image_release(&image);
        return e;
}

int bin_find(struct daemon *d, uid_t uid, const char *name, struct bin_item *ret,
             struct record **ret_record, struct refusal *refusal) {
        _cleanup_(items_release) struct items items = { 0 };
        struct engine_error error = { 0 };

        if (list_items(d, uid, &items, &error) < 0) {
                refusal_from_engine(refusal, &error);
                return refusal->reason;
        }
        for (size_t i = items.list.len; i > 0; i--) { /* the newest first */
                if (strcmp(items.list.items[i - 1].name, name) != 0 ||
                    open_image(d, &items.list.items[i - 1], ret_record) < 0)
                        continue;
                *ret = items.list.items[i - 1];
                return 0;
        }
        return refuse(refusal, REFUSAL_NOT_IN_BIN, name);
}

void handle_bin_list(struct call *c) {
        _cleanup_(items_release) struct items items = { 0 };
        struct json_writer w = JSON_WRITER(&c->answer);
        struct engine_error error = { 0 };
        char text[40];

        if (list_items(c->daemon, c->who->uid, &items, &error) < 0) {
                call_engine_error(c, &error);
                return;
        }
        json_write_array(&w);
        for (size_t i = items.list.len; i > 0; i--) {
                const struct bin_item *item = &items.list.items[i - 1];

                json_write_object(&w);
                json_put_str(&w, "name", item->name);
                time_format(item->kept_us, text, sizeof(text));
                json_put_str(&w, "kept_at", text);
                time_format(item->kept_us + keep_us(c->daemon), text, sizeof(text));
                json_put_str(&w, "kept_until", text);
                json_put_int(&w, "bytes", item->bytes);
                json_write_object_end(&w);
        }
        json_write_array_end(&w);
}

/* --- emptying ------------------------------------------------------------------------------- */

/* The bytes of a person's items that are newer than item @i. */
static int64_t newer_bytes(const struct items *items, size_t i) {
        int64_t sum = items->list.items[i].bytes;

        for (size_t k = i + 1; k < items->list.len; k++)
                if (items->list.items[k].uid == items->list.items[i].uid)
                        sum += items->list.items[k].bytes;
        return sum;
}

void bin_sweep(struct daemon *d) {
        _cleanup_(items_release) struct items items = { 0 };
        struct engine_error error = { 0 };
        int64_t now = clock_real_us();
        char path[PATH_MAX];
        bool any = false;

        if (list_items(d, (uid_t)-1, &items, &error) < 0)
                return;
        for (size_t i = 0; i < items.list.len; i++) {
                const struct bin_item *item = &items.list.items[i];
                bool old = now - item->kept_us > keep_us(d);

                if (!old && newer_bytes(&items, i) <= d->config.bin_max_gb << 30)
                        continue;
                /* Refused while a restored container uses it: then later. */
                if (engine_image_remove(d->engine, item->reference, &error) < 0)
                        continue;
                any = true;
                kept_home_path(d, item->reference, path, sizeof(path));
                tree_remove(path);
                log_line(LOG_INFO, "bin-emptied", "image", item->reference, "reason",
                         old ? "age" : "size", NULL);
        }
        if (any)
                image_cache_changed(d);
}
