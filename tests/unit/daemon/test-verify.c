/* What the kernel says of a container that is as decided, and each change to it that matters. */
#include "cmocka-headers.h"

#include "daemon/verify.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define ID "8b19e22b76822da3b2565d71303dac60eb7ba43895ae10c27c04533d39f45c1e"

static const char status[] = "Name:\tds01-init\nUid:\t1001\t1001\t1001\t1001\n"
                             "Gid:\t1001\t1001\t1001\t1001\nGroups:\t1001 2000 \n"
                             "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
                             "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                             "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
                             "Seccomp_filters:\t1\n";
static const char mounts[] =
        "78 50 0:39 / / rw,nosuid,nodev,relatime master:4 - overlay overlay rw\n"
        "79 78 0:42 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"
        "80 78 0:43 / /dev rw,nosuid - tmpfs tmpfs rw\n"
        "56 79 0:43 /null /proc/keys rw,nosuid - tmpfs tmpfs rw\n"
        "95 78 254:0 /home/alice/a\\040b /workspace rw,nosuid,nodev,relatime - ext4 /dev/vda rw\n"
        "96 78 254:0 /lib/ds01/init /.ds01 ro,nosuid,nodev,relatime - ext4 /dev/vda rw\n";
static const char own[] =
        "1 0 254:0 / / rw - ext4 /dev/vda rw\n"
        "9 1 254:0 /old /run/ds01/pin/x/workspace rw,nosuid,nodev - ext4 /dev/vda rw\n"
        "9 1 254:0 /home/alice/a\\040b /run/ds01/pin/x/workspace rw,nosuid,nodev - ext4 - rw\n";

struct row {
        const char *old, *new, *why;
};

static void change(const char *text, const struct row *row, struct buf *out) {
        const char *at = strstr(text, row->old);

        assert_non_null(at);
        buf_add(out, text, (size_t)(at - text));
        buf_adds(out, row->new);
        buf_adds(out, at + strlen(row->old));
}

static void expect(const struct row *row, int bad, const char *why) {
        if (!bad)
                fail_msg("passes: %s -> %s", row->old, row->new);
        if (!strstr(why, row->why))
                fail_msg("%s -> %s: '%s' doesn't say '%s'", row->old, row->new, why, row->why);
}

static void test_status(void **state) {
        static const struct row rows[] = {
                { "Uid:\t1001", "Uid:\t0", "Uid is 0" },
                { "1001\t1001\nGid", "1001\t0\nGid", "Uid is 0" },
                { "Gid:\t1001", "Gid:\t0", "Gid is 0" },
                { "Groups:\t1001 2000 ", "Groups:\t1001 0 ", "group 0" },
                { "Groups:", "Other:", "groups" },
                { "CapBnd:\t0000000000000000", "CapBnd:\t00000000a80425fb", "capabilities" },
                { "CapEff:\t0000000000000000", "CapEff:\t0000000000000001", "capabilities" },
                { "CapAmb:\t0000000000000000\n", "", "CapAmb" },
                { "NoNewPrivs:\t1", "NoNewPrivs:\t0", "gain privileges" },
                { "Seccomp:\t2", "Seccomp:\t0", "system call" },
                { "Uid:", "Uid", "Uid" },
        };
        const gid_t groups[] = { 2000 };
        char why[VERIFY_WHY_SIZE];

        assert_int_equal(verify_status(status, 1001, 1001, groups, 1, why), 0);
        assert_int_equal(verify_status(status, 1001, 1001, NULL, 0, why), 1);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT(8192);

                change(status, &rows[i], &text);
                expect(&rows[i], verify_status(buf_str(&text), 1001, 1001, groups, 1, why), why);
        }
}

static void test_cgroup(void **state) {
        static const struct {
                const char *text, *parent;
                bool good;
        } rows[] = {
                { "0::/ds01/u1001/" ID "\n", "/ds01/u1001", true },
                { "0::/ds01/u1001/" ID "\n", "", true },
                { "0::/ds01/u10010/" ID "\n", "/ds01/u1001", false },
                { "0::/docker/" ID "\n", "/ds01/u1001", false },
                { "0::/ds01/u1001/other\n", "/ds01/u1001", false },
                { "0::/ds01.slice/ds01-u1001.slice/docker-" ID ".scope\n", "ds01-u1001.slice",
                  true },
                { "0::/system.slice/docker-" ID ".scope\n", "ds01-u1001.slice", false },
                { "8:pids:/ds01/u1001/" ID "\n4:memory:/ds01/u1001/" ID "\n"
                  "1:cpu,cpuacct:/ds01/u1001/" ID "\n0::/\n", "/ds01/u1001", true },
                { "8:pids:/ds01/u1001/" ID "\n4:memory:/" ID "\n", "/ds01/u1001", false },
                { "", "", false },
        };
        char why[VERIFY_WHY_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if ((verify_cgroup(rows[i].text, rows[i].parent, ID, why) == 0) != rows[i].good)
                        fail_msg("%s in %s", rows[i].text, rows[i].parent);
}

static void test_mounts(void **state) {
        static const struct row rows[] = {
                { "/ / rw,nosuid,nodev", "/ / rw,nosuid", "'/'" },
                { "/workspace rw,nosuid,nodev", "/workspace rw,nodev", "workspace" },
                { "/home/alice/a\\040b", "/etc", "'/etc'" },
                { "254:0 /home", "254:1 /home", "workspace" },
                { "/lib/ds01/init", "/lib/ds01/other", "other" },
                { "/.ds01 ro", "/.ds01 rw", "written" },
                { " /.ds01 ", " /elsewhere ", "'/.ds01' is missing" },
                { "/proc/keys", "/workspace", "workspace" },
        };
        const char *pin = verify_find_mount(own, "/run/ds01/pin/x/workspace");
        const struct verify_mount expected[] = {
                { "/workspace", "/run/ds01/pin/x/workspace", pin, false },
                { "/.ds01", "/usr/lib/ds01/init", NULL, true },
        };
        char why[VERIFY_WHY_SIZE] = "";

        assert_non_null(pin);
        assert_null(verify_find_mount(own, "/run/ds01/pin"));
        assert_int_equal(verify_mounts(mounts, expected, 2, true, why), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT(8192);

                change(mounts, &rows[i], &text);
                expect(&rows[i], verify_mounts(buf_str(&text), expected, 2, true, why), why);
                /* Without ds01-runtime the engine's own mounts are as it makes them. */
                if (i == 0)
                        assert_int_equal(verify_mounts(buf_str(&text), expected, 2, false, why), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_cgroup),
                cmocka_unit_test(test_mounts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
