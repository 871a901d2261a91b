/* The rules of time, with the clock in hand: what counts as use, when is warned, when stopped. */
#include "core/expiry.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include "cmocka-setup.h"

#include <stdio.h>
#include <string.h>

enum { STEP_S = 10 };
#define MIN (60 * US_PER_S)

static struct limits limits;

static int set_up(void **state) {
        limits_defaults(&limits);
        return 0;
}

/* What a stretch of time brought, a look every ten seconds, as "warn@15.0 stop@30.2" (minutes). */
static void live(struct expiry_state *s, bool high_demand, int64_t from_us, int64_t to_us,
                 char *dst, size_t size) {
        size_t n = strlen(dst);

        for (int64_t now = from_us; now <= to_us; now += STEP_S * US_PER_S) {
                struct expiry e;

                expiry_judge(&limits, high_demand, now, s, &e);
                if (e.action != EXPIRY_NOTHING && n < size)
                        n += (size_t)snprintf(dst + n, size - n, "%s%s %s@%.1f", n ? ", " : "",
                                              e.action == EXPIRY_WARN ? "warn" : "stop",
                                              e.rule == EXPIRY_IDLE ? "idle" : "runtime",
                                              (double)now / MIN);
                if (e.action == EXPIRY_STOP)
                        return;
        }
}

