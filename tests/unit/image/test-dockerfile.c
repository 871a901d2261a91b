/* The editor: what it did not mean to change is the same to the byte. */
#include "image/dockerfile.h"

#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static const char example[] =
        "# mine\n"
        "FROM base AS build\r\n"
        "RUN make # ds01:begin packages\n"
        "\n"
        "FROM base\n"
        "# ds01:begin system\n"
        "# keep this remark\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends git \\\n"
        "        curl && rm -rf /var/lib/apt/lists/*\n"
        "# ds01:end system\n"
        "   ENV   ODD=\"spacing\"   \n"
        "# ds01:begin packages\n"
        "RUN pip install --no-cache-dir \\\n"
        "        'pandas>=2.0' \\\n"
        "        timm\n"
        "# ds01:end packages\n"
        "RUN echo mine \\\n"
        "  # within\n"
        "  && true\n"
        "USER 65534:65534\n"
        "CMD [\"bash\"]";

static void parse(const char *text, struct dockerfile *d) {
        struct err err = { 0 };

        if (dockerfile_parse(text, strlen(text), d, &err) < 0)
                fail_msg("%s", err.msg);
}

static void assert_text(const struct dockerfile *d, const char *wanted) {
        _cleanup_buf_ struct buf out = BUF_INIT(DOCKERFILE_MAX);

        assert_int_equal(dockerfile_write(d, &out), 0);
        assert_string_equal(buf_str(&out), wanted);
}

static void add(struct dockerfile *d, enum package_kind kind, const char *list) {
        _cleanup_packages_ struct packages p = { 0 };
        struct err err = { 0 };
        unsigned changed;

        if (packages_add(&p, kind, list, &err) < 0 ||
            dockerfile_add(d, kind, &p, &changed, &err) < 0)
                fail_msg("'%s': %s", list, err.msg);
}

static int take(struct dockerfile *d, enum package_kind kind, const char *list) {
        _cleanup_packages_ struct packages p = { 0 };
        struct err err = { 0 };

        assert_int_equal(packages_add(&p, kind, list, &err), 0);
        return dockerfile_remove(d, kind, &p, &err);
}

static void test_round_trip(void **state) {
        static const char *const texts[] = { "", "\n", "FROM x", "FROM x\r\n\r\n", example };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_dockerfile_ struct dockerfile d = { 0 };

                parse(texts[i], &d);
                assert_text(&d, texts[i]);
        }
}

static void test_marks(void **state) {
        static const struct {
                const char *text, *says;
        } rows[] = {
                { "# ds01:begin packages\n", "line 1" },
                { "# ds01:end packages\n", "line 1" },
                { "# ds01:begin packages\n# ds01:begin system\n", "line 2" },
                { "# ds01:begin nonsense\n# ds01:end nonsense\n", "no such region" },
                { "# ds01:begin added\n# ds01:end added\n# ds01:begin added\n# ds01:end added\n",
                  "line 3" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct dockerfile d;
                struct err err = { 0 };

                assert_int_equal(dockerfile_parse(rows[i].text, strlen(rows[i].text), &d, &err),
                                 -EINVAL);
                assert_non_null(strstr(err.msg, rows[i].says));
        }
}

static void assert_packages(const char *text, enum dockerfile_region region, const char *wanted) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_packages_ struct packages p = { 0 };
        _cleanup_buf_ struct buf all = BUF_INIT(4096);
        struct err err = { 0 };

        parse(text, &d);
        if (dockerfile_packages(&d, region, &p, &err) < 0)
                fail_msg("%s", err.msg);
        for (size_t i = 0; i < p.list.len; i++)
                buf_addf(&all, "%s|", p.list.items[i]);
        assert_string_equal(buf_str(&all), wanted);
}

static void test_reading(void **state) {
        assert_packages(example, REGION_SYSTEM, "git|curl|");
        assert_packages(example, REGION_PACKAGES, "pandas>=2.0|timm|");
        assert_packages(example, REGION_ADDED, "");
        /* As people rewrite it by hand. */
        assert_packages(
                "# ds01:begin added\nRUN pip3 install -U \"numpy<2\" && \\\n  pip install x\n"
                "RUN true pip y\n# ds01:end added\n",
                REGION_ADDED, "numpy<2|x|");
}

