/*
 * JSON trees, on jansson: strict reading of strangers' bytes into typed structs, lenient reading of
 * the engine's answers. Writing is in json/json_write.h; reading without a tree (the client) is in
 * json/json_scan.h. Those two do not need jansson, so a program that uses only them does not load
 * it.
 *
 * A request body is described by a table of rows and read in one call:
 *
 *     struct create { char name[64]; int64_t gpus; bool dry_run; char **bases; };
 *     static const struct json_field fields[] = {
 *             JSON_FIELD_STR("name", struct create, name, .required = true),
 *             JSON_FIELD_INT("gpus", struct create, gpus, 0, 64),
 *             JSON_FIELD_BOOL("dry_run", struct create, dry_run),
 *             JSON_FIELD_STRV("bases", struct create, bases, 16, 255),
 *     };
 *     struct create c = { .gpus = 1 };       (defaults)
 *     r = json_decode(bytes, n, fields, ARRAY_SIZE(fields), &c, &err);
 *     ...
 *     json_release(fields, ARRAY_SIZE(fields), &c);
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "json/json_write.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        JSON_STRICT_DEPTH = 16,     /* nesting of a request body */
        JSON_STRICT_NODES = 20000,  /* values in one document */
        JSON_STRICT_STRING = 131072 /* bytes of one string (the kernel's MAX_ARG_STRLEN) */
};

/* One document of strangers' making: valid UTF-8, no BOM, no NUL (raw or \u0000), no lone
 * surrogates, no two keys of one object that are equal or that Go's case folding makes equal, at
 * most @max_depth deep (at most 64) and within the ceilings above; nothing but whitespace around
 * it.
 * *@ret is a new reference (json_decref). 0, -EINVAL (with words naming line or key) or -ENOMEM. */
int json_parse_strict(const char *bytes, size_t n, size_t max_depth, json_t **ret, struct err *err);

/* An answer of the engine or a file of our own: trusted to be JSON, not for what its strings hold.
 * NUL escapes and invalid UTF-8 inside become U+FFFD, and whole numbers beyond 64 bits real ones,
 * so that no single label can make a whole list unreadable; of duplicate keys the last counts.
 * *@ret is a new reference. 0, -EINVAL, -ENOMEM. */
int json_parse(const char *bytes, size_t n, json_t **ret, struct err *err);

enum json_kind {
        JSON_STR,    /* char[size]: an embedded array, always NUL-terminated */
        JSON_STRDUP, /* char *: owned; NULL when absent */
        JSON_INT,    /* int64_t: digits only; no 1e9, 1.0 or "5" */
        JSON_BOOL,   /* bool: true or false */
        JSON_STRV,   /* char **: owned, ended by NULL; NULL when absent, so {} and [] differ */
};

/* One key of a schema object. Write rows with the macros below: they check the member's type. */
struct json_field {
        const char *key;
        enum json_kind kind;
        size_t offset;    /* of the member */
        size_t size;      /* JSON_STR: of the array; JSON_STRDUP, JSON_STRV: most bytes a string */
        int64_t min, max; /* JSON_INT: the value; JSON_STRV: max is the most strings */
        bool required;    /* absent or null is an error */
        size_t seen_offset; /* of a bool that becomes true when the key has a value; 0: none (so it
                               cannot be the first member) */
};

#define JSON_OFFSET_(type, member, wanted)                                                         \
        _Generic(&((type *)0)->member, wanted : offsetof(type, member))
#define JSON_FIELD_STR(name, type, member, ...)                                                    \
        {                                                                                          \
                .key = (name), .kind = JSON_STR,                                                   \
                .offset = JSON_OFFSET_(type, member, char(*)[sizeof(((type *)0)->member)]),        \
                .size = sizeof(((type *)0)->member), ##__VA_ARGS__                                 \
        }
#define JSON_FIELD_STRDUP(name, type, member, most, ...)                                           \
        {                                                                                          \
                .key = (name), .kind = JSON_STRDUP, .offset = JSON_OFFSET_(type, member, char **), \
                .size = (most), ##__VA_ARGS__                                                      \
        }
#define JSON_FIELD_INT(name, type, member, least, most, ...)                                       \
        {                                                                                          \
                .key = (name), .kind = JSON_INT, .offset = JSON_OFFSET_(type, member, int64_t *),  \
                .min = (least), .max = (most), ##__VA_ARGS__                                       \
        }
#define JSON_FIELD_BOOL(name, type, member, ...)                                                   \
        {                                                                                          \
                .key = (name), .kind = JSON_BOOL, .offset = JSON_OFFSET_(type, member, bool *),    \
                ##__VA_ARGS__                                                                      \
        }
#define JSON_FIELD_STRV(name, type, member, most_strings, most_bytes, ...)                         \
        {                                                                                          \
                .key = (name), .kind = JSON_STRV, .offset = JSON_OFFSET_(type, member, char ***),  \
                .size = (most_bytes), .max = (most_strings), ##__VA_ARGS__                         \
        }

/* Reads one strict document, which must be an object, into the struct at @out. No bytes at all
 * count as {}. Unknown keys are refused with a suggestion. null means absent. Members of absent
 * keys keep what they were (defaults); owned ones must be NULL before. On failure @out is as it
 * was. 0, -EINVAL (with words that name the key) or -ENOMEM. */
int json_decode(const char *bytes, size_t n, const struct json_field *fields, size_t nfields,
                void *out, struct err *err);

/* Frees the owned members (JSON_STRDUP, JSON_STRV) and sets them to NULL. */
void json_release(const struct json_field *fields, size_t nfields, void *out);

/* Lenient reading. @obj may be NULL or no object: then, as with an absent key or a value of
 * another type, the answer is NULL or @fallback. Returned pointers live as long as the tree. */
const char *json_str(const json_t *obj, const char *key);
const char *json_str_or(const json_t *obj, const char *key, const char *fallback);
int64_t json_int_or(const json_t *obj, const char *key, int64_t fallback);
bool json_bool_or(const json_t *obj, const char *key, bool fallback);

/* The value below @root along keys ended by NULL: json_at(c, "HostConfig", "Memory", NULL).
 * A borrowed reference, or NULL when any step is missing. (Keys one by one, because label names
 * contain dots and slashes.) */
json_t *json_at(const json_t *root, ...) __attribute__((sentinel));

static inline void json_decrefp_(json_t **j) {
        json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_decrefp_)
