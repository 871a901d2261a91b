/* Maps of ids: what they say, and that the kernel takes them. */
#include "cmocka-headers.h"

#include "daemon/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
        const char *what;
        struct idmap map; /* without groups */
        gid_t groups[8];
        const char *uids, *gids;
} rows[] = {
        { "one's own directory",
          { .uid = 1001, .gid = 1001, .owner = 1001, .group = 1001, .min_uid = 1000 },
          { 1001 },
          "1001 1001 1\n",
          "1001 1001 1\n" },
        { "one's own with the group of a project: the two are exchanged",
          { .uid = 1001, .gid = 1001, .owner = 1001, .group = 2000, .min_uid = 1000 },
          { 1001, 2000 },
          "1001 1001 1\n",
          "2000 1001 1\n1001 2000 1\n" },
        { "a group that one is not in stays out",
          { .uid = 1001, .gid = 1001, .owner = 1001, .group = 2000, .min_uid = 1000 },
          { 1001, 3000 },
          "1001 1001 1\n",
          "1001 1001 1\n3000 3000 1\n" },
        { "root's directory for a group",
          { .uid = 1001, .gid = 100, .owner = 0, .group = 2000, .shared = true, .min_uid = 1000 },
          { 100, 2000 },
          "0 65534 1\n1000 1000 64534\n65535 65535 4294901760\n",
          "2000 100 1\n100 2000 1\n" },
        { "root's, where people begin with nobody",
          { .uid = 70000, .gid = 100, .owner = 0, .group = 100, .shared = true, .min_uid = 65534 },
          { 100 },
          "0 65534 1\n65535 65535 4294901760\n",
          "100 100 1\n" },
        { "a service's directory",
          { .uid = 1001, .gid = 100, .owner = 33, .group = 100, .shared = true, .min_uid = 1000 },
          { 100 },
          "33 33 1\n1000 1000 4294966295\n",
          "100 100 1\n" },
        { "a colleague's directory",
          { .uid = 1001, .gid = 100, .owner = 1002, .group = 100, .shared = true, .min_uid = 1000 },
          { 100 },
          "1000 1000 4294966295\n",
          "100 100 1\n" },
        { "neighbours are one line, whatever their order, and twice is once",
          { .uid = 1001, .gid = 5, .owner = 1001, .group = 5, .min_uid = 1000 },
          { 12, 10, 11, 5, 11, 30 },
          "1001 1001 1\n",
          "5 5 1\n10 10 3\n30 30 1\n" },
        { "a primary group that the list does not name",
          { .uid = 1001, .gid = 7, .owner = 1001, .group = 9, .min_uid = 1000 },
          { 9 },
          "1001 1001 1\n",
          "9 7 1\n7 9 1\n" },
        { "people from the first uid on",
          { .uid = 0, .gid = 0, .owner = 0, .group = 0, .shared = true, .min_uid = 0 },
          { 0 },
          "0 0 4294967295\n",
          "0 0 1\n" },
};

static void test_maps(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf uids = BUF_INIT(IDMAP_MAX), gids = BUF_INIT(IDMAP_MAX);
                struct idmap map = rows[i].map;

                map.groups = rows[i].groups;
                while (map.ngroups < 8 && (rows[i].groups[map.ngroups] || map.ngroups == 0))
                        map.ngroups++;
                print_message("# %s\n", rows[i].what);
                assert_int_equal(idmap_uids(&map, &uids), 0);
                assert_int_equal(idmap_gids(&map, &gids), 0);
                assert_string_equal(buf_str(&uids), rows[i].uids);
                assert_string_equal(buf_str(&gids), rows[i].gids);
        }
}

/* More groups than a map can hold: the ones that matter are in it, and the kernel takes it. */
static void test_many_groups(void **state) {
        _cleanup_buf_ struct buf gids = BUF_INIT(IDMAP_MAX);
        enum { MANY = 1000 };
        gid_t groups[MANY];
        struct idmap map = { .uid = 1001, .gid = 1001, .groups = groups, .ngroups = MANY,
                             .owner = 1001, .group = 1000000000, .min_uid = 1000 };
        size_t lines = 0;

        (void)state;
        for (size_t i = 0; i < MANY; i++)
                groups[i] = 1000000000 + (gid_t)(MANY - 1 - i) * 2;
        assert_int_equal(idmap_gids(&map, &gids), 0);
        for (size_t i = 0; i < gids.len; i++)
                lines += gids.data[i] == '\n';
        assert_true(lines > 100 && lines <= IDMAP_LINES_MAX);
        assert_true(gids.len < 4096);
        assert_memory_equal(gids.data, "1000000000 1001 1\n1001 1000000000 1\n", 36);
        if (geteuid() == 0) {
                struct err err = { 0 };
                int fd = idmap_open(&map, &err);

                if (fd < 0)
                        print_message("# the kernel: %s\n", err.msg);
                assert_true(fd >= 0 || err.code == ENOSPC || err.code == EPERM);
                if (fd >= 0)
                        close(fd);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_maps),
                cmocka_unit_test(test_many_groups),
        };

        return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
