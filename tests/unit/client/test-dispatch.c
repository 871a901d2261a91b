/* Names, usage errors, help and completion: what needs no answer of a daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "client/command.h"
#include "fake.h"

static struct ran ran;

static void test_names(void **state) {
        static const char *const lines[] = {
                "container-create --help",
                "/usr/bin/container-create --help",
                "container create --help",
                "ds01 container-create --help",
                "ds01 container create --help",
                "container-create -h",
                "container-create x --gpu=2 --help",
                "any-other-name container-create --help",
                "container-create --help --gpu=zwei",
        };

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                run_client(NULL, &ran, lines[i], NULL, 0);
                assert_int_equal(ran.code, 0);
                assert_true(str_starts(ran.out, "Usage: container-create NAME [IMAGE]"));
                assert_string_equal(ran.err, "");
        }
        run_client(NULL, &ran, "container-open --help", NULL, 0);
        assert_true(str_starts(ran.out, "Usage: container-attach NAME"));
        run_client(NULL, &ran, "get limits --help", NULL, 0);
        assert_true(str_starts(ran.out, "Usage: check-limits"));
        run_client(NULL, &ran, "check limits --help", NULL, 0);
        assert_true(str_starts(ran.out, "Usage: check-limits"));
        run_client(NULL, &ran, "ds01 gpus --help", NULL, 0);
        assert_true(str_starts(ran.out, "Usage: ds01 gpus"));
}

static void test_usage_errors(void **state) {
        static const struct {
                const char *line, *err;
        } cases[] = {
                { "container crete", "container: there is no 'container crete'\n"
                                     "  did you mean: container create\n"
                                     "  container --help lists what there is\n" },
                { "container frobnicate", "container: there is no 'container frobnicate'\n"
                                          "  container --help lists what there is\n" },
                { "ds01 contaner-list", "ds01: there is no command 'contaner-list'\n"
                                        "  did you mean: ds01 container-list\n"
                                        "  ds01 --help lists what there is\n" },
                { "container-create",
                  "container-create: the name of the new container is missing\n"
                  "  usage: container-create NAME [IMAGE]; container-create --help says more\n" },
                { "container-create a b c", "container-create: 'c' is one argument too many\n"
                                            "  container-create --help shows what it takes\n" },
                { "container-create a --gpus=2",
                  "container-create: unknown option '--gpus'\n"
                  "  did you mean --gpu?\n"
                  "  container-create --help shows what it takes\n" },
                { "container-create a --gpu=two",
                  "container-create: --gpu takes a whole number from 0 to 2147483647, not 'two'\n"
                  "  container-create --help shows what it takes\n" },
                { "container-create a b --image=c",
                  "container-create: the image is given twice: 'b' and --image=c\n" },
                { "container-create a --cpu-only --gpu=2",
                  "container-create: --cpu-only and --gpu=2 exclude each other\n" },
                { "container-attach a ls", "container-attach: 'ls' is one argument too many\n"
                                           "  to run a command: container-attach a -- ls\n" },
                { "container-attach",
                  "container-attach: the name of a running container is missing\n"
                  "  usage: container-attach NAME; container-attach --help says more\n" },
                { "container-stop",
                  "container-stop: the name of a container is missing\n"
                  "  container-stop NAME, or container-stop --all; container-list --all shows the "
                  "names\n" },
                { "container-remove a --all",
                  "container-remove: names and --all exclude each other\n" },
                { "container-list extra", "container-list: 'extra' is one argument too many\n"
                                          "  container-list --help shows what it takes\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                run_client(NULL, &ran, cases[i].line, NULL, 0);
                assert_string_equal(ran.err, cases[i].err);
                assert_string_equal(ran.out, "");
                assert_int_equal(ran.code, EXIT_USAGE);
        }
}

static void check_fits(const char *what, const char *text) {
        size_t lines = 0;

        while (*text) {
                size_t n = strcspn(text, "\n");
                char line[256];

                snprintf(line, sizeof(line), "%.*s", (int)n, text);
                if (utf8_width(line) > 80)
                        fail_msg("%s: wider than 80 columns: %s", what, line);
                lines++;
                text += n + 1;
        }
        if (lines > 24)
                fail_msg("%s: %zu lines do not fit a screen", what, lines);
}

static void test_help_fits(void **state) {
        static const char *const more[] = { "ds01", "ds01 --help", "container", "check --help" };
        char line[128];

        for (size_t i = 0; i < n_commands; i++) {
                snprintf(line, sizeof(line), "ds01 %s --help", commands[i]->name);
                run_client(NULL, &ran, line, NULL, 0);
                assert_int_equal(ran.code, 0);
                check_fits(line, ran.out);
                /* every option that is shown has words, every example is of this command */
                for (size_t k = 0; k < commands[i]->n_options; k++)
                        if (!commands[i]->options[k].hidden)
                                assert_non_null(strstr(ran.out, commands[i]->options[k].help));
                assert_non_null(strstr(commands[i]->examples, commands[i]->name));
                assert_true(commands[i]->min == 0 || commands[i]->missing);
        }
        for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
                run_client(NULL, &ran, more[i], NULL, 0);
                assert_int_equal(ran.code, 0);
                check_fits(more[i], ran.out);
        }
}

