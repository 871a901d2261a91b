/*
 * ds01.yaml: defaults, every key read, and what is said of wrong files.
 */
#include "fixture.h"

#include "base/clock.h"
#include "config/config.h"
#include "config/site_keys.h"

#include <errno.h>
#include <string.h>

static const struct bad bad_files[] = {
        { "scoket: /run/x.sock\n",
          "f.yaml:1:1: unknown key 'scoket'; did you mean 'socket'?" },
        { "engine:\n  sokcet: /x\n",
          "f.yaml:2:3: unknown key 'sokcet'; did you mean 'socket'?" },
        { "engine:\n\ttimeout_s: 5\n",
          "f.yaml:2:1: a tab in the indentation; use spaces" },
        { "engine:\n  timeout_s: 5\n   socket: /x\n",
          "f.yaml:3:10: not valid YAML: mapping values are not allowed in this context; is "
          "the indentation right?" },
        { "engine:\n  timeout_s: 5\n socket: /x\n",
          "f.yaml:3:2: not valid YAML: did not find expected key; is the indentation right?" },
        { "engine:\n  timeout_s: soon\n",
          "f.yaml:2:14: 'timeout_s' must be a whole number from 1 to 3600, not 'soon'" },
        { "engine:\n  timeout_s: -1\n",
          "f.yaml:2:14: 'timeout_s' must be a whole number from 1 to 3600, not '-1'" },
        { "engine:\n  timeout_s: 0\n",
          "f.yaml:2:14: 'timeout_s' must be a whole number from 1 to 3600, not '0'" },
        { "engine:\n  timeout_s: 3601\n",
          "f.yaml:2:14: 'timeout_s' must be a whole number from 1 to 3600, not '3601'" },
        { "engine:\n  timeout_s: 1.5\n",
          "f.yaml:2:14: 'timeout_s' must be a whole number from 1 to 3600, not '1.5'" },
        { "engine:\n  timeout_s:\n",
          "f.yaml:2:3: 'timeout_s' has no value; leave the line out for the default" },
        { "engine:\n  timeout_s: [5]\n",
          "f.yaml:2:14: 'timeout_s' must be one value, not a list" },
        { "engine:\n  timeout_s: {a: 5}\n",
          "f.yaml:2:14: 'timeout_s' must be one value, not a mapping" },
        { "engine: /var/run/docker.sock\n",
          "f.yaml:1:9: engine: must hold keys with values, not '/var/run/docker.sock'" },
        { "engine: [socket]\n",
          "f.yaml:1:9: engine: must hold keys with values, not a list" },
        { "engine:\n  socket: docker.sock\n",
          "f.yaml:2:11: 'socket' must be an absolute path: 'docker.sock'" },
        { "engine:\n  cgroup_parent: ../up\n",
          "f.yaml:2:18: 'cgroup_parent' must be a name of letters, digits, '_', '-' and "
          "'.': '../up'" },
        { "engine:\n  cgroup_parent: /ds01\n",
          "f.yaml:2:18: 'cgroup_parent' must be a name of letters, digits, '_', '-' and "
          "'.': '/ds01'" },
        { "timeout_s: 5\n",
          "f.yaml:1:1: 'timeout_s' belongs under 'engine:'" },
        { "engine:\n  min_uid: 5\n",
          "f.yaml:2:3: 'min_uid' belongs under 'users:'" },
        { "gpu:\n  socket_group: x\n",
          "f.yaml:2:3: 'socket_group' belongs at the left margin" },
        { "socket: run/ds01.sock\n",
          "f.yaml:1:9: 'socket' must be an absolute path: 'run/ds01.sock'" },
        { "socket: ''\n",
          "f.yaml:1:9: 'socket' must not be empty: ''" },
        { "socket: null\n",
          "f.yaml:1:1: 'socket' has no value; leave the line out for the default" },
        { "socket: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
          "f.yaml:1:9: 'socket' is too long for a socket (107 bytes): "
          "'/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'" },
        { "socket: \"/run/a\\tb\"\n",
          "f.yaml:1:9: 'socket' must not contain control characters: '/run/a?b'" },
        { "socket: \"/run/a\\0b\"\n",
          "f.yaml:1:9: a NUL character ('\\0') in a value" },
        { "socket: /a\nsocket: /b\n",
          "f.yaml:2:1: duplicate key 'socket'; it was given on line 1 already" },
        { "engine:\n  socket: /a\ngpu:\n  attach: cdi\nengine:\n  timeout_s: 3\n",
          "f.yaml:5:1: duplicate key 'engine'; it was given on line 1 already" },
        { "gpu:\n  attach: cid\n",
          "f.yaml:2:11: 'attach' must be 'device-request', 'cdi' or 'env', not 'cid'; did "
          "you mean 'cdi'?" },
        { "gpu:\n  attach: hook\n",
          "f.yaml:2:11: 'attach' must be 'device-request', 'cdi' or 'env', not 'hook'" },
        { "gpu:\n  attach: [cdi]\n",
          "f.yaml:2:11: 'attach' must be one value, not a list" },
        { "gpu:\n  nvml_library: ''\n",
          "f.yaml:2:17: 'nvml_library' must not be empty: ''" },
        { "images:\n  bases: ubuntu\n",
          "f.yaml:2:10: 'bases' must be a list such as [a, b], not 'ubuntu'" },
        { "images:\n  bases: [ubuntu, '']\n",
          "f.yaml:2:19: 'bases': an item must be a word, not ''" },
        { "images:\n  bases: [ubuntu, [x]]\n",
          "f.yaml:2:19: 'bases': an item must be a word, not a list" },
        { "images:\n  bases: ['a b']\n",
          "f.yaml:2:11: 'bases': an item must not contain blanks or control characters, "
          "not 'a b'" },
        { "images:\n  bases: [null]\n",
          "f.yaml:2:11: 'bases': an item must be a word, not 'null'" },
        { "images:\n  defualt: x\n",
          "f.yaml:2:3: unknown key 'defualt'; did you mean 'default'?" },
        { "defualt_image: x\n",
          "f.yaml:1:1: unknown key 'defualt_image'" },
        { "mounts:\n  roots: [data]\n",
          "f.yaml:2:11: 'roots': an item must be an absolute path or \"~\", not 'data'" },
        { "mounts:\n  roots: [/data:rw]\n",
          "f.yaml:2:11: 'roots': the mode of an item must be strict, groupshare, plain or ro, not "
          "'/data:rw'" },
        { "mounts:\n  roots: [data:ro]\n",
          "f.yaml:2:11: 'roots': an item must be an absolute path or \"~\", not 'data:ro'" },
        { "mounts:\n  roots:\n    - /data\n    - ~root\n",
          "f.yaml:4:7: 'roots': an item must be an absolute path or \"~\", not '~root'" },
        { "users:\n  min_uid: 4294967295\n",
          "f.yaml:2:12: 'min_uid' must be a whole number from 0 to 4294967294, not "
          "'4294967295'" },
        { "users:\n  min_uid: 99999999999999999999\n",
          "f.yaml:2:12: 'min_uid' must be a whole number from 0 to 4294967294, not "
          "'99999999999999999999'" },
        { "daemon:\n  max_connections: 1e3\n",
          "f.yaml:2:20: 'max_connections' must be a whole number from 1 to 65536, not '1e3'" },
        { "daemon:\n  max_connections_per_usr: 3\n",
          "f.yaml:2:3: unknown key 'max_connections_per_usr'; did you mean "
          "'max_connections_per_user'?" },
        { "just some words\n",
          "f.yaml:1:1: the file must hold keys with values, not 'just some words'" },
        { "- socket\n- engine\n",
          "f.yaml:1:1: the file must hold keys with values, not a list" },
        { "a: &x 1\nb: *x\n",
          "f.yaml:1:4: anchors ('&x') are not supported" },
        { "socket: *x\n",
          "f.yaml:1:9: aliases ('*x') are not supported; write the value out" },
        { "socket: !!str /x\n",
          "f.yaml:1:9: tags ('tag:yaml.org,2002:str') are not supported" },
        { "engine: &e\n  socket: /x\n",
          "f.yaml:1:9: anchors ('&e') are not supported" },
        { "<<: {socket: /x}\n",
          "f.yaml:1:1: unknown key '<<'" },
        { "socket: /a\n---\nsocket: /b\n",
          "f.yaml:2:1: a second document begins here; a file is one document" },
        { "? [a, b]\n: c\n",
          "f.yaml:1:3: a key must be a word" },
        { "'': x\n",
          "f.yaml:1:1: a key must be a word" },
        { "socket: 'unclosed\n",
          "f.yaml:2:1: not valid YAML: found unexpected end of stream (while scanning a "
          "quoted scalar that begins on line 1)" },
        { "socket: [a, b\n",
          "f.yaml:2:1: not valid YAML: did not find expected ',' or ']' (while parsing a "
          "flow sequence that begins on line 1)" },
        { "socket: {a: b\n",
          "f.yaml:2:1: not valid YAML: did not find expected ',' or '}' (while parsing a "
          "flow mapping that begins on line 1)" },
        { "socket: @x\n",
          "f.yaml:1:9: not valid YAML: found character that cannot start any token (while "
          "scanning for the next token that begins on line 1)" },
        { "socket: a: b\n",
          "f.yaml:1:10: not valid YAML: mapping values are not allowed in this context; is "
          "the indentation right?" },
        { "%YAML 3.0\n---\nsocket: /a\n",
          "f.yaml:1:1: not valid YAML: found incompatible YAML document" },
        { "socket: \"\\x\"\n",
          "f.yaml:1:12: not valid YAML: did not find expected hexdecimal number (while "
          "parsing a quoted scalar that begins on line 1)" },
        { "gpu: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n",
          "f.yaml:1:21: more than 16 levels of nesting" },
};

