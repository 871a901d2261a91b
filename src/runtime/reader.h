/*
 * Reading JSON objects by tables, without a tree: a row for each key that matters, the others are
 * passed over. Stricter than JSON where two readers could differ: a key that stands twice, or in
 * another case than it is known in, is an error.
 */
#pragma once

#include "base/err.h"
#include "json/json_scan.h"

#include <stdbool.h>
#include <stddef.h>

struct reader {
        struct json_scan scan;
        struct err *err;
};

/* Called at the value's first token; leaves the scan at its last. 0 or -errno with r->err. */
struct reader_key {
        const char *name;
        int (*read)(struct reader *r, void *ctx);
        bool required; /* null counts as absent */
};

/* Reads the object that begins at the current token; @what names it in messages. */
int reader_object(struct reader *r, const char *what, const struct reader_key *keys, size_t n,
                  void *ctx);
/* Calls @each at the first token of each item of the array at the current token. */
int reader_array(struct reader *r, const char *what, int (*each)(struct reader *r, void *ctx),
                 void *ctx);
/* The current token's value. -EINVAL (with words that name @what) when it is of another type, does
 * not fit, or the text was cut. */
int reader_string(struct reader *r, const char *what, char *dst, size_t size);
int reader_int(struct reader *r, const char *what, int64_t *ret);
int reader_bool(struct reader *r, const char *what, bool *ret);

int reader_malformed(struct reader *r, const char *what);
