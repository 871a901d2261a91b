/* See reader.h. */
#include "runtime/reader.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { KEY_SIZE = 64 };

int reader_malformed(struct reader *r, const char *what) {
        return err_set(r->err, EINVAL, "'%s' is not what it should be", what);
}

/* The row of the current key, -ENOENT for one that is of no interest, -EINVAL. */
static int find_key(struct reader *r, const char *what, const struct reader_key *keys, size_t n) {
        char name[KEY_SIZE];

        if (json_scan_str(&r->scan, name, sizeof(name)) < 0)
                return -ENOENT; /* longer than any of ours */
        for (size_t i = 0; i < n; i++) {
                if (strcmp(keys[i].name, name) == 0)
                        return (int)i;
                /* Go's reader would take it. */
                if (strcasecmp(keys[i].name, name) == 0)
                        return err_set(r->err, EINVAL, "'%s' says '%s' for '%s'", what, name,
                                       keys[i].name);
        }
        return -ENOENT;
}

int reader_object(struct reader *r, const char *what, const struct reader_key *keys, size_t n,
                  void *ctx) {
        struct json_scan *s = &r->scan;
        uint32_t met = 0, seen = 0;

        if (s->token != JSON_SCAN_OBJECT)
                return reader_malformed(r, what);
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                int at = find_key(r, what, keys, n), e;

                if (at == -EINVAL)
                        return at;
                json_scan_next(s);
                if (at < 0) {
                        json_scan_skip(s);
                        continue;
                }
                if (met & 1u << at)
                        return err_set(r->err, EINVAL, "'%s' has '%s' twice", what, keys[at].name);
                met |= 1u << at;
                if (s->token == JSON_SCAN_NULL)
                        continue;
                seen |= 1u << at;
                e = keys[at].read(r, ctx);
                if (e < 0)
                        return e;
        }
        if (s->token != JSON_SCAN_OBJECT_END)
                return reader_malformed(r, what);
        for (size_t i = 0; i < n; i++)
                if (keys[i].required && !(seen & 1u << i))
                        return err_set(r->err, EINVAL, "'%s' has no '%s'", what, keys[i].name);
        return 0;
}

int reader_array(struct reader *r, const char *what, int (*each)(struct reader *r, void *ctx),
                 void *ctx) {
        struct json_scan *s = &r->scan;

        if (s->token != JSON_SCAN_ARRAY)
                return reader_malformed(r, what);
        while (json_scan_next(s) != JSON_SCAN_ARRAY_END) {
                int e = s->failed ? reader_malformed(r, what) : each(r, ctx);

                if (e < 0)
                        return e;
        }
        return 0;
}

int reader_string(struct reader *r, const char *what, char *dst, size_t size) {
        return r->scan.token == JSON_SCAN_STRING && json_scan_str(&r->scan, dst, size) == 0
                       ? 0
                       : reader_malformed(r, what);
}

int reader_int(struct reader *r, const char *what, int64_t *ret) {
        return json_scan_int(&r->scan, ret) == 0 ? 0 : reader_malformed(r, what);
}

int reader_bool(struct reader *r, const char *what, bool *ret) {
        return json_scan_bool(&r->scan, ret) == 0 ? 0 : reader_malformed(r, what);
}
