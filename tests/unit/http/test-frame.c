/* Frames, whole and piecewise. */
#include "http/frame.h"

#include "split.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

/* All frames as text; pieces of one frame are joined. Returns the reader's last answer. */
static int tell(struct http_frame_reader r, const char *bytes, size_t n, size_t piece,
                struct buf *out) {
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
        struct http_frame f;
        bool begun = false;
        size_t pos = 0;
        int k;

        do {
                size_t used = 0;

                while ((k = http_frame_next(&r, in.data, in.len, &used, &f)) > 0) {
                        if (!begun)
                                buf_addf(out, "%d:", f.type);
                        buf_add(out, f.bytes, f.n);
                        begun = !f.last;
                        if (f.last)
                                buf_addc(out, ';');
                }
                if (k < 0)
                        return k;
                buf_consume(&in, used);
        } while (split_next(&in, bytes, n, &pos, piece) > 0);
        return in.len > 0 || r.inside; /* something is unfinished */
}

#define ROW(bytes, whole, pieces, result)                                                          \
        { bytes, sizeof(bytes) - 1, whole, pieces, result }

static const struct {
        const char *bytes;
        size_t n;
        const char *whole, *pieces;
        int result;
} rows[] = {
        ROW("", "", "", 0),
        ROW("\1\0\0\0\0\0\0\3abc", "1:abc;", "1:abc;", 0),
        ROW("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\1x", "1:;2:x;", "1:;2:x;", 0),
        ROW("\377\0\0\0\0\0\0\1x", "255:x;", "255:x;", 0),
        ROW("\1\0\0\0\0\0\0", "", "", 1),
        ROW("\1\0\0\0\0\0\0\3ab", "", "1:ab", 1),
        ROW("\1\0\0\0\0\0\0\1a\1\1\0\0\0\0\0\1b", "1:a;", "1:a;", -EPROTO),
        ROW("\1\0\1\0\0\0\0\1b", "", "", -EPROTO),
        ROW("\1\0\0\1\0\0\0\1b", "", "", -EPROTO),
        ROW("HTTP/1.1 200 OK", "", "", -EPROTO),
};

static void test_rows(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (size_t k = 0; k < ARRAY_SIZE(split_sizes); k++) {
                        _cleanup_buf_ struct buf a = BUF_INIT(1000), b = BUF_INIT(1000);

                        assert_int_equal(
                                tell(HTTP_FRAMES, rows[i].bytes, rows[i].n, split_sizes[k], &a),
                                rows[i].result);
                        assert_string_equal(buf_str(&a), rows[i].whole);
                        assert_int_equal(tell(HTTP_FRAMES_PIECEWISE, rows[i].bytes, rows[i].n,
                                              split_sizes[k], &b),
                                         rows[i].result);
                        assert_string_equal(buf_str(&b), rows[i].pieces);
                }
}

static void test_ceiling(void **state) {
        struct http_frame_reader ours = HTTP_FRAMES, docker = HTTP_FRAMES_PIECEWISE;
        char header[HTTP_FRAME_HEADER];
        struct http_frame f;
        size_t pos = 0;

        http_frame_header(header, 1, HTTP_FRAME_MAX + 1);
        assert_int_equal(http_frame_next(&ours, header, sizeof(header), &pos, &f), -EPROTO);
        pos = 0;
        http_frame_header(header, 1, UINT32_MAX);
        assert_int_equal(http_frame_next(&docker, header, sizeof(header), &pos, &f), 0);
        pos = 0;
        assert_int_equal(http_frame_next(&docker, "abc", 3, &pos, &f), 1);
        assert_int_equal(f.n, 3);
        assert_false(f.last);
        assert_int_equal(docker.left, UINT32_MAX - 3);
}

static void test_write(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);
        _cleanup_buf_ struct buf tight = BUF_INIT(10);
        static char big[HTTP_FRAME_MAX + 1];

        memset(big, 'x', sizeof(big));
        assert_int_equal(http_frame_write(&out, 2, big, sizeof(big)), -EMSGSIZE);
        assert_int_equal(http_frame_write(&out, 2, big, HTTP_FRAME_MAX), 0);
        assert_int_equal(http_frame_write(&out, 7, "", 0), 0);
        assert_int_equal(tell(HTTP_FRAMES, out.data, out.len, 4096, &text), 0);
        assert_int_equal(text.len, 2 + HTTP_FRAME_MAX + 1 + 3);
        assert_string_equal(text.data + text.len - 4, ";7:;");
        assert_int_equal(http_frame_write(&tight, 1, "abc", 3), -ENOBUFS);
        assert_int_equal(tight.len, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
