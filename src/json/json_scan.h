/*
 * Reads a JSON document in memory from front to back, token by token, without building a tree
 * (jansson needs 16 ms for a megabyte, more than the client may take for everything). Complete in
 * what it refuses: a document that reaches JSON_SCAN_END was valid JSON in valid UTF-8. The bytes
 * must outlive the scan; token texts point into them.
 *
 *     struct json_scan s = JSON_SCAN(bytes, n);
 *     if (json_scan_next(&s) == JSON_SCAN_ARRAY)
 *             while (json_scan_next(&s) == JSON_SCAN_OBJECT)
 *                     while (json_scan_next(&s) == JSON_SCAN_KEY)
 *                             if (json_scan_is(&s, "name"))
 *                                     json_scan_get_str(&s, name, sizeof(name));
 *                             else
 *                                     json_scan_skip(&s);
 *     if (s.failed) ...
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_SCAN_DEPTH = 64 };

enum json_scan_token {
        JSON_SCAN_END,   /* the document is complete */
        JSON_SCAN_ERROR, /* not JSON, too deep or cut short; from then on every call says so */
        JSON_SCAN_OBJECT,
        JSON_SCAN_OBJECT_END,
        JSON_SCAN_ARRAY,
        JSON_SCAN_ARRAY_END,
        JSON_SCAN_KEY,
        JSON_SCAN_STRING,
        JSON_SCAN_NUMBER,
        JSON_SCAN_TRUE,
        JSON_SCAN_FALSE,
        JSON_SCAN_NULL,
};

struct json_scan {
        const char *start, *at, *end;
        const char
                *text; /* KEY, STRING: what is between the quotes, as written; NUMBER: its digits */
        size_t len;
        enum json_scan_token token; /* the current one */
        unsigned depth;
        uint64_t objects; /* bit i: level i + 1 is an object */
        bool escaped;     /* the current string has backslashes */
        bool begun;
        bool failed; /* JSON_SCAN_ERROR was met */
};

#define JSON_SCAN(bytes, n)                                                                        \
        ((struct json_scan){ .start = (bytes), .at = (bytes), .end = (bytes) + (n) })

/* Goes to the next token and returns it. */
enum json_scan_token json_scan_next(struct json_scan *s);

/* Skips what the current token begins: after a KEY its value, at OBJECT or ARRAY everything to its
 * end; at any other token nothing. Returns the token it stops at (JSON_SCAN_ERROR on error). */
enum json_scan_token json_scan_skip(struct json_scan *s);

/* True when the current KEY or STRING is @text. */
bool json_scan_is(const struct json_scan *s, const char *text);

/* The current KEY or STRING with escapes resolved, always NUL-terminated. A NUL inside becomes
 * U+FFFD. 0, -ENOBUFS (cut at a character; the beginning is there) or -EINVAL (other token). */
int json_scan_str(const struct json_scan *s, char *dst, size_t size);
/* The current NUMBER: -EINVAL when it is no number, has a fraction or exponent, or does not fit. */
int json_scan_int(const struct json_scan *s, int64_t *ret);
int json_scan_double(const struct json_scan *s, double *ret);
int json_scan_bool(const struct json_scan *s, bool *ret);

/* The same for the value after the current KEY: goes to it and reads it. A value of another type
 * (null too) is skipped whole and gives -EINVAL with @ret untouched, so a loop over keys can ignore
 * the result and keep its default. */
int json_scan_get_str(struct json_scan *s, char *dst, size_t size);
int json_scan_get_int(struct json_scan *s, int64_t *ret);
int json_scan_get_double(struct json_scan *s, double *ret);
int json_scan_get_bool(struct json_scan *s, bool *ret);

/* Where the text of a member goes. */
struct json_text {
        const char *key;
        char *dst;
        size_t size;
};

/* Reads the value after the current KEY if that is one of @texts; else nothing, and false. */
bool json_scan_text(struct json_scan *s, const struct json_text *texts, size_t n);