static void test_bad_files(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
                struct site_config c, before;
                struct err err = { 0 };

                write_text("f.yaml", bad_files[i].text);
                assert_int_equal(site_config_init(&c), 0);
                before = c;
                assert_int_equal(site_config_load("f.yaml", &c, &err), -EINVAL);
                assert_string_equal(err.msg, bad_files[i].words);
                assert_int_equal(err.code, EINVAL);
                assert_memory_equal(&c, &before, sizeof(c)); /* nothing was replaced */
                site_config_release(&c);
        }
}

static void test_defaults(void **state) {
        struct site_config c;

        assert_int_equal(site_config_init(&c), 0);
        assert_string_equal(c.socket, "/run/ds01/ds01.sock");
        assert_string_equal(c.socket_group, "");
        assert_string_equal(c.engine_socket, "");
        assert_int_equal(c.engine_timeout_us, 60 * US_PER_S);
        assert_string_equal(c.cgroup_parent, "ds01");
        assert_int_equal(c.gpu_attach, ATTACH_DEVICE_REQUEST);
        assert_string_equal(c.gpu_nvml_library, "libnvidia-ml.so.1");
        assert_string_equal(c.gpu_simulator_file, "");
        assert_string_equal(c.gpu_cdi_spec, "/etc/cdi/nvidia.yaml");
        assert_string_equal(c.gpu_cdi_directory, "/var/run/cdi");
        assert_string_equal(c.default_image, "");
        assert_null(c.bases[0]);
        assert_null(c.registries[0]);
        assert_string_equal(c.state_dir, "/var/lib/ds01");
        assert_string_equal(c.run_dir, "/run/ds01");
        assert_string_equal(c.limits_file, "/etc/ds01/resource-limits.yaml");
        assert_true(c.init_dir[0] == '/');
        assert_string_equal(c.mount_roots[0], "~");
        assert_null(c.mount_roots[1]);
        assert_int_equal(c.min_uid, 1000);
        assert_int_equal(c.max_connections, 512);
        assert_int_equal(c.max_connections_per_user, 64);
        site_config_release(&c);
        site_config_release(&c); /* an empty one */
        site_config_release(NULL);
}

