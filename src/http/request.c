/* The strict reader of requests. One line of the head at a time: a line's verdict depends on its
 * bytes and on the lines before it only, never on how the bytes were split on arrival. */
#include "http/request.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

const char *const http_method_names[HTTP_METHODS] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE",
};

const struct http_fault_row http_faults[HTTP_FAULTS] = {
        [HTTP_FAULT_NONE] = { 200, "no fault" },
        [HTTP_FAULT_LINE_END] = { 400, "lines must end with CR LF" },
        [HTTP_FAULT_REQUEST_LINE] = { 400, "malformed request line" },
        [HTTP_FAULT_VERSION] = { 505, "only HTTP/1.1 is spoken here" },
        [HTTP_FAULT_METHOD] = { 501, "unknown method" },
        [HTTP_FAULT_TARGET_LONG] = { 414, "request line too long" },
        [HTTP_FAULT_PATH] = { 400, "malformed path" },
        [HTTP_FAULT_QUERY] = { 400, "malformed query" },
        [HTTP_FAULT_QUERY_TWICE] = { 400, "a query parameter is given twice" },
        [HTTP_FAULT_HEAD_LARGE] = { 431, "request head too large" },
        [HTTP_FAULT_FIELD] = { 400, "malformed header field" },
        [HTTP_FAULT_FIELD_TWICE] = { 400, "a header field is given twice" },
        [HTTP_FAULT_HOST] = { 400, "no Host header" },
        [HTTP_FAULT_LENGTH] = { 400, "malformed Content-Length" },
        [HTTP_FAULT_LENGTH_AND_CODING] = { 400, "both Content-Length and Transfer-Encoding" },
        [HTTP_FAULT_CODING] = { 501, "unknown Transfer-Encoding" },
        [HTTP_FAULT_EXPECT] = { 417, "unknown expectation" },
        [HTTP_FAULT_MEDIA] = { 415, "bodies must be application/json, uncompressed" },
        [HTTP_FAULT_BODY_UNWANTED] = { 400, "this method takes no body" },
        [HTTP_FAULT_BODY_LARGE] = { 413, "request body too large" },
        [HTTP_FAULT_CHUNK] = { 400, "malformed chunk" },
        [HTTP_FAULT_TRAILER] = { 400, "trailers are not accepted" },
        [HTTP_FAULT_TIMEOUT] = { 408, "the request did not arrive in time" },
};

enum { AT_LINE, AT_FIELDS, AT_BODY, AT_END, AT_BAD };

void http_request_init(struct http_request_reader *r) {
        /* not memset() as a whole: the two large arrays need no clearing */
        r->head.method = HTTP_GET;
        r->head.target[0] = '\0';
        r->head.n_segments = r->head.n_query = 0;
        r->head.length = 0;
        r->head.media = HTTP_MEDIA_NONE;
        r->head.expect_continue = r->head.close = false;
        r->head.upgrade[0] = '\0';
        r->head.takes_notice = false;
        r->fault = HTTP_FAULT_NONE;
        r->state = AT_LINE;
        r->seen = r->taken = 0;
        r->fields = r->found = 0;
        r->connection_upgrade = r->blank_line = false;
        r->body = (struct http_body){ .collect = true, .no_trailers = true };
}

