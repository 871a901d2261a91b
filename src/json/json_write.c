/* The tree-less JSON writer. */
#include "json/json_write.h"

#include <stdio.h>
#include <string.h>

static void lead(struct json_writer *w) {
        if (w->comma)
                buf_addc(w->buf, ',');
        w->comma = true;
}

static void begin(struct json_writer *w, char bracket) {
        lead(w);
        buf_addc(w->buf, bracket);
        w->comma = false;
}

static void end(struct json_writer *w, char bracket) {
        buf_addc(w->buf, bracket);
        w->comma = true;
}

void json_write_object(struct json_writer *w) {
        begin(w, '{');
}

void json_write_object_end(struct json_writer *w) {
        end(w, '}');
}

void json_write_array(struct json_writer *w) {
        begin(w, '[');
}

void json_write_array_end(struct json_writer *w) {
        end(w, ']');
}

/* Length of the valid UTF-8 sequence of two to four bytes at @s, or 0. */
static size_t sequence(const unsigned char *s, size_t n) {
        static const struct {
                unsigned char first, last, low, high; /* range of byte 1, then of byte 2 */
                size_t len;
        } forms[] = {
                { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
                { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
                { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                if (s[0] < forms[i].first || s[0] > forms[i].last)
                        continue;
                if (n < forms[i].len || s[1] < forms[i].low || s[1] > forms[i].high)
                        return 0;
                for (size_t k = 2; k < forms[i].len; k++)
                        if ((s[k] & 0xc0) != 0x80)
                                return 0;
                return forms[i].len;
        }
        return 0;
}

static void escape(struct buf *b, unsigned char c) {
        switch (c) {
        case '"':
                buf_add(b, "\\\"", 2);
                break;
        case '\\':
                buf_add(b, "\\\\", 2);
                break;
        case '\n':
                buf_add(b, "\\n", 2);
                break;
        case '\r':
                buf_add(b, "\\r", 2);
                break;
        case '\t':
                buf_add(b, "\\t", 2);
                break;
        default:
                buf_addf(b, "\\u%04x", c);
        }
}

static void quoted(struct buf *b, const char *text, size_t n) {
        const unsigned char *s = (const unsigned char *)text;
        size_t i = 0, plain = 0; /* bytes from `plain` on still wait to be copied as they are */

        buf_addc(b, '"');
        while (i < n) {
                size_t len;

                if (s[i] < 0x80 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && s[i] != 0x7f) {
                        i++;
                        continue;
                }
                len = s[i] >= 0x80 ? sequence(s + i, n - i) : 0;
                if (len > 0) {
                        i += len;
                        continue;
                }
                buf_add(b, text + plain, i - plain);
                if (s[i] >= 0x80)
                        buf_add(b, "\xef\xbf\xbd", 3);
                else
                        escape(b, s[i]);
                plain = ++i;
        }
        buf_add(b, text + plain, n - plain);
        buf_addc(b, '"');
}

void json_write_key(struct json_writer *w, const char *key) {
        lead(w);
        quoted(w->buf, key, strlen(key));
        buf_addc(w->buf, ':');
        w->comma = false;
}

void json_write_strn(struct json_writer *w, const char *s, size_t n) {
        lead(w);
        quoted(w->buf, s, n);
}

void json_write_str(struct json_writer *w, const char *s) {
        if (s)
                json_write_strn(w, s, strlen(s));
        else
                json_write_null(w);
}

/* Decimal digits of @value, at least @width of them, in front of @end; returns where they begin. */
static char *digits(char *end, uint64_t value, int width) {
        for (; value > 0 || width > 0; value /= 10, width--)
                *--end = (char)('0' + value % 10);
        return end;
}

void json_write_int(struct json_writer *w, int64_t value) {
        char text[24], *end = text + sizeof(text), *p;

        p = digits(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
        if (value < 0)
                *--p = '-';
        lead(w);
        buf_add(w->buf, p, (size_t)(end - p));
}

void json_write_double(struct json_writer *w, double value, int decimals) {
        static const uint64_t scales[] = { 1,      10,      100,      1000,      10000,
                                           100000, 1000000, 10000000, 100000000, 1000000000 };
        char text[40], *end = text + sizeof(text), *p = end;
        uint64_t scaled, scale = scales[decimals < 0 ? 0 : decimals > 9 ? 9 : decimals];
        double size = (value < 0 ? -value : value) * (double)scale;

        if (!(size < 1e18)) {
                json_write_null(w);
                return;
        }
        scaled = (uint64_t)(size + 0.5);
        if (scale > 1) {
                p = digits(p, scaled % scale, decimals > 9 ? 9 : decimals);
                *--p = '.';
        }
        p = digits(p, scaled / scale, 1);
        if (value < 0 && scaled > 0)
                *--p = '-';
        lead(w);
        buf_add(w->buf, p, (size_t)(end - p));
}

void json_write_bool(struct json_writer *w, bool value) {
        lead(w);
        buf_adds(w->buf, value ? "true" : "false");
}

void json_write_null(struct json_writer *w) {
        lead(w);
        buf_adds(w->buf, "null");
}

void json_put_str(struct json_writer *w, const char *key, const char *s) {
        json_write_key(w, key);
        json_write_str(w, s);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value) {
        json_write_key(w, key);
        json_write_int(w, value);
}

void json_put_double(struct json_writer *w, const char *key, double value, int decimals) {
        json_write_key(w, key);
        json_write_double(w, value, decimals);
}

void json_put_bool(struct json_writer *w, const char *key, bool value) {
        json_write_key(w, key);
        json_write_bool(w, value);
}
