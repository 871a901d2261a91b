/* The inventory as a value. */
#include "core/inventory.h"

#include "base/str.h"

#include "cmocka-setup.h"


static void test_copy_is_deep(void **state) {
        struct gpu_device devices[2] = { { .uuid = "GPU-a" }, { .uuid = "GPU-b" } };
        uint8_t links[4] = { 255, 4, 4, 255 };
        struct gpu_inventory inv = { devices, 2, 2, links }, copy;

        assert_int_equal(gpu_inventory_copy(&inv, &copy), 0);
        str_copy(devices[1].uuid, sizeof(devices[1].uuid), "GPU-c");
        links[1] = 0;
        assert_int_equal(gpu_inventory_find(&copy, "GPU-b"), 1);
        assert_int_equal(gpu_inventory_find(&copy, "GPU-c"), -1);
        assert_int_equal(gpu_inventory_link(&copy, 0, 1), 4);
        gpu_inventory_release(&copy);
        assert_null(copy.devices);
        gpu_inventory_release(&copy);
}

static void test_nothing_there(void **state) {
        struct gpu_inventory inv = { 0 }, copy;

        assert_int_equal(gpu_inventory_copy(&inv, &copy), 0);
        assert_int_equal(gpu_inventory_find(&copy, "GPU-a"), -1);
        gpu_inventory_release(&copy);
        gpu_inventory_release(NULL);
}

static void test_without_links_all_are_far(void **state) {
        struct gpu_device devices[2] = { 0 };
        struct gpu_inventory inv = { devices, 2, 2, NULL };

        assert_int_equal(gpu_inventory_link(&inv, 0, 1), GPU_LINK_SYSTEM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_copy_is_deep),
                cmocka_unit_test(test_nothing_there),
                cmocka_unit_test(test_without_links_all_are_far),
        };

        return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
