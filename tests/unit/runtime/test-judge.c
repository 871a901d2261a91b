/* The judge: Docker's own config.json passes, and each change to it that matters does not. */
#include "cmocka-headers.h"

#include "runtime/arguments.h"
#include "runtime/judge.h"

#include "base/fd.h"
#include "base/str.h"
#include "json/json_scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char id[] = "8b19e22b76822da3b2565d71303dac60eb7ba43895ae10c27c04533d39f45c1e";
static struct decision decision;
static struct buf config = BUF_INIT(1 << 20);

static void read_here(const char *name, struct buf *b) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/tests/unit/runtime/%s", getenv("DS01_SOURCE"), name);
        assert_int_equal(file_read(path, b), 0);
}

static int load(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(DECISION_FILE_MAX);
        struct err err = { 0 };

        read_here("decision.json", &text);
        read_here("config.json", &config);
        assert_int_equal(decision_parse(text.data, text.len, &decision, &err), 0);
        return 0;
}

static int unload(void **state) {
        buf_release(&config);
        return 0;
}

/* @text with the first @old replaced by @new. */
static void change(const char *text, const char *old, const char *new, struct buf *out) {
        const char *at = strstr(text, old);

        if (!at)
                fail_msg("there is no %s", old);
        buf_add(out, text, (size_t)(at - text));
        buf_adds(out, new);
        buf_adds(out, at + strlen(old));
}

static int judge_text(const struct buf *text, struct buf *out, struct err *err) {
        char rootfs[PATH_MAX];

        buf_reset(out);
        return judge_bundle(buf_str(text), text->len, &decision, id, out, rootfs, err);
}

static void check_valid(const struct buf *b) {
        struct json_scan s = JSON_SCAN(buf_str(b), b->len);

        while (json_scan_next(&s) != JSON_SCAN_END)
                assert_false(s.failed);
}

static void test_as_decided(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
        struct err err = { 0 };
        char rootfs[PATH_MAX];

        if (judge_bundle(config.data, config.len, &decision, id, &out, rootfs, &err) < 0)
                fail_msg("%s", err.msg);
        check_valid(&out);
        assert_true(str_ends(rootfs, "/merged"));
        assert_non_null(strstr(out.data, "\"additionalGids\":[1001,2000]"));
        assert_non_null(strstr(out.data, "workspace\",\"options\":[\"bind\",\"rprivate\","
                                         "\"nosuid\",\"nodev\"]"));
        /* Devices and terminals stay. */
        assert_non_null(strstr(out.data, "\"mode=755\",\"size=65536k\"]"));
        assert_non_null(strstr(out.data, "\"mode=0620\",\"gid=5\"]"));
        /* Nothing is left to be changed. */
        assert_int_equal(judge_text(&out, &again, &err), 0);
        assert_string_equal(out.data, again.data);
}

