/* Requests: fed whole and byte by byte they must read the same, and what a request was read as must
 * keep the promises of http/request.h. */
#include "base/str.h"
#include "http/request.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static void check_head(const struct http_request *q) {
        check(q->method < HTTP_METHODS && q->target[0] == '/');
        for (size_t i = 0; i < q->n_segments; i++) {
                const char *s = q->segments[i];

                check(*s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0);
                for (; *s; s++)
                        check(*s > 0x20 && *s < 0x7f && *s != '/' && *s != '%' && *s != '\\');
        }
        for (size_t i = 0; i < q->n_query; i++) {
                check(utf8_valid(q->query[i].value, strlen(q->query[i].value)));
                check(http_request_param(q, q->query[i].key) == q->query[i].value);
        }
        check(q->length >= -1);
        check(q->length == 0 || q->method == HTTP_POST || q->method == HTTP_PUT);
}

/* The events and the values, as bytes that can be compared. */
static void tell(const uint8_t *data, size_t size, size_t piece, struct buf *out) {
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20), body = BUF_INIT(256);
        static struct http_request_reader r;
        size_t pos = 0;

        http_request_init(&r);
        for (;;) {
                size_t before = in.len;
                enum http_event event = http_request_feed(&r, &in, &body);

                check(in.len <= before);
                if (event == HTTP_MORE) {
                        size_t count = size - pos < piece ? size - pos : piece;

                        if (count == 0)
                                break;
                        buf_add(&in, data + pos, count);
                        pos += count;
                        continue;
                }
                buf_addf(out, "%d/%d ", event, r.fault);
                if (event == HTTP_BAD)
                        return;
                check_head(&r.head);
                buf_addf(out, "%s %zu %zu %lld %d %d %d %s\n", r.head.target, r.head.n_segments,
                         r.head.n_query, (long long)r.head.length, r.head.media,
                         r.head.expect_continue, r.head.close, r.head.upgrade);
                if (event == HTTP_DONE) {
                        check(r.head.length < 0 || (size_t)r.head.length == body.len);
                        buf_add(out, buf_str(&body), body.len);
                        buf_reset(&body);
                }
        }
        buf_addf(out, "rest %zu", in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_buf_ struct buf whole = BUF_INIT(16 << 20), bytes = BUF_INIT(16 << 20);

        if (size > 1 << 19)
                return 0;
        tell(data, size, 1 << 20, &whole);
        tell(data, size, 1, &bytes);
        check(whole.len == bytes.len && memcmp(buf_str(&whole), buf_str(&bytes), whole.len) == 0);
        return 0;
}
