/*
 * The files that are shipped say what the tables say: the examples in data/ are the generated
 * texts, they load, and the manual pages name every key.
 */
#include "fixture.h"

#include "config/config.h"
#include "config/limits_file.h"
#include "config/site_keys.h"

#include <stdio.h>
#include <string.h>

static char *printed(void (*print)(FILE *out)) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        assert_non_null(f);
        print(f);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void load_site(const char *text, struct site_config *c) {
        struct err err = { 0 };

        write_text("f.yaml", text);
        assert_int_equal(site_config_init(c), 0);
        if (site_config_load("f.yaml", c, &err) < 0)
                fail_msg("%s", err.msg);
}

static void lists_equal(char **a, char **b) {
        for (; *a && *b; a++, b++)
                assert_string_equal(*a, *b);
        assert_true(!*a && !*b);
}

static void configs_equal(const struct site_config *a, const struct site_config *b) {
        for (size_t i = 0; i < site_keys_count; i++) {
                const struct site_key *key = &site_keys[i];
                const char *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

                if (key->kind == SITE_WORDS || key->kind == SITE_ROOTS)
                        lists_equal(*(char ***)x, *(char ***)y);
                else if (key->kind == SITE_COUNT || key->kind == SITE_SECONDS)
                        assert_int_equal(*(int64_t *)x, *(int64_t *)y);
                else if (key->kind == SITE_CHOICE)
                        assert_int_equal(*(int *)x, *(int *)y);
                else
                        assert_string_equal(*(char **)x, *(char **)y);
        }
}

static void test_site_example(void **state) {
        _cleanup_free_ char *shipped = read_source("data/ds01.yaml");
        _cleanup_free_ char *text = printed(site_config_print_example);
        struct site_config defaults, c;

        assert_string_equal(shipped, text);
        load_site(text, &c);
        assert_int_equal(site_config_init(&defaults), 0);
        configs_equal(&c, &defaults);
        site_config_release(&c);

        /* With every setting in force ("#key:" and "#  key:", prose has one blank) nothing is
         * different either: the values shown are the defaults. */
        for (char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (line[0] == '#' && line[1] != ' ' && line[1] != '\n')
                        memmove(line, line + 1, strlen(line));
                else if (strncmp(line, "#  ", 3) == 0)
                        memmove(line, line + 1, strlen(line));
        }
        assert_non_null(strstr(text, "\nengine:\n"));
        assert_non_null(strstr(text, "\n  timeout_s: 60\n"));
        load_site(text, &c);
        configs_equal(&c, &defaults);
        site_config_release(&c);
        site_config_release(&defaults);
}

static void test_limits_example(void **state) {
        _cleanup_free_ char *shipped = read_source("data/resource-limits.yaml");
        _cleanup_free_ char *text = printed(limits_config_print_example);
        struct limits_config c;
        struct limits built_in;
        struct err err = { 0 };

        assert_string_equal(shipped, text);
        if (limits_config_parse("f.yaml", text, strlen(text), &c, &err) < 0)
                fail_msg("%s", err.msg);
        assert_string_equal(c.default_group, "student");
        assert_int_equal(c.ngroups, 4);
        limits_defaults(&built_in);
        for (size_t i = 0; i < limit_keys_count; i++) {
                char in_file[32], in_code[32];

                limit_format(&c.defaults.values, &limit_keys[i], in_file, sizeof(in_file));
                limit_format(&built_in, &limit_keys[i], in_code, sizeof(in_code));
                assert_string_equal(in_file, in_code);
                assert_true(c.defaults.given & (UINT64_C(1) << i));
        }
        limits_config_release(&c);
}

/* The manual's list has a line ".It Ic KEY" or ".It Ic KEY Ar VALUE" for each key. */
static void expect_item(const char *page, const char *text, const char *key) {
        char line[128];

        snprintf(line, sizeof(line), "\n.It Ic %s ", key);
        if (strstr(text, line))
                return;
        snprintf(line, sizeof(line), "\n.It Ic %s\n", key);
        if (!strstr(text, line))
                fail_msg("%s: '%s' is missing", page, key);
}

static void test_manuals(void **state) {
        _cleanup_free_ char *site = read_source("man/ds01.yaml.5");
        _cleanup_free_ char *limits = read_source("man/resource-limits.yaml.5");

        for (size_t i = 0; i < site_keys_count; i++)
                expect_item("ds01.yaml.5", site, site_keys[i].name);
        for (size_t i = 0; i < limit_keys_count; i++)
                expect_item("resource-limits.yaml.5", limits, limit_keys[i].name);
        for (const char *item = site; (item = strstr(item, "\n.It Ic ")); item++) {
                char key[64] = "";
                size_t i = 0;

                sscanf(item, "\n.It Ic %63s", key);
                while (i < site_keys_count && strcmp(site_keys[i].name, key) != 0)
                        i++;
                if (i == site_keys_count)
                        fail_msg("ds01.yaml.5: there is no key '%s'", key);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_site_example),
                cmocka_unit_test(test_limits_example),
                cmocka_unit_test(test_manuals),
        };

        return cmocka_run_group_tests_name("examples", tests, scratch_enter, scratch_leave);
}
