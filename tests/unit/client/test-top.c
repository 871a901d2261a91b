/* The containers of ds01 top: which are shown, and in which order. */
#include "client/top.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static struct container containers[] = { { .name = "train" }, { .name = "eval" }, { .name = "a" } };
static struct container *pointers[] = { &containers[0], &containers[1], &containers[2] };
/* of "a" nothing is known */
static struct usage usages[] = {
        { .name = "train", .cpu = 10, .memory = 500, .gpu = 90 },
        { .name = "eval", .cpu = 80, .memory = 700, .gpu = -1 },
        { .name = "gone", .cpu = 99 },
};

static void test_order(void **state) {
        static const struct {
                enum top_sort sort;
                const char *filter, *wanted;
        } rows[] = {
                { TOP_BY_NAME, "", "a eval train " },
                { TOP_BY_CPU, "", "eval train a " },
                { TOP_BY_MEMORY, "", "eval train a " },
                { TOP_BY_GPU, "", "train a eval " },
                { TOP_BY_CPU, "RAI", "train " },
                { TOP_BY_CPU, "nothing", "" },
        };
        const struct container_list list = { .rows = { .items = pointers, .len = 3 } };
        const struct usages used = { .rows = { .items = usages, .len = 3 } };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf names = BUF_INIT(256);
                struct top_rows got = { 0 };

                assert_int_equal(top_arrange(&list, &used, rows[i].filter, rows[i].sort, &got), 0);
                for (size_t k = 0; k < got.rows.len; k++)
                        buf_addf(&names, "%s ", got.rows.items[k].container->name);
                assert_string_equal(buf_str(&names), rows[i].wanted);
                VEC_RELEASE(&got.rows);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
