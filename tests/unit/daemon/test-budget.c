/* Budgets: who gets how much, and who has to wait. */
#include "cmocka-headers.h"

#include "daemon/budget.h"

#include "base/clock.h"

#include <string.h>

static struct budgets b;

static int set_up(void **state) {
        struct site_config config = { .max_connections = 32, .max_connections_per_user = 16 };

        (void)state;
        budgets_init(&b, &config);
        return 0;
}

static int tear_down(void **state) {
        (void)state;
        budgets_release(&b);
        return 0;
}

static int take(uid_t uid) {
        struct refusal r = { 0 };

        return budget_take(&b, BUDGET_CONNECTIONS, uid, 0, &r);
}

static void test_one_person(void **state) {
        struct refusal r = { 0 };

        (void)state;
        for (int i = 0; i < 16; i++)
                assert_int_equal(take(1001), 0);
        assert_int_equal(budget_take(&b, BUDGET_CONNECTIONS, 1001, 0, &r),
                         REFUSAL_TOO_MANY_REQUESTS);
        assert_int_equal(r.used, 16);
        assert_int_equal(r.max, 16);
        assert_int_equal(take(1002), 0);
        budget_give(&b, BUDGET_CONNECTIONS, 1001);
        assert_int_equal(take(1001), 0);
        assert_int_not_equal(take(1001), 0);
        /* The kinds are counted apart. */
        assert_int_equal(budget_take(&b, BUDGET_REQUESTS, 1001, 0, &r), 0);
}

/* Two greedy people leave the last eighth to those who want little. */
static void test_all_together(void **state) {
        int got = 0;

        (void)state;
        for (int i = 0; i < 16; i++)
                got += (take(1001) == 0) + (take(1002) == 0);
        assert_int_equal(got, 28);
        for (uid_t uid = 2001; uid <= 2004; uid++)
                assert_int_equal(take(uid), 0);
        assert_int_not_equal(take(2005), 0);
        budget_give(&b, BUDGET_CONNECTIONS, 1001);
        assert_int_equal(take(2005), 0);
}

static void test_given_to_nobody(void **state) {
        (void)state;
        budget_give(&b, BUDGET_CONNECTIONS, 1001);
        assert_int_equal(take(1001), 0);
        budget_give(&b, BUDGET_CONNECTIONS, 1001);
        budget_give(&b, BUDGET_CONNECTIONS, 1001);
        assert_int_equal(b.used[BUDGET_CONNECTIONS], 0);
}

/* However many uids come and go, only those that matter are remembered. */
static void test_accounts_end(void **state) {
        (void)state;
        for (uid_t uid = 1; uid < 5000; uid++) {
                assert_int_equal(take(uid), 0);
                budget_give(&b, BUDGET_CONNECTIONS, uid);
        }
        assert_true(b.accounts.len <= 2);
}

static void *give_later(void *arg) {
        nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
        budget_give(&b, BUDGET_HELPERS, *(uid_t *)arg);
        return NULL;
}

static void test_waits_for_its_turn(void **state) {
        uid_t uid = 1001;
        struct refusal r = { 0 };
        pthread_t thread;

        (void)state;
        while (budget_take(&b, BUDGET_HELPERS, uid, 0, &r) == 0)
                ;
        assert_int_not_equal(
                budget_take(&b, BUDGET_HELPERS, uid, clock_mono_us() + 10 * 1000, &r), 0);
        pthread_create(&thread, NULL, give_later, &uid);
        assert_int_equal(
                budget_take(&b, BUDGET_HELPERS, uid, clock_mono_us() + 60 * US_PER_S, &r), 0);
        pthread_join(thread, NULL);
}

static void test_pace(void **state) {
        int64_t now = 1000 * US_PER_S, put_off = 0;

        (void)state;
        for (int i = 0; i < 1000; i++)
                assert_int_equal(budget_pace(&b, 1001, now), 0);
        for (int i = 0; i < 500; i++)
                put_off = budget_pace(&b, 1001, now);
        assert_int_equal(put_off, US_PER_S); /* 500 too many, at 500 a second */
        assert_int_equal(budget_pace(&b, 1002, now), 0);
        assert_int_equal(budget_pace(&b, 1001, now + 10 * US_PER_S), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_person, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_all_together, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_given_to_nobody, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_accounts_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_waits_for_its_turn, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_pace, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