static void test_idle(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";

        limits.idle_grace_us = 0;
        live(&s, false, 0, 60 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn idle@15.0, warn idle@24.0, warn idle@25.0, stop idle@30.0");
}

static void test_grace_after_start(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";

        limits.idle_timeout_us = 5 * MIN;
        live(&s, false, 0, 60 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn idle@15.0, warn idle@24.0, warn idle@25.0, stop idle@30.0");
}

static void test_use_puts_it_off(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";

        limits.idle_grace_us = 0;
        live(&s, false, 0, 26 * MIN, seen, sizeof(seen));
        s.active_us = 26 * MIN;
        live(&s, false, 26 * MIN, 60 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn idle@15.0, warn idle@24.0, warn idle@25.0, "
                                  "warn idle@41.0, warn idle@50.0, warn idle@51.0, stop idle@56.0");
}

static void test_runtime(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";

        limits.max_runtime_us = 100 * MIN;
        limits.idle_timeout_us = LIMIT_UNLIMITED;
        live(&s, false, 0, 200 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn runtime@50.0, warn runtime@80.0, warn runtime@95.0, "
                                  "stop runtime@100.0");
        limits.max_runtime_us = LIMIT_UNLIMITED;
        seen[0] = '\0';
        live(&s, false, 0, 20000 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "");
}

/* ds01d was away when the time was over: one warning, then the stop. */
static void test_late(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";

        limits.max_runtime_us = 100 * MIN;
        limits.idle_timeout_us = LIMIT_UNLIMITED;
        live(&s, false, 160 * MIN, 300 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn runtime@160.0, stop runtime@165.0");
}

/* Demand grows while somebody is idle for longer than would then be allowed. */
static void test_high_demand(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";

        limits.idle_grace_us = 0;
        live(&s, true, 0, 60 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn idle@7.5, warn idle@12.0, stop idle@15.0");
        s = (struct expiry_state){ 0 };
        seen[0] = '\0';
        live(&s, false, 0, 20 * MIN, seen, sizeof(seen));
        live(&s, true, 20 * MIN, 60 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn idle@15.0, warn idle@20.0, stop idle@23.0");
}

static void test_extension(void **state) {
        struct expiry_state s = { 0 };
        char seen[512] = "";
        int64_t until;

        limits.max_runtime_us = 60 * MIN;
        limits.idle_timeout_us = LIMIT_UNLIMITED;
        limits.extension_us = 120 * MIN;
        live(&s, false, 0, 57 * MIN, seen, sizeof(seen));
        assert_int_equal(expiry_extend(&limits, &s, 63 * MIN, 57 * MIN, &until), 0);
        assert_int_equal(until, 120 * MIN);
        s.extended_us = until;
        live(&s, false, 57 * MIN, 200 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "warn runtime@30.0, warn runtime@48.0, warn runtime@55.0, "
                                  "warn runtime@60.0, warn runtime@96.0, warn runtime@115.0, "
                                  "stop runtime@120.0");
        /* Not beyond the bound, counted from the end of the time allowed, */
        assert_int_not_equal(expiry_extend(&limits, &s, 90 * MIN, 100 * MIN, &until), 0);
        assert_int_equal(until, 180 * MIN);
        /* nor more at once than the bound. */
        limits.max_runtime_us = LIMIT_UNLIMITED;
        assert_int_not_equal(expiry_extend(&limits, &s, 121 * MIN, 0, &until), 0);
        assert_int_equal(until, 120 * MIN);
        limits.extension_us = LIMIT_UNLIMITED;
        assert_int_equal(expiry_extend(&limits, &s, 5000 * MIN, 0, &until), 0);
}

static void test_exempt(void **state) {
        struct expiry_state s = { .exempt = true };
        char seen[512] = "";

        live(&s, true, 0, 10000 * MIN, seen, sizeof(seen));
        assert_string_equal(seen, "");
}

/* Never stopped without a last warning of at least a fifth of the time, or five minutes; and never
 * more than 30 s after what the rules give when there was one in time. */
static void test_property(void **state) {
        unsigned long seed = 1;

        for (int round = 0; round < 300; round++) {
                struct expiry_state s = { 0 };
                int64_t warned[EXPIRY_RULES] = { -1, -1 }, promised[EXPIRY_RULES];

                limits_defaults(&limits);
                limits.idle_grace_us = 0;
                limits.idle_timeout_us = (int64_t)(1 + round % 40) * MIN;
                limits.max_runtime_us = (int64_t)(50 + round) * MIN;
                for (int64_t now = 0;; now += STEP_S * US_PER_S) {
                        bool high = round % 3 == 0 && now > 20 * MIN;
                        int64_t before = s.active_us, lead;
                        struct expiry e;

                        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
                        if (now < 40 * MIN && seed >> 60 == 0)
                                s.active_us = now;
                        expiry_judge(&limits, high, now, &s, &e);
                        if (before != s.active_us)
                                warned[EXPIRY_IDLE] = -1;
                        if (e.action == EXPIRY_WARN) {
                                warned[e.rule] = now;
                                promised[e.rule] = e.deadline_us;
                        }
                        assert_true(now < 10000 * MIN);
                        if (e.action != EXPIRY_STOP)
                                continue;
                        lead = e.rule == EXPIRY_IDLE ? limits.idle_timeout_us / (high ? 2 : 1)
                                                     : limits.max_runtime_us;
                        lead = lead / 5 < 5 * MIN ? lead / 5 : 5 * MIN;
                        assert_true(warned[e.rule] >= 0 && now - warned[e.rule] >= lead);
                        assert_true(now >= promised[e.rule] &&
                                    now - promised[e.rule] <= 30 * US_PER_S);
                        break;
                }
        }
}

static void test_activity(void **state) {
        const struct activity idle = { .known = true, .gpu_milli = 4999, .cpu_milli = 1999,
                                       .network_bytes = (1 << 20) / 3 };
        const struct {
                const char *name;
                struct activity a;
                bool in_use;
        } rows[] = {
                { "idle", idle, false },
                { "unknown", { .known = false }, true },
                { "typed", { .known = true, .typed = true, .gpu_milli = -1 }, true },
                { "gpu", { .known = true, .gpu_milli = 5003 }, true },
                { "no gpu tells", { .known = true, .gpu_milli = -1 }, false },
                { "cpu", { .known = true, .gpu_milli = -1, .cpu_milli = 2002 }, true },
                { "a moment's cpu", { .known = true, .gpu_milli = -1, .cpu_milli = 1900 }, false },
                { "network", { .known = true, .gpu_milli = -1, .network_bytes = 1 << 20 }, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct activity_window w = { 0 };

                /* Too little has been seen to call it idle. */
                assert_true(activity_add(&w, &idle, &limits));
                assert_true(activity_add(&w, &idle, &limits));
                if (activity_add(&w, &rows[i].a, &limits) != rows[i].in_use)
                        fail_msg("%s", rows[i].name);
                /* It leaves the window again. */
                for (int n = 0; n < 2; n++)
                        activity_add(&w, &idle, &limits);
                assert_false(activity_add(&w, &idle, &limits));
        }
}

static void test_reason(void **state) {
        struct expiry e = { .rule = EXPIRY_IDLE, .for_us = 31 * MIN };
        char text[64];

        expiry_reason(&e, &limits, text, sizeof(text));
        assert_string_equal(text, "idle 31 min");
        e = (struct expiry){ .rule = EXPIRY_RUNTIME, .for_us = 1 };
        expiry_reason(&e, &limits, text, sizeof(text));
        assert_string_equal(text, "max runtime 24 h");
        e = (struct expiry){ .rule = EXPIRY_IDLE, .for_us = 9 * US_PER_S };
        expiry_reason(&e, &limits, text, sizeof(text));
        assert_string_equal(text, "idle 9 s");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_idle, set_up),
                cmocka_unit_test_setup(test_grace_after_start, set_up),
                cmocka_unit_test_setup(test_use_puts_it_off, set_up),
                cmocka_unit_test_setup(test_runtime, set_up),
                cmocka_unit_test_setup(test_late, set_up),
                cmocka_unit_test_setup(test_high_demand, set_up),
                cmocka_unit_test_setup(test_extension, set_up),
                cmocka_unit_test_setup(test_exempt, set_up),
                cmocka_unit_test_setup(test_property, set_up),
                cmocka_unit_test_setup(test_activity, set_up),
                cmocka_unit_test_setup(test_reason, set_up),
        };

        return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
