/* The response reader, with what dockerd, podman and ds01d send. */
#include "http/response.h"

#include "split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

/* The answer as text: status, fields, body, how it ended. @room: of the body buffer, which is
 * emptied whenever it is full. */
static void tell(const char *bytes, size_t n, size_t piece, enum http_method method, size_t room,
                 struct buf *out) {
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20), body = BUF_INIT(room);
        _cleanup_buf_ struct buf whole = BUF_INIT(1 << 20);
        struct http_response_reader r;
        enum http_event event;
        size_t pos = 0;

        http_response_init(&r, method);
        for (;;) {
                event = http_response_feed(&r, &in, &body);
                if (event == HTTP_MORE && split_next(&in, bytes, n, &pos, piece) == 0)
                        event = http_response_eof(&r);
                if (body.len > 0)
                        buf_add(&whole, body.data, body.len);
                buf_reset(&body);
                if (event == HTTP_HEAD_DONE)
                        buf_addf(out, "%d len=%lld%s%s ct=%s api=%s/%s", r.head.status,
                                 (long long)r.head.length, r.head.chunked ? " chunked" : "",
                                 r.head.close ? " close" : "", r.head.content_type,
                                 r.head.api_version, r.head.libpod_version);
                if (event == HTTP_DONE || event == HTTP_UPGRADED || event == HTTP_BAD)
                        break;
        }
        buf_addf(out, " {%s} ", buf_str(&whole));
        if (event == HTTP_UPGRADED)
                buf_addf(out, "%d %s rest=%zu", r.head.status, r.head.upgrade, in.len + n - pos);
        else if (event == HTTP_BAD)
                buf_adds(out, r.error);
        else
                buf_addf(out, "done rest=%zu", in.len + n - pos);
}

static const struct {
        enum http_method method;
        const char *bytes, *text;
} rows[] = {
        { HTTP_GET,
          "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: text/plain; charset=UTF-8\r\n"
          "Docker-Experimental: false\r\nOstype: linux\r\nServer: Docker/20.10.24 (linux)\r\n"
          "Date: Mon, 23 Nov 2026 23:00:00 GMT\r\nContent-Length: 2\r\n\r\nOK",
          "200 len=2 ct=text/plain; charset=utf-8 api=1.41/ {OK} done rest=0" },
        { HTTP_GET,
          "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nLibpod-Api-Version: 4.3.1\r\n"
          "Transfer-Encoding: chunked\r\n\r\n4\r\n[{},\r\n3\r\n{}]\r\n0\r\n\r\n",
          "200 len=-1 chunked ct= api=1.41/4.3.1 {[{},{}]} done rest=0" },
        { HTTP_GET,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\nHTTP",
          "200 len=-1 chunked ct= api=/ {x} done rest=4" },
        { HTTP_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
          "200 len=99 ct= api=/ {} done rest=0" },
        { HTTP_DELETE, "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
          "204 len=-1 ct= api=/ {} done rest=0" },
        { HTTP_POST, "HTTP/1.1 304 Not Modified\r\n\r\n", "304 len=-1 ct= api=/ {} done rest=0" },
        { HTTP_GET,
          "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nab\ncd",
          "200 len=-1 close ct=application/vnd.docker.raw-stream api=/ {ab\ncd} done rest=0" },
        { HTTP_POST,
          "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
          "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw",
          " {} 101 tcp rest=3" },
        { HTTP_POST,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
          "201 len=0 ct= api=/ {} done rest=0" },
        { HTTP_GET, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
          "200 len=0 ct= api=/ {} done rest=0" },
        { HTTP_GET, "HTTP/1.0 500 Oops\r\nConnection: close\r\n\r\nx",
          "500 len=-1 close ct= api=/ {x} done rest=0" },
        { HTTP_GET, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
          "404 len=1 close ct= api=/ {x} done rest=0" },

        { HTTP_GET, "", " {} the connection ended without an answer" },
        { HTTP_GET, "H", " {} the connection ended in the middle of the answer" },
        { HTTP_GET, "HTTP/1.1 100 Continue\r\n\r\n",
          " {} the connection ended in the middle of the answer" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Le",
          " {} the connection ended in the middle of the answer" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
          "200 len=5 ct= api=/ {abc} the connection ended in the middle of the answer" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
          "200 len=-1 chunked ct= api=/ {abc} the connection ended in the middle of the answer" },
        { HTTP_GET, "garbage\r\n", " {} no HTTP/1 status line" },
        { HTTP_GET, "SSH-2.0-OpenSSH\n", " {} a line does not end with CR LF" },
        { HTTP_GET, "HTTP/2.0 200 OK\r\n", " {} no HTTP/1 status line" },
        { HTTP_GET, "HTTP/1.1 2000 OK\r\n", " {} no HTTP/1 status line" },
        { HTTP_GET, "HTTP/1.1 099 OK\r\n", " {} malformed status code" },
        { HTTP_GET, "HTTP/1.1 2x0 OK\r\n", " {} malformed status code" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
          " {} malformed Content-Length" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n", " {} malformed Content-Length" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
          " {} unknown Transfer-Encoding" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
          " {} both Content-Length and Transfer-Encoding" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n", " {} malformed header field" },
        { HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
          "200 len=-1 chunked ct= api=/ {} malformed chunk" },
};

static void test_rows(void **state) {
        static const size_t rooms[] = { 1, 5, 1000 };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (size_t k = 0; k < ARRAY_SIZE(split_sizes); k++)
                        for (size_t m = 0; m < ARRAY_SIZE(rooms); m++) {
                                _cleanup_buf_ struct buf text = BUF_INIT(1 << 16);

                                tell(rows[i].bytes, strlen(rows[i].bytes), split_sizes[k],
                                     rows[i].method, rooms[m], &text);
                                assert_string_equal(buf_str(&text), rows[i].text);
                        }
}

static void test_ceilings(void **state) {
        _cleanup_buf_ struct buf bytes = BUF_INIT(1 << 20), text = BUF_INIT(1 << 16);

        for (int i = 0; i <= HTTP_INTERIM_MAX; i++)
                buf_adds(&bytes, "HTTP/1.1 100 Continue\r\n\r\n");
        tell(bytes.data, bytes.len, 1, HTTP_GET, 10, &text);
        assert_string_equal(text.data, " {} too many interim answers");

        buf_reset(&bytes);
        buf_reset(&text);
        buf_adds(&bytes, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i <= HTTP_FIELDS_MAX; i++)
                buf_adds(&bytes, "A: b\r\n");
        tell(bytes.data, bytes.len, 1, HTTP_GET, 10, &text);
        assert_string_equal(text.data, " {} too many header fields");
}

/* A collector whose buffer is too small hears of it, and may go on once it made room. */
static void test_full(void **state) {
        _cleanup_buf_ struct buf in = BUF_INIT(1000), body = BUF_INIT(3);
        struct http_response_reader r;

        http_response_init(&r, HTTP_GET);
        buf_adds(&in, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde");
        assert_int_equal(http_response_feed(&r, &in, &body), HTTP_HEAD_DONE);
        assert_int_equal(http_response_feed(&r, &in, &body), HTTP_FULL);
        assert_string_equal(body.data, "abc");
        assert_int_equal(http_response_feed(&r, &in, &body), HTTP_FULL);
        buf_reset(&body);
        assert_int_equal(http_response_feed(&r, &in, &body), HTTP_DONE);
        assert_string_equal(body.data, "de");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
