/* Strict and lenient JSON trees on jansson. What jansson does not refuse by itself (depth, number
 * of values, keys that only case folding makes equal) is refused around it here. */
#include "json/json.h"

#include "base/str.h"
#include "json/json_scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static unsigned line_of(const char *bytes, const char *at) {
        unsigned line = 1;

        for (const char *p = bytes; p < at; p++)
                line += *p == '\n';
        return line;
}

static const char *token_problem(const struct json_scan *s, size_t max_depth, size_t nodes) {
        if (s->depth > max_depth)
                return "is nested too deeply";
        if (nodes > JSON_STRICT_NODES)
                return "has too many values";
        if ((s->token == JSON_SCAN_KEY || s->token == JSON_SCAN_STRING) &&
            s->len > JSON_STRICT_STRING)
                return "has a string that is too long";
        return NULL;
}

/* Goes over the document once before jansson allocates or recurses for any of it. This also refuses
 * what follows a raw NUL behind the document: jansson 2.14 takes that for the end. */
static int check_shape(const char *bytes, size_t n, size_t max_depth, struct err *err) {
        struct json_scan s = JSON_SCAN(bytes, n);
        size_t nodes = 0;

        for (;;) {
                enum json_scan_token token = json_scan_next(&s);
                const char *problem;

                if (token == JSON_SCAN_END)
                        return 0;
                if (token == JSON_SCAN_ERROR)
                        return err_set(err, EINVAL, "JSON: line %u cannot be read",
                                       line_of(bytes, s.at));
                nodes += token != JSON_SCAN_OBJECT_END && token != JSON_SCAN_ARRAY_END &&
                         token != JSON_SCAN_KEY;
                problem = token_problem(&s, max_depth, nodes);
                if (problem)
                        return err_set(err, EINVAL, "JSON: line %u %s", line_of(bytes, s.at),
                                       problem);
        }
}

/* One character of a key under the folding that Go's encoding/json applies to field names: ASCII
 * case, and the two characters outside ASCII that fold into it. *@len: the bytes it takes. */
