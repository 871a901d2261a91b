/* The host's check, over a host that stands in a temporary folder. */
#include "cmocka-headers.h"

#include "base/fd.h"
#include "base/str.h"
#include "base/tree.h"
#include "daemon/doctor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_versions(void **state) {
        static const char *const runc[] = { "1.3.6", "1.4.3", "1.5.0", NULL };
        static const char *const kernel[] = { "5.12.0", NULL };
        static const struct {
                const char *const *good;
                const char *text;
                bool is_good;
        } rows[] = {
                { runc, "runc version 1.1.5+ds1", false }, { runc, "runc version 1.3.5", false },
                { runc, "runc version 1.3.6", true },      { runc, "1.4.2", false },
                { runc, "1.4.3-rc.1", true },              { runc, "1.5.0", true },
                { runc, "1.6", true },                     { runc, "2", true },
                { runc, "", false },                       { runc, "unknown", false },
                { runc, "1.2.9", false },                  { runc, "99999999999.1", true },
                { kernel, "6.1.0-18-amd64", true },        { kernel, "5.11.22", false },
                { kernel, "5.12.0-rc1", true },            { kernel, "4.19", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (doctor_version_is_good(rows[i].text, rows[i].good) != rows[i].is_good)
                        fail_msg("'%s'", rows[i].text);
}

static void test_groups(void **state) {
        static const char group[] = "root:x:0:\ndocker:x:999:alice,bob,root\nlxd:x:998:\n"
                                    "disk:x:6\nodd:x:7:,,carol,\nlast:x:8:dora";
        static const char passwd[] = "root:x:0:0::/:\nerin:x:1005:998::/:\nalice:x:1001:1001::/:\n"
                                     "short\nroot:x:0:999::/:\n";
        static const struct {
                const char *group, *people;
        } rows[] = {
                { "docker", "alice, bob" }, { "lxd", "erin" },   { "disk", "" },
                { "odd", "carol" },         { "last", "dora" },  { "dock", NULL },
                { "", NULL },               { "docker:x", NULL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf people = BUF_INIT(1024);
                int r = doctor_group_people(group, passwd, rows[i].group, &people);

                if ((r == 0) != (rows[i].people != NULL) ||
                    (r == 0 && strcmp(buf_str(&people), rows[i].people) != 0))
                        fail_msg("'%s': %d '%s'", rows[i].group, r, buf_str(&people));
        }
}

static void put(const char *root, const char *path, mode_t mode, const char *text) {
        char whole[PATH_MAX];

        snprintf(whole, sizeof(whole), "%s%s", root, path);
        *strrchr(whole, '/') = '\0';
        assert_int_equal(dir_make(whole, 0755), 0);
        snprintf(whole, sizeof(whole), "%s%s", root, path);
        assert_int_equal(file_write_whole(whole, mode, text, strlen(text)), 0);
        assert_int_equal(chmod(whole, mode), 0);
}

/* Runs all checks; how many findings of @check there are. */
static size_t count(struct doctor d, const char *check) {
        _cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
        size_t n = 0, all = doctor_report(&d, &out);

        assert_int_equal(all, d.findings.len);
        for (size_t i = 0; i < d.findings.len; i++) {
                assert_true(d.findings.items[i]->mend[0] && d.findings.items[i]->risk[0]);
                n += strcmp(d.findings.items[i]->check, check) == 0;
        }
        assert_false(out.failed);
        doctor_forget(&d);
        return n;
}

static void test_host(void **state) {
        char root[] = "/tmp/ds01-doctor.XXXXXX", state_dir[PATH_MAX];
        struct site_config config;
        struct doctor d = { .config = &config, .root = root, .kernel = "6.1.0",
                            .clock_is_set = true,
                            .engine_answers = true, .daemon_answers = true,
                            .engine = { .name = "docker", .version = "26.1.4",
                                        .cgroup_driver = "systemd", .runtime = true,
                                        .runtime_default = true } };

        (void)state;
        assert_non_null(mkdtemp(root));
        assert_int_equal(site_config_init(&config), 0);
        snprintf(state_dir, sizeof(state_dir), "%s/none", root);
        free(config.state_dir);
        config.state_dir = strdup(state_dir);
        put(root, "/etc/group", 0644, "docker:x:999:\n");
        put(root, "/etc/passwd", 0644, "alice:x:1001:1001::/:\n");
        put(root, "/dev/nvidia0", 0660, "");
        assert_int_equal(count(d, "groups") + count(d, "gpu-devices") + count(d, "engine") +
                                 count(d, "gpu-loss") + count(d, "clock") + count(d, "kernel") +
                                 count(d, "ds01-runtime") + count(d, "ds01d") +
                                 count(d, "toolkit") + count(d, "builds") +
                                 count(d, "engine-config") + count(d, "limits") +
                                 count(d, "sysctl") + count(d, "devices"), 0);
        put(root, "/etc/group", 0644, "docker:x:999:alice\nlxd:x:1001:\n");
        assert_int_equal(count(d, "groups"), 2);
        put(root, "/dev/nvidia0", 0666, "");
        put(root, "/dev/nvidia1", 0662, "");
        assert_int_equal(count(d, "gpu-devices"), 2);
        put(root, "/dev/sda1", 0666, "");
        assert_int_equal(count(d, "devices"), 1);
        put(root, "/dev/nvidiactl", 0666, "");
        assert_int_equal(count(d, "gpu-loss"), 1);
        put(root, "/dev/char/195:255", 0666, "");
        assert_int_equal(count(d, "gpu-loss"), 0);
        put(root, "/proc/sys/fs/protected_symlinks", 0644, "0\n");
        put(root, "/proc/sys/fs/protected_fifos", 0644, "2\n");
        assert_int_equal(count(d, "sysctl"), 1);
        put(root, "/etc/docker/daemon.json", 0644,
            "{\"default-runtime\": \"nvidia\", \"hosts\": [\"unix:///x\", \"tcp://0.0.0.0\", 5]}");
        assert_int_equal(count(d, "engine-config"), 2);
        put(root, "/etc/docker/daemon.json", 0644, "{");
        assert_int_equal(count(d, "engine-config"), 1);
        d.engine.runtime_default = false;
        assert_int_equal(count(d, "builds"), 1);
        str_copy(d.engine.version, sizeof(d.engine.version), "20.10.24");
        str_copy(d.runtime, sizeof(d.runtime), "runc version 1.1.5");
        str_copy(d.toolkit, sizeof(d.toolkit), "NVIDIA Container Toolkit CLI version 1.16.1");
        str_copy(d.kernel, sizeof(d.kernel), "4.19.0");
        str_copy(d.limits_error, sizeof(d.limits_error), "x.yaml:3: no");
        d.clock_is_set = d.daemon_answers = d.engine.runtime = false;
        assert_int_equal(count(d, "engine") + count(d, "runtime") + count(d, "toolkit") +
                                 count(d, "kernel") + count(d, "limits") + count(d, "clock") +
                                 count(d, "ds01d") + count(d, "ds01-runtime"), 8);
        d.engine_answers = false;
        assert_int_equal(count(d, "engine"), 1);
        assert_int_equal(count(d, "ds01-runtime"), 0);
        site_config_release(&config);
        tree_remove(root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_host),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
