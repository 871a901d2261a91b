/* String helpers; see the header for the contracts. */
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool str_copy(char *dst, size_t size, const char *src) {
        size_t n = strlen(src);
        bool fits = n < size;

        if (!fits)
                n = size - 1;
        memcpy(dst, src, n);
        dst[n] = '\0';
        return fits;
}

bool str_equal(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

char *str_dup(const char *s) {
        return s ? strdup(s) : NULL;
}

int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret) {
        bool negative = *s == '-';
        uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
        int64_t result;

        if (negative)
                s++;
        if (*s == '\0')
                return -EINVAL;
        for (; *s; s++) {
                uint64_t digit = (uint64_t)(*s - '0');

                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (value <= limit && value > (limit - digit) / 10)
                        value = limit + 1; /* out of range, but keep looking for a non-digit */
                else if (value <= limit)
                        value = value * 10 + digit;
        }
        if (value > limit)
                return -ERANGE;
        result = negative ? (int64_t)(0 - value) : (int64_t)value;
        if (result < min || result > max)
                return -ERANGE;
        *ret = result;
        return 0;
}

static int unit_shift(const char *unit) {
        static const char letters[] = "kmgt";
        char c = (char)(*unit | 0x20);
        const char *at;

        if (*unit == '\0' || ((c == 'b') && unit[1] == '\0'))
                return 0;
        at = c ? strchr(letters, c) : NULL;
        if (!at)
                return -1;
        unit++;
        if (*unit == 'i' || *unit == 'I')
                unit++;
        if (*unit == 'b' || *unit == 'B')
                unit++;
        return *unit ? -1 : (int)(at - letters + 1) * 10;
}

int str_to_bytes(const char *s, int64_t *ret) {
        uint64_t whole = 0, fraction = 0, scale = 1, bytes;
        int shift, digits = 0;

        for (; *s >= '0' && *s <= '9'; s++, digits++) {
                if (whole > (uint64_t)INT64_MAX / 10 - 1)
                        return -ERANGE;
                whole = whole * 10 + (uint64_t)(*s - '0');
        }
        if (digits == 0)
                return -EINVAL;
        if (*s == '.') {
                s++;
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                for (; *s >= '0' && *s <= '9'; s++)
                        if (scale < 1000000) {
                                fraction = fraction * 10 + (uint64_t)(*s - '0');
                                scale *= 10;
                        }
        }
        shift = unit_shift(s);
        if (shift < 0)
                return -EINVAL;
        if (whole > (uint64_t)INT64_MAX >> shift)
                return -ERANGE;
        bytes = (whole << shift) + ((fraction << shift) / scale);
        if (bytes > INT64_MAX)
                return -ERANGE;
        *ret = (int64_t)bytes;
        return 0;
}

/* Decodes one code point; returns its length in bytes or 0 when the bytes are not UTF-8. */
static size_t utf8_decode(const char *s, size_t n, uint32_t *ret) {
        const unsigned char *u = (const unsigned char *)s;
        uint32_t cp, min;
        size_t len, i;

        if (n == 0)
                return 0;
        if (u[0] < 0x80) {
                *ret = u[0];
                return 1;
        }
        if (u[0] >= 0xc2 && u[0] <= 0xdf)
                len = 2, cp = u[0] & 0x1f, min = 0x80;
        else if (u[0] >= 0xe0 && u[0] <= 0xef)
                len = 3, cp = u[0] & 0x0f, min = 0x800;
        else if (u[0] >= 0xf0 && u[0] <= 0xf4)
                len = 4, cp = u[0] & 0x07, min = 0x10000;
        else
                return 0;
        if (n < len)
                return 0;
        for (i = 1; i < len; i++) {
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
                cp = cp << 6 | (u[i] & 0x3f);
        }
        if (cp < min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
                return 0;
        *ret = cp;
        return len;
}

bool utf8_valid(const char *s, size_t n) {
        uint32_t cp;

        while (n > 0) {
                size_t len = utf8_decode(s, n, &cp);

                if (len == 0)
                        return false;
                s += len;
                n -= len;
        }
        return true;
}

static size_t code_point_width(uint32_t cp) {
        static const struct {
                uint32_t first, last;
                size_t width;
        } ranges[] = {
                { 0x0300, 0x036f, 0 },   { 0x200b, 0x200f, 0 },   { 0x20d0, 0x20ff, 0 },
                { 0xfe00, 0xfe0f, 0 },   { 0xfe20, 0xfe2f, 0 },   { 0x1100, 0x115f, 2 },
                { 0x2e80, 0xa4cf, 2 },   { 0xac00, 0xd7a3, 2 },   { 0xf900, 0xfaff, 2 },
                { 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },
                { 0x1f300, 0x1f64f, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
        };

        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
                if (cp >= ranges[i].first && cp <= ranges[i].last)
                        return ranges[i].width;
        return 1;
}

size_t utf8_width(const char *s) {
        size_t n = strlen(s), width = 0;
        uint32_t cp;

        while (n > 0) {
                size_t len = utf8_decode(s, n, &cp);

                width += len ? code_point_width(cp) : 1;
                len = len ? len : 1;
                s += len;
                n -= len;
        }
        return width;
}

void utf8_cut(char *s, size_t width) {
        size_t n = strlen(s);

        while (n > 0 && (utf8_width(s) > width || !utf8_valid(s, n)))
                s[--n] = '\0';
}

size_t str_printable_bytes(const char *s, size_t n) {
        uint32_t cp = 0;
        size_t len = utf8_decode(s, n, &cp);
        bool bad = cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029 ||
                   (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);

        return bad ? 0 : len;
}

void str_printable(char *dst, size_t size, const char *src) {
        size_t n = strlen(src), used = 0;
        uint32_t cp;

        while (n > 0) {
                size_t good = str_printable_bytes(src, n);
                size_t out = good ? good : 1, len = utf8_decode(src, n, &cp);

                if (used + out >= size)
                        break;
                if (good)
                        memcpy(dst + used, src, good);
                else
                        dst[used] = '?';
                used += out;
                len = len ? len : 1;
                src += len;
                n -= len;
        }
        dst[used] = '\0';
}

enum { DISTANCE_MAX = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c) {
        unsigned m = a < b ? a : b;

        return m < c ? m : c;
}

unsigned str_distance(const char *a, const char *b) {
        unsigned rows[3][DISTANCE_MAX + 1];
        size_t n = strnlen(a, DISTANCE_MAX), m = strnlen(b, DISTANCE_MAX);

        for (size_t j = 0; j <= m; j++)
                rows[0][j] = (unsigned)j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3],
                         *above2 = rows[(i + 1) % 3];

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= m; j++) {
                        row[j] = min3(above[j] + 1, row[j - 1] + 1,
                                      above[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            above2[j - 2] + 1 < row[j])
                                row[j] = above2[j - 2] + 1;
                }
        }
        return rows[n % 3][m];
}
