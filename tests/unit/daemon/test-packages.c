/* Which package a path that was added belongs to. */
#include "cmocka-headers.h"

#include "daemon/packages.h"

#include "base/cleanup.h"

static void test_paths(void **state) {
        static const struct {
                const char *path, *wanted; /* NULL: none */
                enum package_origin origin;
        } rows[] = {
                { "/usr/lib/python3/dist-packages/timm-1.0.3.dist-info", "timm==1.0.3",
                  PACKAGE_OF_PIP },
                { "/opt/conda/lib/python3.11/site-packages/scikit_learn-1.4.0.dist-info",
                  "scikit_learn==1.4.0", PACKAGE_OF_PIP },
                { "/x/site-packages/a-b-2.0.dist-info", "a-b==2.0", PACKAGE_OF_PIP },
                { "/x/site-packages/a-b-2.0.dist-info/RECORD", NULL, 0 },
                { "/x/site-packages/nodash.dist-info", NULL, 0 },
                { "/x/site-packages/-1.dist-info", NULL, 0 },
                { "/x/other/a-1.dist-info", NULL, 0 },
                { "a-1.dist-info", NULL, 0 },
                { "/var/lib/dpkg/info/tmux.list", "tmux", PACKAGE_OF_SYSTEM },
                { "/var/lib/dpkg/info/libc6:amd64.list", "libc6", PACKAGE_OF_SYSTEM },
                { "/var/lib/dpkg/info/tmux.md5sums", NULL, 0 },
                { "/var/lib/dpkg/info/.list", NULL, 0 },
                { "/elsewhere/tmux.list", NULL, 0 },
                { "", NULL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                enum package_origin origin = 9;
                char text[64] = "";
                bool found = package_of_path(rows[i].path, &origin, text, sizeof(text));

                if (found != (rows[i].wanted != NULL))
                        fail_msg("'%s' gives '%s'", rows[i].path, text);
                if (!found)
                        continue;
                assert_string_equal(text, rows[i].wanted);
                assert_int_equal(origin, rows[i].origin);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_paths) };

        return cmocka_run_group_tests_name("daemon-packages", tests, NULL, NULL);
}
