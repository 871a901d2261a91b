/* The writers, and that the readers read back what they write. */
#include "http/write.h"

#include "http/response.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static void test_request(void **state) {
        _cleanup_buf_ struct buf target = BUF_INIT(1000), out = BUF_INIT(1000), body = BUF_INIT(10);
        struct http_request_reader r;

        http_target_segment(&target, "v1");
        http_target_segment(&target, "a b");
        http_target_param(&target, "path", "/x/\xc3\xa9?&=+%");
        http_target_param(&target, "all", "true");
        assert_string_equal(target.data, "/v1/a%20b?path=%2Fx%2F%C3%A9%3F%26%3D%2B%25&all=true");

        buf_reset(&target);
        http_target_segment(&target, "v1");
        http_target_param(&target, "path", "/x/\xc3\xa9?&=+%");
        assert_int_equal(
                http_write_request(&out,
                                   &(struct http_request_out){ .method = HTTP_POST,
                                                               .target = target.data,
                                                               .content_type = "application/json",
                                                               .length = 2,
                                                               .upgrade = "tcp" }),
                0);
        assert_string_equal(out.data,
                            "POST /v1?path=%2Fx%2F%C3%A9%3F%26%3D%2B%25 HTTP/1.1\r\n"
                            "Host: ds01\r\nContent-Type: application/json\r\n"
                            "Content-Length: 2\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        buf_adds(&out, "{}");
        http_request_init(&r);
        assert_int_equal(http_request_feed(&r, &out, &body), HTTP_HEAD_DONE);
        assert_string_equal(http_request_param(&r.head, "path"), "/x/\xc3\xa9?&=+%");
        assert_null(http_request_param(&r.head, "pat"));
        assert_string_equal(r.head.upgrade, "tcp");
        assert_int_equal(http_request_feed(&r, &out, &body), HTTP_DONE);
        assert_string_equal(body.data, "{}");
}

static void test_response(void **state) {
        static const struct {
                struct http_response_out answer;
                const char *text;
        } rows[] = {
                { { .status = 200, .content_type = "application/json", .length = 3 },
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                  "3\r\n\r\n" },
                { { .status = 404, .close = true },
                  "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" },
                { { .status = 200, .length = HTTP_CHUNKED, .extra = "A: b\r\nC: d\r\n" },
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\nC: d\r\n\r\n" },
                { { .status = 101, .upgrade = "ds01" },
                  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                  "ds01\r\n\r\n" },
                { { .status = 204 }, "HTTP/1.1 204 No Content\r\n\r\n" },
                { { .status = 200, .length = HTTP_NO_LENGTH, .close = true },
                  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT(1000);

                assert_int_equal(http_write_response(&out, &rows[i].answer), 0);
                assert_string_equal(out.data, rows[i].text);
        }
        for (size_t i = 0; i < HTTP_FAULTS; i++)
                assert_string_not_equal(http_status_text(http_faults[i].status), "Unknown");
}

static void test_injection(void **state) {
        static const struct http_response_out answers[] = {
                { .status = 200, .content_type = "a\r\nX: y" },
                { .status = 200, .upgrade = "a\nb" },
                { .status = 200, .extra = "A: b" },
                { .status = 200, .extra = "A: b\n" },
                { .status = 200, .extra = "A: b\r\n\r\n" },
                { .status = 200, .extra = "\r\nbody" },
        };
        static const struct http_request_out requests[] = {
                { .target = "/a b" },      { .target = "/a\r\nX: y" },
                { .target = "a" },         { .target = "" },
                { .target = "/\xc3\xa9" }, { .target = "/", .host = "a\r\n" },
        };
        _cleanup_buf_ struct buf out = BUF_INIT(1000);

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
                assert_int_equal(http_write_response(&out, &answers[i]), -EINVAL);
        for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
                assert_int_equal(http_write_request(&out, &requests[i]), -EINVAL);
        assert_int_equal(out.len, 0);
}

static void test_all_or_nothing(void **state) {
        for (size_t room = 0; room < 60; room++) {
                _cleanup_buf_ struct buf out = BUF_INIT(room);

                if (http_write_response(&out, &(struct http_response_out){ .status = 200 }) < 0)
                        assert_int_equal(out.len, 0);
                else
                        assert_int_equal(out.len, 38);
        }
}

static void test_chunks(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(1000), body = BUF_INIT(100);
        struct http_response_reader r;

        http_write_response(&out,
                            &(struct http_response_out){ .status = 200, .length = HTTP_CHUNKED });
        http_write_chunk(&out, "one ", 4);
        http_write_chunk(&out, "", 0);
        http_write_chunk(&out, "two and three hundred", 21);
        http_write_chunk_end(&out);
        http_response_init(&r, HTTP_GET);
        assert_int_equal(http_response_feed(&r, &out, &body), HTTP_HEAD_DONE);
        assert_int_equal(http_response_feed(&r, &out, &body), HTTP_DONE);
        assert_string_equal(body.data, "one two and three hundred");
        assert_int_equal(out.len, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_request),   cmocka_unit_test(test_response),
                cmocka_unit_test(test_injection), cmocka_unit_test(test_all_or_nothing),
                cmocka_unit_test(test_chunks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
