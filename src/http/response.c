/* The reader of responses. */
#include "http/response.h"

#include <string.h>
#include <strings.h>

enum { AT_LINE, AT_FIELDS, AT_BODY, AT_END, AT_STREAM, AT_BAD };

void http_response_init(struct http_response_reader *r, enum http_method method) {
        *r = (struct http_response_reader){ .method = method, .head.length = -1 };
}

static enum http_event bad(struct http_response_reader *r, const char *error) {
        r->error = error;
        r->state = AT_BAD;
        return HTTP_BAD;
}

/* "HTTP/1.1 200 OK"; the words may be missing, with their space or without. */
static const char *read_status_line(struct http_response_reader *r, struct http_span line) {
        int status = 0;

        if (line.n < 12 || memcmp(line.s, "HTTP/1.", 7) != 0 ||
            (line.s[7] != '0' && line.s[7] != '1') || line.s[8] != ' ' ||
            (line.n > 12 && line.s[12] != ' '))
                return "no HTTP/1 status line";
        for (int i = 9; i < 12; i++) {
                if (line.s[i] < '0' || line.s[i] > '9')
                        return "malformed status code";
                status = status * 10 + line.s[i] - '0';
        }
        if (status < 100)
                return "malformed status code";
        r->head.status = status;
        r->head.close = line.s[7] == '0';
        r->state = AT_FIELDS;
        return NULL;
}

enum {
        F_LENGTH, F_CODING, F_TYPE, F_CONNECTION, F_UPGRADE, F_SERVER, F_API, F_LIBPOD, F_STAT,
        F_NOTICE,
};

static const struct {
        const char *name;
        size_t offset, size; /* of the array in struct http_response that takes the value */
        bool lower;
} known_fields[] = {
#define TEXT(field, member, to_lower)                                                             \
        { field, offsetof(struct http_response, member),                                          \
          sizeof(((struct http_response *)0)->member), to_lower }
        [F_LENGTH] = { "content-length" },
        [F_CODING] = { "transfer-encoding" },
        [F_CONNECTION] = { "connection" },
        [F_TYPE] = TEXT("content-type", content_type, true),
        [F_UPGRADE] = TEXT("upgrade", upgrade, true),
        [F_SERVER] = TEXT("server", server, false),
        [F_API] = TEXT("api-version", api_version, false),
        [F_LIBPOD] = TEXT("libpod-api-version", libpod_version, false),
        [F_STAT] = TEXT("x-docker-container-path-stat", path_stat, false),
        [F_NOTICE] = TEXT("ds01-notice", notice, false),
#undef TEXT
};

static const char *take_field(struct http_response_reader *r, unsigned i, struct http_span value) {
        char *text = (char *)&r->head + known_fields[i].offset;

        switch (i) {
        case F_LENGTH:
                if (r->found & 1u << i || http_span_length(value, &r->head.length) < 0)
                        return "malformed Content-Length";
                return NULL;
        case F_CODING:
                if (r->found & 1u << i || !http_span_is(value, "chunked"))
                        return "unknown Transfer-Encoding";
                r->head.chunked = true;
                return NULL;
        case F_CONNECTION:
                r->head.close |= http_list_has(value, "close");
                return NULL;
        default:
                if (known_fields[i].lower)
                        http_span_copy_lower(value, text, known_fields[i].size);
                else
                        http_span_copy(value, text, known_fields[i].size);
                return NULL;
        }
}

static const char *read_field(struct http_response_reader *r, struct http_span line) {
        struct http_span name, value;

        if (++r->fields > HTTP_FIELDS_MAX)
                return "too many header fields";
        if (!http_field_split(line, &name, &value))
                return "malformed header field";
        for (unsigned i = 0; i < ARRAY_SIZE(known_fields); i++)
                if (http_span_is(name, known_fields[i].name)) {
                        const char *error = take_field(r, i, value);

                        r->found |= 1u << i;
                        return error;
                }
        return NULL;
}

