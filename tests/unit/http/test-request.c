/* The request reader: what it accepts, what it refuses and why, however the bytes arrive. */
#include "http/request.h"

#include "split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

enum { BODY_MAX = 32 };

/* What one or more requests read as, as text, so that ways of feeding can be compared. */
struct story {
        struct buf text;
        enum http_fault fault;
        size_t rest; /* bytes left over */
};

static void tell_head(struct buf *out, const struct http_request *q) {
        buf_addf(out, "%s", http_method_names[q->method]);
        for (size_t i = 0; i < q->n_segments; i++)
                buf_addf(out, " [%s]", q->segments[i]);
        for (size_t i = 0; i < q->n_query; i++)
                buf_addf(out, " %s={%s}", q->query[i].key, q->query[i].value);
        if (q->length)
                buf_addf(out, " len=%lld", (long long)q->length);
        if (q->media)
                buf_addf(out, " %s", q->media == HTTP_MEDIA_JSON ? "json" : "other");
        buf_addf(out, "%s%s", q->expect_continue ? " expect" : "", q->close ? " close" : "");
        if (*q->upgrade)
                buf_addf(out, " upgrade=%s", q->upgrade);
}

static struct story read_all(const char *bytes, size_t n, size_t piece) {
        struct story story = { .text = BUF_INIT(1 << 20) };
        struct http_request_reader r;
        _cleanup_buf_ struct buf in = BUF_INIT(4 << 20), body = BUF_INIT(BODY_MAX);
        size_t pos = 0;

        http_request_init(&r);
        for (;;) {
                switch (http_request_feed(&r, &in, &body)) {
                case HTTP_HEAD_DONE:
                        tell_head(&story.text, &r.head);
                        continue;
                case HTTP_DONE:
                        buf_addf(&story.text, " body{%s}\n", buf_str(&body));
                        buf_reset(&body);
                        if (*r.head.upgrade) { /* from here on the bytes are a stream's */
                                story.rest = in.len + n - pos;
                                return story;
                        }
                        continue;
                case HTTP_BAD:
                        story.fault = r.fault;
                        assert_int_equal(http_request_feed(&r, &in, &body), HTTP_BAD);
                        return story;
                case HTTP_MORE:
                        if (split_next(&in, bytes, n, &pos, piece) > 0)
                                continue;
                        story.rest = in.len;
                        return story;
                default:
                        fail();
                }
        }
}

static void check(const char *bytes, size_t n, const char *text, enum http_fault fault) {
        for (size_t i = 0; i < ARRAY_SIZE(split_sizes); i++) {
                struct story story = read_all(bytes, n, split_sizes[i]);

                if (story.fault != fault || (text && strcmp(buf_str(&story.text), text) != 0))
                        fail_msg("pieces of %zu:\n%.300s\ngave '%s' and fault %d (%s), not '%s' "
                                 "and %d",
                                 split_sizes[i], bytes, buf_str(&story.text), story.fault,
                                 http_faults[story.fault].text, text ? text : "", fault);
                buf_release(&story.text);
        }
}

#define H "Host: d\r\n"
#define OK(bytes, text)                                                                            \
        { bytes, sizeof(bytes) - 1, text, HTTP_FAULT_NONE }