static void test_every_key(void **state) {
        static const char text[] =
                "\xef\xbb\xbf# a byte order mark and CRLF, as editors elsewhere leave them\r\n"
                "socket: /run/a.sock\r\n"
                "socket_group: gpu-users\r\n"
                "engine: {socket: /run/e.sock, timeout_s: 5, cgroup_parent: ''}\n"
                "gpu:\n"
                "  attach: cdi\n"
                "  nvml_library: /opt/libsim.so\n"
                "  simulator_file: /etc/ds01/sim.txt\n"
                "  cdi_spec: /a.yaml\n"
                "  cdi_directory: \"/b\"\n"
                "images:\n"
                "  default: base:latest\n"
                "  bases:\n"
                "  - one\n"
                "  - two:2\n"
                "  registries: ['*']\n"
                "paths: {state: /s, run: /r, limits: /l.yaml, init: /i}\n"
                "mounts:\n"
                "  roots: [~, /data, '/with blank']\n"
                "users: {min_uid: 0}\n"
                "daemon:\n"
                "  max_connections: 65536\n"
                "  max_connections_per_user: 1\n";
        struct site_config c;
        struct err err = { 0 };

        write_text("f.yaml", text);
        assert_int_equal(site_config_init(&c), 0);
        if (site_config_load("f.yaml", &c, &err) < 0)
                fail_msg("%s", err.msg);
        assert_string_equal(c.socket, "/run/a.sock");
        assert_string_equal(c.socket_group, "gpu-users");
        assert_string_equal(c.engine_socket, "/run/e.sock");
        assert_int_equal(c.engine_timeout_us, 5 * US_PER_S);
        assert_string_equal(c.cgroup_parent, "");
        assert_int_equal(c.gpu_attach, ATTACH_CDI);
        assert_string_equal(c.gpu_nvml_library, "/opt/libsim.so");
        assert_string_equal(c.gpu_simulator_file, "/etc/ds01/sim.txt");
        assert_string_equal(c.gpu_cdi_spec, "/a.yaml");
        assert_string_equal(c.gpu_cdi_directory, "/b");
        assert_string_equal(c.default_image, "base:latest");
        assert_string_equal(c.bases[0], "one");
        assert_string_equal(c.bases[1], "two:2");
        assert_null(c.bases[2]);
        assert_string_equal(c.registries[0], "*");
        assert_null(c.registries[1]);
        assert_string_equal(c.state_dir, "/s");
        assert_string_equal(c.run_dir, "/r");
        assert_string_equal(c.limits_file, "/l.yaml");
        assert_string_equal(c.init_dir, "/i");
        assert_string_equal(c.mount_roots[0], "~");
        assert_string_equal(c.mount_roots[1], "/data");
        assert_string_equal(c.mount_roots[2], "/with blank");
        assert_null(c.mount_roots[3]);
        assert_int_equal(c.min_uid, 0);
        assert_int_equal(c.max_connections, 65536);
        assert_int_equal(c.max_connections_per_user, 1);

        /* A second file goes over the first. */
        write_text("f.yaml", "images:\n  bases: []\n");
        assert_int_equal(site_config_load("f.yaml", &c, &err), 0);
        assert_null(c.bases[0]);
        assert_string_equal(c.socket, "/run/a.sock");
        site_config_release(&c);
}

