/* Frames: whole and byte by byte the same, pieces join to the whole, and what was read writes back
 * to the same bytes. */
#include "http/frame.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

/* Complete frames, written anew into @out. Returns the last answer of the reader. */
static int copy(struct http_frame_reader r, const uint8_t *data, size_t size, size_t piece,
                struct buf *out) {
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20), payload = BUF_INIT(1 << 20);
        size_t pos = 0, count;
        int k;

        do {
                struct http_frame f;
                size_t used = 0;

                while ((k = http_frame_next(&r, in.data, in.len, &used, &f)) > 0) {
                        check(used <= in.len && f.n <= in.len);
                        buf_add(&payload, f.bytes, f.n);
                        if (!f.last)
                                continue;
                        check(http_frame_write(out, f.type, buf_str(&payload), payload.len) == 0);
                        buf_reset(&payload);
                }
                buf_consume(&in, used);
                if (k < 0)
                        return k;
                count = size - pos < piece ? size - pos : piece;
                buf_add(&in, data + pos, count);
                pos += count;
        } while (count > 0);
        return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_buf_ struct buf whole = BUF_INIT(1 << 20), bytes = BUF_INIT(1 << 20);
        _cleanup_buf_ struct buf pieces = BUF_INIT(1 << 20);
        struct http_frame_reader piecewise = { .max = HTTP_FRAME_MAX, .piecewise = true };
        int r;

        if (size > 1 << 19)
                return 0;
        r = copy(HTTP_FRAMES, data, size, 1 << 20, &whole);
        check(r == copy(HTTP_FRAMES, data, size, 1, &bytes));
        check(r == copy(piecewise, data, size, 3, &pieces));
        check(whole.len == bytes.len && whole.len == pieces.len && whole.len <= size);
        check(memcmp(buf_str(&whole), buf_str(&bytes), whole.len) == 0);
        check(memcmp(buf_str(&whole), buf_str(&pieces), whole.len) == 0);
        check(memcmp(buf_str(&whole), data, whole.len) == 0);
        return 0;
}