static const struct {
        const char *old, *new, *why;
} changes[] = {
        { "\"uid\":1001", "\"uid\":0", "uid 0" },
        { "\"gid\":1001", "\"gid\":0", "gid 0" },
        { "\"additionalGids\":[1001]", "\"additionalGids\":[1001,0]", "group 0" },
        { "\"uid\":1001", "\"uid\":1001,\"uid\":0", "twice" },
        { "\"uid\":1001", "\"UID\":1001", "'UID'" },
        { "\"uid\":1001", "\"uid\":\"1001\"", "'uid'" },
        { "\"uid\":1001,", "", "no 'uid'" },
        { "\"user\":{", "\"user\":null,\"nobody\":{", "no 'user'" },
        { "\"/.ds01/ds01-init\"", "\"/bin/sh\"", "begin with" },
        { "\"cwd\":\"/workspace\"", "\"cwd\":\"/proc/self/fd/8\"", "begin in" },
        { "\"capabilities\":{}", "\"capabilities\":{\"bounding\":[\"CAP_KILL\"]}", "CAP_KILL" },
        { "\"capabilities\":{}", "\"capabilities\":{\"ambient\":[\"CAP_KILL\"]}", "CAP_KILL" },
        { "\"noNewPrivileges\":true", "\"noNewPrivileges\":false", "gain privileges" },
        { "\"noNewPrivileges\":true,", "", "noNewPrivileges" },
        { "\"oomScoreAdj\":200", "\"oomScoreAdj\":-1000", "memory" },
        { "\"hard\":0", "\"hard\":18446744073709551615", "RLIMIT_CORE" },
        { "RLIMIT_CORE\",\"hard\":0", "RLIMIT_RTPRIO\",\"hard\":99", "RLIMIT_RTPRIO" },
        { "VISIBLE_DEVICES=GPU-6d", "VISIBLE_DEVICES=all,GPU-6d", "GPUs 'all" },
        { "\"FROM_IMAGE=yes\"", "\"NVIDIA_MIG_CONFIG_DEVICES=all\"", "MIG_CONFIG" },
        { "CAPABILITIES=compute,utility\"],", "CAPABILITIES=all\"],", "CAPABILITIES=all" },
        { "/pin/6e26", "/pin/0000", "come from" },
        { "/home/6e269839f0f35ed5b7b53924dc2c191d", "/home/other", "come from" },
        { "\"destination\":\"/workspace\"", "\"destination\":\"/elsewhere\"", "/elsewhere" },
        { "\"destination\":\"/etc/hosts\"", "\"destination\":\"/workspace\"", "twice" },
        { "/1001.1001.alice.passwd", "/../1001.1001.alice.passwd", "come from" },
        { "init\",\"options\":[\"bind\",\"ro\"", "init\",\"options\":[\"bind\",\"rw\"", "written" },
        { "\"source\":\"/var/lib/docker/containers", "\"source\":\"/etc", "/etc/8b19" },
        { "\"source\":\"/var/lib/docker/containers", "\"source\":\"/var/lib/docker/../../etc",
          "mounted at" },
        { "\"rprivate\"", "\"rshared\"", "seen outside" },
        { "\"type\":\"proc\"", "\"type\":\"cifs\"", "a cifs" },
        { "\"nodev\",\"ro\"", "\"nodev\"", "sysfs" },
        { "{\"type\":\"pid\"},", "", "namespace 'pid'" },
        { "{\"type\":\"cgroup\"}", "{\"type\":\"user\"}", "namespace 'cgroup'" },
        { "{\"type\":\"network\"}", "{\"type\":\"network\",\"path\":\"/proc/1/ns/net\"}",
          "/proc/1/ns/net" },
        { "{\"type\":\"ipc\"}", "{\"type\":\"ipc\",\"path\":\"/run/ipc\"}", "/run/ipc" },
        { "SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "system calls" },
        { "\"seccomp\":{", "\"seccomp\":null,\"other\":{", "no 'seccomp'" },
        { "\"/proc/kcore\",", "", "/proc/kcore" },
        { "\"/proc/sysrq-trigger\"", "\"/proc/none\"", "sysrq" },
        { "\"maskedPaths\":[", "\"maskedPaths\":[],\"x\":[", "it would see" },
        { "net.ipv4.ping_group_range", "kernel.shmmax", "kernel.shmmax" },
        { "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"access\":\"rwm\"}",
          "devices" },
        { "\"type\":\"c\",\"major\":1,\"minor\":5", "\"type\":\"b\",\"major\":8,\"minor\":0",
          "devices (b 8)" },
        { "\"type\":\"c\",\"major\":5", "\"type\":\"c\",\"major\":-1", "devices (c -1)" },
        { "\"major\":1,\"minor\":5", "\"major\":1,\"minor\":1", "devices (c 1)" },
        { "\"major\":1,\"minor\":5", "\"major\":1", "devices (c 1)" },
        { "\"linux\":{",
          "\"linux\":{\"devices\":[{\"path\":\"/dev/sda\",\"type\":\"b\",\"major\":8}],",
          "/dev/sda" },
        { "\"linux\":{", "\"linux\":{\"rootfsPropagation\":\"shared\",", "seen outside" },
        { "\"limit\":536870912", "\"limit\":536870913", "memory" },
        { "\"limit\":256", "\"limit\":-1", "processes" },
        { "\"pids\":{\"limit\":256}", "\"other\":{}", "no 'pids'" },
        { "\"quota\":200000", "\"quota\":400000", "CPUs" },
        { "\"quota\":200000", "\"quota\":-1", "CPUs" },
        { "/ds01/u1001/", "/ds01/u1002/", "control group" },
        { "/ds01/u1001/", "/ds01/u1001/../", "control group" },
        { "/ds01/u1001/8b19", "/ds01/u1001/9b19", "control group" },
        { "/usr/bin/nvidia-container-runtime-hook", "/usr/bin/other-hook", "other-hook" },
        { "/usr/bin/nvidia-container-runtime-hook", "/proc/12/exe", "/proc/12/exe" },
        { "\"hostname\"", "\"annotations\":{\"org.systemd.property.MemoryMax\":\"1\"},\"hostname\"",
          "MemoryMax" },
        { "\"hostname\"", "\"hostname", "container" },
        { "/var/lib/docker/containers/8b19", "/run/storage/overlay-containers/9b19", "mounted at" },
};

static void test_changes(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
                struct err err = { 0 };

                change(config.data, changes[i].old, changes[i].new, &text);
                if (judge_text(&text, &out, &err) == 0)
                        fail_msg("passes: %s -> %s", changes[i].old, changes[i].new);
                if (!strstr(err.msg, changes[i].why))
                        fail_msg("%s -> %s: '%s' doesn't say '%s'", changes[i].old, changes[i].new,
                                 err.msg, changes[i].why);
        }
}

