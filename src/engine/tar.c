/*
 * One regular file out of a tar archive in memory, as the engines' archive call sends it (ustar
 * with pax headers in front where a name or number does not fit). Pure, and strict: every header's
 * checksum must be right and every length must lie inside the archive.
 */
#include "engine/internal.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 512, SIZE_AT = 124, SIZE_LEN = 12, SUM_AT = 148, SUM_LEN = 8, TYPE_AT = 156,
       HEADERS_MAX = 8 };

/* Octal digits, blanks before, NUL or blanks behind. -1 when it is anything else. */
static int64_t octal(const unsigned char *field, size_t n) {
        int64_t value = 0;
        size_t i = 0, digits = 0;

        while (i < n && field[i] == ' ')
                i++;
        for (; i < n && field[i] >= '0' && field[i] <= '7'; i++, digits++)
                value = value * 8 + (field[i] - '0');
        for (; i < n; i++)
                if (field[i] != ' ' && field[i] != '\0')
                        return -1;
        return digits > 0 ? value : -1;
}

static bool checksum_right(const unsigned char *header) {
        int64_t sum = 0;

        for (size_t i = 0; i < BLOCK; i++)
                sum += i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : header[i];
        return sum == octal(header + SUM_AT, SUM_LEN);
}

static bool all_zero(const unsigned char *block) {
        for (size_t i = 0; i < BLOCK; i++)
                if (block[i] != 0)
                        return false;
        return true;
}

int engine_tar_file(const char *bytes, size_t n, struct buf *ret) {
        size_t at = 0;

        for (int headers = 0; headers < HEADERS_MAX; headers++) {
                const unsigned char *header = (const unsigned char *)bytes + at;
                int64_t size;
                char type;
                int r;

                if (n - at < BLOCK)
                        return n == 0 ? -ENOENT : -EINVAL;
                if (all_zero(header))
                        return -ENOENT;
                size = octal(header + SIZE_AT, SIZE_LEN);
                if (!checksum_right(header) || size < 0)
                        return -EINVAL;
                at += BLOCK;
                type = (char)header[TYPE_AT];
                if (type != 'x' && type != 'g' && type != 'L' && type != 'K') {
                        if (type != '0' && type != '\0')
                                return -ENOTSUP;
                        if ((uint64_t)size > n - at)
                                return -EINVAL;
                        if ((uint64_t)size > ret->max - ret->len)
                                return -E2BIG;
                        r = buf_add(ret, bytes + at, (size_t)size);
                        return r < 0 ? -ENOMEM : 0;
                }
                /* What extension headers may say (owner, times, a long name) is of no interest; a
                 * size in one would be for files beyond 8 GiB. */
                if ((uint64_t)size > n - at)
                        return -EINVAL;
                size = (size + BLOCK - 1) / BLOCK * BLOCK;
                if ((uint64_t)size > n - at)
                        return -EINVAL;
                at += (size_t)size;
        }
        return -EINVAL;
}