/* The lines of the example in front of and behind one region. */
static void test_only_the_region_changes(void **state) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_buf_ struct buf out = BUF_INIT(DOCKERFILE_MAX);
        const char *begin = strstr(example, "# ds01:begin packages\nRUN");
        const char *end = strstr(example, "# ds01:end packages");

        parse(example, &d);
        add(&d, PACKAGE_PIP, "pandas==2.2 timm");
        assert_int_equal(dockerfile_write(&d, &out), 0);
        assert_memory_equal(out.data, example, (size_t)(begin - example));
        assert_true(str_ends(out.data, end));
        assert_non_null(
                strstr(out.data, "        pandas==2.2 \\\n        timm\n# ds01:end packages"));
}

static void test_adding_and_taking_away(void **state) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_buf_ struct buf out = BUF_INIT(DOCKERFILE_MAX);

        parse(example, &d);
        add(&d, PACKAGE_PIP, "einops 'numpy<2'");
        add(&d, PACKAGE_APT, "tmux");
        assert_int_equal(take(&d, PACKAGE_PIP, "nothing"), -ENOENT);
        assert_int_equal(dockerfile_write(&d, &out), 0);
        assert_non_null(strstr(out.data,
                               "  && true\n\n# ds01:begin added\nRUN PIP_BREAK_SYSTEM_PACKAGES=1 "
                               "pip install --no-cache-dir \\\n"
                               "        einops \\\n        'numpy<2'\n# ds01:end added\n"
                               "USER 65534:65534\nCMD [\"bash\"]"));
        assert_non_null(strstr(out.data, "# keep this remark\nRUN apt-get"));
        assert_non_null(strstr(out.data, "        curl \\\n        tmux && \\\n"));
        assert_int_equal(take(&d, PACKAGE_PIP, "Einops numpy timm"), 0);
        buf_reset(&out);
        assert_int_equal(dockerfile_write(&d, &out), 0);
        assert_non_null(strstr(out.data, "# ds01:begin added\n# ds01:end added\n"));
        assert_null(strstr(out.data, "timm"));
}

static void test_hand_written(void **state) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };

        parse("FROM x\nRUN a \\\n b\nENTRYPOINT [\"c\"]", &d);
        add(&d, PACKAGE_PIP, "numpy");
        assert_text(&d, "FROM x\nRUN a \\\n b\n\n# ds01:begin added\nRUN "
                        "PIP_BREAK_SYSTEM_PACKAGES=1 pip install --no-cache-dir \\\n"
                        "        numpy\n# ds01:end added\nENTRYPOINT [\"c\"]");
        dockerfile_release(&d);
        parse("FROM x", &d);
        add(&d, PACKAGE_APT, "git");
        assert_true(dockerfile_has(&d, REGION_SYSTEM));
}

static void test_same_words_change_nothing(void **state) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };

        parse(example, &d);
        add(&d, PACKAGE_PIP, "pandas>=2.0 timm");
        add(&d, PACKAGE_APT, "git");
        assert_text(&d, example);
}

/* What people have written into a region is not thrown away with its next writing. */
static void test_foreign_words_are_kept(void **state) {
        static const struct {
                const char *text, *says;
        } rows[] = {
                { "FROM x\n# ds01:begin added\nRUN pip install a1\n"
                  "RUN python -m spacy download en\n# ds01:end added\n",
                  "line 4: 'python' " },
                { "FROM x\n# ds01:begin added\nRUN pip install --no-deps \\\n  a1\n"
                  "# ds01:end added\n",
                  "line 3: '--no-deps' " },
                { "FROM x\n# ds01:begin added\nRUN pip install a1 && \\\n  touch /x\n"
                  "# ds01:end added\n",
                  "line 4: 'touch' " },
                { "FROM x\n# ds01:begin added\nRUN pip install a1 -r more.txt\n# ds01:end added\n",
                  "line 3: '-r' " },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_dockerfile_ struct dockerfile d = { 0 };
                _cleanup_packages_ struct packages p = { 0 };
                struct err err = { 0 };
                unsigned changed;

                parse(rows[i].text, &d);
                assert_int_equal(packages_add(&p, PACKAGE_PIP, "b2", &err), 0);
                assert_int_equal(dockerfile_add(&d, PACKAGE_PIP, &p, &changed, &err), -EINVAL);
                if (!strstr(err.msg, rows[i].says))
                        fail_msg("%s", err.msg);
                assert_int_equal(take(&d, PACKAGE_PIP, "a1"), -EINVAL);
                assert_text(&d, rows[i].text);
        }
}