static bool alnum(char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool one_of(char c, const char *set) {
        return c != '\0' && strchr(set, c);
}

static int hex(char c) {
        char lower = (char)(c | 0x20);

        return c >= '0' && c <= '9'           ? c - '0'
               : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                              : -1;
}

/* Decodes @text into @dst: letters, digits and @plain stand for themselves, %XX for its byte,
 * anything else is refused. Returns the bytes written (a NUL follows), or -1. */
static int decode(struct http_span text, const char *plain, char *dst) {
        char *d = dst;

        for (size_t i = 0; i < text.n; i++) {
                char c = text.s[i];

                if (c == '%') {
                        int high = i + 2 < text.n ? hex(text.s[i + 1]) : -1;
                        int low = high >= 0 ? hex(text.s[i + 2]) : -1;

                        if (low < 0)
                                return -1;
                        *d++ = (char)(high << 4 | low);
                        i += 2;
                } else if (alnum(c) || one_of(c, plain)) {
                        *d++ = c;
                } else {
                        return -1;
                }
        }
        *d = '\0';
        return (int)(d - dst);
}

/* Takes the part of *@rest before @separator off its front; false when nothing is left. *@rest.s
 * becomes NULL behind the last part. */
static bool next_part(struct http_span *rest, char separator, struct http_span *ret) {
        const char *at;

        if (!rest->s)
                return false;
        at = memchr(rest->s, separator, rest->n);
        ret->s = rest->s;
        ret->n = at ? (size_t)(at - rest->s) : rest->n;
        rest->s = at ? at + 1 : NULL;
        rest->n = at ? rest->n - ret->n - 1 : 0;
        return true;
}

static enum http_fault read_path(struct http_request_reader *r, struct http_span path, char **at) {
        struct http_span segment;

        if (path.n == 0 || *path.s != '/')
                return HTTP_FAULT_PATH;
        path.s++;
        path.n--;
        if (path.n == 0)
                return HTTP_FAULT_NONE;
        while (next_part(&path, '/', &segment)) {
                int n = decode(segment, "-._~!$&'()*+,:=@", *at);

                if (n <= 0 || strcmp(*at, ".") == 0 || strcmp(*at, "..") == 0 ||
                    r->head.n_segments == HTTP_SEGMENTS_MAX)
                        return HTTP_FAULT_PATH;
                for (int i = 0; i < n; i++)
                        if ((*at)[i] <= 0x20 || (*at)[i] >= 0x7f || one_of((*at)[i], "/%\\"))
                                return HTTP_FAULT_PATH;
                r->head.segments[r->head.n_segments++] = *at;
                *at += n + 1;
        }
        return HTTP_FAULT_NONE;
}

static enum http_fault read_param(struct http_request_reader *r, struct http_span pair, char **at) {
        struct http_param *param = &r->head.query[r->head.n_query];
        const char *equals = memchr(pair.s, '=', pair.n);
        struct http_span key = { pair.s, equals ? (size_t)(equals - pair.s) : 0 };
        struct http_span value = { pair.s + key.n + 1, equals ? pair.n - key.n - 1 : 0 };
        int n;

        if (!equals || key.n == 0 || r->head.n_query == HTTP_QUERY_MAX)
                return HTTP_FAULT_QUERY;
        for (size_t i = 0; i < key.n; i++)
                if (!alnum(key.s[i]) && !one_of(key.s[i], "-._"))
                        return HTTP_FAULT_QUERY;
        n = decode(key, "-._", *at);
        if (n < 0)
                return HTTP_FAULT_QUERY;
        param->key = *at;
        *at += n + 1;
        if (http_request_param(&r->head, param->key))
                return HTTP_FAULT_QUERY_TWICE;
        /* no '+': some write a space so, some mean it */
        n = decode(value, "-._~!$'()*,:=@/?", *at);
        if (n < 0 || !utf8_valid(*at, (size_t)n))
                return HTTP_FAULT_QUERY;
        for (int i = 0; i < n; i++)
                if (((unsigned char)(*at)[i] < 0x20) || (*at)[i] == 0x7f)
                        return HTTP_FAULT_QUERY;
        param->value = *at;
        *at += n + 1;
        r->head.n_query++;
        return HTTP_FAULT_NONE;
}

static enum http_fault read_target(struct http_request_reader *r, struct http_span target) {
        struct http_span path, rest = target, pair;
        char *at = r->decoded;
        enum http_fault fault;

        for (size_t i = 0; i < target.n; i++)
                if (target.s[i] <= 0x20 || target.s[i] >= 0x7f)
                        return HTTP_FAULT_PATH;
        http_span_copy(target, r->head.target, sizeof(r->head.target));
        next_part(&rest, '?', &path);
        fault = read_path(r, path, &at);
        while (fault == HTTP_FAULT_NONE && next_part(&rest, '&', &pair))
                fault = read_param(r, pair, &at);
        return fault;
}

static enum http_fault read_version(struct http_span version) {
        if (version.n != 8 || memcmp(version.s, "HTTP/", 5) != 0 || version.s[6] != '.' ||
            version.s[5] < '0' || version.s[5] > '9' || version.s[7] < '0' || version.s[7] > '9')
                return HTTP_FAULT_REQUEST_LINE;
        return memcmp(version.s + 5, "1.1", 3) == 0 ? HTTP_FAULT_NONE : HTTP_FAULT_VERSION;
}

static enum http_fault read_request_line(struct http_request_reader *r, struct http_span line) {
        struct http_span rest = line, method, target, version;
        enum http_fault fault;

        if (!next_part(&rest, ' ', &method) || !next_part(&rest, ' ', &target) ||
            !next_part(&rest, ' ', &version) || rest.s || !http_is_token(method) || target.n == 0)
                return HTTP_FAULT_REQUEST_LINE;
        fault = read_version(version);
        if (fault != HTTP_FAULT_NONE)
                return fault;
        for (int i = 0; i < HTTP_METHODS; i++)
                if (method.n == strlen(http_method_names[i]) &&
                    memcmp(method.s, http_method_names[i], method.n) == 0) {
                        r->head.method = (enum http_method)i;
                        return read_target(r, target);
                }
        return HTTP_FAULT_METHOD;
}

/* Only JSON and archives are ever read; forms are refused by name because a Go server would merge
 * them with the query, and so would read another request than we do. */
static enum http_fault read_media(struct http_request_reader *r, struct http_span value) {
        static const char *const json[] = {
                "application/json",
                "application/json;charset=utf-8",
                "application/json; charset=utf-8",
        };

        r->head.media = HTTP_MEDIA_OTHER;
        for (size_t i = 0; i < ARRAY_SIZE(json); i++)
                if (http_span_is(value, json[i]))
                        r->head.media = HTTP_MEDIA_JSON;
        if (http_span_is(value, "application/x-tar"))
                r->head.media = HTTP_MEDIA_TAR;
        if ((value.n >= 33 && strncasecmp(value.s, "application/x-www-form-urlencoded", 33) == 0) ||
            (value.n >= 10 && strncasecmp(value.s, "multipart/", 10) == 0))
                return HTTP_FAULT_MEDIA;
        return HTTP_FAULT_NONE;
}

static enum http_fault read_connection(struct http_request_reader *r, struct http_span value) {
        r->head.close |= http_list_has(value, "close");
        r->connection_upgrade |= http_list_has(value, "upgrade");
        return HTTP_FAULT_NONE;
}

static enum http_fault read_host(struct http_request_reader *r, struct http_span value) {
        return HTTP_FAULT_NONE;
}

static enum http_fault read_length(struct http_request_reader *r, struct http_span value) {
        return http_span_length(value, &r->head.length) < 0 ? HTTP_FAULT_LENGTH : HTTP_FAULT_NONE;
}

static enum http_fault read_coding(struct http_request_reader *r, struct http_span value) {
        return http_span_is(value, "chunked") ? HTTP_FAULT_NONE : HTTP_FAULT_CODING;
}

static enum http_fault read_expect(struct http_request_reader *r, struct http_span value) {
        r->head.expect_continue = http_span_is(value, "100-continue");
        return r->head.expect_continue ? HTTP_FAULT_NONE : HTTP_FAULT_EXPECT;
}

static enum http_fault read_upgrade(struct http_request_reader *r, struct http_span value) {
        http_span_copy_lower(value, r->head.upgrade, sizeof(r->head.upgrade));
        return HTTP_FAULT_NONE;
}

static enum http_fault read_encoding(struct http_request_reader *r, struct http_span value) {
        return HTTP_FAULT_MEDIA;
}

static enum http_fault read_notice(struct http_request_reader *r, struct http_span value) {
        r->head.takes_notice = http_span_is(value, "wanted");
        return HTTP_FAULT_NONE;
}

enum {
        F_HOST, F_LENGTH, F_CODING, F_TYPE, F_EXPECT, F_UPGRADE, F_ENCODING, F_CONNECTION, F_NOTICE,
};

/* The fields that mean something here; all others are dropped unread. */
static const struct {
        const char *name;
        bool often; /* may stand more than once */
        enum http_fault (*read)(struct http_request_reader *r, struct http_span value);
} known_fields[] = {
        [F_HOST] = { "host", false, read_host },
        [F_LENGTH] = { "content-length", false, read_length },
        [F_CODING] = { "transfer-encoding", false, read_coding },
        [F_TYPE] = { "content-type", false, read_media },
        [F_EXPECT] = { "expect", false, read_expect },
        [F_UPGRADE] = { "upgrade", false, read_upgrade },
        [F_ENCODING] = { "content-encoding", false, read_encoding },
        [F_CONNECTION] = { "connection", true, read_connection },
        [F_NOTICE] = { "ds01-notice", false, read_notice },
};

static enum http_fault read_field(struct http_request_reader *r, struct http_span line) {
        struct http_span name, value;

        if (++r->fields > HTTP_FIELDS_MAX)
                return HTTP_FAULT_HEAD_LARGE;
        if (!http_field_split(line, &name, &value))
                return HTTP_FAULT_FIELD;
        for (unsigned i = 0; i < ARRAY_SIZE(known_fields); i++) {
                if (!http_span_is(name, known_fields[i].name))
                        continue;
                if (!known_fields[i].often && (r->found & 1u << i))
                        return HTTP_FAULT_FIELD_TWICE;
                r->found |= 1u << i;
                return known_fields[i].read(r, value);
        }
        return HTTP_FAULT_NONE;
}

/* The empty line behind the fields: what they mean together. */
static enum http_fault end_of_head(struct http_request_reader *r) {
        bool chunked = r->found & 1u << F_CODING;
        bool bodiless = r->head.method != HTTP_POST && r->head.method != HTTP_PUT;

        if (!(r->found & 1u << F_HOST))
                return HTTP_FAULT_HOST;
        if (chunked && (r->found & 1u << F_LENGTH))
                return HTTP_FAULT_LENGTH_AND_CODING;
        if (bodiless && (chunked || r->head.length > 0))
                return HTTP_FAULT_BODY_UNWANTED;
        if (!r->connection_upgrade)
                r->head.upgrade[0] = '\0';
        if (chunked)
                r->head.length = -1;
        r->body.state = chunked              ? HTTP_BODY_CHUNK_SIZE
                        : r->head.length > 0 ? HTTP_BODY_LENGTH
                                             : HTTP_BODY_NONE;
        r->body.left = chunked ? 0 : (uint64_t)r->head.length;
        r->state = AT_BODY;
        return HTTP_FAULT_NONE;
}

static enum http_fault read_line(struct http_request_reader *r, struct http_span line) {
        r->taken += line.n + 2;
        if (r->taken > HTTP_HEAD_MAX)
                return HTTP_FAULT_HEAD_LARGE;
        if (r->state == AT_FIELDS)
                return line.n == 0 ? end_of_head(r) : read_field(r, line);
        if (line.n == 0 && !r->blank_line) { /* some clients send one behind a body */
                r->blank_line = true;
                return HTTP_FAULT_NONE;
        }
        r->state = AT_FIELDS;
        return read_request_line(r, line);
}

static enum http_event bad(struct http_request_reader *r, enum http_fault fault) {
        r->fault = fault;
        r->state = AT_BAD;
        return HTTP_BAD;
}

static enum http_event feed_head(struct http_request_reader *r, const char *data, size_t n,
                                 size_t *pos) {
        while (r->state != AT_BODY) {
                size_t max = r->state == AT_LINE ? HTTP_LINE_MAX : HTTP_FIELD_MAX;
                enum http_fault fault;
                struct http_span line;

                switch (http_line_find(data + *pos, n - *pos, max, &r->seen, &line)) {
                case HTTP_LINE_MORE:
                        return HTTP_MORE;
                case HTTP_LINE_BARE:
                        return bad(r, HTTP_FAULT_LINE_END);
                case HTTP_LINE_LONG:
                        return bad(r, r->state == AT_LINE ? HTTP_FAULT_TARGET_LONG
                                                          : HTTP_FAULT_HEAD_LARGE);
                case HTTP_LINE_OK:
                        break;
                }
                *pos += line.n + 2;
                fault = read_line(r, line);
                if (fault != HTTP_FAULT_NONE)
                        return bad(r, fault);
        }
        return HTTP_HEAD_DONE;
}

static enum http_event feed_body(struct http_request_reader *r, const char *data, size_t n,
                                 size_t *pos, struct buf *body) {
        switch (http_body_feed(&r->body, data, n, pos, body)) {
        case HTTP_BODY_MORE:
                return HTTP_MORE;
        case HTTP_BODY_DONE:
                r->state = AT_END;
                return HTTP_DONE;
        case HTTP_BODY_BAD_CHUNK:
                return bad(r, HTTP_FAULT_CHUNK);
        case HTTP_BODY_BAD_TRAILER:
                return bad(r, HTTP_FAULT_TRAILER);
        case HTTP_BODY_FULL: /* a collected one fits, so there was no memory for it */
                if (!r->body.collect)
                        return HTTP_FULL;
                break;
        case HTTP_BODY_LARGE:
                break;
        }
        return bad(r, HTTP_FAULT_BODY_LARGE);
}

enum http_event http_request_feed(struct http_request_reader *r, struct buf *in, struct buf *body) {
        const char *data = buf_str(in);
        enum http_event event;
        size_t pos = 0;

        if (r->state == AT_BAD)
                return HTTP_BAD;
        if (r->state == AT_END)
                http_request_init(r);
        event = r->state == AT_BODY ? feed_body(r, data, in->len, &pos, body)
                                    : feed_head(r, data, in->len, &pos);
        buf_consume(in, pos);
        return event;
}

void http_request_stream_body(struct http_request_reader *r) {
        r->body.collect = false;
}

const char *http_request_param(const struct http_request *q, const char *key) {
        for (size_t i = 0; i < q->n_query; i++)
                if (strcmp(q->query[i].key, key) == 0)
                        return q->query[i].value;
        return NULL;
}
