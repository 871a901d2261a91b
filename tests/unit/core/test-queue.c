/* The queue: order, what is kept for whom, and that nobody is overtaken for ever. */
#include "core/queue.h"

#include "base/cleanup.h"

#include "cmocka-setup.h"

#include <stdio.h>
#include <string.h>

enum { DEVICES = 4, WAITERS = 5 };

static struct gpu_device devices[DEVICES];
static struct gpu_inventory inventory = { .devices = devices, .ndevices = DEVICES, .ngpus = 4 };

static void whole_gpus(void) {
        for (int i = 0; i < DEVICES; i++)
                devices[i] = (struct gpu_device){ .gpu = i,
                                                  .instance = -1,
                                                  .units = GPU_UNITS_PER_GPU,
                                                  .health = GPU_OK };
}

static void test_order(void **state) {
        struct waiter a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3, .priority = 5 };
        const struct waiter *const all[] = { &a, &b, &c };

        assert_true(waiter_before(&a, &b));
        assert_false(waiter_before(&b, &a));
        assert_true(waiter_before(&c, &a));
        assert_int_equal(queue_ahead(all, 3, &c), 0);
        assert_int_equal(queue_ahead(all, 3, &a), 1);
        assert_int_equal(queue_ahead(all, 3, &b), 2);
}

static void test_withheld(void **state) {
        struct waiter first = { .number = 1, .gpus = 2, .allow_full = true, .for_devices = true };
        struct waiter quota = { .number = 2, .gpus = 1, .allow_full = true };
        struct waiter slices = { .number = 3, .gpus = 1, .for_devices = true };
        struct waiter last = { .number = 4, .gpus = 1, .allow_full = true, .for_devices = true };
        const struct waiter *const all[] = { &first, &quota, &slices, &last };
        uint8_t mask[GPU_DEVICES_MAX];

        whole_gpus();
        devices[3].instance = 0;
        /* Nobody is ahead of the first. */
        queue_withheld(&inventory, all, 4, &first, 0, mask);
        assert_int_equal(mask[0] + mask[3], 0);
        /* All is kept from those behind, and from who comes now. */
        queue_withheld(&inventory, all, 4, &last, 0, mask);
        assert_int_equal(mask[0] + mask[3], 2);
        queue_withheld(&inventory, all, 4, NULL, 0, mask);
        assert_int_equal(mask[0] + mask[3], 2);
        /* Not from who has a higher priority; */
        queue_withheld(&inventory, all, 4, NULL, 1, mask);
        assert_int_equal(mask[0] + mask[3], 0);
        /* who waits for a quota keeps nothing, who may have MIG instances only, only those. */
        queue_withheld(&inventory, &all[1], 2, NULL, 0, mask);
        assert_int_equal(mask[0], 0);
        assert_int_equal(mask[3], 1);
        /* What is reserved for others is kept for nobody who waits. */
        first.denied[0] = 1;
        queue_withheld(&inventory, all, 1, NULL, 0, mask);
        assert_int_equal(mask[0], 0);
        assert_int_equal(mask[1], 1);
}

static void test_helps(void **state) {
        bool devices_lack;

        assert_true(queue_helps(REFUSAL_GPU_NONE_FREE, &devices_lack));
        assert_true(devices_lack);
        assert_true(queue_helps(REFUSAL_GPU_QUOTA, &devices_lack));
        assert_false(devices_lack);
        assert_false(queue_helps(REFUSAL_GPU_QUOTA_TOO_SMALL, &devices_lack));
        assert_false(queue_helps(REFUSAL_NAME_TAKEN, &devices_lack));
        assert_false(queue_helps(REFUSAL_GPU_PER_CONTAINER, &devices_lack));
}

/* Random waiters and holds that end one by one: with the policy as judge, who is ahead and waits
 * for devices gets them first, and in the end everybody has had theirs. */
static void test_nobody_starves(void **state) {
        unsigned seed = 7;

        whole_gpus();
        for (int round = 0; round < 2000; round++) {
                struct limits limits;
                struct waiter waiters[WAITERS];
                const struct waiter *queue[WAITERS];
                int16_t held[DEVICES] = { 0, 1, 2, 3 };
                struct claim claims[DEVICES];
                size_t n = WAITERS, nclaims = DEVICES, served = 0;
                int64_t number = -1;

                limits_defaults(&limits);
                limits.gpu_units = GPU_UNITS_UNLIMITED;
                limits.gpus_per_container = limits.containers = 100;
                limits.allow_full_gpu = true;
                for (size_t i = 0; i < WAITERS; i++) {
                        seed = seed * 1103515245 + 12345;
                        waiters[i] = (struct waiter){ .gpus = 1 + (seed >> 16) % DEVICES,
                                                      .number = i,
                                                      .allow_full = true,
                                                      .for_devices = true };
                        queue[i] = &waiters[i];
                }
                for (size_t i = 0; i < DEVICES; i++)
                        claims[i] = (struct claim){ .uid = 9,
                                                    .state = CONTAINER_RUNNING,
                                                    .ndevices = 1,
                                                    .devices = &held[i],
                                                    .name = "x",
                                                    .user = "y" };
                while (n > 0) {
                        bool progress = false;

                        for (size_t i = n; i > 0 && !progress; i--) { /* the last one asks first */
                                uint8_t mask[GPU_DEVICES_MAX];
                                struct snapshot s = { .inventory = &inventory,
                                                      .claims = claims,
                                                      .nclaims = nclaims,
                                                      .limits = &limits,
                                                      .uid = 1,
                                                      .withheld = mask,
                                                      .now_us = 1 };
                                struct create_wish wish = { .name = "w",
                                                            .gpus = queue[i - 1]->gpus };
                                struct grant grant;
                                struct refusal r;

                                queue_withheld(&inventory, queue, n, queue[i - 1], 0, mask);
                                if (policy_create(&s, &wish, &grant, &r))
                                        continue;
                                /* In order, and its devices go back at once. */
                                assert_int_equal(i, 1);
                                assert_true((int64_t)queue[0]->number > number);
                                number = (int64_t)queue[0]->number;
                                memmove(queue, queue + 1, --n * sizeof(*queue));
                                served++;
                                progress = true;
                        }
                        if (!progress) {
                                assert_true(nclaims > 0);
                                nclaims--; /* a hold ends */
                        }
                }
                assert_int_equal(served, WAITERS);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_withheld),
                cmocka_unit_test(test_helps),
                cmocka_unit_test(test_nobody_starves),
        };

        return cmocka_run_group_tests_name("core-queue", tests, NULL, NULL);
}
