/*
 * How long a decision takes: a machine of 1,024 GPUs in NVLink islands of eight, 10,000 claims of
 * 500 people, 900 devices held. Prints medians in microseconds beside the budget; exit status 1
 * when the budget is missed, so that a release build can be held to it.
 */
#include "core/policy.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLAIMS = 10000, HELD = 900, PEOPLE = 500, ROUNDS = 501, BUDGET_US = 50 };

static struct gpu_device devices[GPU_DEVICES_MAX];
static uint8_t links[GPU_DEVICES_MAX * GPU_DEVICES_MAX];
static struct claim claims[CLAIMS];
static int16_t claimed[CLAIMS];
static char names[CLAIMS][16];

static const struct gpu_inventory inventory = { devices, GPU_DEVICES_MAX, GPU_DEVICES_MAX, links };

static void make_machine(void) {
        for (int i = 0; i < GPU_DEVICES_MAX; i++) {
                devices[i] = (struct gpu_device){ .gpu = i, .instance = -1, .numa_node = i / 64,
                                                  .units = GPU_UNITS_PER_GPU };
                for (int j = 0; j < GPU_DEVICES_MAX; j++)
                        links[i * GPU_DEVICES_MAX + j] = i == j ? GPU_LINK_SELF
                                                         : i / 8 == j / 8 ? GPU_LINK_NVLINK + 11
                                                         : i / 64 == j / 64 ? GPU_LINK_NODE
                                                                            : GPU_LINK_SYSTEM;
        }
}

/* @held of the claims hold a device each, spread over all; the others are CPU-only or have ended.
 */
static void make_claims(size_t held) {
        for (size_t i = 0; i < CLAIMS; i++) {
                bool holds = i % 11 == 0 && i / 11 < held;

                snprintf(names[i], sizeof(names[i]), "exp-%zu", i);
                claimed[i] = (int16_t)(i / 11 * 571 % GPU_DEVICES_MAX);
                claims[i] = (struct claim){
                        .uid = (uid_t)(1001 + i % PEOPLE),
                        .name = names[i],
                        .user = "somebody",
                        .state = holds ? CONTAINER_RUNNING : CONTAINER_STOPPED,
                        .hold_us = 1,
                        .devices = &claimed[i],
                        .ndevices = holds || i % 2,
                        .units = GPU_UNITS_PER_GPU,
                };
        }
}

static int compare(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* Nanoseconds, because clock.h counts in microseconds: a batch of ten a measurement. */
static double median_us(const struct snapshot *s, int64_t gpus) {
        struct create_wish wish = { .name = "thesis", .gpus = gpus };
        int64_t times[ROUNDS];

        for (size_t i = 0; i < ROUNDS; i++) {
                int64_t start = clock_mono_us();

                for (int k = 0; k < 10; k++) {
                        struct grant grant;
                        struct refusal refusal;

                        if (policy_create(s, &wish, &grant, &refusal)) {
                                fprintf(stderr, "refused: %s\n",
                                        refusal_kind(refusal.reason)->code);
                                exit(1);
                        }
                }
                times[i] = clock_mono_us() - start;
        }
        qsort(times, ROUNDS, sizeof(times[0]), compare);
        return (double)times[ROUNDS / 2] / 10;
}

int main(void) {
        static const struct {
                size_t held;
                int64_t gpus;
        } rows[] = { { HELD, 1 }, { HELD, 8 }, { 0, 1 }, { 0, 8 }, { 1000, 4 }, { 1012, 8 } };
        struct limits limits;
        bool missed = false;

        make_machine();
        limits_defaults(&limits);
        limits.gpu_units = limits.gpus_per_container = limits.containers = LIMIT_UNLIMITED;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct snapshot s = { &inventory, claims, CLAIMS, &limits, 1001, NULL, US_PER_H };
                double us;

                make_claims(rows[i].held);
                us = median_us(&s, rows[i].gpus);
                missed = missed || us > BUDGET_US;
                printf("decision: create with %lld of %zu free GPUs, %d claims: %.1f us (budget "
                       "%d)\n",
                       (long long)rows[i].gpus, GPU_DEVICES_MAX - rows[i].held, CLAIMS, us,
                       BUDGET_US);
        }
        return missed;
}
