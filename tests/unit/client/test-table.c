/* Tables at several widths, and how numbers and times are shown. */
#include "client/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "client/format.h"

static const struct table_column columns[] = {
        { "NAME", TABLE_LEAST },
        { "STATUS", .goes = 2 },
        { "IMAGE", TABLE_LEAST, .goes = 1 },
        { "GPU" },
};

static char *print(unsigned width, bool utf8) {
        static const char *const cells[] = {
                "my-thesis",
                "running",
                "ds01-12345/my-thesis:latest",
                "GPU-0",
                "x",
                "stopped",
                "ds01-12345/\xc3\xa9xp\xc3\xa9riment:latest",
                NULL,
                "\xe6\xb7\xb1\xe5\xba\xa6",
                "paused",
                "a\033[31mb",
                "",
        };
        _cleanup_table_ struct table t = TABLE(columns);
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
                table_add(&t, cells[i]);
        table_print(&t, out, width, utf8);
        fclose(out);
        return text;
}

static void test_wide(void **state) {
        static const unsigned widths[] = { 0, 80, 200 };

        for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
                _cleanup_free_ char *text = print(widths[i], true);

                assert_string_equal(
                        text, "NAME       STATUS   IMAGE                         GPU\n"
                              "my-thesis  running  ds01-12345/my-thesis:latest   GPU-0\n"
                              "x          stopped  ds01-12345/\xc3\xa9xp\xc3\xa9riment:latest  -\n"
                              "\xe6\xb7\xb1\xe5\xba\xa6       paused   a?[31mb                     "
                              "  -\n");
        }
}

static void test_narrow(void **state) {
        _cleanup_free_ char *text = print(40, true), *ascii = print(40, false);

        assert_string_equal(text, "NAME       STATUS   IMAGE          GPU\n"
                                  "my-thesis  running  ds01-12345/m\xe2\x80\xa6  GPU-0\n"
                                  "x          stopped  ds01-12345/\xc3\xa9\xe2\x80\xa6  -\n"
                                  "\xe6\xb7\xb1\xe5\xba\xa6       paused   a?[31mb        -\n");
        assert_non_null(strstr(ascii, "ds01-12345/m~  GPU-0"));
}

/* Columns are left out in their order, and the others have that room. */
static void test_columns_go(void **state) {
        _cleanup_free_ char *less = print(30, true), *least = print(16, true);

        assert_string_equal(less, "NAME       STATUS   GPU\n"
                                  "my-thesis  running  GPU-0\n"
                                  "x          stopped  -\n"
                                  "\xe6\xb7\xb1\xe5\xba\xa6       paused   -\n");
        assert_string_equal(least, "NAME       GPU\n"
                                   "my-thesis  GPU-0\n"
                                   "x          -\n"
                                   "\xe6\xb7\xb1\xe5\xba\xa6       -\n");
}

/* No line is wider than the terminal as long as there is something to cut or to leave out. */
static void test_never_wider(void **state) {
        for (unsigned width = 15; width < 100; width++) {
                _cleanup_free_ char *text = print(width, true);
                char *save = NULL;

                for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
                        if (utf8_width(l) > width)
                                fail_msg("%zu columns at %u: %s", utf8_width(l), width, l);
        }
}

static void test_formats(void **state) {
        static const struct {
                int64_t bytes;
                const char *want;
        } sizes[] = {
                { 0, "0B" },
                { -5, "0B" },
                { 1023, "1023B" },
                { 1024, "1KB" },
                { 1536, "1.5KB" },
                { 34359738368, "32GB" },
                { 8804682957, "8.2GB" },
                { 536870912, "512MB" },
                { 1073741823, "1GB" },
                { INT64_MAX, "8192PB" },
        };
        static const struct {
                double percent;
                const char *want;
        } percents[] = { { 0, "0%" },     { 0.31, "0.3%" }, { 9.94, "9.9%" },
                         { 9.96, "10%" }, { 25.6, "26%" },  { 125, "125%" } };
        char text[64];

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                format_bytes(sizes[i].bytes, text, sizeof(text));
                assert_string_equal(text, sizes[i].want);
        }
        for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
                format_percent(percents[i].percent, text, sizeof(text));
                assert_string_equal(text, percents[i].want);
        }
        format_number(0.4285, text, sizeof(text));
        assert_string_equal(text, "0.43");
        format_number(32, text, sizeof(text));
        assert_string_equal(text, "32");
}

static void test_moments(void **state) {
        static const struct {
                const char *moment, *want;
        } cases[] = {
                { "2026-11-24T14:32:00Z", "14:32" },
                { "2026-11-25T00:05:00Z", "Wed 00:05" },
                { "2026-11-23T23:59:59.5Z", "Mon 23:59" },
                { "2026-12-24T12:00:00Z", "2026-12-24 12:00" },
                { "2025-11-24T12:00:00Z", "2025-11-24 12:00" },
                { "0001-01-01T00:00:00Z", "-" },
                { "", "-" },
                { "soon", "-" },
        };
        const int64_t now = 1795529820LL * 1000000; /* Tue 2026-11-24 14:17 */

        setenv("TZ", "UTC", 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[64];

                format_moment_text(cases[i].moment, now, text, sizeof(text));
                assert_string_equal(text, cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wide),        cmocka_unit_test(test_narrow),
                cmocka_unit_test(test_columns_go),
                cmocka_unit_test(test_never_wider), cmocka_unit_test(test_formats),
                cmocka_unit_test(test_moments),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
