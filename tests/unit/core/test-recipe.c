/* Reading Dockerfiles: what comes out is what the engine gets, line by line. */
#include "core/recipe.h"

#include "cmocka-setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Written with the label "L" and every image as "<IMAGE>". */
static const struct {
        const char *in, *out; /* out NULL: refused */
        unsigned line;        /* refused: of which line */
        const char *message;  /* refused: part of what is said */
} rows[] = {
#define NTH(n) "LABEL L ds01.image.stage=\"" n "\"\nENV NVIDIA_VISIBLE_DEVICES=void\n"
#define STAGE NTH("0")
        { "FROM debian\n", "FROM <debian>\n" STAGE },
        { "from debian as  One\nrun true", "FROM <debian> as  One\n" STAGE "RUN true\n" },
        { "\xef\xbb\xbf# hello\n\n FROM debian\r\n\tRUN  a \\\r\n  # no\n\n  b  \r\n",
          "FROM <debian>\n" STAGE "RUN a   b\n" },
        { "# syntax=docker/dockerfile:1\n#escape=`\nFROM a\nRUN dir `\n c:\\\n",
          "# escape=`\nFROM <a>\n" STAGE "RUN dir  c:\\\n" },
        { "# x\n# escape=`\nFROM a\nRUN b`\n", "FROM <a>\n" STAGE "RUN b`\n" },
        { "ARG T=3\nARG B=\"py:$T\" C='$T'\nFROM ${B} AS x\nFROM x\nFROM ${N:-d}${B:+e}$C",
          "ARG T=3\nARG B=\"py:$T\" C='$T'\nFROM <py:3> AS x\n" STAGE "FROM x\n" NTH("1")
          "FROM <de$T>\n" NTH("2") },
        { "FROM --platform=linux/amd64 a AS B\nFROM scratch\nCOPY --chown=1:1 --from=b /x /y\n"
          "COPY --from=0 /x /y\nADD --from=ds01-7/q /x /y",
          "FROM --platform=linux/amd64 <a> AS B\n" STAGE "FROM scratch\n" NTH("1")
          "COPY --chown=1:1 --from=b /x /y\nCOPY --from=0 /x /y\n"
          "ADD --from=<ds01-7/q> /x /y\n" },
        { "FROM a\nENV NVIDIA_VISIBLE_DEVICES=all\nENV B=1\nRUN id\nRUN id",
          "FROM <a>\n" STAGE "ENV NVIDIA_VISIBLE_DEVICES=all\nENV B=1\n"
          "ENV NVIDIA_VISIBLE_DEVICES=void\nRUN id\nRUN id\n" },
        { "FROM a\nRUN cat <<< x; echo $((1<<2))\nCMD []\nHEALTHCHECK NONE",
          "FROM <a>\n" STAGE "RUN cat <<< x; echo $((1<<2))\nCMD []\nHEALTHCHECK NONE\n" },
        { "FROM a\nCOPY [\"a\",\"b\"]\nRUN [\"x\"] \\", "FROM <a>\n" STAGE
          "COPY [\"a\",\"b\"]\nRUN [\"x\"]\n" },

        { "", NULL, 0, "no FROM" },
        { "# nothing\n\n", NULL, 0, "no FROM" },
        { "RUN id\nFROM a", NULL, 1, "must be FROM" },
        { "FROM a\n\nFORM b", NULL, 3, "unknown instruction 'FORM'; did you mean FROM?" },
        { "FROM a\nRUN x \\\n y\nGIT", NULL, 4, "unknown instruction 'GIT'" },
        { "FROM a\n\xc2\xa0" "FROM ds01-7/q", NULL, 2, "unknown instruction" },
        { "FROM a\nRUN", NULL, 2, "RUN needs something" },
        { "FROM a\nCOPY x", NULL, 2, "a source and a destination" },
        { "FROM a\nENV X", NULL, 2, "a name and a value" },
        { "FROM", NULL, 1, "FROM needs" },
        { "FROM a b", NULL, 1, "IMAGE AS NAME" },
        { "FROM a AS b c", NULL, 1, "IMAGE AS NAME" },
        { "FROM a AS 1b", NULL, 1, "begins with a letter" },
        { "FROM a AS b/c", NULL, 1, "name of a stage" },
        { "FROM $X", NULL, 1, "comes to no image" },
        { "FROM ${X", NULL, 1, "comes to no image" },
        { "ARG X=a\nFROM ${X##a}", NULL, 2, "comes to no image" },
        { "FROM a\\b", NULL, 1, "comes to no image" },
        { "FROM a\nONBUILD RUN x", NULL, 2, "ONBUILD is not allowed" },
        { "FROM a\nRUN <<EOF\nFROM b\nEOF", NULL, 2, "BuildKit" },
        { "FROM a\nCOPY 3<<-E /x", NULL, 2, "BuildKit" },
        { "FROM a\nRUN --mount=type=cache,target=/x id", NULL, 2, "'RUN --mount' needs" },
        { "FROM a\nCOPY --from=\"b\" x y", NULL, 2, "without quotes" },
        { "FROM a\nCOPY --chown=\"1 --from=b\" x y", NULL, 2, "without quotes" },
        { "FROM a\nCOPY --fr\\om=b x y", NULL, 2, "without quotes" },
        { "FROM a\nCOPY --from=$X x y", NULL, 2, "--from takes one" },
        { "FROM a\nCOPY --from=a --from=b x y", NULL, 2, "--from takes one" },
        { "FROM a\nCOPY --from=0 x y", NULL, 2, "no stage 0" },
        { "FROM a\nRUN x \\\\\nFROM b", NULL, 2, "understand differently" },
        { "FROM a\nRUN x\\ \\\n", NULL, 2, "in its last line" },
        { "FROM a\n \\\nRUN x", NULL, 2, "nothing to continue" },
        { "FROM a\nRUN x\ry", NULL, 2, "control character" },
        { "FROM a\nRUN \033", NULL, 2, "control character" },
        { "# escape=x\nFROM a", NULL, 1, "escape character" },
};

