/* Limits: reading one value, resolving all for one person. */
#include "core/limits.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include "cmocka-setup.h"

#include <errno.h>
#include <string.h>

#define GIB (1LL << 30)
#define MIN (60 * US_PER_S)

static void test_values(void **state) {
        static const struct {
                const char *key, *text;
                int result;
                int64_t value;
        } rows[] = {
                { "max_gpu_equivalents", "1.5", 0, 10500 },
                { "max_gpu_equivalents", "2", 0, 14000 },
                { "max_gpu_equivalents", "2.0", 0, 14000 },
                { "max_gpu_equivalents", "0", 0, 0 },
                { "max_gpu_equivalents", "0.14", 0, 1000 },
                { "max_gpu_equivalents", "0.29", 0, 2000 },
                { "max_gpu_equivalents", "0.428571428571", 0, 3000 },
                { "max_gpu_equivalents", "0.5", 0, 3500 },
                { "max_gpu_equivalents", "0.25", 0, 1750 },
                { "max_gpu_equivalents", "0.001", 0, 7 },
                { "max_gpu_equivalents", "null", 0, LIMIT_UNLIMITED },
                { "max_gpu_equivalents", "", 0, LIMIT_UNLIMITED },
                { "max_gpu_equivalents", "~", 0, LIMIT_UNLIMITED },
                { "max_gpu_equivalents", "-1", -EINVAL, 0 },
                { "max_gpu_equivalents", "1.", -EINVAL, 0 },
                { "max_gpu_equivalents", ".5", -EINVAL, 0 },
                { "max_gpu_equivalents", "1,5", -EINVAL, 0 },
                { "max_gpu_equivalents", "1e3", -EINVAL, 0 },
                { "max_gpu_equivalents", "nan", -EINVAL, 0 },
                { "max_gpu_equivalents", "9999999999999999999", -ERANGE, 0 },
                { "max_gpu_equivalents", "1400000000000000", -ERANGE, 0 },
                { "max_gpu_slots", "3", 0, 21000 },
                { "max_mig_instances", "3", 0, 21000 },
                { "max_gpu_slots_per_container", "4", 0, 4 },
                { "max_mig_per_container", "4", 0, 4 },
                { "max_gpu_slots_per_container", "1.5", -EINVAL, 0 },
                { "max_gpu_slots_per_container", "-1", -ERANGE, 0 },
                { "max_containers_per_user", "0", 0, 0 },
                { "max_containers_per_user", "three", -EINVAL, 0 },
                { "max_cpus", "0.5", 0, 500 },
                { "max_cpus", "32", 0, 32000 },
                { "max_cpus", "0", -ERANGE, 0 },
                { "aggregate.cpu_quota", "9600%", 0, 96000 },
                { "aggregate.max_cpus", "150%", 0, 1500 },
                { "aggregate.max_cpus", "150 %", -EINVAL, 0 },
                { "memory", "32g", 0, 32 * GIB },
                { "memory", "0", -ERANGE, 0 },
                { "memory", "lots", -EINVAL, 0 },
                { "aggregate.memory_max", "96G", 0, 96 * GIB },
                { "shm_size", "null", -EINVAL, 0 },
                { "pids_limit", "4096", 0, 4096 },
                { "idle_timeout_h", "0.5", 0, 30 * MIN },
                { "idle_timeout", "0.5h", 0, 30 * MIN },
                { "max_runtime", "2d", 0, 48 * 60 * MIN },
                { "max_runtime_h", "90m", 0, 90 * MIN },
                { "max_runtime_h", "h", -EINVAL, 0 },
                { "max_runtime_h", "1w", -EINVAL, 0 },
                { "gpu_hold_after_stop_h", "0.25", 0, 15 * MIN },
                { "gpu_hold_after_stop_h", "0.000000001", 0, 4 },
                { "gpu_hold_after_stop_h", "null", 0, LIMIT_UNLIMITED },
                { "created_container_timeout_m", "30", 0, 30 * MIN },
                { "created_container_timeout", "30m", 0, 30 * MIN },
                { "priority", "10", 0, 10 },
                { "priority", "high", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct limit_key *key = limit_key_find(rows[i].key);
                struct limits l = { 0 };
                int64_t value;
                int r;

                assert_non_null(key);
                r = limit_set(&l, key, rows[i].text);
                if (r != rows[i].result)
                        fail_msg("%s: %s gives %d", rows[i].key, rows[i].text, r);
                memcpy(&value, (char *)&l + key->offset, sizeof(value));
                if (value != rows[i].value)
                        fail_msg("%s: %s is %lld", rows[i].key, rows[i].text, (long long)value);
        }
}

static void test_bool(void **state) {
        const struct limit_key *key = limit_key_find("allow_full_gpu");
        struct limits l = { 0 };

        assert_int_equal(limit_set(&l, key, "true"), 0);
        assert_true(l.allow_full_gpu);
        assert_int_equal(limit_set(&l, key, "No"), 0);
        assert_false(l.allow_full_gpu);
        assert_int_equal(limit_set(&l, key, "1"), -EINVAL);
        assert_int_equal(limit_set(&l, key, "null"), -EINVAL);
        assert_int_equal(limit_set(&l, key, ""), -EINVAL);
}

static void test_table(void **state) {
        assert_true(limit_keys_count <= 64); /* a bit each in limits_layer.given */
        for (size_t i = 0; i < limit_keys_count; i++) {
                assert_ptr_equal(limit_key_find(limit_keys[i].name), &limit_keys[i]);
                assert_false(limit_key_is_known_unused(limit_keys[i].name));
                assert_true(limit_keys[i].help[0]);
                for (size_t j = 0; j < i; j++)
                        assert_true(limit_keys[i].offset != limit_keys[j].offset);
        }
        assert_null(limit_key_find("max_gpus_per"));
        assert_null(limit_key_find(""));
        assert_null(limit_key_find("max_gpu_slots max_gpus_per_user"));
}

static void test_known_unused(void **state) {
        static const char *const known[] = {
                "memory_swap",
                "container_hold_after_stop_h",
                "storage_workspace",
                "policies",
                "policies.high_demand_threshold",
                "enforcement.cgroup_driver",
                "container_types",
                "container_types.docker.idle_timeout",
                "aggregate.memory_high",
        };
        static const char *const unknown[] = { "max_gpu",   "",   "memory_swop",
                                               "polices.x", ".x", "aggregate.x" };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                assert_true(limit_key_is_known_unused(known[i]));
        for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
                assert_false(limit_key_is_known_unused(unknown[i]));
}

static void give(struct limits_layer *layer, const char *name, const char *text) {
        const struct limit_key *key = limit_key_find(name);

        assert_int_equal(limit_set(&layer->values, key, text), 0);
        layer->given |= UINT64_C(1) << (key - limit_keys);
}

static char alice_word[] = "alice", staff_word[] = "staff";
static char *alice_list[] = { alice_word, NULL }, *staff_list[] = { staff_word, NULL };

static void test_resolution(void **state) {
        struct limits_group groups[] = {
                { .name = "student" },
                { .name = "researcher", .members = alice_list },
                { .name = "faculty", .members = alice_list, .unix_groups = staff_list },
        };
        struct limits_override overrides[] = { { .user = "alice" }, { .user = "1002" } };
        struct limits_config config = { .groups = groups, .ngroups = 3, .overrides = overrides,
                                        .noverrides = 2, .default_group = "student" };
        const char *const in_staff[] = { "users", "staff", NULL };
        struct person alice = { 1001, 1001, "alice", NULL }, bob = { 1002, 1002, "bob", in_staff },
                      carol = { 1003, 1003, "carol", NULL };
        struct limits l;

        give(&config.defaults, "max_containers_per_user", "7");
        give(&groups[0].layer, "max_gpu_equivalents", "2");
        give(&groups[1].layer, "max_gpu_equivalents", "4");
        give(&groups[1].layer, "idle_timeout_h", "null");
        give(&groups[2].layer, "allow_full_gpu", "false");
        give(&overrides[0].layer, "max_gpu_equivalents", "1.5");
        give(&overrides[1].layer, "priority", "99");

        limits_resolve(&config, &alice, &l); /* two groups have her: the first counts */
        assert_string_equal(l.group, "researcher");
        assert_int_equal(l.gpu_units, 10500);
        assert_true(l.idle_timeout_us == LIMIT_UNLIMITED);
        assert_int_equal(l.containers, 7);
        assert_int_equal(l.priority, 10);
        assert_true(l.allow_full_gpu);

        limits_resolve(&config, &bob, &l); /* by Unix group; the override by uid */
        assert_string_equal(l.group, "faculty");
        assert_int_equal(l.priority, 99);
        assert_int_equal(l.gpu_units, GPU_UNITS_PER_GPU);
        assert_false(l.allow_full_gpu);

        limits_resolve(&config, &carol, &l);
        assert_string_equal(l.group, "student");
        assert_int_equal(l.gpu_units, 14000);

        config.default_group[0] = '\0';
        limits_resolve(&config, &carol, &l);
        assert_string_equal(l.group, "");
        assert_int_equal(l.gpu_units, GPU_UNITS_PER_GPU);
}

static void test_pairs_of_keys(void **state) {
        static const struct {
                const char *pids, *tasks;
                int64_t expected;
        } rows[] = {
                { NULL, NULL, 4096 },
                { "8192", NULL, 8192 },
                { NULL, "65536", 65536 },
                { "4096", "32768", 4096 },
                { "9000", "100", 100 },
                { NULL, "null", LIMIT_UNLIMITED },
                { "null", NULL, LIMIT_UNLIMITED },
                { "null", "50", 50 },
        };
        const struct person who = { .uid = 1001, .name = "alice" };
        struct limits l;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct limits_config config = { 0 };

                if (rows[i].pids)
                        give(&config.defaults, "pids_limit", rows[i].pids);
                if (rows[i].tasks)
                        give(&config.defaults, "max_tasks", rows[i].tasks);
                limits_resolve(&config, &who, &l);
                if (l.pids != rows[i].expected)
                        fail_msg("row %zu: %lld", i, (long long)l.pids);
        }
}

static void test_defaults_are_complete(void **state) {
        struct limits l;

        memset(&l, 0x55, sizeof(l));
        limits_defaults(&l);
        for (size_t i = 0; i < limit_keys_count; i++) {
                int64_t value;

                if (limit_keys[i].kind == LIMIT_BOOL)
                        continue;
                memcpy(&value, (char *)&l + limit_keys[i].offset, sizeof(value));
                assert_true(value > 0 && value != 0x5555555555555555);
        }
        assert_string_equal(l.group, "");
}

static void test_release(void **state) {
        struct limits_config config = { .ngroups = 1, .groups = calloc(1, sizeof(*config.groups)) };

        config.groups[0].members = calloc(2, sizeof(char *));
        config.groups[0].members[0] = strdup("alice");
        limits_config_release(&config);
        assert_null(config.groups);
        limits_config_release(&config);
        limits_config_release(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_bool),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_known_unused),
                cmocka_unit_test(test_resolution),
                cmocka_unit_test(test_pairs_of_keys),
                cmocka_unit_test(test_defaults_are_complete),
                cmocka_unit_test(test_release),
        };

        return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
