/* A person's limits as files of control groups, on trees that stand in for the kernel's: v1 as
 * folders of controllers, v2 as one tree in which a group has the files that its parent hands down
 * (here: all that the test has made). */
#include "cmocka-headers.h"

#include "daemon/aggregate.h"
#include "daemon/decision.h"
#include "runtime/decision.h"

#include "base/fd.h"
#include "base/str.h"
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/ds01-cgroup.XXXXXX";
static const struct limits limits = { .aggregate_cpus_milli = 2500,
                                      .aggregate_memory_bytes = 1 << 30,
                                      .aggregate_tasks = 300 };
static const struct limits unlimited = { .aggregate_cpus_milli = LIMIT_UNLIMITED,
                                         .aggregate_memory_bytes = LIMIT_UNLIMITED,
                                         .aggregate_tasks = LIMIT_UNLIMITED };

static void put(const char *file) {
        char path[PATH_MAX];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", root, file);
        *strrchr(path, '/') = '\0';
        assert_int_equal(dir_make(path, 0755), 0);
        path[strlen(path)] = '/';
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        assert_true(fd >= 0);
        close(fd);
}

static void expect(const char *file, const char *text) {
        _cleanup_buf_ struct buf b = BUF_INIT(4096);
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", root, file);
        assert_int_equal(file_read(path, &b), 0);
        assert_string_equal(buf_str(&b), text);
}

static int make_root(void **state) {
        str_copy(root, sizeof(root), "/tmp/ds01-cgroup.XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
        return tree_remove(root);
}

static void test_v2(void **state) {
        static const char handed[] = "+cpu+memory+pids";

        put("cgroup.subtree_control");
        put("ds01/cgroup.subtree_control");
        put("ds01/u1001/cgroup.subtree_control");
        put("ds01/u1001/memory.max");
        put("ds01/u1001/cpu.max");
        put("ds01/u1001/pids.max");
        assert_int_equal(aggregate_write(root, 2, "/ds01/u1001", &limits), 0);
        expect("cgroup.subtree_control", handed);
        expect("ds01/cgroup.subtree_control", handed);
        expect("ds01/u1001/cgroup.subtree_control", handed);
        expect("ds01/u1001/memory.max", "1073741824");
        expect("ds01/u1001/cpu.max", "250000");
        expect("ds01/u1001/pids.max", "300");
}

static void test_v2_without_a_limit(void **state) {
        put("ds01/u1001/memory.max");
        put("ds01/u1001/cpu.max");
        assert_int_equal(aggregate_write(root, 2, "/ds01/u1001", &unlimited), 0);
        expect("ds01/u1001/memory.max", "max");
        expect("ds01/u1001/cpu.max", "max");
}

static void test_v2_makes_the_groups(void **state) {
        char path[PATH_MAX];
        struct stat st;

        assert_int_equal(aggregate_write(root, 2, "/ds01/u1001/build", &limits), 0);
        snprintf(path, sizeof(path), "%s/ds01/u1001/build", root);
        assert_int_equal(stat(path, &st), 0);
}

/* No pids controller: the others count all the same. */
static void test_v1(void **state) {
        put("memory/ds01/u1001/memory.limit_in_bytes");
        put("cpu/ds01/u1001/cpu.cfs_quota_us");
        assert_int_equal(aggregate_write(root, 1, "/ds01/u1001", &limits), 0);
        expect("memory/ds01/u1001/memory.limit_in_bytes", "1073741824");
        expect("cpu/ds01/u1001/cpu.cfs_quota_us", "250000");
        put("memory/ds01/u1001/memory.limit_in_bytes");
        assert_int_equal(aggregate_write(root, 1, "/ds01/u1001", &unlimited), 0);
        expect("memory/ds01/u1001/memory.limit_in_bytes", "-1");
}

static void test_names(void **state) {
        char name[64];

        aggregate_parent("cgroupfs", "ds01", 1001, name, sizeof(name));
        assert_string_equal(name, "/ds01/u1001");
        aggregate_parent("systemd", "ds01", 1001, name, sizeof(name));
        assert_string_equal(name, "ds01-u1001.slice");
        aggregate_parent("systemd", "", 1001, name, sizeof(name));
        assert_string_equal(name, "");
}

/* What ds01d writes, ds01-runtime reads. */
static void test_decision(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(DECISION_FILE_MAX);
        char *uuids[] = { (char *)"GPU-1", (char *)"GPU-2", NULL };
        struct record r = { .uid = 1001,
                            .gid = 1002,
                            .nonce = "0123",
                            .workspace = (char *)"/home/alice",
                            .uuids = uuids,
                            .memory_bytes = LIMIT_UNLIMITED,
                            .pids = 256,
                            .cpus_milli = 1500 };
        struct person_entry who = { .uid = 1001, .gid = 1002, .name = "alice" };
        struct engine_info engine = { .cgroup_driver = "systemd", .root = "/var/lib/docker" };
        struct daemon *d = calloc(1, sizeof(*d));
        struct decision *back = calloc(1, sizeof(*back));
        struct err err = { 0 };

        assert_true(d && back);
        assert_int_equal(site_config_init(&d->config), 0);
        assert_int_equal(decision_text(d, &r, &who, &engine, &text), 0);
        assert_int_equal(decision_parse(text.data, text.len, back, &err), 0);
        assert_int_equal(back->uid, 1001);
        assert_int_equal(back->gid, 1002);
        assert_int_equal(back->ngroups, 0);
        assert_string_equal(back->cgroup, "ds01-u1001.slice");
        assert_string_equal(back->engine_root, "/var/lib/docker");
        assert_true(back->cgroup_namespace);
        assert_string_equal(back->gpus, "GPU-1,GPU-2");
        assert_int_equal(back->memory_bytes, 0);
        assert_int_equal(back->pids, 256);
        assert_int_equal(back->cpus_milli, 1500);
        assert_int_equal(back->nmounts, 5);
        for (size_t i = 0; i < back->nmounts; i++) {
                const struct decided_mount *m = &back->mounts[i];

                if (strcmp(m->target, "/etc/passwd") != 0)
                        continue;
                assert_true(m->read_only);
                assert_true(decided_source_fits(
                        m, "/var/lib/ds01/identity/abc/1001.1002.alice.passwd"));
                assert_false(decided_source_fits(
                        m, "/var/lib/ds01/identity/a/b/1001.1002.alice.passwd"));
                assert_false(decided_source_fits(
                        m, "/var/lib/ds01/identity/../1001.1002.alice.passwd"));
                assert_false(decided_source_fits(m, "/var/lib/ds01/identity/"));
        }
        site_config_release(&d->config);
        free(back);
        free(d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_v2, make_root, remove_root),
                cmocka_unit_test_setup_teardown(test_v2_without_a_limit, make_root, remove_root),
                cmocka_unit_test_setup_teardown(test_v2_makes_the_groups, make_root, remove_root),
                cmocka_unit_test_setup_teardown(test_v1, make_root, remove_root),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_decision),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
