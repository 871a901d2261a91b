/* Packages as people type them: what is one, what is the same one, and what a shell could mind. */
#include "image/package.h"

#include "base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static void test_check(void **state) {
        static const struct {
                enum package_kind kind;
                const char *text;
                bool good;
        } rows[] = {
                { PACKAGE_PIP, "numpy", true },
                { PACKAGE_PIP, "numpy<2", true },
                { PACKAGE_PIP, "pandas>=2.0,<3", true },
                { PACKAGE_PIP, "torch==2.5.1+cu121", true },
                { PACKAGE_PIP, "jax[cuda12,k8s]~=0.4.0", true },
                { PACKAGE_PIP, "x==1.*", true },
                { PACKAGE_PIP, "x===1!2.0-rc_1", true },
                { PACKAGE_PIP, "x@https://host/x-1.0.whl#sha256=ab", true },
                { PACKAGE_PIP, "x@git+https://host/x.git@v1", true },
                { PACKAGE_PIP, "", false },
                { PACKAGE_PIP, "-r", false },
                { PACKAGE_PIP, "--index-url=http://x", false },
                { PACKAGE_PIP, "x;id", false },
                { PACKAGE_PIP, "x$(id)", false },
                { PACKAGE_PIP, "`id`", false },
                { PACKAGE_PIP, "x|y", false },
                { PACKAGE_PIP, "x&&y", false },
                { PACKAGE_PIP, "x>=1>", false },
                { PACKAGE_PIP, "x>=", false },
                { PACKAGE_PIP, "x>=1,", true },
                { PACKAGE_PIP, "x[a", false },
                { PACKAGE_PIP, "x[a'b]", false },
                { PACKAGE_PIP, "x'y", false },
                { PACKAGE_PIP, "x\ny", false },
                { PACKAGE_PIP, "x\\", false },
                { PACKAGE_PIP, "x@file://../y", false },
                { PACKAGE_PIP, "x@https://h/'y", false },
                { PACKAGE_PIP, "x@https://h/$y", false },
                { PACKAGE_PIP, "x@https://h;/y", false },
                { PACKAGE_PIP, "../x", false },
                { PACKAGE_APT, "git", true },
                { PACKAGE_APT, "g++", true },
                { PACKAGE_APT, "libfoo:amd64=1:2.0-3~deb12u1", true },
                { PACKAGE_APT, "Git", false },
                { PACKAGE_APT, "g", false },
                { PACKAGE_APT, "git;id", false },
                { PACKAGE_APT, "git=", true },
                { PACKAGE_APT, "git=$(id)", false },
                { PACKAGE_APT, "-y", false },
                { PACKAGE_APT, "./x.deb", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct err err = { 0 };
                int r = package_check(rows[i].kind, rows[i].text, &err);

                if ((r == 0) != rows[i].good)
                        fail_msg("'%s' gives %d: %s", rows[i].text, r, err.msg);
                assert_true(r == 0 || err.msg[0]);
        }
}

/* Whatever is let through: between single quotes it is one word for a shell. */
static void test_nothing_for_a_shell(void **state) {
        char text[4] = "a";

        for (unsigned a = 1; a < 256; a++)
                for (unsigned b = 1; b < 256; b++) {
                        text[1] = (char)a;
                        text[2] = (char)b;
                        for (int kind = PACKAGE_PIP; kind <= PACKAGE_APT; kind++)
                                if (package_check(kind, text, NULL) == 0)
                                        assert_null(strpbrk(text, "'\"\\`$;|&\n\r \t"));
                }
}

static void assert_list(const char *typed, const char *wanted) {
        _cleanup_packages_ struct packages p = { 0 };
        _cleanup_buf_ struct buf all = BUF_INIT(4096);
        struct err err = { 0 };

        if (packages_add(&p, PACKAGE_PIP, typed, &err) < 0)
                fail_msg("'%s': %s", typed, err.msg);
        for (size_t i = 0; i < p.list.len; i++)
                buf_addf(&all, "%s|", p.list.items[i]);
        assert_string_equal(buf_str(&all), wanted);
}

static void test_lists(void **state) {
        assert_list("", "");
        assert_list(" , ", "");
        assert_list("numpy pandas", "numpy|pandas|");
        assert_list("numpy,pandas, timm", "numpy|pandas|timm|");
        assert_list("numpy >= 1, < 2 pandas", "numpy>=1,<2|pandas|");
        assert_list("numpy>=1,<2,pandas", "numpy>=1,<2|pandas|");
        assert_list("'pandas>=2.0' \"numpy<2\"", "pandas>=2.0|numpy<2|");
        assert_list("jax[cuda12, k8s] flax", "jax[cuda12,k8s]|flax|");
        assert_list("numpy Pandas numpy==1.26", "numpy==1.26|Pandas|");
        assert_list("scikit_learn scikit-learn==1.4", "scikit-learn==1.4|");
        assert_list("a\nb\tc", "a|b|c|");
}

static void test_names(void **state) {
        char name[PACKAGE_MAX];

        package_name(PACKAGE_PIP, "Scikit__Learn.X[a]>=1", name);
        assert_string_equal(name, "scikit-learn-x");
        package_name(PACKAGE_APT, "libfoo:amd64=1.0", name);
        assert_string_equal(name, "libfoo:amd64");
}

static void test_requirements(void **state) {
        static const struct {
                const char *text, *says; /* NULL: good */
        } rows[] = {
                { "", NULL },
                { "numpy\n# comment\n-i https://x/simple\npandas>=2 ; python_version<'3.9'\n",
                  NULL },
                { "--index-url=https://x\n--hash=sha256:ab\n", NULL },
                { "numpy\n-e .\n", "line 2" },
                { "-r other.txt", "line 1" },
                { "--config-settings=x", "--config-settings" },
        };
        struct err err;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int r = requirements_check(rows[i].text, strlen(rows[i].text), &err);

                assert_int_equal(r, rows[i].says ? -EINVAL : 0);
                if (rows[i].says)
                        assert_non_null(strstr(err.msg, rows[i].says));
        }
        assert_int_equal(requirements_check("a\0b", 3, &err), -EINVAL);
        assert_int_equal(requirements_check("\xff\xfe", 2, &err), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),        cmocka_unit_test(test_nothing_for_a_shell),
                cmocka_unit_test(test_lists),        cmocka_unit_test(test_names),
                cmocka_unit_test(test_requirements),
        };

        return cmocka_run_group_tests_name("image-package", tests, NULL, NULL);
}
