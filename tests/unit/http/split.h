/*
 * Feeds bytes to a reader whole, byte by byte, and in odd pieces. What a reader says must not
 * depend on that, so every row of these tests goes through all of them.
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>

static const size_t split_sizes[] = { 1u << 30, 1, 2, 3, 7, 64 };

/* Moves the next piece of the @n bytes at @bytes to @in; 0 when there is none left. */
static inline size_t split_next(struct buf *in, const char *bytes, size_t n, size_t *pos,
                                size_t piece) {
        size_t count = n - *pos < piece ? n - *pos : piece;

        if (buf_add(in, bytes + *pos, count) < 0)
                abort();
        *pos += count;
        return count;
}