/* The empty line behind the fields: how the body is delimited (RFC 9112, 6.3). */
static const char *end_of_head(struct http_response_reader *r) {
        struct http_response *head = &r->head;

        if (head->chunked && head->length >= 0)
                return "both Content-Length and Transfer-Encoding";
        if (head->status == 101) {
                r->state = AT_STREAM;
                return NULL;
        }
        if (head->status < 200) { /* 100 Continue, 103 Early Hints: the real answer follows */
                unsigned interim = r->interim + 1;

                if (interim > HTTP_INTERIM_MAX)
                        return "too many interim answers";
                http_response_init(r, r->method);
                r->interim = interim;
                return NULL;
        }
        r->state = AT_BODY;
        if (r->method == HTTP_HEAD || head->status == 204 || head->status == 304)
                r->body.state = HTTP_BODY_NONE;
        else if (head->chunked)
                r->body.state = HTTP_BODY_CHUNK_SIZE;
        else if (head->length >= 0)
                r->body.state = HTTP_BODY_LENGTH;
        else
                r->body.state = HTTP_BODY_EOF;
        r->body.left = head->length > 0 ? (uint64_t)head->length : 0;
        if (r->body.state == HTTP_BODY_EOF)
                head->close = true;
        return NULL;
}

static enum http_event feed_head(struct http_response_reader *r, const char *data, size_t n,
                                 size_t *pos) {
        while (r->state == AT_LINE || r->state == AT_FIELDS) {
                size_t max = r->state == AT_LINE ? HTTP_LINE_MAX : HTTP_FIELD_MAX;
                struct http_span line;
                const char *error;

                switch (http_line_find(data + *pos, n - *pos, max, &r->seen, &line)) {
                case HTTP_LINE_MORE:
                        return HTTP_MORE;
                case HTTP_LINE_BARE:
                        return bad(r, "a line does not end with CR LF");
                case HTTP_LINE_LONG:
                        return bad(r, "a line of the head is too long");
                case HTTP_LINE_OK:
                        break;
                }
                *pos += line.n + 2;
                r->taken += line.n + 2;
                if (r->taken > HTTP_HEAD_MAX)
                        return bad(r, "the head is too large");
                error = r->state == AT_LINE ? read_status_line(r, line)
                        : line.n == 0       ? end_of_head(r)
                                            : read_field(r, line);
                if (error)
                        return bad(r, error);
        }
        return r->state == AT_STREAM ? HTTP_UPGRADED : HTTP_HEAD_DONE;
}

static enum http_event feed_body(struct http_response_reader *r, const char *data, size_t n,
                                 size_t *pos, struct buf *body) {
        switch (http_body_feed(&r->body, data, n, pos, body)) {
        case HTTP_BODY_MORE:
                return HTTP_MORE;
        case HTTP_BODY_LARGE: /* not without .collect */
        case HTTP_BODY_FULL:
                return HTTP_FULL;
        case HTTP_BODY_DONE:
                r->state = AT_END;
                return HTTP_DONE;
        case HTTP_BODY_BAD_CHUNK:
        case HTTP_BODY_BAD_TRAILER:
                break;
        }
        return bad(r, "malformed chunk");
}

enum http_event http_response_feed(struct http_response_reader *r, struct buf *in,
                                   struct buf *body) {
        const char *data = buf_str(in);
        enum http_event event;
        size_t pos = 0;

        switch (r->state) {
        case AT_BAD:
                return HTTP_BAD;
        case AT_END:
                return HTTP_DONE;
        case AT_STREAM:
                return HTTP_UPGRADED;
        case AT_BODY:
                event = feed_body(r, data, in->len, &pos, body);
                break;
        default:
                event = feed_head(r, data, in->len, &pos);
        }
        buf_consume(in, pos);
        return event;
}

enum http_event http_response_eof(struct http_response_reader *r) {
        switch (r->state) {
        case AT_BAD:
                return HTTP_BAD;
        case AT_END:
                return HTTP_DONE;
        case AT_STREAM:
                return HTTP_UPGRADED;
        case AT_BODY:
                if (r->body.state == HTTP_BODY_EOF || r->body.state == HTTP_BODY_NONE) {
                        r->state = AT_END;
                        return HTTP_DONE;
                }
                return bad(r, "the connection ended in the middle of the answer");
        default:
                return bad(r, r->taken + r->seen + r->interim == 0
                                      ? "the connection ended without an answer"
                                      : "the connection ended in the middle of the answer");
        }
}
