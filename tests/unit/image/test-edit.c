/* The steps of an editor: each can be undone to the byte, and what fails is no step. */
#include "image/edit.h"

#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static const char example[] = "# mine\n"
                              "FROM python:3.12 AS tools\n"
                              "RUN echo \\\n"
                              "FROM me\n"
                              "from  --platform=linux/amd64 debian:12   # odd\r\n"
                              "# ds01:begin system\n"
                              "RUN apt-get update && apt-get install -y git && \\\n"
                              "    rm -rf /var/lib/apt/lists/*\n"
                              "# ds01:end system\n"
                              "# ds01:begin packages\n"
                              "RUN pip install 'pandas>=2.0' timm\n"
                              "# ds01:end packages\n"
                              "USER 65534:65534\n";

static void assert_text(const struct edit *e, const char *wanted) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);

        assert_int_equal(edit_text(e, &text), 0);
        assert_string_equal(buf_str(&text), wanted);
}

static void assert_packages(const struct edit *e, const char *wanted) {
        _cleanup_buf_ struct buf all = BUF_INIT(4096);

        for (size_t i = 0; i < e->packages.len; i++)
                buf_addf(&all, "%s%s:%s", i ? " " : "",
                         dockerfile_region_names[e->packages.items[i].region],
                         e->packages.items[i].text);
        assert_string_equal(buf_str(&all), wanted);
}

static void open_example(struct edit *e) {
        struct err err = { 0 };

        if (edit_open(example, strlen(example), e, &err) < 0)
                fail_msg("%s", err.msg);
}

static void test_what_there_is(void **state) {
        _cleanup_edit_ struct edit e;

        open_example(&e);
        assert_packages(&e, "system:git packages:pandas>=2.0 packages:timm");
        assert_string_equal(e.base, "debian:12");
        assert_string_equal(e.requirements, "");
        assert_false(edit_changed(&e));
        assert_false(edit_undo(&e));
}

static void test_steps_and_back(void **state) {
        _cleanup_edit_ struct edit e;
        struct err err = { 0 };

        open_example(&e);
        assert_int_equal(edit_add(&e, PACKAGE_PIP, "pandas<3 einops", &err), 0);
        assert_packages(&e, "system:git packages:pandas<3 packages:timm added:einops");
        assert_int_equal(edit_add(&e, PACKAGE_APT, "ffmpeg", &err), 0);
        assert_int_equal(edit_remove(&e, 0, &err), 0); /* git */
        assert_packages(&e, "system:ffmpeg packages:pandas<3 packages:timm added:einops");
        assert_int_equal(edit_base(&e, "debian:13", &err), 0);
        assert_string_equal(e.base, "debian:13");
        assert_int_equal(edit_requirements(&e, "more.txt", &err), 0);
        assert_string_equal(e.requirements, "more.txt");
        assert_true(edit_changed(&e));
        assert_int_equal(e.history.len, 5);
        while (e.history.len > 0)
                assert_true(edit_undo(&e));
        assert_text(&e, example);
        assert_packages(&e, "system:git packages:pandas>=2.0 packages:timm");
        assert_string_equal(e.base, "debian:12");
        assert_false(edit_changed(&e));
}

static void test_what_is_no_step(void **state) {
        static const char *const images[] = { "", "-x", "a b", "$BASE", "a\nRUN x" };
        _cleanup_edit_ struct edit e;
        struct err err = { 0 };

        open_example(&e);
        assert_int_equal(edit_add(&e, PACKAGE_PIP, "x;touch", &err), -EINVAL);
        assert_int_equal(edit_add(&e, PACKAGE_PIP, "timm", &err), 0);
        assert_int_equal(edit_add(&e, PACKAGE_PIP, " ", NULL), 0);
        assert_int_equal(edit_requirements(&e, "a$b", &err), -EINVAL);
        for (size_t i = 0; i < ARRAY_SIZE(images); i++)
                assert_int_equal(edit_base(&e, images[i], &err), -EINVAL);
        assert_int_equal(e.history.len, 0);
        assert_text(&e, example);
        assert_packages(&e, "system:git packages:pandas>=2.0 packages:timm");
}

static void test_saved(void **state) {
        _cleanup_edit_ struct edit e;
        struct err err = { 0 };

        open_example(&e);
        assert_int_equal(edit_base(&e, "debian:13", &err), 0);
        assert_int_equal(edit_saved(&e), 0);
        assert_false(edit_changed(&e));
        assert_true(edit_undo(&e));
        assert_true(edit_changed(&e));
}

static void test_difference(void **state) {
        _cleanup_edit_ struct edit e;
        _cleanup_buf_ struct buf out = BUF_INIT(DOCKERFILE_MAX);
        struct err err = { 0 };

        open_example(&e);
        assert_int_equal(edit_diff(&e, &out), 0);
        assert_string_equal(buf_str(&out), "");
        assert_int_equal(edit_base(&e, "debian:13", &err), 0);
        assert_int_equal(edit_diff(&e, &out), 0);
        assert_string_equal(buf_str(&out),
                            "  RUN echo \\\n"
                            "  FROM me\n"
                            "- from  --platform=linux/amd64 debian:12   # odd\r\n"
                            "+ from  --platform=linux/amd64 debian:13   # odd\r\n"
                            "  # ds01:begin system\n"
                            "  RUN apt-get update && apt-get install -y git && \\\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_there_is),
                cmocka_unit_test(test_steps_and_back),
                cmocka_unit_test(test_what_is_no_step),
                cmocka_unit_test(test_saved),
                cmocka_unit_test(test_difference),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
