/* Lines, fields and bodies of HTTP/1.1. */
#include "http/wire.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum http_line http_line_find(const char *data, size_t n, size_t max, size_t *seen,
                              struct http_span *line) {
        const char *lf = n > *seen ? memchr(data + *seen, '\n', n - *seen) : NULL;
        size_t at = lf ? (size_t)(lf - data) : n;

        if (at > max + 1)
                return HTTP_LINE_LONG;
        *seen = at;
        if (!lf)
                return HTTP_LINE_MORE;
        if (at == 0 || data[at - 1] != '\r')
                return HTTP_LINE_BARE;
        *line = (struct http_span){ data, at - 1 };
        *seen = 0;
        return HTTP_LINE_OK;
}

static bool token_char(char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_token(struct http_span span) {
        for (size_t i = 0; i < span.n; i++)
                if (!token_char(span.s[i]))
                        return false;
        return span.n > 0;
}

static struct http_span trim(struct http_span span) {
        while (span.n > 0 && (*span.s == ' ' || *span.s == '\t')) {
                span.s++;
                span.n--;
        }
        while (span.n > 0 && (span.s[span.n - 1] == ' ' || span.s[span.n - 1] == '\t'))
                span.n--;
        return span;
}

bool http_field_split(struct http_span line, struct http_span *name, struct http_span *value) {
        const char *colon = memchr(line.s, ':', line.n);

        if (!colon)
                return false;
        *name = (struct http_span){ line.s, (size_t)(colon - line.s) };
        if (!http_is_token(*name))
                return false;
        *value = trim((struct http_span){ colon + 1, line.n - name->n - 1 });
        for (size_t i = 0; i < value->n; i++) {
                unsigned char c = (unsigned char)value->s[i];

                if ((c < 0x20 && c != '\t') || c == 0x7f)
                        return false;
        }
        return true;
}

bool http_span_is(struct http_span span, const char *text) {
        return span.n == strlen(text) && strncasecmp(span.s, text, span.n) == 0;
}

bool http_list_has(struct http_span value, const char *token) {
        while (value.n > 0) {
                const char *comma = memchr(value.s, ',', value.n);
                size_t n = comma ? (size_t)(comma - value.s) : value.n;

                if (http_span_is(trim((struct http_span){ value.s, n }), token))
                        return true;
                n += comma != NULL;
                value.s += n;
                value.n -= n;
        }
        return false;
}

void http_span_copy(struct http_span span, char *dst, size_t size) {
        if (span.n >= size)
                span.n = 0;
        memcpy(dst, span.s, span.n);
        dst[span.n] = '\0';
}

void http_span_copy_lower(struct http_span span, char *dst, size_t size) {
        http_span_copy(span, dst, size);
        for (; *dst; dst++)
                if (*dst >= 'A' && *dst <= 'Z')
                        *dst = (char)(*dst | 0x20);
}

int http_span_length(struct http_span span, int64_t *ret) {
        char copy[20];

        if (span.n == 0 || span.n >= sizeof(copy) || *span.s == '-')
                return -EINVAL;
        http_span_copy(span, copy, sizeof(copy));
        return str_to_i64(copy, 0, INT64_MAX, ret) < 0 ? -EINVAL : 0;
}

/* Moves what there is and fits; true when all that was left has been moved. */
static bool move(struct http_body *b, const char *data, size_t n, size_t *pos, struct buf *out) {
        size_t room = out->max - out->len, count = n - *pos;

        if (count > b->left)
                count = (size_t)b->left;
        if (count > room)
                count = room;
        if (count > 0 && buf_add(out, data + *pos, count) == 0) {
                *pos += count;
                b->left -= count;
        }
        return b->left == 0;
}

static int chunk_size(struct http_span line, uint64_t *ret) {
        uint64_t value = 0;

        if (line.n == 0 || line.n > HTTP_CHUNK_LINE_MAX)
                return -EINVAL;
        for (size_t i = 0; i < line.n; i++) {
                char c = line.s[i], lower = (char)(c | 0x20);

                if (c >= '0' && c <= '9')
                        value = value << 4 | (uint64_t)(c - '0');
                else if (lower >= 'a' && lower <= 'f')
                        value = value << 4 | (uint64_t)(lower - 'a' + 10);
                else
                        return -EINVAL;
        }
        *ret = value;
        return 0;
}

static enum http_body_event trailer(struct http_body *b, struct http_span line) {
        struct http_span name, value;

        if (line.n == 0) {
                b->state = HTTP_BODY_NONE;
                return HTTP_BODY_DONE;
        }
        b->trailers += line.n + 2;
        if (b->no_trailers || b->trailers > HTTP_LINE_MAX || !http_field_split(line, &name, &value))
                return HTTP_BODY_BAD_TRAILER;
        return HTTP_BODY_MORE;
}

/* A line of the framing: a chunk's size, what follows its data, or a trailer. */
static enum http_body_event framing(struct http_body *b, struct http_span line,
                                    const struct buf *out) {
        if (b->state == HTTP_BODY_TRAILER)
                return trailer(b, line);
        if (b->state == HTTP_BODY_CHUNK_END) {
                b->state = HTTP_BODY_CHUNK_SIZE;
                return line.n == 0 ? HTTP_BODY_MORE : HTTP_BODY_BAD_CHUNK;
        }
        if (chunk_size(line, &b->left) < 0)
                return HTTP_BODY_BAD_CHUNK;
        if (b->collect && b->left > out->max - out->len)
                return HTTP_BODY_LARGE;
        b->state = b->left > 0 ? HTTP_BODY_CHUNK_DATA : HTTP_BODY_TRAILER;
        return HTTP_BODY_MORE;
}

static enum http_body_event framing_line(struct http_body *b, const char *data, size_t n,
                                         size_t *pos, const struct buf *out, bool *progress) {
        size_t max = b->state == HTTP_BODY_CHUNK_SIZE  ? HTTP_CHUNK_LINE_MAX
                     : b->state == HTTP_BODY_CHUNK_END ? 0
                                                       : HTTP_LINE_MAX;
        struct http_span line;

        switch (http_line_find(data + *pos, n - *pos, max, &b->seen, &line)) {
        case HTTP_LINE_OK:
                *pos += line.n + 2;
                *progress = true;
                return framing(b, line, out);
        case HTTP_LINE_MORE:
                return HTTP_BODY_MORE;
        default:
                return b->state == HTTP_BODY_TRAILER ? HTTP_BODY_BAD_TRAILER : HTTP_BODY_BAD_CHUNK;
        }
}

enum http_body_event http_body_feed(struct http_body *b, const char *data, size_t n, size_t *pos,
                                    struct buf *out) {
        for (;;) {
                enum http_body_event event = HTTP_BODY_MORE;
                bool progress = false;

                switch (b->state) {
                case HTTP_BODY_NONE:
                        return HTTP_BODY_DONE;
                case HTTP_BODY_EOF:
                        b->left = UINT64_MAX;
                        move(b, data, n, pos, out);
                        return *pos < n ? HTTP_BODY_FULL : HTTP_BODY_MORE;
                case HTTP_BODY_LENGTH:
                        if (b->collect && b->left > out->max - out->len)
                                return HTTP_BODY_LARGE;
                        if (!move(b, data, n, pos, out))
                                return *pos < n ? HTTP_BODY_FULL : HTTP_BODY_MORE;
                        b->state = HTTP_BODY_NONE;
                        return HTTP_BODY_DONE;
                case HTTP_BODY_CHUNK_DATA:
                        if (!move(b, data, n, pos, out))
                                return *pos < n ? HTTP_BODY_FULL : HTTP_BODY_MORE;
                        b->state = HTTP_BODY_CHUNK_END;
                        break;
                case HTTP_BODY_CHUNK_SIZE:
                case HTTP_BODY_CHUNK_END:
                case HTTP_BODY_TRAILER:
                        event = framing_line(b, data, n, pos, out, &progress);
                        if (event != HTTP_BODY_MORE || !progress)
                                return event;
                }
        }
}
