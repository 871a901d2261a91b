/* The tree-less reader. (That it agrees with jansson is the business of fuzz-json-scan.) */
#include "json/json_scan.h"

#include "base/buf.h"
#include "base/clock.h"
#include "json/json_write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

/* One letter a token. */
static const char letters[] = { '.', '!', '{', '}', '[', ']', 'k', 's', 'n', 't', 'f', '0' };

static const struct {
        const char *text, *tokens;
} rows[] = {
        { "{\"a\":[1,true,false,null,\"x\"],\"b\":{}}", "{k[ntf0s]k{}}." },
        { " 1 ", "n." },
        { "[[],[[]]]", "[[][[]]]." },
        { "", "!" },
        { "[", "[!" },
        { "[1", "[n!" },
        { "[1,]", "[n!" },
        { "[,1]", "[!" },
        { "[1 2]", "[n!" },
        { "{\"a\" 1}", "{!" },
        { "{\"a\":}", "{k!" },
        { "{\"a\":1,}", "{kn!" },
        { "{a:1}", "{!" },
        { "{1:1}", "{!" },
        { "[}", "[!" },
        { "{]", "{!" },
        { "]", "!" },
        { "1 2", "n!" },
        { "{}{}", "{}!" },
        { "tru", "!" },
        { "nulll", "0!" },
        { "01", "!" },
        { "-", "!" },
        { "1.", "!" },
        { ".5", "!" },
        { "1e", "!" },
        { "1e+", "!" },
        { "+1", "!" },
        { "-0.5e-3", "n." },
        { "\"", "!" },
        { "\"\\\"", "!" },
        { "\"\\x\"", "!" },
        { "\"\\u12\"", "!" },
        { "\"\\u12g4\"", "!" },
        { "\"\\ud83d\"", "!" },
        { "\"\\ud83dx\"", "!" },
        { "\"\\ud83d\\u0041\"", "!" },
        { "\"\\ude00\"", "!" },
        { "\"\n\"", "!" },
        { "\"\xff\"", "!" },
};

static void test_tokens(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct json_scan s = JSON_SCAN(rows[i].text, strlen(rows[i].text));
                enum json_scan_token token;
                char tokens[64];
                size_t n = 0;

                do {
                        token = json_scan_next(&s);
                        tokens[n++] = letters[token];
                } while (token != JSON_SCAN_END && token != JSON_SCAN_ERROR);
                tokens[n] = '\0';
                if (strcmp(tokens, rows[i].tokens) != 0)
                        fail_msg("%s reads as %s, not %s", rows[i].text, tokens, rows[i].tokens);
                assert_int_equal(json_scan_next(&s), token);
                assert_int_equal(s.failed, token == JSON_SCAN_ERROR);
        }
}

static void test_depth(void **state) {
        char text[JSON_SCAN_DEPTH + 1];
        struct json_scan s = JSON_SCAN(text, sizeof(text));

        memset(text, '[', sizeof(text));
        for (int i = 0; i < JSON_SCAN_DEPTH; i++)
                assert_int_equal(json_scan_next(&s), JSON_SCAN_ARRAY);
        assert_int_equal(json_scan_next(&s), JSON_SCAN_ERROR);
}

static void test_values(void **state) {
        static const char text[] =
                "{\"n\\u0061me\":\"\\u00e9\\ud83d\\ude00\\n\\u0000\",\"i\":-42,\"d\":2.5,"
                "\"big\":9223372036854775808,\"f\":1.0,\"b\":true,\"skip\":[1,{\"a\":[]}],"
                "\"o\":{\"x\":1},\"none\":null,\"last\":7}";
        struct json_scan s = JSON_SCAN(text, sizeof(text) - 1);
        int64_t i = 0, big = 1, f = 2, o = 3, none = 4, last = 0;
        char name[32] = "";
        double d = 0, whole = 0;
        bool b = false;

        assert_int_equal(json_scan_next(&s), JSON_SCAN_OBJECT);
        while (json_scan_next(&s) == JSON_SCAN_KEY) {
                if (json_scan_is(&s, "name"))
                        assert_int_equal(json_scan_get_str(&s, name, sizeof(name)), 0);
                else if (json_scan_is(&s, "i"))
                        assert_int_equal(json_scan_get_int(&s, &i), 0);
                else if (json_scan_is(&s, "d"))
                        assert_int_equal(json_scan_get_double(&s, &d), 0);
                else if (json_scan_is(&s, "big"))
                        assert_int_equal(json_scan_get_int(&s, &big), -EINVAL);
                else if (json_scan_is(&s, "f"))
                        assert_int_equal(json_scan_get_int(&s, &f), -EINVAL);
                else if (json_scan_is(&s, "b"))
                        assert_int_equal(json_scan_get_bool(&s, &b), 0);
                else if (json_scan_is(&s, "o"))
                        assert_int_equal(json_scan_get_int(&s, &o), -EINVAL);
                else if (json_scan_is(&s, "none"))
                        assert_int_equal(json_scan_get_int(&s, &none), -EINVAL);
                else if (json_scan_is(&s, "last"))
                        assert_int_equal(
                                json_scan_get_double(&s, &whole) | json_scan_int(&s, &last), 0);
                else
                        json_scan_skip(&s);
        }
        assert_int_equal(s.token, JSON_SCAN_OBJECT_END);
        assert_int_equal(json_scan_next(&s), JSON_SCAN_END);
        assert_string_equal(name, "\xc3\xa9\xf0\x9f\x98\x80\n\xef\xbf\xbd");
        assert_int_equal(i, -42);
        assert_true(d == 2.5 && whole == 7.0 && b);
        assert_int_equal(big, 1);
        assert_int_equal(f, 2);
        assert_int_equal(o, 3);
        assert_int_equal(none, 4);
        assert_int_equal(last, 7);
}

