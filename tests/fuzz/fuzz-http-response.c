/* Responses: fed whole, byte by byte and into a body buffer of few bytes they must read the same.
 * The first byte of the input chooses the request's method. */
#include "http/response.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static void tell(const uint8_t *data, size_t size, size_t piece, size_t room, struct buf *out) {
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20), body = BUF_INIT(room);
        struct http_response_reader r;
        enum http_event event;
        size_t pos = 1;

        http_response_init(&r, (enum http_method)(data[0] % HTTP_METHODS));
        do {
                event = http_response_feed(&r, &in, &body);
                if (event == HTTP_MORE) {
                        size_t count = size - pos < piece ? size - pos : piece;

                        buf_add(&in, data + pos, count);
                        pos += count;
                        if (count == 0)
                                event = http_response_eof(&r);
                }
                if (event == HTTP_FULL)
                        check(body.len == room);
                buf_add(out, buf_str(&body), body.len);
                buf_reset(&body);
                if (event == HTTP_HEAD_DONE) {
                        check(r.head.status >= 200 && r.head.status <= 999);
                        check(!(r.head.chunked && r.head.length >= 0));
                        buf_addf(out, "%d %lld %s %s %s\n", r.head.status, (long long)r.head.length,
                                 r.head.content_type, r.head.server, r.head.path_stat);
                }
        } while (event == HTTP_MORE || event == HTTP_FULL || event == HTTP_HEAD_DONE);
        check(event == HTTP_DONE || event == HTTP_UPGRADED || (event == HTTP_BAD && r.error));
        buf_addf(out, "%d %zu %s", event, event == HTTP_BAD ? 0 : in.len + size - pos,
                 event == HTTP_BAD ? r.error : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct {
                size_t piece, room;
        } ways[] = { { 1, 1 << 20 }, { 1, 3 }, { 5, 1 }, { 1 << 20, 7 } };
        _cleanup_buf_ struct buf whole = BUF_INIT(16 << 20);

        if (size == 0 || size > 1 << 19)
                return 0;
        tell(data, size, 1 << 20, 1 << 20, &whole);
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                _cleanup_buf_ struct buf other = BUF_INIT(16 << 20);

                tell(data, size, ways[i].piece, ways[i].room, &other);
                check(whole.len == other.len &&
                      memcmp(buf_str(&whole), buf_str(&other), whole.len) == 0);
        }
        return 0;
}
