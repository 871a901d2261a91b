/* The pure parts of the engine client: tar archives, events, the body of a create. */
#include "engine/internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Appends an entry: header and data, padded. */
static void add_entry(struct buf *b, char type, const char *data, size_t n) {
        unsigned char header[512] = "etc/passwd";
        unsigned sum = 0;

        snprintf((char *)header + 124, 12, "%011zo", n);
        memset(header + 148, ' ', 8);
        header[156] = (unsigned char)type;
        memcpy(header + 257, "ustar\0" "00", 8);
        for (size_t i = 0; i < sizeof(header); i++)
                sum += header[i];
        snprintf((char *)header + 148, 8, "%06o", sum);
        buf_add(b, header, sizeof(header));
        buf_add(b, data, n);
        while (b->len % 512 != 0)
                buf_addc(b, '\0');
}

static void test_tar(void **state) {
        static const char zeros[1024];
        static const struct {
                const char *name;
                const char *entries; /* types in order */
                size_t cut;          /* bytes taken off the end */
                int spoil;           /* this byte is changed; -1: none */
                int r;
        } rows[] = {
                { "plain", "0", 0, -1, 0 },
                { "without the end", "0", 1024, -1, 0 },
                { "without the padding", "0", 1024 + 507, -1, 0 },
                { "data cut", "0", 1024 + 508, -1, -EINVAL },
                { "header cut", "0", 1024 + 513, -1, -EINVAL },
                { "pax before", "x0", 0, -1, 0 },
                { "global pax and long name", "gL0", 0, -1, 0 },
                { "only pax", "x", 0, -1, -ENOENT },
                { "nine headers", "xxxxxxxxx0", 0, -1, -EINVAL },
                { "link", "2", 0, -1, -ENOTSUP },
                { "directory", "5", 0, -1, -ENOTSUP },
                { "device", "3", 0, -1, -ENOTSUP },
                { "empty", "", 0, -1, -ENOENT },
                { "nothing", "", 1024, -1, -ENOENT },
                { "name changed", "0", 0, 3, -EINVAL },
                { "size changed", "0", 0, 130, -EINVAL },
                { "sum changed", "0", 0, 150, -EINVAL },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                _cleanup_buf_ struct buf tar = BUF_INIT(65536), got = BUF_INIT(4096);
                int r;

                for (const char *t = rows[i].entries; *t; t++)
                        add_entry(&tar, *t, "hello", 5);
                buf_add(&tar, zeros, sizeof(zeros));
                tar.len -= rows[i].cut;
                if (rows[i].spoil >= 0)
                        tar.data[rows[i].spoil] ^= 1;
                r = engine_tar_file(tar.data, tar.len, &got);
                if (r != rows[i].r)
                        fail_msg("%s: %d", rows[i].name, r);
                if (r == 0)
                        assert_string_equal(buf_str(&got), "hello");
                else
                        assert_int_equal(got.len, 0);
        }
}

static void test_tar_ceiling(void **state) {
        _cleanup_buf_ struct buf tar = BUF_INIT(65536), got = BUF_INIT(4);

        add_entry(&tar, '0', "hello", 5);
        assert_int_equal(engine_tar_file(tar.data, tar.len, &got), -E2BIG);
}

static void test_event_fields(void **state) {
        static const struct {
                const char *json;
                int r;
                enum engine_event_kind kind;
                int exit_code;
                int64_t time_us;
        } rows[] = {
                { "{\"Type\":\"container\",\"Action\":\"remove\",\"Actor\":{\"ID\":\"a\"}}", 0,
                  ENGINE_EVENT_DESTROY, 0, 0 },
                { "{\"Type\":\"container\",\"Action\":\"died\",\"Actor\":{\"ID\":\"a\","
                  "\"Attributes\":{\"containerExitCode\":\"7\"}},\"time\":3}", 0,
                  ENGINE_EVENT_DIE, 7, 3000000 },
                { "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\","
                  "\"Attributes\":{\"exitCode\":\"7x\"}},\"time\":9223372036854775807}", 0,
                  ENGINE_EVENT_DIE, 0, 0 },
                { "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":7}}", -EINVAL },
                { "{\"Type\":\"image\",\"Action\":\"pull\",\"Actor\":{\"ID\":\"a\"}}", -EINVAL },
                { "{\"Type\":\"container\"}", -EINVAL },
                { "[]", -EINVAL },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                _cleanup_json_ json_t *object = NULL;
                struct engine_event event;

                assert_int_equal(json_parse(rows[i].json, strlen(rows[i].json), &object, NULL), 0);
                assert_int_equal(engine_event_read(object, &event), rows[i].r);
                if (rows[i].r < 0)
                        continue;
                assert_int_equal(event.kind, rows[i].kind);
                assert_int_equal(event.exit_code, rows[i].exit_code);
                assert_int_equal(event.time_us, rows[i].time_us);
        }
}