/* What was written here is never foreign. */
static void test_own_form_is_known(void **state) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_packages_ struct packages apt = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        struct err err = { 0 };

        assert_int_equal(packages_add(&apt, PACKAGE_APT, "git", &err), 0);
        buf_adds(&text, "FROM x\n");
        dockerfile_region_text(REGION_SYSTEM, &apt, NULL, "http://mirror.example/debian", &text);
        dockerfile_region_text(REGION_REQUIREMENTS, &apt, "old.txt", NULL, &text);
        parse(buf_str(&text), &d);
        add(&d, PACKAGE_APT, "curl");
        if (dockerfile_set_requirements(&d, "new.txt", &err) < 0)
                fail_msg("%s", err.msg);
        buf_reset(&text);
        assert_int_equal(dockerfile_write(&d, &text), 0);
        assert_non_null(strstr(buf_str(&text), "#http://mirror.example/debian#"));
        assert_non_null(strstr(buf_str(&text), "\"new.txt\""));
}

static void test_files_that_mean_something(void **state) {
        static const char *const names[] = { "$HOME.txt", "*.txt", "a?", "[ab]", "a\\b", "a\"" };
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        struct err err = { 0 };

        parse("FROM x\n", &d);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_int_equal(dockerfile_set_requirements(&d, names[i], &err), -EINVAL);
                assert_non_null(strstr(err.msg, names[i]));
        }
        assert_text(&d, "FROM x\n");
        assert_int_equal(dockerfile_set_requirements(&d, "with blank's.txt", &err), 0);
}

/* A region of the system has to run as root, so it stands in front of USER. */
static void test_tail_of_several_lines(void **state) {
        static const char head[] = "FROM x\nRUN a\n",
                          tail[] = "USER app\n# why\nENTRYPOINT [\"a\", \\\n  \"b\"]\n";
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_buf_ struct buf out = BUF_INIT(DOCKERFILE_MAX), all = BUF_INIT(4096);

        buf_addf(&all, "%s%s", head, tail);
        parse(buf_str(&all), &d);
        add(&d, PACKAGE_APT, "git");
        assert_int_equal(dockerfile_write(&d, &out), 0);
        assert_memory_equal(out.data, head, strlen(head));
        assert_true(str_ends(out.data, tail));
        assert_true(dockerfile_has(&d, REGION_SYSTEM));
}

/* Random edits on random surroundings: outside of the regions every line stays, in its order. */
static void test_property(void **state) {
        static const char *const lines[] = { "RUN x \\\n  y\n", "# remark\n", "\n",
                                             "ENV A=1\r\n",     "COPY . .\n", "  RUN  odd\n",
                                             "LABEL a=b\n" };
        static const char *const names[] = { "a1", "b2", "c3", "d4>=1", "d4<9", "e5[x]" };
        unsigned seed = 1;

        for (int round = 0; round < 500; round++) {
                _cleanup_dockerfile_ struct dockerfile d = { 0 };
                _cleanup_buf_ struct buf text = BUF_INIT(65536), kept = BUF_INIT(65536),
                                         before = BUF_INIT(65536);
                bool inside = false;

                buf_adds(&text, "FROM x\n");
                for (int i = 0; i < 12; i++) {
                        seed = seed * 1103515245 + 12345;
                        buf_adds(&text, lines[(seed >> 16) % ARRAY_SIZE(lines)]);
                }
                buf_adds(&before, buf_str(&text));
                parse(buf_str(&text), &d);
                for (int i = 0; i < 6; i++) {
                        seed = seed * 1103515245 + 12345;
                        if ((seed >> 20) % 3)
                                add(&d, PACKAGE_PIP, names[(seed >> 16) % ARRAY_SIZE(names)]);
                        else
                                take(&d, PACKAGE_PIP, names[(seed >> 16) % ARRAY_SIZE(names)]);
                }
                for (size_t i = 0; i < d.lines.len; i++) {
                        const char *line = d.lines.items[i];

                        if (str_starts(line, "# ds01:begin")) {
                                /* With the empty line that goes in front of a new region. */
                                kept.len -= kept.len > 0;
                                kept.data[kept.len] = '\0';
                                inside = true;
                        }
                        if (!inside)
                                buf_adds(&kept, line);
                        inside &= !str_starts(line, "# ds01:end");
                }
                assert_string_equal(buf_str(&kept), buf_str(&before));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_marks),
                cmocka_unit_test(test_reading),
                cmocka_unit_test(test_only_the_region_changes),
                cmocka_unit_test(test_adding_and_taking_away),
                cmocka_unit_test(test_hand_written),
                cmocka_unit_test(test_same_words_change_nothing),
                cmocka_unit_test(test_foreign_words_are_kept),
                cmocka_unit_test(test_own_form_is_known),
                cmocka_unit_test(test_files_that_mean_something),
                cmocka_unit_test(test_tail_of_several_lines),
                cmocka_unit_test(test_property),
        };

        return cmocka_run_group_tests_name("image-dockerfile", tests, NULL, NULL);
}
