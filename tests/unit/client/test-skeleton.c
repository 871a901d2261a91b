/* What a pyproject.toml keeps when our part is added: all of it. */
#include "client/skeleton.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static const char ours[] = "\n[tool.ds01]\ntype = \"ml\"\n";

static void test_merge(void **state) {
        static const struct {
                const char *text, *wanted;
        } rows[] = {
                { "", "\n[tool.ds01]\ntype = \"ml\"\n" },
                { "[a]\n", "[a]\n\n[tool.ds01]\ntype = \"ml\"\n" },
                { "[a]", "[a]\n\n[tool.ds01]\ntype = \"ml\"\n" },
                { "[tool.ds01]\nx = 1\n", "[tool.ds01]\nx = 1\n" },
                { "[a]\n[tool.ds01]\n[b]\n", "[a]\n[tool.ds01]\n[b]\n" },
                { "# [tool.ds01]\n", "# [tool.ds01]\n\n[tool.ds01]\ntype = \"ml\"\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT(4096);

                assert_int_equal(skeleton_merge(rows[i].text, ours, &out), 0);
                assert_string_equal(buf_str(&out), rows[i].wanted);
        }
}

/* Whatever stands in the file stands in it afterwards, byte for byte, at its beginning; and a
 * second merge changes nothing. */
static void test_keeps_every_byte(void **state) {
        static const char alphabet[] = "[]tol.ds01\n =\"#'x";
        unsigned seed = 3;

        for (int round = 0; round < 5000; round++) {
                _cleanup_buf_ struct buf once = BUF_INIT(4096), twice = BUF_INIT(4096);
                char text[64];
                size_t n;

                seed = seed * 1103515245 + 12345;
                n = (seed >> 16) % (sizeof(text) - 1);
                for (size_t i = 0; i < n; i++) {
                        seed = seed * 1103515245 + 12345;
                        text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
                }
                text[n] = '\0';
                assert_int_equal(skeleton_merge(text, ours, &once), 0);
                assert_memory_equal(once.data ? once.data : "", text, n);
                assert_int_equal(skeleton_merge(buf_str(&once), ours, &twice), 0);
                assert_string_equal(buf_str(&twice), buf_str(&once));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_merge),
                cmocka_unit_test(test_keeps_every_byte),
        };

        return cmocka_run_group_tests_name("client-skeleton", tests, NULL, NULL);
}
