/* See tar.h. */
#include "base/tar.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { OCTAL_MAX_BITS = 33 }; /* of the fields for sizes and times: 11 octal digits */

struct header {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
        char magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

static const char zeros[2 * TAR_BLOCK];

static unsigned checksum(const struct header *h) {
        const unsigned char *bytes = (const unsigned char *)h;
        size_t first = offsetof(struct header, sum);
        unsigned sum = 0;

        for (size_t i = 0; i < TAR_BLOCK; i++)
                sum += i >= first && i < first + sizeof(h->sum) ? ' ' : bytes[i];
        return sum;
}

static void put_number(char *field, size_t size, int64_t value) {
        (void)snprintf(field, size, "%0*llo", (int)size - 1, (unsigned long long)value);
}

static void put_header(struct buf *out, char type, const char *name, const char *link, int64_t size,
                       unsigned mode, int64_t mtime) {
        struct header h = { .type = type, .magic = "ustar\00000", .user = "root", .group = "root" };

        memcpy(h.name, name, strnlen(name, sizeof(h.name)));
        memcpy(h.link, link, strnlen(link, sizeof(h.link)));
        put_number(h.mode, sizeof(h.mode), mode & 01777);
        put_number(h.uid, sizeof(h.uid), 0);
        put_number(h.gid, sizeof(h.gid), 0);
        put_number(h.size, sizeof(h.size), size >> OCTAL_MAX_BITS ? 0 : size);
        put_number(h.mtime, sizeof(h.mtime), mtime < 0 || mtime >> OCTAL_MAX_BITS ? 0 : mtime);
        put_number(h.sum, sizeof(h.sum) - 1, checksum(&h));
        h.sum[7] = ' ';
        buf_add(out, &h, sizeof(h));
}

/* The length counts its own digits. */
static void add_record(struct buf *pax, const char *key, const char *value) {
        size_t n = strlen(key) + strlen(value) + 3, digits = 1;

        for (size_t limit = 10; n + digits >= limit; limit *= 10)
                digits++;
        buf_addf(pax, "%zu %s=%s\n", n + digits, key, value);
}

int tar_put_padding(struct buf *out, int64_t size) {
        if (size % TAR_BLOCK)
                buf_add(out, zeros, TAR_BLOCK - (size_t)(size % TAR_BLOCK));
        return out->failed ? -ENOBUFS : 0;
}

int tar_put_entry(struct buf *out, char type, const char *name, const char *link, int64_t size,
                  unsigned mode, int64_t mtime) {
        _cleanup_buf_ struct buf pax = BUF_INIT(3 * TAR_NAME_MAX);
        char text[32];

        if (strlen(name) > sizeof(((struct header *)0)->name))
                add_record(&pax, "path", name);
        if (strlen(link) > sizeof(((struct header *)0)->link))
                add_record(&pax, "linkpath", link);
        (void)snprintf(text, sizeof(text), "%lld", (long long)size);
        if (size >> OCTAL_MAX_BITS)
                add_record(&pax, "size", text);
        if (pax.len > 0) {
                put_header(out, 'x', "pax", "", (int64_t)pax.len, 0644, 0);
                buf_add(out, pax.data, pax.len);
                tar_put_padding(out, (int64_t)pax.len);
        }
        put_header(out, type, name, link, size, mode, mtime);
        return out->failed || pax.failed ? -ENOBUFS : 0;
}

int tar_put_end(struct buf *out) {
        return buf_add(out, zeros, sizeof(zeros));
}
