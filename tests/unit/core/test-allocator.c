/* The allocator against a search that tries everything, on random machines. */
#include "core/policy.h"

#include "base/cleanup.h"

#include "cmocka-setup.h"

#include <errno.h>
#include <string.h>

enum { MACHINES = 300, GPUS = 9 };

static uint64_t random_state;

static unsigned random_below(unsigned n) { /* xorshift64 */
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (unsigned)(random_state >> 33) % n;
}

static struct gpu_device devices[GPU_DEVICES_MAX];
static uint8_t links[64 * 64];

static struct gpu_inventory machine(size_t n, unsigned kinds) {
        for (size_t i = 0; i < n; i++)
                devices[i] = (struct gpu_device){ .gpu = (int)i,
                                                  .instance = -1,
                                                  .units = GPU_UNITS_PER_GPU };
        for (size_t i = 0; i < n; i++)
                for (size_t j = i; j < n; j++)
                        links[i * n + j] = links[j * n + i] =
                                i == j ? GPU_LINK_SELF : (uint8_t)random_below(kinds);
        return (struct gpu_inventory){ devices, n, n, links };
}

static void quality(const struct gpu_inventory *inv, unsigned set, unsigned *slowest,
                    unsigned *sum) {
        *slowest = 255;
        *sum = 0;
        for (int i = 0; i < GPUS; i++)
                for (int j = i + 1; j < GPUS; j++)
                        if ((set >> i & 1) && (set >> j & 1)) {
                                unsigned link = gpu_inventory_link(inv, i, j);

                                *sum += link;
                                *slowest = link < *slowest ? link : *slowest;
                        }
}

/* Sets as bits, the lowest index the highest bit of the comparison: lexicographic order. */
static bool first_of_equals(unsigned a, unsigned b) {
        for (int i = 0; i < GPUS; i++)
                if ((a >> i & 1) != (b >> i & 1))
                        return a >> i & 1;
        return false;
}

static void test_sets_are_best(void **state) {
        for (int round = 0; round < MACHINES; round++) {
                struct gpu_inventory inv = machine(GPUS, 2 + random_below(5));
                unsigned free_bits = random_below(1u << GPUS), best = 0, best_slowest = 0,
                         best_sum = 0;
                unsigned want = 2 + random_below(4), got = 0;
                uint8_t free_bytes[GPU_DEVICES_MAX] = { 0 };
                struct grant g;
                int r;

                for (int i = 0; i < GPUS; i++)
                        free_bytes[i] = free_bits >> i & 1;
                for (unsigned set = 1; set < 1u << GPUS; set++) {
                        unsigned slowest, sum;

                        if ((set & ~free_bits) || (unsigned)__builtin_popcount(set) != want)
                                continue;
                        quality(&inv, set, &slowest, &sum);
                        if (!best || slowest > best_slowest ||
                            (slowest == best_slowest &&
                             (sum > best_sum || (sum == best_sum && first_of_equals(set, best))))) {
                                best = set;
                                best_slowest = slowest;
                                best_sum = sum;
                        }
                }
                r = allocator_choose(&inv, free_bytes, want, false, true, &g);
                assert_int_equal(r, best ? 0 : -ENOSPC);
                for (size_t i = 0; r == 0 && i < g.n; i++)
                        got |= 1u << g.devices[i];
                if (got != best)
                        fail_msg("round %d: set %x instead of %x", round, got, best);
        }
}

/* The bounded search for many GPUs is never far off: on islands it finds a whole island. */
static void test_grown_sets_find_islands(void **state) {
        for (int round = 0; round < MACHINES; round++) {
                struct gpu_inventory inv = machine(64, 1);
                unsigned size = 4 + 4 * random_below(2);
                uint8_t free_bytes[GPU_DEVICES_MAX] = { 0 };
                struct grant g;

                for (size_t i = 0; i < 64; i++)
                        for (size_t j = 0; j < 64; j++)
                                links[i * 64 + j] = i == j                 ? 255
                                                    : i / size == j / size ? GPU_LINK_NVLINK
                                                                           : 0;
                for (size_t i = 0; i < 64; i++)
                        free_bytes[i] = random_below(8) != 0;
                memset(free_bytes + 32, 1, 8);
                assert_int_equal(allocator_choose(&inv, free_bytes, size, false, true, &g), 0);
                for (size_t i = 0; i < g.n; i++) {
                        assert_true(free_bytes[g.devices[i]]);
                        assert_int_equal(g.devices[i] / (int)size, g.devices[0] / (int)size);
                        assert_true(i == 0 || g.devices[i - 1] < g.devices[i]);
                }
        }
}

static void test_largest_machine(void **state) {
        uint8_t free_bytes[GPU_DEVICES_MAX];
        struct gpu_inventory inv = { devices, GPU_DEVICES_MAX, GPU_DEVICES_MAX, NULL };
        struct grant g;

        for (int i = 0; i < GPU_DEVICES_MAX; i++)
                devices[i] =
                        (struct gpu_device){ .gpu = i, .instance = -1, .units = GPU_UNITS_PER_GPU };
        memset(free_bytes, 1, sizeof(free_bytes));
        assert_int_equal(allocator_choose(&inv, free_bytes, 64, false, true, &g), 0);
        assert_int_equal(g.n, 64);
        assert_int_equal(g.units, 64 * GPU_UNITS_PER_GPU);
        for (size_t i = 1; i < g.n; i++)
                assert_true(g.devices[i - 1] < g.devices[i]);
        assert_int_equal(allocator_choose(&inv, free_bytes, 65, false, true, &g), -ENOSPC);
        assert_int_equal(allocator_choose(&inv, free_bytes, 0, false, true, &g), 0);
        assert_int_equal(g.n, 0);
        for (int i = 0; i < GPU_DEVICES_MAX; i++)
                devices[i].instance = i % 7;
        assert_int_equal(allocator_choose(&inv, free_bytes, 64, false, true, &g), 0);
        assert_int_equal(allocator_choose(&inv, free_bytes, 64, true, true, &g), -ENOSPC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sets_are_best),
                cmocka_unit_test(test_grown_sets_find_islands),
                cmocka_unit_test(test_largest_machine),
        };

        random_state = 0x9e3779b97f4a7c15; /* fixed: the same machines each time */
        return cmocka_run_group_tests_name("allocator", tests, NULL, NULL);
}
