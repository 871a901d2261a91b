/* The table of refusals and the filling of its texts. */
#include "core/refusal.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "core/inventory.h"

#include "cmocka-setup.h"

#include <string.h>

static const char *message(const struct refusal *r, bool next) {
        static char text[2048];
        struct buf b = BUF_INIT(sizeof(text) - 1);

        if (next)
                refusal_next(r, &b);
        else
                refusal_message(r, &b);
        assert_false(b.failed);
        str_copy(text, sizeof(text), buf_str(&b));
        buf_release(&b);
        return text;
}

static void test_units(void **state) {
        static const struct {
                int64_t units;
                const char *text;
        } rows[] = {
                { 0, "0" },          { 7000, "1" },        { 14000, "2" },    { 10500, "1.5" },
                { 1000, "0.14" },    { 2000, "0.29" },     { 3000, "0.43" },  { 4000, "0.57" },
                { 6999, "1" },       { 17000, "2.43" },    { 7, "0" },        { 350, "0.05" },
                { -7000, "-1" },     { INT64_MAX, "unlimited" },              { 7000000, "1000" },
        };
        char text[32];

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                gpu_units_format(rows[i].units, text, sizeof(text));
                assert_string_equal(text, rows[i].text);
        }
}

/* @p points to a '{': {NAME}, {NAME|ONE|MANY} or {PREFIX~NAME}. */
static bool placeholder_is_known(const char *p) {
        static const char *const names[] = {
                "subject", "detail",    "extra",    "asked",   "used",      "max",
                "total",   "asked_gpu", "used_gpu", "max_gpu", "total_gpu",
        };
        size_t n = strcspn(++p, "}"), prefix = strcspn(p, "~");

        if (prefix < n)
                p += prefix + 1;
        n = strcspn(p, "}|");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strlen(names[i]) == n && memcmp(names[i], p, n) == 0)
                        return true;
        return false;
}

/* Every row has a code of its own, a sensible status, and texts whose placeholders all exist. */
static void test_table(void **state) {
        struct refusal r = { .asked = 2, .used = 2, .max = 2, .total = 2 };

        str_copy(r.subject, sizeof(r.subject), "SUBJECT");
        str_copy(r.detail, sizeof(r.detail), "DETAIL");
        str_copy(r.extra, sizeof(r.extra), "EXTRA");
        for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
                const struct refusal_kind *k = refusal_kind((enum refusal_reason)i);

                r.reason = (enum refusal_reason)i;
                for (int j = REFUSAL_NONE + 1; j < i; j++)
                        assert_string_not_equal(k->code,
                                                refusal_kind((enum refusal_reason)j)->code);
                assert_in_range(k->http_status, 400, 599);
                assert_in_range(k->exit_code, 1, 6);
                for (int next = 0; next < 2; next++) {
                        const char *template = next ? k->next : k->message, *p = template;
                        char text[2048];

                        str_copy(text, sizeof(text), message(&r, next));
                        assert_true(text[0]);
                        assert_null(strpbrk(text, "{}~|"));
                        assert_true(text[strlen(text) - 1] != '.');
                        for (; (p = strchr(p, '{')); p++)
                                if (!placeholder_is_known(p))
                                        fail_msg("%s: no such placeholder: %s", k->code, p);
                }
        }
        assert_int_equal(refusal_kind(REFUSAL_NONE)->exit_code, 0);
        assert_string_equal(refusal_kind((enum refusal_reason)9999)->code, "internal");
}

static void test_plural(void **state) {
        struct refusal r = { .reason = REFUSAL_GPU_PER_CONTAINER, .asked = 1, .max = 0 };

        assert_string_equal(message(&r, false),
                            "1 GPU asked for; a container of yours can have at most 0");
        r.asked = 0;
        assert_string_equal(message(&r, false),
                            "0 GPUs asked for; a container of yours can have at most 0");
        r = (struct refusal){ .reason = REFUSAL_GPU_QUOTA_TOO_SMALL, .asked = 7000, .max = 3500 };
        assert_string_equal(message(&r, false),
                            "1 GPU asked for; your containers together can have at most 0.5");
        r.asked = 3000;
        assert_string_equal(message(&r, false),
                            "0.43 GPUs asked for; your containers together can have at most 0.5");
}

static void test_optional_part(void **state) {
        struct refusal r = { .reason = REFUSAL_GPU_NONE_FREE, .asked = 2, .used = 1, .total = 4 };

        assert_string_equal(message(&r, false), "2 GPUs asked for, 1 of 4 free");
        str_copy(r.detail, sizeof(r.detail), "GPU-0 bob for 2h 0m");
        assert_string_equal(message(&r, false),
                            "2 GPUs asked for, 1 of 4 free: GPU-0 bob for 2h 0m");
}

static void test_foreign_text_is_harmless(void **state) {
        struct refusal r;

        assert_int_equal(refuse(&r, REFUSAL_NO_SUCH_CONTAINER, "a\033[31m\nb\xff{max}"),
                         REFUSAL_NO_SUCH_CONTAINER);
        assert_string_equal(message(&r, false), "no container named 'a?[31m?b?{max}'");
        refuse_detail(&r, REFUSAL_ENGINE_FAILED, NULL, "%s", "one\r\ntwo");
        assert_string_equal(message(&r, false), "the container engine refused: one??two");
}

static void test_long_text_is_cut(void **state) {
        struct refusal r;
        char text[4096];

        /* Umlauts, so that the cut falls into the middle of a character unless care is taken. */
        for (size_t i = 0; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, "\xc3\xb6", 2);
        text[sizeof(text) - 2] = '\0';
        refuse(&r, REFUSAL_NO_SUCH_CONTAINER, text);
        assert_true(strlen(r.subject) < sizeof(r.subject));
        assert_true(utf8_valid(r.subject, strlen(r.subject)));
        refuse_detail(&r, REFUSAL_INTERNAL, "x", "%s", text);
        assert_int_equal(strlen(r.detail), sizeof(r.detail) - 1);
        assert_true(utf8_valid(message(&r, false), strlen(message(&r, false))));
}

static void test_small_ceiling(void **state) {
        struct refusal r;
        struct buf b = BUF_INIT(8);

        refuse(&r, REFUSAL_NO_SUCH_CONTAINER, "thesis");
        refusal_message(&r, &b);
        assert_true(b.failed);
        buf_release(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_units),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_plural),
                cmocka_unit_test(test_optional_part),
                cmocka_unit_test(test_foreign_text_is_harmless),
                cmocka_unit_test(test_long_text_is_cut),
                cmocka_unit_test(test_small_ceiling),
        };

        return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
