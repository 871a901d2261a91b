/* CDI specs of containers, from site specs as nvidia-ctk writes them. */
#include "gpu/cdi.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char yaml_spec[] =
        "---\n"
        "cdiVersion: 0.3.0\n"
        "containerEdits:\n"
        "  deviceNodes:\n"
        "  - path: /dev/nvidiactl\n"
        "  env:\n"
        "  - NVIDIA_VISIBLE_DEVICES=void\n"
        "  hooks:\n"
        "  - args:\n"
        "    - nvidia-cdi-hook\n"
        "    - update-ldcache\n"
        "    - --folder\n"
        "    - \"/usr/lib/x86_64-linux-gnu\"\n"
        "    hookName: createContainer\n"
        "    path: /usr/bin/nvidia-cdi-hook\n"
        "  mounts:\n"
        "  - containerPath: /usr/bin/nvidia-smi\n"
        "    hostPath: /usr/bin/nvidia-smi\n"
        "    options: [ro, nosuid, nodev, bind]\n"
        "devices:\n"
        "- containerEdits:\n"
        "    deviceNodes:\n"
        "    - path: /dev/nvidia0\n"
        "      major: 195\n"
        "      fileMode: 0666\n"
        "    - path: /dev/dri/card0\n"
        "    additionalGids: [44]\n"
        "  name: GPU-aaaa\n"
        "- containerEdits:\n"
        "    deviceNodes:\n"
        "    - path: /dev/nvidia1\n"
        "      fileMode: 438\n"
        "    - path: /dev/dri/card0\n"
        "    additionalGids: [44, 107]\n"
        "  name: \"1\"\n"
        "- containerEdits:\n"
        "    deviceNodes:\n"
        "    - path: /dev/nvidia0\n"
        "  name: all\n"
        "kind: nvidia.com/gpu\n";

#define COMMON                                                                                     \
        ",\"containerEdits\":{\"deviceNodes\":[{\"path\":\"/dev/nvidiactl\"}],"                    \
        "\"env\":[\"NVIDIA_VISIBLE_DEVICES=void\"],"                                               \
        "\"hooks\":[{\"args\":[\"nvidia-cdi-hook\",\"update-ldcache\",\"--folder\","               \
        "\"/usr/lib/x86_64-linux-gnu\"],\"hookName\":\"createContainer\","                         \
        "\"path\":\"/usr/bin/nvidia-cdi-hook\"}],"                                                 \
        "\"mounts\":[{\"containerPath\":\"/usr/bin/nvidia-smi\","                                  \
        "\"hostPath\":\"/usr/bin/nvidia-smi\",\"options\":[\"ro\",\"nosuid\",\"nodev\",\"bind\"]}]}"

#define DEVICE(edits)                                                                              \
        "\"devices\":[{\"name\":\"ctr1\",\"containerEdits\":" edits                                \
        "},{\"name\":\"ctr1:gpu:rwm\",\"containerEdits\":" edits "}]"

struct world {
        char dir[64], site[96], own[160];
};

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));

        snprintf(w->dir, sizeof(w->dir), "/tmp/ds01-test-cdi-XXXXXX");
        if (!mkdtemp(w->dir))
                return -1;
        snprintf(w->site, sizeof(w->site), "%s/site", w->dir);
        snprintf(w->own, sizeof(w->own), "%s/out/ds01-ctr1.json", w->dir);
        *state = w;
        return 0;
}

static int teardown(void **state) {
        struct world *w = *state;
        char out[96];

        unlink(w->site);
        unlink(w->own);
        snprintf(out, sizeof(out), "%s/out", w->dir);
        rmdir(out);
        assert_int_equal(rmdir(w->dir), 0);
        free(w);
        return 0;
}

static void site(struct world *w, const char *text) {
        assert_int_equal(file_write_atomic(w->site, 0644, text, strlen(text)), 0);
}

static int write_for(struct world *w, const char *key, const char *const *uuids,
                     const char *const *names, size_t n, struct err *e) {
        char out[96];

        snprintf(out, sizeof(out), "%s/out", w->dir);
        return cdi_write(out, key, uuids, names, n, w->site, e);
}

static void check_written(struct world *w, const char *want) {
        _cleanup_buf_ struct buf b = BUF_INIT(65536);

        assert_int_equal(file_read(w->own, &b), 0);
        assert_string_equal(buf_str(&b), want);
}

static void one_device(void **state) {
        const char *const uuids[] = { "GPU-aaaa" };
        struct world *w = *state;
        struct err e = { 0 };
        char out[96];

        site(w, yaml_spec);
        assert_int_equal(write_for(w, "ctr1", uuids, NULL, 1, &e), 0);
        check_written(
                w, "{\"cdiVersion\":\"0.5.0\",\"kind\":\"ds01.local/gpu\","
                   DEVICE("{\"deviceNodes\":[{\"path\":\"/dev/nvidia0\","
                   "\"major\":195,\"fileMode\":438},{\"path\":\"/dev/dri/card0\"}],"
                   "\"additionalGids\":[44]}")
                   COMMON "}\n");
        snprintf(out, sizeof(out), "%s/out", w->dir);
        assert_int_equal(cdi_remove(out, "ctr1"), 0);
        assert_int_equal(access(w->own, F_OK), -1);
        assert_int_equal(cdi_remove(out, "ctr1"), 0);
}

