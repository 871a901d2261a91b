/* Strings: copies, numbers, sizes, UTF-8, distance. */
#include "base/guess.h"
#include "base/str.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static void test_copy(void **state) {
        char dst[4] = "zzz";

        assert_true(str_copy(dst, sizeof(dst), "abc"));
        assert_string_equal(dst, "abc");
        assert_false(str_copy(dst, sizeof(dst), "wxyz"));
        assert_string_equal(dst, "wxy");
        assert_true(str_copy(dst, sizeof(dst), ""));
        assert_string_equal(dst, "");
        assert_false(str_copy(dst, 1, "a"));
        assert_string_equal(dst, "");
}

static void test_compare(void **state) {
        assert_true(str_equal(NULL, NULL));
        assert_false(str_equal(NULL, ""));
        assert_false(str_equal("", NULL));
        assert_true(str_equal("a", "a"));
        assert_false(str_equal("a", "A"));
        assert_true(str_starts("abc", "ab"));
        assert_true(str_starts("abc", ""));
        assert_false(str_starts("ab", "abc"));
        assert_true(str_ends("abc", "bc"));
        assert_true(str_ends("abc", ""));
        assert_false(str_ends("bc", "abc"));
        assert_null(str_dup(NULL));
}

static void test_integers(void **state) {
        static const struct {
                const char *text;
                int64_t min, max;
                int r;
                int64_t value;
        } rows[] = {
                { "0", 0, 0, 0, 0 },
                { "-0", 0, 0, 0, 0 },
                { "007", 0, 9, 0, 7 },
                { "9223372036854775807", 0, INT64_MAX, 0, INT64_MAX },
                { "9223372036854775808", 0, INT64_MAX, -ERANGE, 0 },
                { "-9223372036854775808", INT64_MIN, 0, 0, INT64_MIN },
                { "-9223372036854775809", INT64_MIN, 0, -ERANGE, 0 },
                { "18446744073709551616", 0, INT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999999999999", 0, INT64_MAX, -ERANGE, 0 },
                { "99999999999999999999999999999999x", 0, INT64_MAX, -EINVAL, 0 },
                { "10", 0, 9, -ERANGE, 0 },
                { "-1", 0, 9, -ERANGE, 0 },
                { "", 0, 9, -EINVAL, 0 },
                { "-", 0, 9, -EINVAL, 0 },
                { "+1", 0, 9, -EINVAL, 0 },
                { " 1", 0, 9, -EINVAL, 0 },
                { "1 ", 0, 9, -EINVAL, 0 },
                { "1e9", 0, 9, -EINVAL, 0 },
                { "0x1", 0, 9, -EINVAL, 0 },
                { "1.0", 0, 9, -EINVAL, 0 },
                { "two", 0, 9, -EINVAL, 0 },
                { "\xd9\xa1", 0, 9, -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int64_t value = 77;

                if (str_to_i64(rows[i].text, rows[i].min, rows[i].max, &value) != rows[i].r)
                        fail_msg("'%s'", rows[i].text);
                assert_int_equal(value, rows[i].r < 0 ? 77 : rows[i].value);
        }
}

static void test_bytes(void **state) {
        static const struct {
                const char *text;
                int r;
                int64_t value;
        } rows[] = {
                { "0", 0, 0 },
                { "512", 0, 512 },
                { "512b", 0, 512 },
                { "1k", 0, 1024 },
                { "64m", 0, 64 << 20 },
                { "32g", 0, 32LL << 30 },
                { "32G", 0, 32LL << 30 },
                { "32GB", 0, 32LL << 30 },
                { "32GiB", 0, 32LL << 30 },
                { "1.5g", 0, 3LL << 29 },
                { "0.5k", 0, 512 },
                { "1t", 0, 1LL << 40 },
                { "8388608t", -ERANGE, 0 },
                { "9223372036854775807", -ERANGE, 0 },
                { "99999999999999999999", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "g", -EINVAL, 0 },
                { "1x", -EINVAL, 0 },
                { "1gg", -EINVAL, 0 },
                { "1.g", -EINVAL, 0 },
                { ".5g", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "1 g", -EINVAL, 0 },
                { "1g ", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int64_t value = 77;
                int r = str_to_bytes(rows[i].text, &value);

                /* sizes near 2^63 may be refused a little early */
                if (r != rows[i].r || value != (r < 0 ? 77 : rows[i].value))
                        fail_msg("'%s' gives %d and %lld", rows[i].text, r, (long long)value);
        }
}

static void test_utf8(void **state) {
        static const struct {
                const char *text;
                bool valid;
                size_t width;
                const char *printable;
        } rows[] = {
                { "abc", true, 3, "abc" },
                { "", true, 0, "" },
                { "\xc3\xa9", true, 1, "\xc3\xa9" },
                { "e\xcc\x81", true, 1, "e\xcc\x81" },
                { "\xe4\xb8\xad\xe6\x96\x87", true, 4, "\xe4\xb8\xad\xe6\x96\x87" },
                { "\xf0\x9f\x98\x80", true, 2, "\xf0\x9f\x98\x80" },
                { "\xf4\x8f\xbf\xbf", true, 1, "\xf4\x8f\xbf\xbf" },
                { "\xf4\x90\x80\x80", false, 4, "????" },
                { "\xc0\xaf", false, 2, "??" },
                { "\xe0\x80\xaf", false, 3, "???" },
                { "\xed\xa0\x80", false, 3, "???" },
                { "\xff", false, 1, "?" },
                { "\x80", false, 1, "?" },
                { "a\xc3", false, 2, "a?" },
                { "\xe2\x82", false, 2, "??" },
                { "a\x1b[2Jb\n", true, 7, "a?[2Jb?" },
                { "\x7f\xc2\x9b", true, 2, "??" },
                { "\xe2\x80\xae", true, 1, "?" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char shown[32];

                if (utf8_valid(rows[i].text, strlen(rows[i].text)) != rows[i].valid)
                        fail_msg("row %zu", i);
                assert_int_equal(utf8_width(rows[i].text), rows[i].width);
                str_printable(shown, sizeof(shown), rows[i].text);
                assert_string_equal(shown, rows[i].printable);
        }
        assert_true(utf8_valid("a\0b", 3));
}

static void test_printable_cut(void **state) {
        char dst[4];

        str_printable(dst, sizeof(dst), "ab\xc3\xa9");
        assert_string_equal(dst, "ab");
        str_printable(dst, sizeof(dst), "a\xc3\xa9" "b");
        assert_string_equal(dst, "a\xc3\xa9");
}

static void test_distance(void **state) {
        static const struct {
                const char *a, *b;
                unsigned distance;
        } rows[] = {
                { "", "", 0 },          { "a", "", 1 },           { "", "abc", 3 },
                { "abc", "abc", 0 },    { "craete", "create", 1 }, { "stat", "start", 1 },
                { "stop", "start", 3 }, { "remove", "rm", 4 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_int_equal(str_distance(rows[i].a, rows[i].b), rows[i].distance);
                assert_int_equal(str_distance(rows[i].b, rows[i].a), rows[i].distance);
        }
}

static void test_guess(void **state) {
        static const struct {
                const char *word, *candidates[4], *text;
        } rows[] = {
                { "craete", { "create", "crate" }, "; did you mean 'create'?" },
                { "strat", { "stop", "start", "stats" }, "; did you mean 'start'?" },
                { "ab", { "xy", "ax" }, "; did you mean 'ax'?" }, /* one slip in a short word */
                { "rm", { "remove" }, "" },
                { "something-else", { "thesis", "" }, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct guess guess = { .word = rows[i].word };
                char text[GUESS_MAX + 32];

                for (size_t k = 0; rows[i].candidates[k]; k++)
                        guess_try(&guess, rows[i].candidates[k]);
                assert_string_equal(guess_text(&guess, text, sizeof(text)), rows[i].text);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_copy),          cmocka_unit_test(test_compare),
                cmocka_unit_test(test_integers),      cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_utf8),          cmocka_unit_test(test_printable_cut),
                cmocka_unit_test(test_distance),      cmocka_unit_test(test_guess),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
