/* Reads a strict document into a struct by a table of its keys. Everything is checked before
 * anything is stored, so that a refused body leaves the struct as it was. */
#include "json/json.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const kind_words[] = {
        [JSON_STR] = "a string",           [JSON_STRDUP] = "a string",
        [JSON_INT] = "a whole number",     [JSON_BOOL] = "true or false",
        [JSON_STRV] = "a list of strings",
};

static int wrong_kind(const struct json_field *f, struct err *err) {
        return err_set(err, EINVAL, "'%s' must be %s", f->key, kind_words[f->kind]);
}

/* Bytes that a string of this field may have. */
static size_t string_ceiling(const struct json_field *f) {
        return f->kind == JSON_STR ? f->size - 1 : f->size;
}

static int check_string(const struct json_field *f, const json_t *value, struct err *err) {
        if (!json_is_string(value))
                return wrong_kind(f, err);
        if (json_string_length(value) > string_ceiling(f))
                return err_set(err, EINVAL, "'%s' is longer than %zu bytes", f->key,
                               string_ceiling(f));
        return 0;
}

static int check_value(const struct json_field *f, const json_t *value, struct err *err) {
        const json_t *item;
        size_t i;

        switch (f->kind) {
        case JSON_STR:
        case JSON_STRDUP:
                return check_string(f, value, err);
        case JSON_INT:
                if (!json_is_integer(value))
                        return wrong_kind(f, err);
                if (json_integer_value(value) < f->min || json_integer_value(value) > f->max)
                        return err_set(err, EINVAL, "'%s' must be between %lld and %lld", f->key,
                                       (long long)f->min, (long long)f->max);
                return 0;
        case JSON_BOOL:
                return json_is_boolean(value) ? 0 : wrong_kind(f, err);
        case JSON_STRV:
                if (!json_is_array(value))
                        return wrong_kind(f, err);
                if (json_array_size(value) > (size_t)f->max)
                        return err_set(err, EINVAL, "'%s' has more than %lld items", f->key,
                                       (long long)f->max);
                json_array_foreach(value, i, item) {
                        int r = check_string(f, item, err);

                        if (r < 0)
                                return r;
                }
                return 0;
        }
        return -EINVAL;
}

static void strv_free(char **items) {
        for (char **p = items; p && *p; p++)
                free(*p);
        free(items);
}

static int store_strv(const json_t *value, char ***ret) {
        size_t n = json_array_size(value);
        char **items = calloc(n + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                items[i] = strdup(json_string_value(json_array_get(value, i)));
                if (!items[i]) {
                        strv_free(items);
                        return -ENOMEM;
                }
        }
        *ret = items;
        return 0;
}

/* A value that check_value() has passed. */
static int store_value(const struct json_field *f, const json_t *value, void *member) {
        switch (f->kind) {
        case JSON_STR:
                memcpy(member, json_string_value(value), json_string_length(value) + 1);
                return 0;
        case JSON_STRDUP:
                *(char **)member = strdup(json_string_value(value));
                return *(char **)member ? 0 : -ENOMEM;
        case JSON_INT:
                *(int64_t *)member = json_integer_value(value);
                return 0;
        case JSON_BOOL:
                *(bool *)member = json_is_true(value);
                return 0;
        case JSON_STRV:
                return store_strv(value, member);
        }
        return 0;
}

static const struct json_field *find(const struct json_field *fields, size_t n, const char *key) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(fields[i].key, key) == 0)
                        return &fields[i];
        return NULL;
}

/* Distance that still reads as a slip of the finger. */
enum { SLIP = 2 };

static int unknown_key(const struct json_field *fields, size_t n, const char *key,
                       struct err *err) {
        const struct json_field *near = NULL;
        unsigned best = SLIP + 1;
        char shown[64];

        str_printable(shown, sizeof(shown), key);
        for (size_t i = 0; i < n; i++) {
                unsigned distance = str_distance(fields[i].key, key);

                if (strcasecmp(fields[i].key, key) == 0)
                        return err_set(err, EINVAL,
                                       "unknown key '%s': keys are case-sensitive, did you mean "
                                       "'%s'?",
                                       shown, fields[i].key);
                if (distance < best) {
                        best = distance;
                        near = &fields[i];
                }
        }
        if (near)
                return err_set(err, EINVAL, "unknown key '%s', did you mean '%s'?", shown,
                               near->key);
        return err_set(err, EINVAL, "unknown key '%s'", shown);
}

static int check_object(json_t *object, const struct json_field *fields, size_t n,
                        struct err *err) {
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) {
                const struct json_field *f = find(fields, n, key);
                int r;

                if (!f)
                        return unknown_key(fields, n, key, err);
                if (json_is_null(value))
                        continue;
                r = check_value(f, value, err);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n; i++) {
                value = json_object_get(object, fields[i].key);
                if (fields[i].required && (!value || json_is_null(value)))
                        return err_set(err, EINVAL, value ? "'%s' must not be null"
                                                          : "'%s' is missing",
                                       fields[i].key);
        }
        return 0;
}

/* Owned members first: only they can fail, and then nothing else was stored. */
static int store_object(json_t *object, const struct json_field *fields, size_t n, void *out) {
        for (int owned = 1; owned >= 0; owned--)
                for (size_t i = 0; i < n; i++) {
                        const struct json_field *f = &fields[i];
                        json_t *value = json_object_get(object, f->key);
                        int r;

                        if (!value || json_is_null(value) ||
                            (f->kind == JSON_STRDUP || f->kind == JSON_STRV) != owned)
                                continue;
                        r = store_value(f, value, (char *)out + f->offset);
                        if (r < 0) {
                                json_release(fields, n, out);
                                return r;
                        }
                }
        for (size_t i = 0; i < n; i++) {
                const json_t *value = json_object_get(object, fields[i].key);

                if (fields[i].seen_offset && value && !json_is_null(value))
                        *(bool *)((char *)out + fields[i].seen_offset) = true;
        }
        return 0;
}

int json_decode(const char *bytes, size_t n, const struct json_field *fields, size_t nfields,
                void *out, struct err *err) {
        _cleanup_json_ json_t *tree = NULL;
        int r;

        if (n == 0) {
                bytes = "{}";
                n = 2;
        }
        r = json_parse_strict(bytes, n, JSON_STRICT_DEPTH, &tree, err);
        if (r < 0)
                return r;
        if (!json_is_object(tree))
                return err_set(err, EINVAL, "JSON: must be an object");
        r = check_object(tree, fields, nfields, err);
        if (r < 0)
                return r;
        r = store_object(tree, fields, nfields, out);
        return r < 0 ? err_set(err, ENOMEM, "JSON: out of memory") : 0;
}

void json_release(const struct json_field *fields, size_t nfields, void *out) {
        for (size_t i = 0; i < nfields; i++) {
                void *member = (char *)out + fields[i].offset;

                if (fields[i].kind == JSON_STRDUP) {
                        free(*(char **)member);
                        *(char **)member = NULL;
                } else if (fields[i].kind == JSON_STRV) {
                        strv_free(*(char ***)member);
                        *(char ***)member = NULL;
                }
        }
}