static void two_devices_by_uuid_and_index(void **state) {
        const char *const uuids[] = { "GPU-aaaa", "GPU-bbbb" }, *const names[] = { "0", "1" };
        struct world *w = *state;
        struct err e = { 0 };

        site(w, yaml_spec);
        assert_int_equal(write_for(w, "ctr1", uuids, names, 2, &e), 0);
        check_written(
                w, "{\"cdiVersion\":\"0.5.0\",\"kind\":\"ds01.local/gpu\","
                   DEVICE("{\"deviceNodes\":[{\"path\":\"/dev/nvidia0\","
                   "\"major\":195,\"fileMode\":438},{\"path\":\"/dev/dri/card0\"},"
                   "{\"path\":\"/dev/nvidia1\",\"fileMode\":438}],"
                   "\"additionalGids\":[44,107]}")
                   COMMON "}\n");
}

static void json_spec(void **state) {
        const char *const uuids[] = { "MIG-cccc" };
        struct world *w = *state;
        struct err e = { 0 };

        site(w, "{\"cdiVersion\": \"0.7.0\", \"kind\": \"nvidia.com/gpu\", \"devices\": [\n"
                " {\"name\": \"MIG-cccc\", \"containerEdits\": {\"env\": [\"A=\\\"b\\\\c\\u0001\"],"
                " \"intelRdt\": {\"closID\": \"12\", \"enableCMT\": true}}}]}\n");
        assert_int_equal(write_for(w, "ctr1", uuids, NULL, 1, &e), 0);
        check_written(
                w, "{\"cdiVersion\":\"0.7.0\",\"kind\":\"ds01.local/gpu\","
                   DEVICE("{\"env\":[\"A=\\\"b\\\\c\\u0001\"],"
                   "\"intelRdt\":{\"closID\":\"12\",\"enableCMT\":true}}")
                   "}\n");
}

static void refused(void **state) {
        static const struct {
                const char *key, *uuid, *spec;
                int error;
        } cases[] = {
                { "../x", "GPU-aaaa", yaml_spec, -EINVAL },
                { "", "GPU-aaaa", yaml_spec, -EINVAL },
                { ".x", "GPU-aaaa", yaml_spec, -EINVAL },
                { "a/b", "GPU-aaaa", yaml_spec, -EINVAL },
                { "ctr1", "GPU-none", yaml_spec, -ENODEV },
                { "ctr1", "", yaml_spec, -ENODEV },
                { "ctr1", "GPU-aaaa", "", -ENODEV },
                { "ctr1", "GPU-aaaa", "a: [", -EINVAL },
                { "ctr1", "GPU-aaaa", "[1, 2]", -ENODEV },
                { "ctr1", "x", "devices: [{name: x, containerEdits: {}}]", -EINVAL },
                { "ctr1", "x", "cdiVersion: 0.5.0\ndevices: [{name: x, containerEdits: 7}]",
                  -EINVAL },
                { "ctr1", "x",
                  "cdiVersion: 0.5.0\ndevices: [{name: x, containerEdits: {deviceNodes: [{major: "
                  "many}]}}]",
                  -EINVAL },
                { "ctr1", "x",
                  "cdiVersion: 0.5.0\ndevices: [{name: x, containerEdits: &a {b: [*a]}}]",
                  -EINVAL },
        };
        struct world *w = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct err e = { 0 };

                site(w, cases[i].spec);
                assert_int_equal(write_for(w, cases[i].key, &cases[i].uuid, NULL, 1, &e),
                                 cases[i].error);
                assert_true(e.msg[0]);
                assert_int_equal(access(w->own, F_OK), -1);
        }
        unlink(w->site);
        assert_int_equal(write_for(w, "ctr1", (const char *const[]){ "GPU-aaaa" }, NULL, 1, NULL),
                         -ENOENT);
}

static void simulated(void **state) {
        struct gpu_device devices[] = {
                { .uuid = "GPU-one", .gpu = 0, .instance = -1, .minor = 3 },
                { .uuid = "MIG-two", .gpu = 1, .instance = 0, .minor = 4 },
        };
        struct gpu_inventory inv = { .devices = devices, .ndevices = 2, .ngpus = 2 };
        const char *const by_index[] = { "GPU-unknown", "MIG-two" };
        const char *const names[] = { "0", "" };
        struct world *w = *state;
        struct err e = { 0 };

        assert_int_equal(cdi_write_simulated_site_spec(w->site, &inv, &e), 0);
        assert_int_equal(write_for(w, "ctr1", by_index, names, 2, &e), 0);
        check_written(
                w, "{\"cdiVersion\":\"0.5.0\",\"kind\":\"ds01.local/gpu\","
                   DEVICE("{\"deviceNodes\":[{\"path\":\"/dev/nvidia3\","
                   "\"hostPath\":\"/dev/null\",\"type\":\"c\",\"permissions\":\"rw\"},"
                   "{\"path\":\"/dev/nvidia4\",\"hostPath\":\"/dev/null\",\"type\":\"c\","
                   "\"permissions\":\"rw\"}]}")
                   ",\"containerEdits\":{\"env\":["
                   "\"NVIDIA_VISIBLE_DEVICES=void\"],\"deviceNodes\":[{\"path\":"
                   "\"/dev/nvidiactl\",\"hostPath\":\"/dev/null\",\"type\":\"c\"},{\"path\":"
                   "\"/dev/nvidia-uvm\",\"hostPath\":\"/dev/null\",\"type\":\"c\"}]}}\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_device, setup, teardown),
                cmocka_unit_test_setup_teardown(two_devices_by_uuid_and_index, setup, teardown),
                cmocka_unit_test_setup_teardown(json_spec, setup, teardown),
                cmocka_unit_test_setup_teardown(refused, setup, teardown),
                cmocka_unit_test_setup_teardown(simulated, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
