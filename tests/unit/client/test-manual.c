/* The longer texts: every command has them all, and --info, --concepts and --guided show them. */
#include "base/str.h"
#include "client/command.h"
#include "client/texts.h"

#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ran ran;

/* Plain ASCII that fits a terminal of 80 columns. */
static void check_text(const char *what, const char *text) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                if (n > 79)
                        fail_msg("%s: wider than 79 columns: %.*s", what, (int)n, text);
                for (size_t i = 0; i < n; i++)
                        if (text[i] < ' ' || text[i] > '~')
                                fail_msg("%s: not plain: %.*s", what, (int)n, text);
                text += n + 1;
        }
}

static size_t count_lines(const char *text) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

static void test_sections(void **state) {
        static const char *const sections[] = { "description", "concepts", "before", "docker",
                                                "after" };

        for (size_t i = 0; i < n_commands; i++)
                for (size_t k = 0; k < ARRAY_SIZE(sections); k++) {
                        _cleanup_buf_ struct buf text = BUF_INIT(65536);
                        char what[128];
                        struct cli c;

                        cli_init(&c);
                        snprintf(what, sizeof(what), "data/help/%s, == %s", commands[i]->name,
                                 sections[k]);
                        if (text_section(&c, commands[i]->name, sections[k], &text) != EXIT_DONE ||
                            text.len < 4)
                                fail_msg("%s is missing: see src/client/texts.h", what);
                        check_text(what, text.data);
                        if (text.data[0] == '\n' || str_ends(text.data, "\n\n"))
                                fail_msg("%s begins or ends with an empty line", what);
                }
}

static void test_info(void **state) {
        char line[128];

        for (size_t i = 0; i < n_commands; i++) {
                snprintf(line, sizeof(line), "ds01 %s --info", commands[i]->name);
                run_client(NULL, &ran, line, NULL, 0);
                assert_int_equal(ran.code, 0);
                assert_string_equal(ran.err, "");
                check_text(line, ran.out);
                assert_non_null(strstr(ran.out, "\nEXIT STATUS\n"));
        }
        run_client(NULL, &ran, "container --info", NULL, 0);
        assert_int_equal(ran.code, 0);
        assert_non_null(strstr(ran.out, "container-create"));
}

/* Help, manual page and completion know the same options. */
static void test_all_agree(void **state) {
        static const char *const forms[] = { "ds01 %s --help", "ds01 %s --info",
                                             "ds01 __complete 2 ds01 %s --" };

        for (size_t i = 0; i < n_commands; i++)
                for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
                        char line[128];

                        snprintf(line, sizeof(line), forms[f], commands[i]->name);
                        run_client(NULL, &ran, line, NULL, 0);
                        assert_int_equal(ran.code, 0);
                        for (size_t k = 0; k < commands[i]->n_options; k++) {
                                const struct option_row *row = &commands[i]->options[k];
                                char option[80];
                                const char *at;

                                snprintf(option, sizeof(option), "--%s", row->name);
                                at = strstr(ran.out, option);
                                while (at && at[strlen(option)] &&
                                       strchr("-abcdefghijklmnopqrstuvwxyz",
                                              at[strlen(option)]))
                                        at = strstr(at + 1, option);
                                if (!at != row->hidden)
                                        fail_msg("%s: %s is %s", line, option,
                                                 at ? "shown" : "missing");
                        }
                }
}

static void test_concepts(void **state) {
        char line[128];

        for (size_t i = 0; i < n_commands; i++) {
                snprintf(line, sizeof(line), "ds01 %s --concepts", commands[i]->name);
                run_client(NULL, &ran, line, NULL, 0);
                assert_int_equal(ran.code, 0);
                check_text(line, ran.out);
                /* About a page, with a picture. */
                assert_in_range(count_lines(ran.out), 20, 90);
                assert_true(strstr(ran.out, "-->") || strstr(ran.out, "+--") ||
                            strstr(ran.out, "|"));
        }
}

static void test_guided(void **state) {
        static const struct fake_answer answers[] = {
                { "POST /v1/containers/thesis/stop", NULL, 200,
                  "{\"container\":{\"name\":\"thesis\",\"status\":\"stopped\"},\"changed\":true,"
                  "\"notes\":[]}" },
        };
        struct fake f;

        fake_start(&f, answers, ARRAY_SIZE(answers));
        run_client(&f, &ran, "container-stop thesis --guided", NULL, 0);
        fake_stop(&f);
        assert_int_equal(ran.code, 0);
        /* stdout stays what it is without */
        assert_string_equal(ran.out, "Stopped container 'thesis'\n");
        assert_non_null(strstr(ran.err, "--- container-stop: what will happen\n"));
        assert_non_null(strstr(ran.err, "docker stop --time 10 thesis._."));
        assert_non_null(strstr(ran.err, "--- container-stop: what has happened\n"));
        assert_non_null(strstr(ran.err, "container-start thesis"));
        assert_null(strstr(ran.err, "{name}"));
        assert_null(strstr(ran.err, "Enter goes on"));
}

static void test_no_files(void **state) {
        setenv("DS01_DATA", "/nonexistent", 1); /* the last test */
        run_client(NULL, &ran, "container-stop --concepts", NULL, 0);
        assert_int_equal(ran.code, EXIT_FAILED);
        assert_non_null(strstr(ran.err, "--help needs no file"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sections), cmocka_unit_test(test_info),
                cmocka_unit_test(test_all_agree),
                cmocka_unit_test(test_concepts), cmocka_unit_test(test_guided),
                cmocka_unit_test(test_no_files),
        };

        return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
