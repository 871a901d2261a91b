/* The rules of .dockerignore. */
#include "image/ignore.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static void test_glob(void **state) {
        static const struct {
                const char *pattern, *path;
                bool matches;
        } rows[] = {
                { "a", "a", true },
                { "a", "b", false },
                { "a", "a/b", false },
                { "*", "a", true },
                { "*", "a/b", false },
                { "*.py", "x.py", true },
                { "*.py", "d/x.py", false },
                { "**/*.py", "x.py", true },
                { "**/*.py", "d/e/x.py", true },
                { "a/**", "a/b/c", true },
                { "a/**/z", "a/z", true },
                { "a/**/z", "a/b/c/z", true },
                { "a/**/z", "a/b/c/y", false },
                { "**", "anything/at/all", true },
                { "?", "a", true },
                { "?", "/", false },
                { "a?c", "abc", true },
                { "[a-c]x", "bx", true },
                { "[a-c]x", "dx", false },
                { "[^a-c]x", "dx", true },
                { "[]]x", "]x", true },
                { "[a", "a", false },
                { "\\*", "*", true },
                { "\\*", "a", false },
                { "a*b*c", "axxbyyc", true },
                { "**********************************z", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (ignore_glob(rows[i].pattern, rows[i].path) != rows[i].matches)
                        fail_msg("'%s' against '%s'", rows[i].pattern, rows[i].path);
}

static void test_files(void **state) {
        static const struct {
                const char *file, *path;
                bool out;
        } rows[] = {
                { "data\n", "data", true },
                { "data\n", "data/x/y", true },
                { "/data/\n", "data/x", true },
                { "./data\n", "data", true },
                { "a/../data\n", "data", true },
                { "# data\n", "data", false },
                { "  data  \r\n", "data", true },
                { "\xef\xbb\xbf"
                  "data",
                  "data", true },
                { "*\n!src\n", "src/a.c", false },
                { "*\n!src\n", "data", true },
                { "*\n!src\nsrc/secret\n", "src/secret", true },
                { "!src\n*\n", "src", true },
                { "**/*.log\n", "a/b/c.log", true },
                { "\n\n!\n", "x", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_ignore_ struct ignore rules = { 0 };

                assert_int_equal(ignore_add(&rules, rows[i].file, strlen(rows[i].file)), 0);
                if (ignore_matches(&rules, rows[i].path) != rows[i].out)
                        fail_msg("row %zu: '%s'", i, rows[i].path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_glob),
                cmocka_unit_test(test_files),
        };

        return cmocka_run_group_tests_name("image-ignore", tests, NULL, NULL);
}