static int write_again(const struct recipe *r, struct buf *out, struct recipe_lines *lines) {
        static const char *const prologue[] = { "LABEL L", NULL };
        const char **images = calloc(r->steps.len, sizeof(*images));
        char names[16][64] = { "" };
        int e;

        for (size_t i = 0; i < r->steps.len && i < 16; i++)
                if (r->steps.items[i].image) {
                        snprintf(names[i], sizeof(names[i]), "<%s>", r->steps.items[i].image);
                        images[i] = names[i];
                }
        e = recipe_write(r, images, prologue, out, lines);
        free(images);
        return e;
}

static void test_rows(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT(RECIPE_MAX);
                struct recipe_fault fault = { 0 };
                struct recipe_lines lines = { 0 };
                struct recipe r = { 0 };
                int e = recipe_read(rows[i].in, strlen(rows[i].in), &r, &fault);

                if (rows[i].out) {
                        if (e != 0)
                                fail_msg("%s: line %u: %s", rows[i].in, fault.line, fault.message);
                        assert_int_equal(write_again(&r, &out, &lines), 0);
                        assert_string_equal(buf_str(&out), rows[i].out);
                        recipe_lines_release(&lines);
                        recipe_release(&r);
                } else {
                        if (e != -EINVAL)
                                fail_msg("was taken: %s", rows[i].in);
                        if (!strstr(fault.message, rows[i].message))
                                fail_msg("%s: '%s'", rows[i].in, fault.message);
                        assert_int_equal(fault.line, rows[i].line);
                }
        }
}

static void test_lines_of_the_written_file(void **state) {
        static const char text[] = "# c\nFROM a\n\nENV X=1\nRUN a \\\n b\n";
        static const int wanted[] = { 0, -1, -1, 1, -1, 2 };
        _cleanup_buf_ struct buf out = BUF_INIT(RECIPE_MAX);
        struct recipe_lines lines = { 0 };
        struct recipe_fault fault;
        struct recipe r;
        char shown[9];

        assert_int_equal(recipe_read(text, strlen(text), &r, &fault), 0);
        assert_int_equal(write_again(&r, &out, &lines), 0);
        assert_int_equal(lines.step.len, ARRAY_SIZE(wanted));
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
                assert_int_equal(lines.step.items[i], wanted[i]);
        assert_int_equal(r.steps.items[2].line, 5);
        recipe_step_text(&r.steps.items[2], shown, sizeof(shown));
        assert_string_equal(shown, "RUN a  b");
        recipe_lines_release(&lines);
        recipe_release(&r);
}

static void test_ceilings(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(RECIPE_MAX);
        struct recipe_fault fault = { 0 };
        struct recipe r;

        buf_adds(&text, "FROM a\n");
        for (int i = 0; i < RECIPE_STEPS_MAX; i++)
                buf_adds(&text, "RUN x\n");
        assert_int_equal(recipe_read(text.data, text.len, &r, &fault), -EINVAL);
        assert_non_null(strstr(fault.message, "more than"));
        buf_reset(&text);
        buf_adds(&text, "FROM a\nRUN ");
        for (int i = 0; i < RECIPE_LINE_MAX / 2; i++)
                buf_adds(&text, "x \\\n");
        assert_int_equal(recipe_read(text.data, text.len, &r, &fault), -EINVAL);
        assert_int_equal(fault.line, 2);
        assert_non_null(strstr(fault.message, "too long"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_lines_of_the_written_file),
                cmocka_unit_test(test_ceilings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
