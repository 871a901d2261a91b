/* Byte buffers with a ceiling. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_release(struct buf *b) {
        free(b->data);
        *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b) {
        b->len = 0;
        b->failed = false;
        if (b->data)
                b->data[0] = '\0';
}

static int grow(struct buf *b, size_t n) {
        size_t need, cap;
        char *p;

        if (n > b->max || b->len > b->max - n) {
                b->failed = true;
                return -ENOBUFS;
        }
        need = b->len + n + 1;
        if (need <= b->cap)
                return 0;
        cap = b->cap ? b->cap : 64;
        while (cap < need)
                cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
        p = realloc(b->data, cap);
        if (!p) {
                b->failed = true;
                return -ENOMEM;
        }
        b->data = p;
        b->cap = cap;
        return 0;
}

char *buf_reserve(struct buf *b, size_t n) {
        return grow(b, n) < 0 ? NULL : b->data + b->len;
}

void buf_commit(struct buf *b, size_t n) {
        b->len += n;
        b->data[b->len] = '\0';
}

int buf_add(struct buf *b, const void *bytes, size_t n) {
        int r = grow(b, n);

        if (r < 0)
                return r;
        if (n > 0)
                memcpy(b->data + b->len, bytes, n);
        buf_commit(b, n);
        return 0;
}

int buf_adds(struct buf *b, const char *s) {
        return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c) {
        return buf_add(b, &c, 1);
}

int buf_addf(struct buf *b, const char *fmt, ...) {
        va_list ap;
        char *at;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0) {
                b->failed = true;
                return -EINVAL;
        }
        at = buf_reserve(b, (size_t)n);
        if (!at)
                return b->max - b->len < (size_t)n ? -ENOBUFS : -ENOMEM;
        va_start(ap, fmt);
        vsnprintf(at, (size_t)n + 1, fmt, ap);
        va_end(ap);
        buf_commit(b, (size_t)n);
        return 0;
}

void buf_consume(struct buf *b, size_t n) {
        if (n == 0)
                return;
        memmove(b->data, b->data + n, b->len - n);
        b->len -= n;
        b->data[b->len] = '\0';
}

const char *buf_str(const struct buf *b) {
        return b->data ? b->data : "";
}