/* What engines do differently, and may. */
static void test_variants(void **state) {
        static const struct {
                const char *old, *new;
        } rows[] = {
                { "\"additionalGids\":[1001]", "\"additionalGids\":[]" },
                { ",\"additionalGids\":[1001]", "" },
                { "{\"type\":\"network\"}",
                  "{\"type\":\"network\",\"path\":\"/var/run/docker/netns/1a2b\"}" },
                { "\"options\":[\"bind\",\"rprivate\"]", "\"options\":[\"bind\"]" },
                { "\"type\":\"cgroup\",\"source\"", "\"type\":\"cgroup2\",\"source\"" },
                { "\"/usr/bin/nvidia-container-runtime-hook\",\"args\":[",
                  "\"/proc/12/exe\",\"args\":[\"libnetwork-setkey\"," },
                { "\"limit\":256", "\"limit\":200" },
                { "\"ro\",\"rprivate\"", "\"rro\",\"rprivate\"" },
                { "/var/lib/docker/containers/8b19e22b76822da3b2565d71303dac60eb7ba43895ae10c27c04"
                  "533d39f45c1e/",
                  "/run/containers/storage/overlay-containers/8b19e22b76822da3b2565d71303dac60eb7b"
                  "a43895ae10c27c04533d39f45c1e/userdata/" },
                { "\"hostname\"",
                  "\"annotations\":{\"org.systemd.property.KillSignal\":\"15\"},\"hostname\"" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
                struct err err = { 0 };

                change(config.data, rows[i].old, rows[i].new, &text);
                if (judge_text(&text, &out, &err) < 0)
                        fail_msg("%s -> %s: %s", rows[i].old, rows[i].new, err.msg);
                check_valid(&out);
                assert_non_null(strstr(out.data, "\"additionalGids\":[1001,2000]"));
        }
}

static void test_without_gpu(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
        struct decision before = decision;
        struct err err = { 0 };

        str_copy(decision.gpus, sizeof(decision.gpus), "void");
        assert_int_equal(judge_text(&config, &out, &err), -EPERM);
        decision = before;
}

/* By the site's CDI specification: libraries, nodes and their groups, which are left out. */
static void test_cdi(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(1 << 20), more = BUF_INIT(1 << 20),
                                 out = BUF_INIT(1 << 20);
        struct err err = { 0 };

        change(config.data, "\"additionalGids\":[1001]", "\"additionalGids\":[1001,44]", &text);
        change(text.data, "\"mounts\":[",
               "\"mounts\":[{\"destination\":\"/usr/lib/libcuda.so.1\",\"type\":\"bind\","
               "\"source\":\"/usr/lib/libcuda.so.1\",\"options\":[\"ro\",\"bind\"]},",
               &more);
        assert_int_equal(judge_text(&more, &out, &err), -EPERM);
        decision.cdi = true;
        assert_int_equal(judge_text(&more, &out, &err), 0);
        assert_non_null(strstr(out.data, "\"additionalGids\":[1001,2000]"));
        assert_non_null(strstr(out.data, "[\"ro\",\"bind\",\"nosuid\",\"nodev\"]"));
        buf_reset(&text);
        change(more.data, "[\"ro\",\"bind\"]", "[\"rw\",\"bind\"]", &text);
        assert_int_equal(judge_text(&text, &out, &err), -EPERM);
        decision.cdi = false;
}

static void test_process(void **state) {
        static const char text[] =
                "{\"user\":{\"uid\":1001,\"gid\":1001},\"args\":[\"sh\"],\"cwd\":\"/\","
                "\"noNewPrivileges\":true}";
        _cleanup_buf_ struct buf out = BUF_INIT(4096), bad = BUF_INIT(4096);
        struct err err = { 0 };

        assert_int_equal(judge_process(text, strlen(text), &decision, &out, &err), 0);
        assert_non_null(strstr(out.data, "\"gid\":1001,\"additionalGids\":[1001,2000]}"));
        change(text, "\"uid\":1001", "\"uid\":0", &bad);
        assert_int_equal(judge_process(bad.data, bad.len, &decision, &out, &err), -EPERM);
}

static void test_whose(void **state) {
        assert_true(bundle_mounts_from(config.data, config.len, "/run/ds01/pin"));
        assert_false(bundle_mounts_from(config.data, config.len, "/run/ds01/pi"));
        assert_false(bundle_mounts_from("[", 1, "/run"));
}

static void test_builds(void **state) {
        static const char step[] =
                "{\"root\":{\"path\":\"/merged\"},\"mounts\":["
                "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
                "\"options\":[\"nosuid\"]},"
                "{\"destination\":\"/v\",\"type\":\"bind\",\"source\":\"/volumes/v\","
                "\"options\":[\"rbind\"]}],\"linux\":{\"cgroupsPath\":\"PATH\"}}";
        static const struct {
                const char *path;
                bool is_build;
        } rows[] = {
                { "/ds01/u1001/build/0123", true },  { "/ds01/u1001/build/thesis", true },
                { "/site/users/ds01/u1001/build/0123", true },
                { "ds01-u1001-build.slice:docker:0123", true },
                { "/ds01/u1001/0123", false },       { "/ds01/u/build/0123", false },
                { "/ds01/u1001/builder/01", false }, { "/ds01/x1001/build/01", false },
                { "ds01-u1001.slice:docker:0123", false }, { "/docker/0123", false },
                { "", false },
        };
        _cleanup_buf_ struct buf text = BUF_INIT(4096), out = BUF_INIT(4096);
        char rootfs[PATH_MAX];
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                buf_reset(&text);
                change(step, "PATH", rows[i].path, &text);
                if (bundle_is_build(text.data, text.len) != rows[i].is_build)
                        fail_msg("'%s'", rows[i].path);
        }
        assert_false(bundle_is_build("{", 1));
        assert_false(bundle_is_build(config.data, config.len));
        assert_int_equal(judge_build(step, strlen(step), &out, rootfs, &err), 0);
        assert_string_equal(rootfs, "/merged");
        assert_non_null(strstr(out.data, "[\"nosuid\"]")); /* /dev as it was */
        assert_non_null(strstr(out.data, "[\"rbind\",\"nodev\"]"));
        assert_int_equal(judge_build("{}", 2, &out, rootfs, &err), -EINVAL);
}