#define NO(bytes, fault)                                                                           \
        { bytes, sizeof(bytes) - 1, NULL, HTTP_FAULT_##fault }
#define GET(target) "GET " target " HTTP/1.1\r\n" H "\r\n"

static const struct {
        const char *bytes;
        size_t n;
        const char *text;
        enum http_fault fault;
} rows[] = {
        OK(GET("/v1/containers"), "GET [v1] [containers] body{}\n"),
        OK(GET("/"), "GET body{}\n"),
        OK("\r\n" GET("/a"), "GET [a] body{}\n"),
        OK(GET("/a") GET("/b"), "GET [a] body{}\nGET [b] body{}\n"),
        OK("HEAD /a HTTP/1.1\r\nhOST:d \t\r\n\r\n", "HEAD [a] body{}\n"),
        OK(GET("/a%5F%2d%7e/x:y@z"), "GET [a_-~] [x:y@z] body{}\n"),
        OK(GET("/a?k=v&all=true&e="), "GET [a] k={v} all={true} e={} body{}\n"),
        OK(GET("/a?p=%2Fhome%2Fx%20y&u=%C3%A9&q=a=b"),
           "GET [a] p={/home/x y} u={\xc3\xa9} q={a=b} body{}\n"),
        OK("POST /a HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
           "POST [a] len=2 json body{{}}\n"),
        OK("POST /a HTTP/1.1\r\n" H "Content-Length: 0\r\n"
           "Content-Type: Application/JSON; charset=UTF-8\r\n\r\n",
           "POST [a] json body{}\n"),
        OK("POST /a HTTP/1.1\r\n" H "\r\n", "POST [a] body{}\n"),
        OK("POST /a HTTP/1.1\r\n" H "Content-Type: text/plain\r\n\r\n", "POST [a] other body{}\n"),
        OK("PUT /a HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"
           "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n" GET("/b"),
           "PUT [a] len=-1 body{abc0123456789}\nGET [b] body{}\n"),
        OK("DELETE /a HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "DELETE [a] body{}\n"),
        OK("POST /a HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
           "POST [a] len=1 expect body{x}\n"),
        OK("GET /a HTTP/1.1\r\n" H "Connection: keep-alive, Close\r\n\r\n",
           "GET [a] close body{}\n"),
        OK("POST /a HTTP/1.1\r\n" H
           "Connection: Upgrade\r\nUpgrade: TCP\r\nContent-Length: 2\r\n\r\n"
           "{}early input",
           "POST [a] len=2 upgrade=tcp body{{}}\n"),
        OK("GET /a HTTP/1.1\r\n" H "Upgrade: h2c\r\n\r\n", "GET [a] body{}\n"),
        /* identity is the kernel's word, and methods are what the request line says */
        OK("GET /a HTTP/1.1\r\n" H "X-HTTP-Method-Override: DELETE\r\nX-Forwarded-User: root\r\n"
           "Authz-User: root\r\n\r\n",
           "GET [a] body{}\n"),
        OK("GET /a HTTP/1.1\r\n" H "X: a\tb \xff\r\n\r\n", "GET [a] body{}\n"),
        /* cut short: no verdict yet */
        OK("GET /a HTTP/1.1\r\nHos", ""),
        OK("POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabc", "POST [a] len=5"),

        NO("GET /a HTTP/1.1\n" H "\r\n", LINE_END),
        NO("GET /a HTTP/1.1\r\nHost: d\n\r\n", LINE_END),
        NO("GET /a HTTP/1.1\r\n" H "\n", LINE_END),
        NO("\n" GET("/a"), LINE_END),
        NO("\r\n\r\n" GET("/a"), REQUEST_LINE),
        NO("GET /a HTTP/1.1\r\nHost: d\rX: y\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\n" H "X: a\r\n folded\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\n" H "X: a\r\n\tfolded: b\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\nHost : d\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\n: d\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\nHost\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\nHo(st: d\r\n\r\n", FIELD),
        NO("GET /a HTTP/1.1\r\n\r\n", HOST),
        NO("GET /a HTTP/1.1\r\n" H H "\r\n", FIELD_TWICE),
        NO("GET  /a HTTP/1.1\r\n" H "\r\n", REQUEST_LINE),
        NO("GET /a  HTTP/1.1\r\n" H "\r\n", REQUEST_LINE),
        NO("GET /a HTTP/1.1 \r\n" H "\r\n", REQUEST_LINE),
        NO(" GET /a HTTP/1.1\r\n" H "\r\n", REQUEST_LINE),
        NO("GET\t/a\tHTTP/1.1\r\n" H "\r\n", REQUEST_LINE),
        NO("GET /a\r\n" H "\r\n", REQUEST_LINE),
        NO("GET /a http/1.1\r\n" H "\r\n", REQUEST_LINE),
        NO("GET /a HTTP/1.10\r\n" H "\r\n", REQUEST_LINE),
        NO("GET /a HTTP/1.0\r\n" H "\r\n", VERSION),
        NO("GET /a HTTP/2.0\r\n" H "\r\n", VERSION),
        NO("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION),
        NO("get /a HTTP/1.1\r\n" H "\r\n", METHOD),
        NO("PATCH /a HTTP/1.1\r\n" H "\r\n", METHOD),
        NO("CONNECT d:1 HTTP/1.1\r\n" H "\r\n", METHOD),
        NO("OPTIONS * HTTP/1.1\r\n" H "\r\n", METHOD),

        NO(GET("*"), PATH),
        NO(GET("http://d/a"), PATH),
        NO(GET("a"), PATH),
        NO(GET("//a"), PATH),
        NO(GET("/a/"), PATH),
        NO(GET("/a//b"), PATH),
        NO(GET("/a/../b"), PATH),
        NO(GET("/a/./b"), PATH),
        NO(GET("/a/%2e%2E/b"), PATH),
        NO(GET("/a%2Fb"), PATH),
        NO(GET("/a%5cb"), PATH),
        NO(GET("/a%00"), PATH),
        NO(GET("/a%0a"), PATH),
        NO(GET("/a%20b"), PATH),
        NO(GET("/a%252e"), PATH),
        NO(GET("/a%C3%A9"), PATH),
        NO(GET("/a\xc3\xa9"), PATH),
        NO(GET("/a%"), PATH),
        NO(GET("/a%4"), PATH),
        NO(GET("/a%zz"), PATH),
        NO(GET("/a;b"), PATH),
        NO(GET("/a#b"), PATH),
        NO(GET("/a\x01"), PATH),
        NO(GET("/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7"), PATH),
        NO(GET("/a?"), QUERY),
        NO(GET("/a?k"), QUERY),
        NO(GET("/a?=v"), QUERY),
        NO(GET("/a?k=v&"), QUERY),
        NO(GET("/a?k=v&&l=w"), QUERY),
        NO(GET("/a?k=v;l=w"), QUERY),
        NO(GET("/a?k=a+b"), QUERY),
        NO(GET("/a?k=%00"), QUERY),
        NO(GET("/a?k=%0a"), QUERY),
        NO(GET("/a?k=%ff"), QUERY),
        NO(GET("/a?k=%"), QUERY),
        NO(GET("/a?%6b=v"), QUERY),
        NO(GET("/a?x=1&x=2"), QUERY_TWICE),
        NO(GET("/a?x=1&y=&x=1"), QUERY_TWICE),

#define POST(fields) "POST /a HTTP/1.1\r\n" H fields "\r\n"
        NO(POST("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\nDELETE /b",
           LENGTH_AND_CODING),
        NO(POST("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"), LENGTH_AND_CODING),
        NO(POST("Content-Length: 1\r\nContent-Length: 1\r\n") "x", FIELD_TWICE),
        NO(POST("Content-Length: 1, 1\r\n"), LENGTH),
        NO(POST("Content-Length:\r\n"), LENGTH),
        NO(POST("Content-Length: +1\r\n"), LENGTH),
        NO(POST("Content-Length: -1\r\n"), LENGTH),
        NO(POST("Content-Length: 0x1\r\n"), LENGTH),
        NO(POST("Content-Length: 1 1\r\n"), LENGTH),
        NO(POST("Content-Length: 9223372036854775808\r\n"), LENGTH),
        NO(POST("Content-Length: 00000000000000000001\r\n"), LENGTH),
        NO(POST("Content-Length: 33\r\n"), BODY_LARGE),
        NO(POST("Content-Length: 9223372036854775807\r\n"), BODY_LARGE),
        NO(POST("Transfer-Encoding: xchunked\r\n"), CODING),
        NO(POST("Transfer-Encoding: chunked, identity\r\n"), CODING),
        NO(POST("Transfer-Encoding: identity\r\n"), CODING),
        NO(POST("Transfer-Encoding:\r\n"), CODING),
        NO(POST("Transfer-Encoding:\x0b"
                "chunked\r\n"),
           FIELD),
        NO(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), FIELD_TWICE),
        NO("GET /a HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", BODY_UNWANTED),
        NO("DELETE /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", BODY_UNWANTED),
        NO("HEAD /a HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n", BODY_UNWANTED),
        NO(POST("Expect: 200-ok\r\n"), EXPECT),
        NO(POST("Content-Type: application/x-www-form-urlencoded\r\n"), MEDIA),
        NO(POST("Content-Type: Multipart/form-data; boundary=x\r\n"), MEDIA),
        NO(POST("Content-Encoding: gzip\r\n"), MEDIA),

#define CHUNKED POST("Transfer-Encoding: chunked\r\n")
        NO(CHUNKED "\r\n", CHUNK),
        NO(CHUNKED "-1\r\n", CHUNK),
        NO(CHUNKED "+1\r\nx\r\n", CHUNK),
        NO(CHUNKED " 1\r\nx\r\n", CHUNK),
        NO(CHUNKED "1 \r\nx\r\n", CHUNK),
        NO(CHUNKED "0x1\r\nx\r\n", CHUNK),
        NO(CHUNKED "1;ext=1\r\nx\r\n", CHUNK),
        NO(CHUNKED "1\nx\r\n", CHUNK),
        NO(CHUNKED "1\r\nxy\r\n", CHUNK),
        NO(CHUNKED "1\r\nx\n0\r\n\r\n", CHUNK),
        NO(CHUNKED "00000000000000001\r\nx\r\n", CHUNK),
        NO(CHUNKED "21\r\n", BODY_LARGE),
        NO(CHUNKED "10\r\n0123456789abcdef\r\n11\r\n", BODY_LARGE),
        NO(CHUNKED "FFFFFFFFFFFFFFFF\r\n", BODY_LARGE),
        NO(CHUNKED "0\r\nX: y\r\n\r\n", TRAILER),
        NO(CHUNKED "0\r\n\n", TRAILER),
};

static void test_rows(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check(rows[i].bytes, rows[i].n, rows[i].text, rows[i].fault);
}

/* @count times @unit between a beginning and an end. */
static void check_long(const char *before, const char *unit, size_t count, const char *after,
                       enum http_fault fault) {
        _cleanup_buf_ struct buf b = BUF_INIT(4 << 20);

        buf_adds(&b, before);
        for (size_t i = 0; i < count; i++)
                buf_adds(&b, unit);
        buf_adds(&b, after);
        assert_false(b.failed);
        check(b.data, b.len, NULL, fault);
}

static void test_ceilings(void **state) {
        const char *first = "GET /a HTTP/1.1\r\n" H;

        /* "GET /" and " HTTP/1.1" take 14 bytes of the line */
        check_long("GET /", "a", HTTP_LINE_MAX - 14, " HTTP/1.1\r\n" H "\r\n", HTTP_FAULT_NONE);
        check_long("GET /", "a", HTTP_LINE_MAX - 13, " HTTP/1.1\r\n" H "\r\n",
                   HTTP_FAULT_TARGET_LONG);
        check_long("", "A", 1 << 20, "", HTTP_FAULT_TARGET_LONG);
        check_long(first, "X: y\r\n", HTTP_FIELDS_MAX - 1, "\r\n", HTTP_FAULT_NONE);
        check_long(first, "X: y\r\n", HTTP_FIELDS_MAX, "\r\n", HTTP_FAULT_HEAD_LARGE);
        check_long(first, "X: y\r\n", 10000, "\r\n", HTTP_FAULT_HEAD_LARGE);
        check_long("GET /a HTTP/1.1\r\n" H "X: ", "y", HTTP_FIELD_MAX - 3, "\r\n\r\n",
                   HTTP_FAULT_NONE);
        check_long("GET /a HTTP/1.1\r\n" H "X: ", "y", HTTP_FIELD_MAX - 2, "\r\n\r\n",
                   HTTP_FAULT_HEAD_LARGE);
        check_long("GET /a HTTP/1.1\r\n" H "X: ", "y", 1 << 20, "", HTTP_FAULT_HEAD_LARGE);
        check_long(first,
                   "X: 0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
                   98, "\r\n", HTTP_FAULT_HEAD_LARGE);
        check_long("GET /a?k=v", "&k=v", 40, " HTTP/1.1\r\n" H "\r\n", HTTP_FAULT_QUERY_TWICE);
}

/* Bytes behind an upgraded request stay with the caller, who sends them on after its 101. */
static void test_early_stream(void **state) {
        static const char bytes[] =
                "POST /a HTTP/1.1\r\n" H
                "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\nGET /b HTTP/1.1\r\n";

        for (size_t i = 0; i < ARRAY_SIZE(split_sizes); i++) {
                struct story story = read_all(bytes, sizeof(bytes) - 1, split_sizes[i]);

                assert_int_equal(story.rest, strlen("GET /b HTTP/1.1\r\n"));
                buf_release(&story.text);
        }
}

/* A streamed body may be larger than its buffer, which is emptied on the way. */
static void test_streamed_body(void **state) {
        static const char *const heads[] = { "Content-Length: 12\r\n\r\n",
                                             "Transfer-Encoding: chunked\r\n\r\n" };
        static const char *const bodies[] = { "hello, world",
                                              "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n" };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
                for (int streamed = 0; streamed < 2; streamed++) {
                        _cleanup_buf_ struct buf in = BUF_INIT(65536), body = BUF_INIT(5);
                        _cleanup_buf_ struct buf all = BUF_INIT(100);
                        struct http_request_reader *r = malloc(sizeof(*r));
                        enum http_event event;

                        http_request_init(r);
                        buf_addf(&in,
                                 "POST /a HTTP/1.1\r\n" H
                                 "Content-Type: application/x-tar\r\n%s%s",
                                 heads[i], bodies[i]);
                        assert_int_equal(http_request_feed(r, &in, &body), HTTP_HEAD_DONE);
                        assert_int_equal(r->head.media, HTTP_MEDIA_TAR);
                        if (streamed)
                                http_request_stream_body(r);
                        while ((event = http_request_feed(r, &in, &body)) == HTTP_FULL) {
                                buf_add(&all, body.data, body.len);
                                buf_reset(&body);
                        }
                        assert_int_equal(event, streamed ? HTTP_DONE : HTTP_BAD);
                        buf_adds(&all, buf_str(&body));
                        if (streamed)
                                assert_string_equal(buf_str(&all), "hello, world");
                        else
                                assert_int_equal(r->fault, HTTP_FAULT_BODY_LARGE);
                        free(r);
                }
}

static void test_faults_have_rows(void **state) {
        for (int i = 0; i < HTTP_FAULTS; i++) {
                assert_non_null(http_faults[i].text);
                assert_true(i == 0 ||
                            (http_faults[i].status >= 400 && http_faults[i].status < 600));
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_early_stream),
                cmocka_unit_test(test_streamed_body),
                cmocka_unit_test(test_faults_have_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
