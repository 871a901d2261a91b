/* The option parser: every spelling, every fault. */
#include "client/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

struct sample {
        const char *where;
        int64_t count;
        int format;
        bool has_count, force, all;
};

static const struct option_row rows[] = {
        OPTION_STRING('w', "workspace", "DIR", struct sample, where, "a directory"),
        OPTION_INT('n', "count", "N", struct sample, count, 0, 64, "a number",
                   .seen_offset = offsetof(struct sample, has_count)),
        OPTION_INT(0, "num-count", "N", struct sample, count, 0, 64, NULL,
                   .seen_offset = offsetof(struct sample, has_count), .hidden = true),
        OPTION_CHOICE(0, "format", "F", struct sample, format, format_choices, "a form"),
        OPTION_FLAG('f', "force", struct sample, force, "a flag"),
        OPTION_FLAG('a', "all", struct sample, all, "another"),
};

static int parse(const char *line, struct sample *ret, struct operands *operands,
                 struct option_fault *fault, char *words, char **argv) {
        const struct option_set set = { rows, ARRAY_SIZE(rows), ret };
        char *save = NULL;
        int argc = 0;

        *ret = (struct sample){ 0 };
        str_copy(words, 512, line);
        for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
                argv[argc++] = w;
        return options_parse(&set, 1, argc, argv, operands, fault);
}

static void test_accepted(void **state) {
        static const struct {
                const char *line;
                struct sample want;
                size_t operands, before;
        } cases[] = {
                { "", { 0 }, 0, 0 },
                { "name", { 0 }, 1, 1 },
                { "name --workspace=/x", { .where = "/x" }, 1, 1 },
                { "--workspace /x name", { .where = "/x" }, 1, 1 },
                { "--workspace=a=b", { .where = "a=b" }, 0, 0 },
                { "-w /x name", { .where = "/x" }, 1, 1 },
                { "-w=/x name", { .where = "/x" }, 1, 1 },
                { "-w/x name", { .where = "/x" }, 1, 1 },
                { "-fa", { .force = true, .all = true }, 0, 0 },
                { "-faw /x y", { .force = true, .all = true, .where = "/x" }, 1, 1 },
                { "a --force b", { .force = true }, 2, 2 },
                { "--count=2", { .count = 2, .has_count = true }, 0, 0 },
                { "--count 0", { .has_count = true }, 0, 0 },
                { "-n4", { .count = 4, .has_count = true }, 0, 0 },
                { "--num-count 3", { .count = 3, .has_count = true }, 0, 0 },
                { "--format=json", { .format = FORMAT_JSON }, 0, 0 },
                { "--format simple", { .format = FORMAT_SIMPLE }, 0, 0 },
                { "name -- ls -f", { 0 }, 3, 1 },
                { "-- --force", { 0 }, 1, 0 },
                { "name - x", { 0 }, 3, 3 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct option_fault fault;
                struct operands operands;
                struct sample got;
                char words[512], *argv[32];

                if (parse(cases[i].line, &got, &operands, &fault, words, argv) != 0)
                        fail_msg("'%s': %s", cases[i].line, fault.message);
                if (!str_equal(got.where, cases[i].want.where) ||
                    got.count != cases[i].want.count || got.format != cases[i].want.format ||
                    got.has_count != cases[i].want.has_count || got.force != cases[i].want.force ||
                    got.all != cases[i].want.all || operands.n != cases[i].operands ||
                    operands.before != cases[i].before)
                        fail_msg("'%s' was read wrongly", cases[i].line);
        }
}

static void test_refused(void **state) {
        static const struct {
                const char *line, *message, *next;
        } cases[] = {
                { "--wrkspace=/x", "unknown option '--wrkspace'", "did you mean --workspace?" },
                { "--work=/x", "unknown option '--work'", "did you mean --workspace?" },
                { "--cuont", "unknown option '--cuont'", "did you mean --count?" },
                { "--num-cont", "unknown option '--num-cont'", "" },
                { "--zzz", "unknown option '--zzz'", "" },
                { "-x", "unknown option '-x'", "" },
                { "-fx", "unknown option '-x'", "" },
                { "--force=yes", "--force takes no value", "" },
                { "--workspace", "--workspace needs a value: --workspace=DIR", "" },
                { "--workspace=", "--workspace needs a value that is not empty", "" },
                { "-w", "-w needs a value: -w DIR", "" },
                { "--count=two", "--count takes a whole number from 0 to 64, not 'two'", "" },
                { "--count=-1", "--count takes a whole number from 0 to 64, not '-1'", "" },
                { "--count=1e9", "--count takes a whole number from 0 to 64, not '1e9'", "" },
                { "-n 65", "-n takes a whole number from 0 to 64, not '65'", "" },
                { "--format=xml", "--format takes one of table, json, simple, not 'xml'", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct option_fault fault;
                struct operands operands;
                struct sample got;
                char words[512], *argv[32];

                assert_int_equal(parse(cases[i].line, &got, &operands, &fault, words, argv), -22);
                assert_string_equal(fault.message, cases[i].message);
                assert_string_equal(fault.next, cases[i].next);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