static void test_common(void **state) {
        run_client(NULL, &ran, "container-list --version", NULL, 0);
        assert_string_equal(ran.out, "ds01 " DS01_VERSION "\n");
        run_client(NULL, &ran, "ds01 --version", NULL, 0);
        assert_string_equal(ran.out, "ds01 " DS01_VERSION "\n");
        run_client(NULL, &ran, "container-exit --guided", NULL, 0);
        assert_int_equal(ran.code, 0);
        assert_true(str_starts(ran.out, "This is the host"));
        assert_non_null(strstr(ran.err, "--- container-exit: what will happen\n"));
}

static void test_unreachable(void **state) {
        run_client(NULL, &ran, "container-list", NULL, 0);
        assert_int_equal(ran.code, EXIT_UNREACHABLE);
        assert_string_equal(ran.out, "");
        assert_true(str_starts(ran.err, "container-list: ds01d is not running on this machine"));
        run_client(NULL, &ran, "container-attach x", NULL, 0);
        assert_int_equal(ran.code, EXIT_UNREACHABLE);
}

static void test_complete(void **state) {
        static const struct fake_answer containers[] = {
                { "GET /v1/containers?all=true", NULL, 200,
                  "[{\"name\": \"alpha\", \"status\": \"running\"},"
                  " {\"name\": \"beta\", \"status\": \"stopped\"},"
                  " {\"name\": \"alps\", \"status\": \"paused\"}]" },
        };
        static const struct {
                const char *line, *out;
        } cases[] = {
                { "ds01 __complete 1 ds01 container-un", "container-unpause\n" },
                { "ds01 __complete 1 container un", "unpause\n" },
                { "ds01 __complete 1 check", "limits\n" },
                { "ds01 __complete 2 ds01 container sta", "start\nstats\n" },
                { "ds01 __complete 1 container-list --f", "--format=\n" },
                { "ds01 __complete 1 container-list --format=j", "--format=json\n" },
                { "ds01 __complete 3 container-list --format = s", "simple\n" },
                { "ds01 __complete 2 container-list --format =", "table\njson\nsimple\n" },
                { "ds01 __complete 1 container-stop --f", "--force\n" },
                { "ds01 __complete 2 container-create --workspace", "" },
                { "ds01 __complete x", "" },
                { "ds01 __complete 9 container-list", "" },
        };
        static const struct {
                const char *line, *out;
        } named[] = {
                { "ds01 __complete 1 container-attach", "alpha\n" },
                { "ds01 __complete 1 container-start al", "alps\n" },
                { "ds01 __complete 2 container stop al", "alpha\nalps\n" },
                { "ds01 __complete 2 container-remove alpha", "alpha\nbeta\nalps\n" },
        };
        struct fake fake;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                run_client(NULL, &ran, cases[i].line, NULL, 0);
                assert_int_equal(ran.code, 0);
                assert_string_equal(ran.err, "");
                assert_string_equal(ran.out, cases[i].out);
        }
        for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
                fake_start(&fake, containers, 1);
                run_client(&fake, &ran, named[i].line, NULL, 0);
                fake_stop(&fake);
                assert_string_equal(ran.out, named[i].out);
        }
        /* no daemon: silence */
        run_client(NULL, &ran, "ds01 __complete 1 container-attach", NULL, 0);
        assert_int_equal(ran.code, 0);
        assert_string_equal(ran.err, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),       cmocka_unit_test(test_usage_errors),
                cmocka_unit_test(test_help_fits),   cmocka_unit_test(test_common),
                cmocka_unit_test(test_unreachable), cmocka_unit_test(test_complete),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