static unsigned char fold(const char *s, size_t *len) {
        unsigned char c = (unsigned char)*s;

        *len = 1;
        if (c == 0xc5 && strncmp(s, "\xc5\xbf", 2) == 0) { /* U+017F, long s */
                *len = 2;
                return 's';
        }
        if (c == 0xe2 && strncmp(s, "\xe2\x84\xaa", 3) == 0) { /* U+212A, Kelvin sign */
                *len = 3;
                return 'k';
        }
        return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static int compare_folded(const char *a, const char *b) {
        for (;;) {
                size_t n, m;
                unsigned char x = fold(a, &n), y = fold(b, &m);

                if (x != y)
                        return x < y ? -1 : 1;
                if (x == '\0')
                        return 0;
                a += n;
                b += m;
        }
}

static int compare_keys(const void *a, const void *b) {
        return compare_folded(*(const char *const *)a, *(const char *const *)b);
}

static int check_keys_of(json_t *object, struct err *err) {
        _cleanup_free_ const char **keys = NULL;
        size_t n = json_object_size(object), i = 0;
        const char *key;
        json_t *value;

        if (n < 2)
                return 0;
        keys = calloc(n, sizeof(*keys));
        if (!keys)
                return err_set(err, ENOMEM, "JSON: out of memory");
        json_object_foreach(object, key, value)
                keys[i++] = key;
        qsort(keys, n, sizeof(*keys), compare_keys);
        for (i = 1; i < n; i++)
                if (compare_folded(keys[i - 1], keys[i]) == 0) {
                        char a[64], b[64];

                        str_printable(a, sizeof(a), keys[i - 1]);
                        str_printable(b, sizeof(b), keys[i]);
                        return err_set(err, EINVAL, "JSON: keys '%s' and '%s' differ only by case",
                                       a, b);
                }
        return 0;
}

/* Recursion is bounded: check_shape() has seen the depth. */
static int check_keys(json_t *value, struct err *err) {
        const char *key;
        json_t *child;
        size_t i;
        int r;

        if (json_is_object(value)) {
                r = check_keys_of(value, err);
                if (r < 0)
                        return r;
                json_object_foreach(value, key, child) {
                        r = check_keys(child, err);
                        if (r < 0)
                                return r;
                }
        }
        json_array_foreach(value, i, child) {
                r = check_keys(child, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* jansson's own words, which may quote the document. */
static int report(const json_error_t *error, struct err *err) {
        char text[JSON_ERROR_TEXT_LENGTH];

        if (json_error_code(error) == json_error_out_of_memory)
                return err_set(err, ENOMEM, "JSON: out of memory");
        str_printable(text, sizeof(text), error->text);
        return err_set(err, EINVAL, "JSON: line %d: %s", error->line, text);
}

int json_parse_strict(const char *bytes, size_t n, size_t max_depth, json_t **ret,
                      struct err *err) {
        _cleanup_json_ json_t *tree = NULL;
        json_error_t error;
        int r;

        if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
                return err_set(err, EINVAL, "JSON: begins with a byte order mark");
        r = check_shape(bytes, n, max_depth, err);
        if (r < 0)
                return r;
        tree = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        if (!tree)
                return report(&error, err);
        r = check_keys(tree, err);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}

/* Length of the UTF-8 sequence that @s begins with, or 0 when it is none. */
static size_t utf8_len(const char *s, size_t n) {
        for (size_t len = 1; len <= 4 && len <= n; len++)
                if (utf8_valid(s, len))
                        return len;
        return 0;
}

/* Bytes of the number at @s when it is whole and may be too large for jansson's 64 bits (podman
 * writes unsigned ones), else 0. */
static size_t large_number(const char *s, size_t n) {
        size_t len = 0;

        while (len < n && s[len] >= '0' && s[len] <= '9')
                len++;
        return len >= 19 && (len == n || !strchr(".eE", s[len])) ? len : 0;
}

/* A copy of @bytes in which U+FFFD stands for NUL escapes and for bytes that are no UTF-8, and
 * very large whole numbers are real ones. */
static int repair(const char *bytes, size_t n, struct buf *ret) {
        bool quoted = false;
        int r = 0;

        for (size_t i = 0; i < n && r == 0;) {
                size_t len;

                quoted ^= bytes[i] == '"';
                if (n - i >= 6 && memcmp(bytes + i, "\\u0000", 6) == 0) {
                        r = buf_adds(ret, "\\ufffd");
                        i += 6;
                } else if (bytes[i] == '\\' && n - i >= 2 && (unsigned char)bytes[i + 1] < 0x80) {
                        r = buf_add(ret, bytes + i, 2);
                        i += 2;
                } else if (!quoted && (len = large_number(bytes + i, n - i)) > 0) {
                        buf_add(ret, bytes + i, len);
                        r = buf_adds(ret, ".0");
                        i += len;
                } else {
                        len = utf8_len(bytes + i, n - i);
                        r = len ? buf_add(ret, bytes + i, len) : buf_adds(ret, "\xef\xbf\xbd");
                        i += len ? len : 1;
                }
        }
        return r;
}

int json_parse(const char *bytes, size_t n, json_t **ret, struct err *err) {
        _cleanup_buf_ struct buf repaired = BUF_INIT(n < SIZE_MAX / 4 ? 3 * n : n);
        json_error_t error;
        json_t *tree;

        tree = json_loadb(bytes, n, JSON_DECODE_ANY, &error);
        if (!tree && n > 0) {
                if (repair(bytes, n, &repaired) < 0)
                        return err_set(err, ENOMEM, "JSON: out of memory");
                tree = json_loadb(repaired.data, repaired.len, JSON_DECODE_ANY, &error);
        }
        if (!tree)
                return report(&error, err);
        *ret = tree;
        return 0;
}

const char *json_str(const json_t *obj, const char *key) {
        return json_string_value(json_object_get(obj, key));
}

const char *json_str_or(const json_t *obj, const char *key, const char *fallback) {
        const char *s = json_str(obj, key);

        return s ? s : fallback;
}

int64_t json_int_or(const json_t *obj, const char *key, int64_t fallback) {
        const json_t *value = json_object_get(obj, key);

        return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_bool_or(const json_t *obj, const char *key, bool fallback) {
        const json_t *value = json_object_get(obj, key);

        return json_is_boolean(value) ? json_is_true(value) : fallback;
}

json_t *json_at(const json_t *root, ...) {
        const char *key;
        json_t *at = NULL;
        va_list ap;

        va_start(ap, root);
        while ((key = va_arg(ap, const char *))) {
                at = json_object_get(root, key);
                root = at;
        }
        va_end(ap);
        return at;
}