static void test_empty_files(void **state) {
        static const char *const texts[] = {
                "", "# nothing\n", "---\n", "engine:\n", "engine:\n  # timeout_s: 5\ngpu:\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct site_config c;
                struct err err = { 0 };

                write_text("f.yaml", texts[i]);
                assert_int_equal(site_config_init(&c), 0);
                if (site_config_load("f.yaml", &c, &err) < 0)
                        fail_msg("%s", err.msg);
                assert_int_equal(c.min_uid, 1000);
                site_config_release(&c);
        }
}

static void load_fails(const char *path, int code, const char *words) {
        struct site_config c;
        struct err err = { 0 };

        assert_int_equal(site_config_init(&c), 0);
        assert_int_equal(site_config_load(path, &c, &err), -code);
        assert_string_equal(err.msg, words);
        assert_string_equal(c.state_dir, "/var/lib/ds01");
        site_config_release(&c);
}

static void test_no_such_text(void **state) {
        static const char binary[] = "socket: /a\n\0\x01\x02";
        _cleanup_free_ char *large = calloc(1, 2 << 20);

        load_fails("gone.yaml", ENOENT, "gone.yaml: cannot be read: No such file or directory");
        load_fails(".", ENOTSUP, ".: not a regular file");
        load_fails("/dev/zero", ENOTSUP, "/dev/zero: not a regular file");
        write_bytes("f.yaml", binary, sizeof(binary));
        load_fails("f.yaml", EINVAL, "f.yaml:2:1: not a text file in UTF-8");
        write_bytes("f.yaml", "a: \xff\xfe\n", 6);
        load_fails("f.yaml", EINVAL, "f.yaml:1:1: not a text file in UTF-8");
        memset(large, '#', 2 << 20);
        write_bytes("f.yaml", large, 2 << 20);
        load_fails("f.yaml", EFBIG, "f.yaml: larger than 1024 KiB");
        memcpy(large, "x\n", 2); /* one that just fits */
        write_bytes("f.yaml", large, 1 << 20);
        load_fails("f.yaml", EINVAL, "f.yaml:1:1: the file must hold keys with values, not 'x'");
}

static void test_mount_roots(void **state) {
        static const struct {
                const char *item;
                size_t n;
                enum mount_mode mode;
        } rows[] = {
                { "~", 1, MOUNT_STRICT },          { "~:plain", 1, MOUNT_PLAIN },
                { "/data", 5, MOUNT_GROUPSHARE },  { "/data:strict", 5, MOUNT_STRICT },
                { "/data:ro", 5, MOUNT_RO },       { "/data:groupshare", 5, MOUNT_GROUPSHARE },
                { "/a:b/c", 6, MOUNT_GROUPSHARE }, { "/a:ro/c", 7, MOUNT_GROUPSHARE },
                { "/a:b:ro", 4, MOUNT_RO },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                enum mount_mode mode;

                assert_int_equal(mount_root_split(rows[i].item, &mode), rows[i].n);
                assert_int_equal(mode, rows[i].mode);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad_files),    cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_every_key),    cmocka_unit_test(test_empty_files),
                cmocka_unit_test(test_no_such_text), cmocka_unit_test(test_mount_roots),
        };

        return cmocka_run_group_tests_name("site", tests, scratch_enter, scratch_leave);
}
