/*
 * The Dockerfile of each framework and type, compared with golden/FRAMEWORK-TYPE; each is one that
 * ds01d would build. DS01_GOLDEN=write writes the golden files anew.
 */
#include "image/generate.h"

#include "base/fd.h"
#include "base/str.h"
#include "core/recipe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static void load(struct catalogue *c) {
        struct err err = { 0 };
        char path[4096];

        snprintf(path, sizeof(path), "%s/data/catalogue.yaml", getenv("DS01_SOURCE_ROOT"));
        if (catalogue_load(c, path, &err) < 0)
                fail_msg("%s", err.msg);
}

static void compare(const char *name, const struct buf *text) {
        _cleanup_buf_ struct buf golden = BUF_INIT(DOCKERFILE_MAX);
        struct recipe_fault fault = { 0 };
        struct recipe recipe;
        char path[4096];

        snprintf(path, sizeof(path), "%s/tests/unit/image/golden/%s", getenv("DS01_SOURCE_ROOT"),
                 name);
        if (str_equal(getenv("DS01_GOLDEN"), "write"))
                assert_int_equal(file_write_atomic(path, 0644, text->data, text->len), 0);
        if (file_read(path, &golden) < 0)
                fail_msg("there is no %s", path);
        assert_string_equal(buf_str(text), buf_str(&golden));
        if (recipe_read(text->data, text->len, &recipe, &fault) < 0)
                fail_msg("%s: line %u: %s", name, fault.line, fault.message);
        recipe_release(&recipe);
}

static void test_golden(void **state) {
        _cleanup_catalogue_ struct catalogue c = { 0 };

        load(&c);
        assert_int_equal(c.frameworks.len, 4);
        assert_int_equal(c.types.len, 8);
        for (size_t f = 0; f < c.frameworks.len; f++)
                for (size_t t = 0; t < c.types.len; t++) {
                        const char *framework = c.frameworks.items[f].name;
                        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
                        struct image_plan plan;
                        struct err err = { 0 };
                        char name[128];

                        if (image_plan_make(&c, "thesis", framework, c.types.items[t].name,
                                            str_equal(framework, "custom") ? "debian:12.8" : NULL,
                                            NULL, NULL, NULL, &plan, &err) < 0)
                                fail_msg("%s", err.msg);
                        assert_int_equal(dockerfile_generate(&plan, &text), 0);
                        snprintf(name, sizeof(name), "%s-%s", framework, c.types.items[t].name);
                        compare(name, &text);
                        image_plan_release(&plan);
                }
}

static void test_with_all(void **state) {
        _cleanup_catalogue_ struct catalogue c = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        struct image_plan plan;
        struct err err = { 0 };

        load(&c);
        assert_int_equal(image_plan_make(&c, "thesis", "pytorch", "cv", NULL, "requirements.txt",
                                         "pandas>=2.0 numpy<2 jax[cuda12]", "ffmpeg g++", &plan,
                                         &err),
                         0);
        plan.apt_mirror = "http://mirror.example/debian";
        assert_int_equal(dockerfile_generate(&plan, &text), 0);
        compare("with-all", &text);
        image_plan_release(&plan);
}

static void test_refusals(void **state) {
        static const struct {
                const char *framework, *type, *base, *requirements, *pip, *says;
        } rows[] = {
                { "pytroch", NULL, NULL, NULL, NULL, "did you mean 'pytorch'" },
                { NULL, "cb", NULL, NULL, NULL, "there are: ml" },
                { "custom", NULL, NULL, NULL, NULL, "--base=IMAGE" },
                { NULL, NULL, "x\ny", NULL, NULL, "no image" },
                { NULL, NULL, NULL, "a\"b", NULL, "can't be named" },
                { NULL, NULL, NULL, NULL, "x;id", "x;id" },
        };
        _cleanup_catalogue_ struct catalogue c = { 0 };

        load(&c);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct image_plan plan;
                struct err err = { 0 };

                assert_int_equal(image_plan_make(&c, "x", rows[i].framework, rows[i].type,
                                                 rows[i].base, rows[i].requirements, rows[i].pip,
                                                 NULL, &plan, &err),
                                 -EINVAL);
                if (!strstr(err.msg, rows[i].says))
                        fail_msg("row %zu: %s", i, err.msg);
                image_plan_release(&plan);
        }
}

static void test_site_catalogue(void **state) {
        static const struct {
                const char *text, *says; /* NULL: good */
        } rows[] = {
                { "types: {cv: {title: vision, packages: [timm]}}\n", NULL },
                { "frameworks: {pytorch: {base: site/pytorch:1}, mxnet: {base: m:1}}\n", NULL },
                { "", NULL },
                { "typos: {}\n", ":1:1: " },
                { "types: {cv: {packages: ['x;id']}}\n", "x;id" },
                { "types: {cv: {packages: x}}\n", "list of packages" },
                { "frameworks: [a]\n", "one key" },
                { "frameworks: {x: {base: [a]}}\n", "line of text" },
        };
        char path[] = "/tmp/ds01-test-catalogue-XXXXXX";
        int fd = mkstemp(path);

        close(fd);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_catalogue_ struct catalogue c = { 0 };
                struct err err = { 0 };
                int r;

                load(&c);
                file_write_atomic(path, 0600, rows[i].text, strlen(rows[i].text));
                r = catalogue_load(&c, path, &err);
                if ((r == 0) != !rows[i].says || (rows[i].says && !strstr(err.msg, rows[i].says)))
                        fail_msg("row %zu: %d %s", i, r, err.msg);
                if (i == 0)
                        assert_int_equal(catalogue_type(&c, "cv", NULL)->pip.list.len, 1);
                if (i == 1)
                        assert_string_equal(catalogue_framework(&c, "pytorch", NULL)->base,
                                            "site/pytorch:1");
        }
        unlink(path);
        {
                _cleanup_catalogue_ struct catalogue c = { 0 };
                struct err err = { 0 };

                assert_int_equal(catalogue_load(&c, path, &err), -ENOENT);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden),
                cmocka_unit_test(test_with_all),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_site_catalogue),
        };

        return cmocka_run_group_tests_name("image-generate", tests, NULL, NULL);
}
