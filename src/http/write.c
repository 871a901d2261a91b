/* Writers of HTTP/1.1. */
#include "http/write.h"

#include <errno.h>
#include <string.h>

const char *http_status_text(int status) {
        static const struct {
                int status;
                const char *text;
        } texts[] = {
                { 100, "Continue" },
                { 101, "Switching Protocols" },
                { 200, "OK" },
                { 201, "Created" },
                { 202, "Accepted" },
                { 204, "No Content" },
                { 304, "Not Modified" },
                { 400, "Bad Request" },
                { 401, "Unauthorized" },
                { 403, "Forbidden" },
                { 404, "Not Found" },
                { 405, "Method Not Allowed" },
                { 408, "Request Timeout" },
                { 409, "Conflict" },
                { 410, "Gone" },
                { 412, "Precondition Failed" },
                { 413, "Content Too Large" },
                { 414, "URI Too Long" },
                { 415, "Unsupported Media Type" },
                { 417, "Expectation Failed" },
                { 422, "Unprocessable Content" },
                { 429, "Too Many Requests" },
                { 431, "Request Header Fields Too Large" },
                { 500, "Internal Server Error" },
                { 501, "Not Implemented" },
                { 502, "Bad Gateway" },
                { 503, "Service Unavailable" },
                { 504, "Gateway Timeout" },
                { 505, "HTTP Version Not Supported" },
                { 507, "Insufficient Storage" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (texts[i].status == status)
                        return texts[i].text;
        return "Unknown";
}

/* A value that stays on its line. NULL passes. */
static bool clean(const char *s) {
        for (; s && *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        return false;
        return true;
}

static bool clean_target(const char *s) {
        if (*s != '/')
                return false;
        for (; *s; s++)
                if (*s <= 0x20 || *s >= 0x7f)
                        return false;
        return true;
}

/* @extra is written by code of ours, but with values of others: whole lines only. */
static bool clean_lines(const char *s) {
        for (; s && *s; s++) {
                size_t n = strcspn(s, "\r\n");

                if (n == 0 || s[n] != '\r' || s[n + 1] != '\n')
                        return false;
                s += n + 1;
        }
        return true;
}

static void fields(struct buf *out, const char *content_type, int64_t length, const char *upgrade,
                   bool close, const char *extra) {
        if (content_type)
                buf_addf(out, "Content-Type: %s\r\n", content_type);
        if (length >= 0)
                buf_addf(out, "Content-Length: %lld\r\n", (long long)length);
        if (length == HTTP_CHUNKED)
                buf_adds(out, "Transfer-Encoding: chunked\r\n");
        if (upgrade)
                buf_addf(out, "Connection: Upgrade\r\nUpgrade: %s\r\n", upgrade);
        else if (close)
                buf_adds(out, "Connection: close\r\n");
        if (extra)
                buf_adds(out, extra);
        buf_adds(out, "\r\n");
}

/* Undoes what was added since @from when an addition failed: a head goes out whole or not. */
static int finish(struct buf *out, size_t from) {
        if (!out->failed)
                return 0;
        out->len = from;
        if (out->data)
                out->data[from] = '\0';
        return -ENOBUFS;
}

int http_write_request(struct buf *out, const struct http_request_out *q) {
        size_t from = out->len;

        if (!clean_target(q->target) || !clean(q->host) || !clean(q->content_type) ||
            !clean(q->upgrade) || !clean_lines(q->extra))
                return -EINVAL;
        buf_addf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", http_method_names[q->method], q->target,
                 q->host ? q->host : "ds01");
        fields(out, q->content_type, q->length, q->upgrade, q->close, q->extra);
        return finish(out, from);
}

int http_write_response(struct buf *out, const struct http_response_out *a) {
        size_t from = out->len;

        if (!clean(a->content_type) || !clean(a->upgrade) || !clean_lines(a->extra))
                return -EINVAL;
        buf_addf(out, "HTTP/1.1 %d %s\r\n", a->status, http_status_text(a->status));
        fields(out, a->content_type,
               a->status == 101 || a->status == 204 ? HTTP_NO_LENGTH : a->length, a->upgrade,
               a->close, a->extra);
        return finish(out, from);
}

int http_write_chunk(struct buf *out, const void *bytes, size_t n) {
        size_t from = out->len;

        if (n == 0)
                return 0;
        buf_addf(out, "%zx\r\n", n);
        buf_add(out, bytes, n);
        buf_add(out, "\r\n", 2);
        return finish(out, from);
}

int http_write_chunk_end(struct buf *out) {
        return buf_add(out, "0\r\n\r\n", 5);
}

static void encode(struct buf *out, const char *s) {
        static const char hex[] = "0123456789ABCDEF";

        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    strchr("-._~", c)) {
                        buf_addc(out, (char)c);
                } else {
                        char triple[3] = { '%', hex[c >> 4], hex[c & 15] };

                        buf_add(out, triple, 3);
                }
        }
}

int http_target_segment(struct buf *target, const char *segment) {
        size_t from = target->len;

        buf_addc(target, '/');
        encode(target, segment);
        return finish(target, from);
}

int http_target_param(struct buf *target, const char *key, const char *value) {
        size_t from = target->len;

        buf_addc(target, memchr(buf_str(target), '?', target->len) ? '&' : '?');
        encode(target, key);
        buf_addc(target, '=');
        encode(target, value);
        return finish(target, from);
}