static const struct engine_container_spec *full_spec(void) {
        static const char *const entrypoint[] = { "/.ds01/init", NULL };
        static const char *const command[] = { "a\"b", NULL };
        static const char *const env[] = { "A=1", "B=\xc3\xa4", NULL };
        static const char *const ids[] = { "GPU-1", "GPU-2", NULL };
        static const struct engine_label labels[] = { { "k.a", "v" }, { "k.b", "" } };
        static const struct engine_mount mounts[] = { { "/src", "/workspace", false },
                                                      { "/init", "/.ds01", true } };
        static const struct engine_container_spec spec = {
                .name = "n", .image = "i", .user = "1001:1001", .working_dir = "/workspace",
                .hostname = "h", .cgroup_parent = "/ds01", .runtime = "runc",
                .entrypoint = entrypoint, .command = command, .env = env,
                .labels = labels, .nlabels = 2, .mounts = mounts, .nmounts = 2,
                .memory_bytes = 1 << 30, .shm_bytes = 1 << 20, .pids = 100, .cpus_milli = 1500,
                .gpu = ENGINE_GPU_DEVICE_REQUEST, .gpu_ids = ids, .disable_healthcheck = true,
        };

        return &spec;
}

static void test_spec(void **state) {
        static const char wanted[] =
                "{\"Image\":\"i\",\"Hostname\":\"h\",\"User\":\"1001:1001\",\"WorkingDir\":"
                "\"/workspace\",\"Entrypoint\":[\"/.ds01/init\"],\"Cmd\":[\"a\\\"b\"],\"Env\":"
                "[\"A=1\",\"B=\xc3\xa4\"],\"Tty\":false,\"OpenStdin\":false,\"StopSignal\":"
                "\"SIGTERM\",\"Healthcheck\":{\"Test\":[\"NONE\"]},\"Labels\":{\"k.a\":\"v\","
                "\"k.b\":\"\"},\"HostConfig\":{\"CapDrop\":[\"ALL\"],\"SecurityOpt\":"
                "[\"no-new-privileges:true\"],\"Privileged\":false,\"CgroupnsMode\":\"private\","
                "\"IpcMode\":\"private\",\"Init\":false,\"RestartPolicy\":{\"Name\":\"no\"},"
                "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"20m\","
                "\"max-file\":\"3\"}},\"CgroupParent\":\"/ds01\",\"Runtime\":\"runc\",\"Memory\":"
                "1073741824,\"MemorySwap\":1073741824,\"ShmSize\":1048576,\"PidsLimit\":100,"
                "\"NanoCpus\":1500000000,\"OomScoreAdj\":200,\"Ulimits\":[{\"Name\":\"core\","
                "\"Soft\":0,\"Hard\":0}],\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/src\","
                "\"Target\":\"/workspace\",\"ReadOnly\":false,\"BindOptions\":{\"Propagation\":"
                "\"rprivate\",\"NonRecursive\":true}},{\"Type\":\"bind\",\"Source\":\"/init\","
                "\"Target\":\"/.ds01\",\"ReadOnly\":true,\"BindOptions\":{\"Propagation\":"
                "\"rprivate\",\"NonRecursive\":true}}],\"DeviceRequests\":[{\"Driver\":\"nvidia\","
                "\"DeviceIDs\":[\"GPU-1\",\"GPU-2\"],\"Capabilities\":[[\"gpu\",\"compute\","
                "\"utility\"]]}]}}";
        _cleanup_buf_ struct buf got = BUF_INIT(65536), small = BUF_INIT(500);

        assert_int_equal(engine_spec_write(full_spec(), 0, &got), 0);
        assert_string_equal(buf_str(&got), wanted);
        assert_int_equal(engine_spec_write(full_spec(), 0, &small), -ENOBUFS);
}

static void test_spec_least(void **state) {
        const struct engine_container_spec spec = { .image = "i" };
        _cleanup_buf_ struct buf got = BUF_INIT(65536);
        _cleanup_json_ json_t *root = NULL;
        json_t *host;

        assert_int_equal(engine_spec_write(&spec, 508, &got), 0);
        assert_int_equal(json_parse(got.data, got.len, &root, NULL), 0);
        host = json_object_get(root, "HostConfig");
        assert_null(json_object_get(root, "Entrypoint"));
        assert_null(json_object_get(root, "Healthcheck"));
        assert_null(json_object_get(host, "Memory"));
        assert_null(json_object_get(host, "DeviceRequests"));
        assert_int_equal(json_array_size(json_object_get(host, "Ulimits")), 3);
        assert_string_equal(json_string_value(json_array_get(json_object_get(host, "CapDrop"), 0)),
                            "ALL");
}

static void test_spec_cdi(void **state) {
        static const char *const ids[] = { "ds01.local/gpu=x", NULL };
        static const char requests[] =
                "\"DeviceRequests\":[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"ds01.local/gpu=x\"]}]";
        static const struct {
                int podman;
                const char *wanted;
        } rows[] = {
                { 0, requests },
                { 504, requests },
                { 403, "\"Devices\":[{\"PathOnHost\":\"ds01.local/gpu=x\","
                       "\"PathInContainer\":\"gpu\",\"CgroupPermissions\":\"rwm\"}]" },
        };
        const struct engine_container_spec spec = { .image = "i", .gpu = ENGINE_GPU_CDI,
                                                    .gpu_ids = ids };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf got = BUF_INIT(65536);

                assert_int_equal(engine_spec_write(&spec, rows[i].podman, &got), 0);
                assert_non_null(strstr(buf_str(&got), rows[i].wanted));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tar),         cmocka_unit_test(test_tar_ceiling),
                cmocka_unit_test(test_event_fields), cmocka_unit_test(test_spec),
                cmocka_unit_test(test_spec_least),   cmocka_unit_test(test_spec_cdi),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
