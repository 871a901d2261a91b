/* Steady time: whatever becomes of the wall clock, nothing seems to be longer ago than it is. */
#include "core/timeline.h"

#include "cmocka-setup.h"

#include <stdlib.h>

#define S 1000000LL
#define H (3600 * S)
#define WALL (1700000000 * S)

static struct timeline t;
static int64_t boot, wall; /* the machine's clocks */

static void machine(void) {
        boot = 1000 * S;
        wall = WALL;
        timeline_begin(&t, boot, wall);
}

static int64_t steady(void) {
        return boot + t.epoch_us;
}

static bool pass(int64_t us) {
        boot += us;
        wall += us;
        return timeline_look(&t, boot, wall);
}

static void test_ordinary(void **state) {
        (void)state;
        machine();
        assert_int_equal(steady(), WALL);
        assert_false(pass(H));
        assert_int_equal(steady(), wall);
        assert_int_equal(timeline_steady(&t, wall - 60 * S), steady() - 60 * S);
        assert_int_equal(timeline_steady(&t, WALL - 900 * H), WALL - 900 * H);
        assert_int_equal(timeline_wall(&t, steady() + H), wall + H);
}

/* Something stops; a minute later the clock is set, by @step; it stopped a minute ago all the
 * same. */
static void check_step(int64_t step) {
        int64_t stopped;

        machine();
        pass(H);
        stopped = wall;
        pass(60 * S);
        wall += step;
        assert_true(pass(0));
        assert_true(timeline_steady(&t, stopped) >= steady() - 60 * S);
        if (step > 0)
                assert_int_equal(timeline_steady(&t, stopped), steady() - 60 * S);
        assert_int_equal(timeline_wall(&t, steady()), wall);
        /* and what stops from now on is exact again */
        pass(2 * llabs(step));
        stopped = wall;
        pass(60 * S);
        assert_int_equal(timeline_steady(&t, stopped), steady() - 60 * S);
}

static void test_steps(void **state) {
        static const int64_t steps[] = { H, -H, 24 * 365 * H, -24 * 365 * H, 2 * S, -2 * S };

        (void)state;
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
                check_step(steps[i]);
}

/* It stops right after the clock was set, before anybody has noticed that. */
static void test_stop_before_the_look(void **state) {
        int64_t stopped;

        (void)state;
        machine();
        pass(H);
        boot += 50000;
        wall += 50000 + 2 * H;
        stopped = wall;
        pass(100000);
        assert_int_equal(timeline_steady(&t, stopped), steady() - 100000);
}

static void test_restart(void **state) {
        int64_t before, stopped;

        (void)state;
        machine();
        pass(H);
        stopped = wall;
        pass(60 * S);
        before = steady();
        /* An hour without ds01d, in which the clock was set, too. */
        boot += H;
        wall += H + 5 * H;
        timeline_resume(&t, true, boot, wall);
        assert_int_equal(steady(), before + H);
        assert_int_equal(timeline_steady(&t, stopped), steady() - H - 60 * S);
        /* Something that stopped in that hour could have done so before or after: after. */
        assert_int_equal(timeline_steady(&t, wall - 10 * S), steady() - 10 * S);
}

static void test_reboot(void **state) {
        int64_t before, stopped;

        (void)state;
        machine();
        pass(H);
        stopped = wall;
        pass(60 * S);
        before = steady();
        wall += 72 * H; /* a weekend without power */
        boot = 40 * S;
        timeline_resume(&t, false, boot, wall);
        assert_int_equal(steady(), before + 40 * S);
        assert_int_equal(timeline_steady(&t, stopped), steady() - 100 * S);
        /* and a clock without a battery */
        wall = 0;
        boot = 40 * S;
        timeline_resume(&t, false, boot, wall);
        assert_int_equal(timeline_steady(&t, stopped), steady() - 140 * S);
        assert_int_equal(timeline_wall(&t, steady()), 0);
}

/* Whatever the clock does, and however often: what is found out about a moment while the clock can
 * still tell it apart is exact, and never earlier than it was. */
static void test_never_early(void **state) {
        unsigned seed = 1;

        (void)state;
        for (int round = 0; round < 2000; round++) {
                int64_t stopped_wall, stopped;
                int steps = (int)(rand_r(&seed) % (TIMELINE_SPANS_MAX - 2));

                machine();
                pass((int64_t)(rand_r(&seed) % 10000) * S);
                stopped_wall = wall;
                stopped = steady();
                for (int i = 0; i < steps; i++) {
                        if (rand_r(&seed) % 2)
                                wall += ((int64_t)(rand_r(&seed) % 20000) - 10000) * S;
                        pass((int64_t)(rand_r(&seed) % 5000) * S);
                        if (rand_r(&seed) % 8 == 0)
                                timeline_resume(&t, true, boot, wall);
                        assert_true(timeline_steady(&t, stopped_wall) >= stopped);
                        assert_true(timeline_steady(&t, stopped_wall) <= steady());
                }
        }
}

/* The same for what happens while ds01d does not run and the clock is set, before or after. */
static void test_never_early_unseen(void **state) {
        unsigned seed = 2;

        (void)state;
        for (int round = 0; round < 2000; round++) {
                int64_t step = ((int64_t)(rand_r(&seed) % 20000) - 10000) * S;
                int64_t first = (int64_t)(rand_r(&seed) % 5000) * S, stopped, stopped_wall;
                bool before = rand_r(&seed) % 2;

                machine();
                pass((int64_t)(rand_r(&seed) % 10000) * S);
                boot += first;
                wall += first + (before ? step : 0);
                stopped_wall = wall;
                stopped = steady();
                boot += first;
                wall += first + (before ? 0 : step);
                timeline_resume(&t, true, boot, wall);
                assert_true(timeline_steady(&t, stopped_wall) >= stopped);
                assert_true(timeline_steady(&t, stopped_wall) <= steady());
        }
}

/* More settings than it remembers. */
static void test_many(void **state) {
        (void)state;
        machine();
        for (int i = 0; i < 100; i++) {
                wall += 10 * S;
                assert_true(pass(S));
        }
        assert_int_equal(t.n, TIMELINE_SPANS_MAX);
        assert_int_equal(timeline_steady(&t, wall), steady());
        assert_int_equal(steady(), WALL + 100 * S);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ordinary),   cmocka_unit_test(test_steps),
                cmocka_unit_test(test_restart),    cmocka_unit_test(test_stop_before_the_look),
                cmocka_unit_test(test_reboot),     cmocka_unit_test(test_never_early),
                cmocka_unit_test(test_never_early_unseen),
                cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests_name("core-timeline", tests, NULL, NULL);
}
