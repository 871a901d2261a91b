/* See facts.h. A file is a line of JSON and a line with the seal over it. */
#include "daemon/facts.h"

#include "base/fd.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/seal.h"
#include "json/json.h"
#include "json/json_write.h"

#include <errno.h>
#include <limits.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

static const struct json_field fields[] = {
        JSON_FIELD_BOOL("released", struct facts, released),
        JSON_FIELD_BOOL("protected", struct facts, is_protected),
        JSON_FIELD_BOOL("moved", struct facts, moved),
        JSON_FIELD_BOOL("exempt", struct facts, exempt),
        JSON_FIELD_INT("extended_until_us", struct facts, extended_until_us, 0, INT64_MAX),
        JSON_FIELD_INT("ended_us", struct facts, ended_us, 0, INT64_MAX),
        JSON_FIELD_STR("ended_why", struct facts, ended_why),
};

static void put_field(struct json_writer *w, const struct facts *f, const struct json_field *row) {
        const char *at = (const char *)f + row->offset;

        if (row->kind == JSON_BOOL)
                json_put_bool(w, row->key, *(const bool *)at);
        else if (row->kind == JSON_INT)
                json_put_int(w, row->key, *(const int64_t *)at);
        else
                json_put_str(w, row->key, at);
}

int facts_write(const struct facts *f, const char *nonce, const unsigned char *key, size_t key_size,
                struct buf *out) {
        struct json_writer w = JSON_WRITER(out);
        char hex[SEAL_HEX_SIZE];

        json_write_object(&w);
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                put_field(&w, f, &fields[i]);
        json_write_object_end(&w);
        if (out->failed)
                return -ENOBUFS;
        seal_text(key, key_size, nonce, buf_str(out), hex);
        buf_addf(out, "\n%s\n", hex);
        return out->failed ? -ENOBUFS : 0;
}

int facts_read(const char *text, size_t n, const char *nonce, const unsigned char *key,
               size_t key_size, struct facts *ret) {
        const char *end = memchr(text, '\n', n);
        char line[FACTS_MAX + 1], hex[SEAL_HEX_SIZE];
        struct facts f = { 0 };
        size_t length;

        if (!end || n > FACTS_MAX)
                return -EBADMSG;
        length = (size_t)(end - text);
        memcpy(line, text, length);
        line[length] = '\0';
        if (n - length - 1 != sizeof(hex) || text[n - 1] != '\n' || strlen(line) != length)
                return -EBADMSG;
        seal_text(key, key_size, nonce, line, hex);
        if (!memeql_sec(hex, end + 1, sizeof(hex) - 1) ||
            json_decode(line, length, fields, ARRAY_SIZE(fields), &f, NULL) < 0)
                return -EBADMSG;
        *ret = f;
        return 0;
}

static void path_of(const struct daemon *d, const char *nonce, char *dst, size_t size) {
        snprintf(dst, size, "%s/facts/%s", d->config.state_dir, nonce);
}

int facts_load(const struct daemon *d, const char *nonce, struct facts *ret) {
        _cleanup_buf_ struct buf text = BUF_INIT(FACTS_MAX);
        char path[PATH_MAX];
        int r;

        *ret = (struct facts){ 0 };
        path_of(d, nonce, path, sizeof(path));
        r = file_read(path, &text);
        if (r == -ENOENT)
                return 0;
        if (r == 0)
                r = facts_read(buf_str(&text), text.len, nonce, d->seal_key, sizeof(d->seal_key),
                               ret);
        if (r < 0)
                log_line(LOG_ERROR, "facts-damaged", "path", path, "error", strerror(-r), NULL);
        return r;
}

int facts_save(const struct daemon *d, const char *nonce, const struct facts *f) {
        _cleanup_buf_ struct buf text = BUF_INIT(FACTS_MAX);
        char path[PATH_MAX];
        int r;

        path_of(d, nonce, path, sizeof(path));
        r = facts_write(f, nonce, d->seal_key, sizeof(d->seal_key), &text);
        if (r == 0)
                r = file_write_atomic(path, 0600, buf_str(&text), text.len);
        if (r < 0)
                log_line(LOG_ERROR, "facts-not-written", "path", path, "error", strerror(-r), NULL);
        return r;
}

void facts_remove(const struct daemon *d, const char *nonce) {
        char path[PATH_MAX];

        path_of(d, nonce, path, sizeof(path));
        unlink(path);
}