static void test_arguments(void **state) {
        static const struct {
                const char *line, *command, *id, *bundle, *process, *log;
        } rows[] = {
                { "x --root /r --log /l --log-format json create --bundle /b --pid-file /p ID",
                  "create", "ID", "/b", NULL, "/l" },
                { "x --log=/l create -b /b ID", "create", "ID", "/b", NULL, "/l" },
                { "x --systemd-cgroup run ID", "run", "ID", ".", NULL, NULL },
                { "x exec --process /p --detach ID", "exec", "ID", ".", "/p", NULL },
                { "x exec -t -u 0 ID sh", "exec", "ID", ".", NULL, NULL },
                { "x state ID", "state", "ID", ".", NULL, NULL },
                { "x --version", NULL, NULL, ".", NULL, NULL },
                { "x --ds01-run=/d --ds01-backend=crun delete --force ID", "delete", "--force", ".",
                  NULL, NULL },
        };
        static const char *const bad[] = { "x --what /r create ID", "x --root",
                                           "x create --config /c ID", "x exec --what ID" };

        for (size_t i = 0; i < ARRAY_SIZE(rows) + ARRAY_SIZE(bad); i++) {
                bool good = i < ARRAY_SIZE(rows);
                char line[200], *words[32] = { 0 }, *save = NULL;
                struct arguments a = { 0 };
                struct err err = { 0 };
                int n = 0;

                str_copy(line, sizeof(line), good ? rows[i].line : bad[i - ARRAY_SIZE(rows)]);
                for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
                        words[n++] = w;
                assert_int_equal(arguments_parse(n, words, &a, &err), good ? 0 : -EINVAL);
                if (!good)
                        continue;
                assert_true(str_equal(a.command, rows[i].command));
                assert_true(str_equal(a.id, rows[i].id));
                assert_true(str_equal(a.bundle, rows[i].bundle));
                assert_true(str_equal(a.process, rows[i].process));
                assert_true(str_equal(a.log, rows[i].log));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_as_decided), cmocka_unit_test(test_changes),
                cmocka_unit_test(test_variants),   cmocka_unit_test(test_without_gpu),
                cmocka_unit_test(test_cdi),        cmocka_unit_test(test_process),
                cmocka_unit_test(test_builds),
                cmocka_unit_test(test_whose),      cmocka_unit_test(test_arguments),
        };

        return cmocka_run_group_tests(tests, load, unload);
}
