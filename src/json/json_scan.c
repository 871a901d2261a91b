/* The tree-less JSON reader: one pass, a bit for each open level, no memory of its own. */
#include "json/json_scan.h"

#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum json_scan_token fail(struct json_scan *s) {
        s->failed = true;
        return s->token = JSON_SCAN_ERROR;
}

static void space(struct json_scan *s) {
        while (s->at < s->end &&
               (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
                s->at++;
}

static bool in_object(const struct json_scan *s) {
        return s->depth > 0 && (s->objects >> (s->depth - 1) & 1);
}

/* The four digits of a \u escape, or -1. */
static int hex4(const char *p, const char *end) {
        int value = 0;

        if (end - p < 4)
                return -1;
        for (int i = 0; i < 4; i++) {
                char c = p[i];
                int digit = c >= '0' && c <= '9'   ? c - '0'
                            : c >= 'a' && c <= 'f' ? c - 'a' + 10
                            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                   : -1;

                if (digit < 0)
                        return -1;
                value = value * 16 + digit;
        }
        return value;
}

/* The code point of the escape at @p (behind its backslash); *@len becomes the bytes it takes from
 * there on. -1 for what is no escape, a half of a surrogate pair included. */
static int32_t unescape(const char *p, const char *end, size_t *len) {
        static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        const char *found;
        int high, low;

        if (p >= end)
                return -1;
        *len = 1;
        found = *p ? strchr(letters, *p) : NULL;
        if (found)
                return meanings[found - letters];
        if (*p != 'u')
                return -1;
        *len = 5;
        high = hex4(p + 1, end);
        if (high < 0xd800 || high > 0xdfff)
                return high;
        if (high > 0xdbff || end - p < 11 || p[5] != '\\' || p[6] != 'u')
                return -1;
        low = hex4(p + 7, end);
        if (low < 0xdc00 || low > 0xdfff)
                return -1;
        *len = 11;
        return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* A string from its opening quote on. */
static bool string(struct json_scan *s) {
        const char *p = s->at + 1;
        bool ascii = true;
        size_t len;

        s->escaped = false;
        for (; p < s->end && *p != '"'; p++) {
                if ((unsigned char)*p < 0x20)
                        return false;
                if (*p == '\\') {
                        if (unescape(p + 1, s->end, &len) < 0)
                                return false;
                        s->escaped = true;
                        p += len;
                } else if ((unsigned char)*p >= 0x80) {
                        ascii = false;
                }
        }
        if (p >= s->end)
                return false;
        s->text = s->at + 1;
        s->len = (size_t)(p - s->text);
        s->at = p + 1;
        return ascii || utf8_valid(s->text, s->len);
}

static const char *digits(const char *p, const char *end) {
        while (p < end && *p >= '0' && *p <= '9')
                p++;
        return p;
}

static bool number(struct json_scan *s) {
        const char *p = s->at, *from;

        if (*p == '-')
                p++;
        from = p;
        p = digits(p, s->end);
        if (p == from || (*from == '0' && p - from > 1))
                return false;
        if (p < s->end && *p == '.') {
                from = ++p;
                p = digits(p, s->end);
                if (p == from)
                        return false;
        }
        if (p < s->end && (*p == 'e' || *p == 'E')) {
                p++;
                if (p < s->end && (*p == '+' || *p == '-'))
                        p++;
                from = p;
                p = digits(p, s->end);
                if (p == from)
                        return false;
        }
        s->text = s->at;
        s->len = (size_t)(p - s->at);
        s->at = p;
        return true;
}

static bool word(struct json_scan *s, const char *text) {
        size_t n = strlen(text);

        if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0)
                return false;
        s->at += n;
        return true;
}

static enum json_scan_token open_level(struct json_scan *s, bool object) {
        if (s->depth == JSON_SCAN_DEPTH)
                return fail(s);
        s->at++;
        s->objects &= ~(UINT64_C(1) << s->depth);
        s->objects |= (uint64_t)object << s->depth;
        s->depth++;
        return s->token = object ? JSON_SCAN_OBJECT : JSON_SCAN_ARRAY;
}

static enum json_scan_token value(struct json_scan *s) {
        if (s->at >= s->end)
                return fail(s);
        switch (*s->at) {
        case '{':
                return open_level(s, true);
        case '[':
                return open_level(s, false);
        case '"':
                return string(s) ? (s->token = JSON_SCAN_STRING) : fail(s);
        case 't':
                return word(s, "true") ? (s->token = JSON_SCAN_TRUE) : fail(s);
        case 'f':
                return word(s, "false") ? (s->token = JSON_SCAN_FALSE) : fail(s);
        case 'n':
                return word(s, "null") ? (s->token = JSON_SCAN_NULL) : fail(s);
        default:
                if (*s->at != '-' && (*s->at < '0' || *s->at > '9'))
                        return fail(s);
                return number(s) ? (s->token = JSON_SCAN_NUMBER) : fail(s);
        }
}

static enum json_scan_token key(struct json_scan *s) {
        if (s->at >= s->end || *s->at != '"' || !string(s))
                return fail(s);
        space(s);
        if (s->at >= s->end || *s->at != ':')
                return fail(s);
        s->at++;
        return s->token = JSON_SCAN_KEY;
}

enum json_scan_token json_scan_next(struct json_scan *s) {
        enum json_scan_token before = s->token;
        bool first = before == JSON_SCAN_OBJECT || before == JSON_SCAN_ARRAY;

        if (s->failed)
                return JSON_SCAN_ERROR;
        space(s);
        if (!s->begun) {
                s->begun = true;
                return value(s);
        }
        if (before == JSON_SCAN_KEY)
                return value(s);
        if (s->depth == 0)
                return s->at == s->end ? (s->token = JSON_SCAN_END) : fail(s);
        if (s->at >= s->end)
                return fail(s);
        if (*s->at == (in_object(s) ? '}' : ']')) {
                s->token = in_object(s) ? JSON_SCAN_OBJECT_END : JSON_SCAN_ARRAY_END;
                s->at++;
                s->depth--;
                return s->token;
        }
        if (!first) {
                if (*s->at != ',')
                        return fail(s);
                s->at++;
                space(s);
        }
        return in_object(s) ? key(s) : value(s);
}

enum json_scan_token json_scan_skip(struct json_scan *s) {
        unsigned depth;

        if (s->token == JSON_SCAN_KEY)
                json_scan_next(s);
        if (s->token != JSON_SCAN_OBJECT && s->token != JSON_SCAN_ARRAY)
                return s->token;
        depth = s->depth;
        while (!s->failed && s->depth >= depth)
                json_scan_next(s);
        return s->token;
}

bool json_scan_is(const struct json_scan *s, const char *text) {
        size_t n = strlen(text);
        char copy[256];

        if (s->token != JSON_SCAN_KEY && s->token != JSON_SCAN_STRING)
                return false;
        if (!s->escaped)
                return s->len == n && memcmp(s->text, text, n) == 0;
        return n < sizeof(copy) && json_scan_str(s, copy, sizeof(copy)) == 0 &&
               strcmp(copy, text) == 0;
}

static size_t utf8_encode(uint32_t cp, char dst[4]) {
        if (cp < 0x80) {
                dst[0] = (char)cp;
                return 1;
        }
        if (cp < 0x800) {
                dst[0] = (char)(0xc0 | cp >> 6);
                dst[1] = (char)(0x80 | (cp & 0x3f));
                return 2;
        }
        if (cp < 0x10000) {
                dst[0] = (char)(0xe0 | cp >> 12);
                dst[1] = (char)(0x80 | (cp >> 6 & 0x3f));
                dst[2] = (char)(0x80 | (cp & 0x3f));
                return 3;
        }
        dst[0] = (char)(0xf0 | cp >> 18);
        dst[1] = (char)(0x80 | (cp >> 12 & 0x3f));
        dst[2] = (char)(0x80 | (cp >> 6 & 0x3f));
        dst[3] = (char)(0x80 | (cp & 0x3f));
        return 4;
}

int json_scan_str(const struct json_scan *s, char *dst, size_t size) {
        const char *p = s->text, *end;
        size_t used = 0;

        if (s->token != JSON_SCAN_KEY && s->token != JSON_SCAN_STRING)
                return -EINVAL;
        end = s->text + s->len;
        while (p < end) {
                unsigned char c = (unsigned char)*p;
                size_t taken, n;
                char encoded[4];

                if (c == '\\') {
                        int32_t cp = unescape(p + 1, end, &taken);

                        taken++;
                        n = utf8_encode(cp > 0 ? (uint32_t)cp : 0xfffd, encoded);
                } else {
                        taken = n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
                        memcpy(encoded, p, n);
                }
                if (used + n >= size)
                        break;
                memcpy(dst + used, encoded, n);
                used += n;
                p += taken;
        }
        dst[used] = '\0';
        return p < end ? -ENOBUFS : 0;
}

int json_scan_int(const struct json_scan *s, int64_t *ret) {
        char copy[24];

        if (s->token != JSON_SCAN_NUMBER || s->len >= sizeof(copy))
                return -EINVAL;
        memcpy(copy, s->text, s->len);
        copy[s->len] = '\0';
        return str_to_i64(copy, INT64_MIN, INT64_MAX, ret) < 0 ? -EINVAL : 0;
}

int json_scan_double(const struct json_scan *s, double *ret) {
        char copy[512], *point;
        double value;

        if (s->token != JSON_SCAN_NUMBER || s->len >= sizeof(copy))
                return -EINVAL;
        memcpy(copy, s->text, s->len);
        copy[s->len] = '\0';
        point = strchr(copy, '.');
        if (point) /* strtod() wants the locale's; all of glibc's are one byte or begin so */
                *point = localeconv()->decimal_point[0];
        value = strtod(copy, NULL);
        if (!isfinite(value))
                return -EINVAL;
        *ret = value;
        return 0;
}

int json_scan_bool(const struct json_scan *s, bool *ret) {
        if (s->token != JSON_SCAN_TRUE && s->token != JSON_SCAN_FALSE)
                return -EINVAL;
        *ret = s->token == JSON_SCAN_TRUE;
        return 0;
}

int json_scan_get_str(struct json_scan *s, char *dst, size_t size) {
        json_scan_skip(s);
        return json_scan_str(s, dst, size);
}

int json_scan_get_int(struct json_scan *s, int64_t *ret) {
        json_scan_skip(s);
        return json_scan_int(s, ret);
}

int json_scan_get_double(struct json_scan *s, double *ret) {
        json_scan_skip(s);
        return json_scan_double(s, ret);
}

int json_scan_get_bool(struct json_scan *s, bool *ret) {
        json_scan_skip(s);
        return json_scan_bool(s, ret);
}

bool json_scan_text(struct json_scan *s, const struct json_text *texts, size_t n) {
        for (size_t i = 0; i < n; i++) {
                if (!json_scan_is(s, texts[i].key))
                        continue;
                json_scan_get_str(s, texts[i].dst, texts[i].size);
                return true;
        }
        return false;
}
