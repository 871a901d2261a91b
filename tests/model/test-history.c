/* The model: histories that could have happened, and one of each kind that could not. */
#include "history.h"

#include "base/str.h"

#include "../unit/core/cmocka-setup.h"

#include <string.h>

#define S 1000000LL

static const struct model model = { .devices = 4, .most_per_user = 2, .hold_us = 10 * S,
                                    .unstarted_us = 100 * S };
static struct op ops[16];
static size_t n;

/* Called at @at seconds, answered half a second later. */
static struct op *add(int64_t at, enum op_kind kind, int user, int name, const char *status,
                      uint32_t devices) {
        struct op *o = &ops[n++];

        *o = (struct op){ .call_us = at * S, .answer_us = at * S + S / 2, .kind = kind,
                          .user = user, .name = name, .devices = devices, .changed = true,
                          .asked = kind == OP_CREATE ? __builtin_popcount(devices) : 0 };
        str_copy(o->status, sizeof(o->status), status);
        return o;
}

static struct op *refused(int64_t at, enum op_kind kind, int user, int name, const char *code) {
        struct op *o = add(at, kind, user, name, "", 0);

        o->outcome = OP_REFUSED;
        o->asked = 1;
        str_copy(o->code, sizeof(o->code), code);
        return o;
}

static void expect(size_t bad) {
        FILE *null = fopen("/dev/null", "we");

        assert_non_null(null);
        assert_int_equal(history_check(ops, n, &model, null), bad);
        fclose(null);
        n = 0;
}

static void test_possible(void **state) {
        (void)state;
        add(0, OP_CREATE, 0, 0, "created", 1);
        add(1, OP_START, 0, 0, "running", 1);
        add(2, OP_CREATE, 1, 0, "created", 2);
        add(3, OP_STOP, 0, 0, "stopped", 1);
        add(20, OP_CREATE, 2, 0, "created", 1); /* after the hold */
        add(21, OP_START, 0, 0, "running", 4);  /* on another one */
        expect(0);
}

static void test_two_owners(void **state) {
        (void)state;
        add(0, OP_CREATE, 0, 0, "created", 1);
        add(1, OP_CREATE, 1, 0, "created", 1);
        expect(1);
        /* within the hold */
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_STOP, 0, 0, "stopped", 1);
        add(5, OP_CREATE, 1, 0, "created", 1);
        expect(1);
        /* it may have been released in time */
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_RELEASE, 0, 0, "", 0)->outcome = OP_UNKNOWN;
        add(5, OP_CREATE, 1, 0, "created", 1);
        expect(0);
        /* or it may have been removed while the other one was being made */
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_REMOVE, 0, 0, "", 0)->answer_us = 9 * S;
        add(2, OP_CREATE, 1, 0, "created", 1);
        expect(0);
}

static void test_limits(void **state) {
        (void)state;
        add(0, OP_CREATE, 0, 0, "created", 3);
        add(1, OP_CREATE, 0, 1, "created", 4);
        expect(1);
}

static void test_refusals(void **state) {
        (void)state;
        add(0, OP_CREATE, 0, 0, "created", 3);
        refused(1, OP_CREATE, 1, 0, "gpu_none_free");
        expect(1);
        add(0, OP_CREATE, 0, 0, "created", 3);
        add(0, OP_CREATE, 1, 0, "created", 12);
        refused(1, OP_CREATE, 2, 0, "gpu_none_free");
        add(2, OP_REMOVE, 1, 0, "", 0);
        expect(0);
        add(0, OP_CREATE, 0, 0, "created", 3);
        add(0, OP_CREATE, 1, 0, "created", 12);
        add(2, OP_REMOVE, 1, 0, "", 0);
        refused(3, OP_CREATE, 2, 0, "gpu_none_free");
        expect(1);
        /* nobody knows what this one has got */
        add(0, OP_CREATE, 0, 0, "", 0)->outcome = OP_UNKNOWN;
        refused(3, OP_CREATE, 2, 0, "gpu_none_free");
        expect(0);
}

static void test_holds(void **state) {
        (void)state;
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_STOP, 0, 0, "stopped", 1);
        add(3, OP_START, 0, 0, "running", 2);
        expect(1);
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_STOP, 0, 0, "stopped", 1);
        refused(3, OP_START, 0, 0, "gpu_quota");
        expect(1);
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_STOP, 0, 0, "stopped", 1);
        add(12, OP_START, 0, 0, "running", 2);
        expect(0);
}

static void test_last(void **state) {
        (void)state;
        add(0, OP_START, 0, 0, "running", 1);
        add(1, OP_STOP, 0, 0, "stopped", 1);
        add(1, OP_STOP, 0, 1, "stopped", 1);
        assert_ptr_equal(history_last(ops, n, 0, 0), &ops[1]);
        add(1, OP_REMOVE, 0, 0, "", 0);
        assert_null(history_last(ops, n, 0, 0)); /* which of the two? */
        assert_null(history_last(ops, n, 0, 7));
        n = 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_possible), cmocka_unit_test(test_two_owners),
                cmocka_unit_test(test_limits),   cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_holds),    cmocka_unit_test(test_last),
        };

        return cmocka_run_group_tests_name("model-history", tests, NULL, NULL);
}
