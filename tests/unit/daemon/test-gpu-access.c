/* Which devices a container with certain GPUs is to have, and which of them are named as lost. */
#include "cmocka-headers.h"

#include "base/str.h"
#include "daemon/gpu_access.h"

#include <stdio.h>
#include <string.h>

enum { NVIDIA = 195, UVM = 511 };

static void add(struct gpu_nodes *nodes, const char *name, unsigned major, unsigned minor,
                bool denied) {
        struct gpu_node *node = &nodes->items[nodes->n++];

        *node = (struct gpu_node){ .major = major, .minor = minor, .denied = denied };
        str_copy(node->name, sizeof(node->name), name);
}

static void test_only_ones_own_are_let_in(void **state) {
        static const struct {
                int minors[4];
                size_t n;
                const char *lost;
        } rows[] = {
                { { 0 }, 1, "nvidia0, nvidiactl, nvidia-modeset, nvidia-uvm" },
                { { 2, 0 }, 2, "nvidia0, nvidia2, nvidiactl, nvidia-modeset, nvidia-uvm" },
                { { 1 }, 1, "nvidiactl, nvidia-modeset, nvidia-uvm" }, /* it may use that one */
                { { 7 }, 1, "nvidiactl, nvidia-modeset, nvidia-uvm" },
                /* Of a device that is gone, or whose number the driver doesn't tell. */
                { { -1 }, 1, "nvidiactl, nvidia-modeset, nvidia-uvm" },
                { { 0 }, 0, "nvidiactl, nvidia-modeset, nvidia-uvm" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct gpu_nodes nodes = { .n = 0 };
                char lost[160];

                add(&nodes, "nvidia0", NVIDIA, 0, true);
                add(&nodes, "nvidia1", NVIDIA, 1, false);
                add(&nodes, "nvidia2", NVIDIA, 2, true);
                add(&nodes, "nvidiactl", NVIDIA, 255, true);
                add(&nodes, "nvidia-modeset", NVIDIA, 254, true);
                add(&nodes, "nvidia-uvm", UVM, 0, true);
                add(&nodes, "nvidia-uvm-tools", UVM, 1, false);
                gpu_access_keep(&nodes, rows[i].minors, rows[i].n);
                gpu_access_denied(&nodes, lost, sizeof(lost));
                if (strcmp(lost, rows[i].lost) != 0)
                        fail_msg("row %zu: '%s'", i, lost);
        }
}

static void test_more_than_can_be_named(void **state) {
        struct gpu_nodes nodes = { .n = 0 };
        char name[32], lost[40];

        (void)state;
        assert_int_equal(gpu_access_denied(&nodes, lost, sizeof(lost)), 0);
        assert_string_equal(lost, "");
        for (unsigned i = 0; i < GPU_NODES_MAX; i++) {
                snprintf(name, sizeof(name), "nvidia%u", i);
                add(&nodes, name, NVIDIA, i, true);
        }
        assert_int_equal(gpu_access_denied(&nodes, lost, sizeof(lost)), GPU_NODES_MAX);
        assert_true(str_starts(lost, "nvidia0, nvidia1, nvidia2, "));
        assert_int_equal(strlen(lost), sizeof(lost) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_ones_own_are_let_in),
                cmocka_unit_test(test_more_than_can_be_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
