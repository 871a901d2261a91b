/*
 * A growing byte buffer that is made with its ceiling. Whatever a peer can make us collect goes
 * into one of these, so that "how much memory can this request cost" is answered where the buffer
 * is declared. The bytes are always followed by a NUL that is not counted in len.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct buf {
        char *data; /* NULL or NUL-terminated */
        size_t len;
        size_t cap;
        size_t max;  /* ceiling of len; never exceeded */
        bool failed; /* an addition was refused; sticky until buf_reset() */
};

#define BUF_INIT(ceiling) ((struct buf){ .max = (ceiling) })

/* Frees the bytes; the ceiling stays, so the buffer can be used again. */
void buf_release(struct buf *b);
/* Empties the buffer without giving the memory back, and clears `failed`. */
void buf_reset(struct buf *b);

/* All additions return 0, -ENOBUFS (over the ceiling) or -ENOMEM; on failure nothing was added
 * and `failed` is set, so a writer may check once at the end. */
int buf_add(struct buf *b, const void *bytes, size_t n);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) _printf_(2, 3);

/* Makes room for @n more bytes and returns where they go, or NULL. Follow with buf_commit(). */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* Drops @n bytes from the front (n <= len). */
void buf_consume(struct buf *b, size_t n);

/* The bytes as a C string: "" when empty. */
const char *buf_str(const struct buf *b);

#define _cleanup_buf_ _cleanup_(buf_release)