static void test_cut(void **state) {
        struct json_scan s = JSON_SCAN("\"ab\xc3\xa9"
                                       "d\"",
                                       7);
        char text[8];

        json_scan_next(&s);
        assert_int_equal(json_scan_str(&s, text, 6), 0);
        assert_string_equal(text, "ab\xc3\xa9"
                                  "d");
        assert_int_equal(json_scan_str(&s, text, 5), -ENOBUFS);
        assert_string_equal(text, "ab\xc3\xa9");
        assert_int_equal(json_scan_str(&s, text, 4), -ENOBUFS);
        assert_string_equal(text, "ab");
        assert_int_equal(json_scan_str(&s, text, 1), -ENOBUFS);
        assert_string_equal(text, "");
}

/* The client's largest list, 500 rows, written and read (budget: well under 1 ms each). The times
 * are shown but not judged, because sanitizers and busy machines are slow. */
static void test_speed(void **state) {
        _cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
        struct json_writer w = JSON_WRITER(&b);
        int64_t start = clock_mono_us(), written, value, sum = 0;
        struct json_scan s;
        char name[64];

        json_write_array(&w);
        for (int i = 0; i < 500; i++) {
                json_write_object(&w);
                json_put_str(&w, "name", "a-container-of-the-usual-length");
                json_put_str(&w, "image", "ds01-1001/thesis:latest");
                json_put_int(&w, "uptime_seconds", i);
                json_put_double(&w, "weight", 0.5, 2);
                json_put_bool(&w, "x", true);
                json_write_object_end(&w);
        }
        json_write_array_end(&w);
        written = clock_mono_us();
        s = JSON_SCAN(b.data, b.len);
        assert_int_equal(json_scan_next(&s), JSON_SCAN_ARRAY);
        while (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY)
                        if (json_scan_is(&s, "uptime_seconds")) {
                                json_scan_get_int(&s, &value);
                                sum += value;
                        } else if (json_scan_get_str(&s, name, sizeof(name)) == -ENOBUFS) {
                                fail();
                        }
        assert_int_equal(sum, 499 * 500 / 2);
        assert_int_equal(json_scan_next(&s), JSON_SCAN_END);
        print_message("# 500 rows: written in %lld us, read in %lld us\n",
                      (long long)(written - start), (long long)(clock_mono_us() - written));
}

static void test_texts(void **state) {
        static const char text[] = "{\"a\":\"x\",\"other\":[\"a\"],\"b\":null,\"c\":\"long\"}";
        struct json_scan s = JSON_SCAN(text, sizeof(text) - 1);
        char a[8] = "", b[8] = "stays", c[3] = "";
        const struct json_text texts[] = { { "a", a, sizeof(a) },
                                           { "b", b, sizeof(b) },
                                           { "c", c, sizeof(c) } };
        int others = 0;

        (void)state;
        assert_int_equal(json_scan_next(&s), JSON_SCAN_OBJECT);
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (!json_scan_text(&s, texts, ARRAY_SIZE(texts))) {
                        assert_true(json_scan_is(&s, "other"));
                        json_scan_skip(&s);
                        others++;
                }
        assert_int_equal(s.token, JSON_SCAN_OBJECT_END);
        assert_int_equal(others, 1);
        assert_string_equal(a, "x");
        assert_string_equal(b, "stays");
        assert_string_equal(c, "lo");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tokens), cmocka_unit_test(test_depth),
                cmocka_unit_test(test_values), cmocka_unit_test(test_cut),
                cmocka_unit_test(test_texts),  cmocka_unit_test(test_speed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
