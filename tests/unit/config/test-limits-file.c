/*
 * resource-limits.yaml: a site's whole file comes to the numbers that it means, and what is said of
 * wrong files.
 */
#include "fixture.h"

#include "base/clock.h"
#include "config/config.h"
#include "config/limits_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define GIB (INT64_C(1) << 30)

static const struct bad bad_files[] = {
        { "",
          "f.yaml:1:1: the file is empty; 'defaults:' is the least it needs" },
        { "# only a comment\n",
          "f.yaml:1:1: the file is empty; 'defaults:' is the least it needs" },
        { "---\n",
          "f.yaml:2:1: the file is empty; 'defaults:' is the least it needs" },
        { "null\n",
          "f.yaml:1:1: the file is empty; 'defaults:' is the least it needs" },
        { "defaults\n",
          "f.yaml:1:1: the file must hold keys with values, not 'defaults'" },
        { "[]\n",
          "f.yaml:1:1: the file must hold keys with values, not a list" },
        { "defaults:\n  max_gpu_equivalants: 2\n",
          "f.yaml:2:3: unknown key 'max_gpu_equivalants'; did you mean "
          "'max_gpu_equivalents'?" },
        { "defaults:\n  memmory: 2g\n",
          "f.yaml:2:3: unknown key 'memmory'; did you mean 'memory'?" },
        { "defaults:\n  memory: 2x\n",
          "f.yaml:2:11: 'memory' must be a size such as 512m or 32g, or null for no limit, "
          "not '2x'" },
        { "defaults:\n  memory: -2g\n",
          "f.yaml:2:11: 'memory' must not be negative: '-2g'" },
        { "defaults:\n  memory: 0\n",
          "f.yaml:2:11: 'memory' must be larger than 0, or null for no limit" },
        { "defaults:\n  memory: 99999999999g\n",
          "f.yaml:2:11: 'memory' is out of range: '99999999999g'" },
        { "defaults:\n  memory:\n",
          "f.yaml:2:3: 'memory' has no value; write null for no limit" },
        { "defaults:\n  memory: ''\n",
          "f.yaml:2:11: 'memory' must be a size such as 512m or 32g, or null for no limit, "
          "not ''" },
        { "defaults:\n  memory: 'null'\n",
          "f.yaml:2:11: 'memory' must be a size such as 512m or 32g, or null for no limit, "
          "not 'null'" },
        { "defaults:\n  memory: [2g]\n",
          "f.yaml:2:11: 'memory' must be a size such as 512m or 32g, or null for no limit, "
          "not a list" },
        { "defaults:\n  memory: {max: 2g}\n",
          "f.yaml:2:11: 'memory' must be a size such as 512m or 32g, or null for no limit, "
          "not a mapping" },
        { "defaults:\n  shm_size: null\n",
          "f.yaml:2:13: 'shm_size' must be a size such as 512m or 32g, not 'null'" },
        { "defaults:\n  shm_size:\n",
          "f.yaml:2:3: 'shm_size' has no value" },
        { "defaults:\n  max_cpus: lots\n",
          "f.yaml:2:13: 'max_cpus' must be a number of CPUs such as 32 or 0.5, or null for "
          "no limit, not 'lots'" },
        { "defaults:\n  max_cpus: 0\n",
          "f.yaml:2:13: 'max_cpus' must be larger than 0, or null for no limit" },
        { "defaults:\n  max_cpus: -1\n",
          "f.yaml:2:13: 'max_cpus' must not be negative: '-1'" },
        { "defaults:\n  max_gpu_equivalents: -0.5\n",
          "f.yaml:2:24: 'max_gpu_equivalents' must not be negative: '-0.5'" },
        { "defaults:\n  max_gpu_equivalents: one\n",
          "f.yaml:2:24: 'max_gpu_equivalents' must be a number of GPUs such as 2 or 1.5, "
          "or null for no limit, not 'one'" },
        { "defaults:\n  max_gpu_slots_per_container: 1.5\n",
          "f.yaml:2:32: 'max_gpu_slots_per_container' must be a whole number, or null for "
          "no limit, not '1.5'" },
        { "defaults:\n  max_containers_per_user: -3\n",
          "f.yaml:2:28: 'max_containers_per_user' must not be negative: '-3'" },
        { "defaults:\n  max_containers_per_user: 99999999999999999999\n",
          "f.yaml:2:28: 'max_containers_per_user' is out of range: '99999999999999999999'" },
        { "defaults:\n  idle_timeout_h: half\n",
          "f.yaml:2:19: 'idle_timeout_h' must be a number of hours such as 24 or 0.5, or "
          "null for no limit, not 'half'" },
        { "defaults:\n  idle_timeout_h: 30x\n",
          "f.yaml:2:19: 'idle_timeout_h' must be a number of hours such as 24 or 0.5, or "
          "null for no limit, not '30x'" },
        { "defaults:\n  idle_timeout_h: -1\n",
          "f.yaml:2:19: 'idle_timeout_h' must not be negative: '-1'" },
        { "defaults:\n  created_container_timeout_m: soon\n",
          "f.yaml:2:32: 'created_container_timeout_m' must be a number of minutes such as "
          "30, or null for no limit, not 'soon'" },
        { "defaults:\n  allow_full_gpu: maybe\n",
          "f.yaml:2:19: 'allow_full_gpu' must be true or false, not 'maybe'" },
        { "defaults:\n  allow_full_gpu: null\n",
          "f.yaml:2:19: 'allow_full_gpu' must be true or false, not 'null'" },
        { "defaults:\n  priority: high\n",
          "f.yaml:2:13: 'priority' must be a whole number, not 'high'" },
        { "defaults:\n  priority: null\n",
          "f.yaml:2:13: 'priority' must be a whole number, not 'null'" },
        { "defaults:\n  aggregate: 5\n",
          "f.yaml:2:14: aggregate: must hold keys with values, not '5'" },
        { "defaults:\n  aggregate:\n    max_cpu: 5\n",
          "f.yaml:3:5: unknown key 'max_cpu'; did you mean 'max_cpus'?" },
        { "defaults:\n  aggregate:\n    max_gpus: 5\n",
          "f.yaml:3:5: unknown key 'max_gpus'; did you mean 'max_cpus'?" },
        { "defaults:\n  aggregate:\n    memory: much\n",
          "f.yaml:3:13: 'memory' must be a size such as 512m or 32g, or null for no limit, "
          "not 'much'" },
        { "defaults:\n  aggregate:\n    idle_timeout_h: 1\n",
          "f.yaml:3:5: unknown key 'idle_timeout_h'" },
        { "defaults:\n  members: [alice]\n",
          "f.yaml:2:3: unknown key 'members'" },
        { "defaults:\n  memory: 1g\n  memory: 2g\n",
          "f.yaml:3:3: duplicate key 'memory'; it was given on line 2 already" },
        { "defaults:\n  memory: 1g\ndefault:\n  memory: 2g\n",
          "f.yaml:3:1: 'default' and 'defaults' (line 1) are the same section" },
        { "defaults: 5\n",
          "f.yaml:1:11: defaults: must hold keys with values, not '5'" },
        { "defaults:\n\tmemory: 1g\n",
          "f.yaml:2:1: a tab in the indentation; use spaces" },
        { "defaults:\n  memory: 1g\n    max_cpus: 3\n",
          "f.yaml:3:13: not valid YAML: mapping values are not allowed in this context; is "
          "the indentation right?" },
        { "defaults:\n  memory: 1g\n max_cpus: 3\n",
          "f.yaml:3:2: not valid YAML: did not find expected key; is the indentation right?" },
        { "defaults:\n  policies:\n    idle_window: 3\n",
          "f.yaml:3:5: unknown key 'idle_window'" },
        { "default_grup: student\n",
          "f.yaml:1:1: unknown section 'default_grup'; did you mean 'default_group'?" },
        { "default_group: [a]\n",
          "f.yaml:1:16: 'default_group' must be the name of a group, not a list" },
        { "default_group: student\n",
          "f.yaml:1:16: 'default_group': no group is called 'student'" },
        { "default_group:\n",
          "f.yaml:1:15: 'default_group' must be the name of a group, not nothing" },
        { "groups:\n  student:\n  researcher:\ndefault_group: studnet\n",
          "f.yaml:4:16: 'default_group': no group is called 'studnet'; did you mean "
          "'student'?" },
        { "group:\n  student:\n",
          "f.yaml:1:1: unknown section 'group'; did you mean 'groups'?" },
        { "max_cpus: 5\n",
          "f.yaml:1:1: 'max_cpus' belongs under 'defaults:', a group or a person" },
        { "members: [a]\n",
          "f.yaml:1:1: 'members' belongs under a group" },
        { "users:\n  alice:\n",
          "f.yaml:1:1: unknown section 'users'" },
        { "useroverrides:\n  alice:\n",
          "f.yaml:1:1: unknown section 'useroverrides'; did you mean 'user_overrides'?" },
        { "groups: [student]\n",
          "f.yaml:1:9: groups: must hold keys with values, not a list" },
        { "groups:\n  student: 5\n",
          "f.yaml:2:12: group 'student' must hold keys with values, not '5'" },
        { "groups:\n  student: [alice, bob]\n",
          "f.yaml:2:12: group 'student' must hold keys with values, not a list" },
        { "groups:\n  ../etc: {}\n",
          "f.yaml:2:3: not a group's name: '../etc' (letters, digits, '_', '-', '.')" },
        { "groups:\n  'a b': {}\n",
          "f.yaml:2:3: not a group's name: 'a b' (letters, digits, '_', '-', '.')" },
        { "groups:\n  gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg: {}\n",
          "f.yaml:2:3: not a group's name: "
          "'ggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg' (letters, "
          "digits, '_', '-', '.')" },
        { "groups:\n  student: {}\n  student: {}\n",
          "f.yaml:3:3: duplicate key 'student'; it was given on line 2 already" },
        { "groups:\n  student:\n    members: alice\n",
          "f.yaml:3:14: 'members' must be a list of names such as [alice, bob], not 'alice'" },
        { "groups:\n  student:\n    members:\n",
          "f.yaml:3:13: 'members' must be a list of names such as [alice, bob], not nothing" },
        { "groups:\n  student:\n    members: [alice, 'b c']\n",
          "f.yaml:3:22: not a name: 'b c'" },
        { "groups:\n  student:\n    members: [alice, [bob]]\n",
          "f.yaml:3:22: not a name: a list" },
        { "groups:\n  student:\n    members: ['']\n",
          "f.yaml:3:15: not a name: ''" },
        { "groups:\n  student:\n    members: [-rf]\n",
          "f.yaml:3:15: not a name: '-rf'" },
        { "groups:\n  student:\n    memebrs: [alice]\n",
          "f.yaml:3:5: unknown key 'memebrs'; did you mean 'members'?" },
        { "groups:\n  student:\n    members_file: gone.members\n",
          "f.yaml:3:19: members_file: gone.members: cannot be read: No such file or "
          "directory" },
        { "groups:\n  student:\n    members_file: /nonexistent/gone.members\n",
          "f.yaml:3:19: members_file: /nonexistent/gone.members: cannot be read: No such "
          "file or directory" },
        { "groups:\n  student:\n    members_file:\n",
          "f.yaml:3:18: 'members_file' must be a path, not nothing" },
        { "groups:\n  student:\n    members_file: [a]\n",
          "f.yaml:3:19: 'members_file' must be a path, not a list" },
        { "groups:\n  student:\n    members_file: /dev/zero\n",
          "f.yaml:3:19: members_file: /dev/zero: not a regular file" },
        { "groups:\n  student:\n    members_file: .\n",
          "f.yaml:3:19: members_file: .: not a regular file" },
        { "groups:\n  student:\n    members_file: bad.members\n",
          "bad.members:3:3: not a login name: 'bob smith'; one name a line" },
        { "groups:\n  student:\n    members_file: binary.members\n",
          "binary.members: not a text file in UTF-8" },
        { "groups:\n  broken:\n    max_cpus: 3\n",
          "groups/broken.members:2:1: not a login name: 'x:y'; one name a line" },
        { "groups:\n  student:\n    unix_groups: staff\n",
          "f.yaml:3:18: 'unix_groups' must be a list of names such as [alice, bob], not "
          "'staff'" },
        { "groups:\n  student:\n    unix_groups: [a/b]\n",
          "f.yaml:3:19: not a name: 'a/b'" },
        { "groups:\n  student:\n    max_cpus: 1\n    aggregate:\n      cpu_quota: many\n",
          "f.yaml:5:18: 'cpu_quota' must be a number of CPUs such as 32 or 0.5, or null "
          "for no limit, not 'many'" },
        { "groups:\n  student:\n    max_cpus: *all\n",
          "f.yaml:3:15: aliases ('*all') are not supported; write the value out" },
        { "reservations: 5\n", "f.yaml:1:15: 'reservations' must be a list, of at most 100" },
        { "reservations:\n  - gpus: 2\n", "f.yaml:2:5: a reservation needs gpus and users" },
        { "reservations:\n  - gpus: 0\n",
          "f.yaml:2:11: 'gpus' must be a number of GPUs, not '0'" },
        { "reservations:\n  - gpus: 1\n    users: [a]\n",
          "f.yaml:2:5: a reservation needs start and a later end, or weekly, from and to" },
        { "reservations:\n  - gpu: 1\n", "f.yaml:2:5: a reservation has no 'gpu'" },
        { "reservations:\n  - weekly: mondays\n",
          "f.yaml:2:13: 'weekly' must be days such as mon wed, not 'mondays'" },
        { "reservations:\n  - start: tomorrow\n",
          "f.yaml:2:12: 'start' must be a moment such as 2026-12-01 09:00, not 'tomorrow'" },
        { "user_overrides: [alice]\n",
          "f.yaml:1:17: user_overrides: must hold keys with values, not a list" },
        { "user_overrides:\n  alice: 5\n",
          "f.yaml:2:10: the limits of 'alice' must hold keys with values, not '5'" },
        { "user_overrides:\n  'a b':\n    max_cpus: 5\n",
          "f.yaml:2:3: not a login name or uid: 'a b'" },
        { "user_overrides:\n  alice:\n    max_cpu: 5\n",
          "f.yaml:3:5: unknown key 'max_cpu'; did you mean 'max_cpus'?" },
        { "user_overrides:\n  alice:\n    members: [bob]\n",
          "f.yaml:3:5: unknown key 'members'" },
        { "user_overrides:\n  alice:\n    max_cpus: 5\n  alice:\n    max_cpus: 6\n",
          "f.yaml:4:3: duplicate key 'alice'; it was given on line 2 already" },
        { "a: &a [x, x]\nb: &b [*a, *a]\n",
          "f.yaml:1:4: anchors ('&a') are not supported" },
        { "defaults: &d\n  memory: 1g\n",
          "f.yaml:1:11: anchors ('&d') are not supported" },
        { "defaults:\n  memory: !!int 5\n",
          "f.yaml:2:11: tags ('tag:yaml.org,2002:int') are not supported" },
        { "defaults:\n  memory: 1g\n---\ndefaults:\n  memory: 2g\n",
          "f.yaml:3:1: a second document begins here; a file is one document" },
        { "policy:\n  grace_period_m: 3\n",
          "f.yaml:1:1: unknown section 'policy'" },
        { "polices:\n  grace_period_m: 3\n",
          "f.yaml:1:1: unknown section 'polices'; did you mean 'policies'?" },
        { "policies:\n  created_container_timeout_m: -4\n",
          "f.yaml:2:32: 'created_container_timeout_m' must not be negative: '-4'" },
        { "policies: yes\n",
          "f.yaml:1:11: policies: must hold keys with values, not 'yes'" },
};

static void test_bad_files(void **state) {
        static const char binary[] = "alice\n\xff\xfe\n";

        assert_int_equal(mkdir("groups", 0755), 0);
        write_text("bad.members", "alice\n# fine\n  bob smith\n");
        write_bytes("binary.members", binary, sizeof(binary) - 1);
        write_text("groups/broken.members", "alice\nx:y\n");
        for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
                struct limits_config c = { .ngroups = 77 };
                struct err err = { 0 };

                write_text("f.yaml", bad_files[i].text);
                assert_int_equal(limits_config_load("f.yaml", &c, &err), -EINVAL);
                assert_string_equal(err.msg, bad_files[i].words);
                assert_int_equal(c.ngroups, 77); /* untouched */
        }
}

static void load_text(const char *text, struct limits_config *ret) {
        struct err err = { 0 };

        if (limits_config_parse("f.yaml", text, strlen(text), ret, &err) < 0)
                fail_msg("%s", err.msg);
}

/* The file of a site that used the predecessor, in the form of its last version. */
static const char site_file[] =
        "# DS01 - resource limits\n"
        "defaults:\n"
        "  max_gpu_equivalents: 1.0\n"
        "  max_gpu_slots_per_container: 1\n"
        "  allow_full_gpu: true\n"
        "  max_cpus: 32\n"
        "  memory: 32g\n"
        "  memory_swap: 32g\n"
        "  shm_size: 16g\n"
        "  pids_limit: 4096\n"
        "  max_containers_per_user: 3\n"
        "  idle_timeout_h: 0.5\n"
        "  max_runtime_h: 24\n"
        "  gpu_hold_after_stop_h: 0.25\n"
        "  container_hold_after_stop_h: 0.5\n"
        "\n"
        "default_group: student\n"
        "\n"
        "enforcement:\n"
        "  aggregate_limits: true\n"
        "  cgroup_driver: systemd\n"
        "\n"
        "groups:\n"
        "  student:\n"
        "    max_gpu_equivalents: 2.0\n"
        "    max_gpu_slots_per_container: 2\n"
        "    aggregate:\n"
        "      cpu_quota: \"9600%\"\n"
        "      memory_max: \"96G\"\n"
        "      memory_high: \"86G\"\n"
        "      tasks_max: 12288\n"
        "      gpu_limit: 2.0\n"
        "    policies: {gpu_idle_threshold: 5, cpu_idle_threshold: 2.0}\n"
        "  researcher:\n"
        "    members_file: groups/phd.members\n"
        "    members: [dana]\n"
        "    max_gpu_equivalents: 4.0\n"
        "    max_gpu_slots_per_container: 3\n"
        "    max_containers_per_user: 5\n"
        "    max_cpus: 48\n"
        "    memory: 64g\n"
        "    shm_size: 32g\n"
        "    idle_timeout_h: 1\n"
        "    max_runtime_h: 48\n"
        "    aggregate: {cpu_quota: \"24000%\", memory_max: 320G, tasks_max: 327680,\n"
        "                gpu_limit: 4}\n"
        "  faculty:\n"
        "    unix_groups: [professors]\n"
        "    max_gpu_equivalents: 4.0\n"
        "    max_gpu_slots_per_container: 4\n"
        "    max_containers_per_user: 5\n"
        "    max_cpus: 64\n"
        "    memory: 128g\n"
        "    shm_size: 64g\n"
        "    idle_timeout: 2h\n"
        "    max_runtime: 72h\n"
        "    aggregate: {cpu_quota: \"32000%\", memory_max: 640G, tasks_max: 327680,\n"
        "                gpu_limit: 4}\n"
        "  admin:\n"
        "    # its members are in groups/admin.members\n"
        "    max_gpu_equivalents: null\n"
        "    max_gpu_slots_per_container: null\n"
        "    max_containers_per_user: 10\n"
        "    max_cpus: 64\n"
        "    memory: 128g\n"
        "    shm_size: 64g\n"
        "    idle_timeout_h: 1\n"
        "    max_runtime_h: 24\n"
        "    gpu_hold_after_stop_h: 1\n"
        "\n"
        "user_overrides:\n"
        "  erik@school.example:\n"
        "    max_runtime_h: null\n"
        "    reason: thesis\n"
        "  1042:\n"
        "    max_gpu_equivalents: 0.5\n"
        "\n"
        "gpu_allocation:\n"
        "  strategy: least_allocated\n"
        "  mig_gpus: {0: {enable: false, profile: null}}\n"
        "policies:\n"
        "  high_demand_threshold: 0.8\n"
        "  grace_period: 30m\n"
        "  created_container_timeout: 45m\n"
        "container_types:\n"
        "  devcontainer: {idle_timeout: null, max_runtime: 168h}\n"
        "monitoring:\n"
        "  infrastructure_containers: [ds01-grafana]\n"
        "bare_metal_access: {exempt_users: [root]}\n"
        "access_control: {wrapper: {enforcement_mode: full}}\n";

#define NONE LIMIT_UNLIMITED

static const struct expected {
        const char *who;
        uid_t uid;
        const char *unix_group;
        const char *group;
        int64_t gpus_x2, slots, containers, cpus, memory_g, shm_g;
        double idle_h, runtime_h, hold_h;
        int64_t all_cpus, all_memory_g, all_tasks;
} people[] = {
        { "sam", 1001, NULL, "student", 4, 2, 3, 32, 32, 16, 0.5, 24, 0.25, 96, 96, 12288 },
        { "rosa", 1002, NULL, "researcher", 8, 3, 5, 48, 64, 32, 1, 48, 0.25, 240, 320, 327680 },
        { "dana", 1003, NULL, "researcher", 8, 3, 5, 48, 64, 32, 1, 48, 0.25, 240, 320, 327680 },
        { "prof", 1004, "professors", "faculty", 8, 4, 5, 64, 128, 64, 2, 72, 0.25, 320, 640,
          327680 },
        { "root2", 1005, NULL, "admin", NONE, NONE, 10, 64, 128, 64, 1, 24, 1, NONE, NONE, NONE },
        { "erik@school.example", 1006, NULL, "student", 4, 2, 3, 32, 32, 16, 0.5, -1, 0.25, 96, 96,
          12288 },
        { "half", 1042, NULL, "student", 1, 2, 3, 32, 32, 16, 0.5, 24, 0.25, 96, 96, 12288 },
};

static int64_t times(int64_t n, int64_t unit) {
        return n == NONE ? NONE : n * unit;
}

static int64_t hours(double h) {
        return h < 0 ? NONE : (int64_t)(h * (double)US_PER_H);
}

static void check_person(const struct limits_config *c, const struct expected *e) {
        const char *groups[] = { e->unix_group, NULL };
        struct person who = { .uid = e->uid, .name = e->who, .unix_groups = groups };
        struct limits l;

        limits_resolve(c, &who, &l);
        assert_string_equal(l.group, e->group);
        assert_int_equal(l.gpu_units, times(e->gpus_x2, GPU_UNITS_PER_GPU / 2));
        assert_int_equal(l.gpus_per_container, e->slots);
        assert_int_equal(l.containers, e->containers);
        assert_int_equal(l.cpus_milli, e->cpus * 1000);
        assert_int_equal(l.memory_bytes, e->memory_g * GIB);
        assert_int_equal(l.shm_bytes, e->shm_g * GIB);
        assert_int_equal(l.idle_timeout_us, hours(e->idle_h));
        assert_int_equal(l.max_runtime_us, hours(e->runtime_h));
        assert_int_equal(l.hold_after_stop_us, hours(e->hold_h));
        assert_int_equal(l.unstarted_us, 45 * 60 * US_PER_S);
        assert_int_equal(l.aggregate_cpus_milli, times(e->all_cpus, 1000));
        assert_int_equal(l.aggregate_memory_bytes, times(e->all_memory_g, GIB));
        assert_int_equal(l.aggregate_tasks, e->all_tasks);
        assert_true(l.allow_full_gpu);
}

static void test_site_file(void **state) {
        struct limits_config c;
        struct err err = { 0 };

        assert_int_equal(mkdir("site", 0755), 0);
        assert_int_equal(mkdir("site/groups", 0755), 0);
        write_text("site/limits.yaml", site_file);
        write_text("site/groups/phd.members", "# doctoral students\r\n\r\nrosa # since May\n"
                                              "\tolga@school.example  \n12345");
        write_text("site/groups/admin.members", "root2\n");
        /* Not read: the file has user_overrides of its own. */
        write_text("site/user-overrides.yaml", "sam:\n  max_gpu_equivalents: 9\n");
        if (limits_config_load("site/limits.yaml", &c, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(c.ngroups, 4);
        assert_string_equal(c.groups[1].members[0], "rosa");
        assert_string_equal(c.groups[1].members[1], "olga@school.example");
        assert_string_equal(c.groups[1].members[2], "12345");
        assert_string_equal(c.groups[1].members[3], "dana");
        assert_null(c.groups[1].members[4]);
        assert_string_equal(c.groups[2].unix_groups[0], "professors");
        for (size_t i = 0; i < ARRAY_SIZE(people); i++)
                check_person(&c, &people[i]);
        limits_config_release(&c);
}

static void test_overrides_beside(void **state) {
        struct limits_config c;
        struct err err = { 0 };

        assert_int_equal(mkdir("beside", 0755), 0);
        write_text("beside/limits.yaml", "defaults:\n  max_cpus: 2\n");
        write_text("beside/user-overrides.yaml", "sam:\n  max_cpus: 9\n");
        assert_int_equal(limits_config_load("beside/limits.yaml", &c, &err), 0);
        assert_int_equal(c.noverrides, 1);
        assert_string_equal(c.overrides[0].user, "sam");
        assert_int_equal(c.overrides[0].layer.values.cpus_milli, 9000);
        limits_config_release(&c);

        write_text("beside/user-overrides.yaml", "sam:\n  max_cpu: 9\n");
        assert_int_equal(limits_config_load("beside/limits.yaml", &c, &err), -EINVAL);
        assert_string_equal(err.msg, "beside/user-overrides.yaml:2:3: unknown key 'max_cpu'; did "
                                     "you mean 'max_cpus'?");
}

/* A key by its name and by an older one, in either order: the name counts. */
static void test_older_names(void **state) {
        static const char *const texts[] = {
                "defaults: {max_runtime_h: 5, max_runtime: 24h}\n",
                "defaults: {max_runtime: 24h, max_runtime_h: 5}\n",
                "default: {max_runtime: 5h}\n",
                "defaults: {max_runtime: 300m}\n",
                "policies: {max_runtime_h: 7}\ndefaults: {max_runtime_h: 5}\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct limits_config c;

                load_text(texts[i], &c);
                assert_int_equal(c.defaults.values.max_runtime_us, 5 * US_PER_H);
                limits_config_release(&c);
        }
}

static void test_good_files(void **state) {
        static const char *const texts[] = {
                "defaults:\n",
                "defaults: {}\n",
                "defaults: null\ngroups:\nuser_overrides:\n",
                "defaults:\n  aggregate:\n",
                "default_group: null\n",
                "groups:\n  a:\n    members: []\n",
                "groups:\n  a:\n    members: ~\n",
                "groups:\n  a:\n    description: guests of the school\n",
                "groups: {a: {}, b: {}}\ndefault_group: b\n",
                "---\ndefaults:\n  memory: '32g'\n...\n",
                "advanced:\n  anything: [at, {all: 1}]\ndefaults:\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct limits_config c;

                load_text(texts[i], &c);
                limits_config_release(&c);
        }
}

/* Every key of core's table is read, and its value printed as it was written. */
static void test_every_key(void **state) {
        for (size_t i = 0; i < limit_keys_count; i++) {
                const struct limit_key *key = &limit_keys[i];
                bool nested = strchr(key->name, '.');
                const char *leaf = nested ? strchr(key->name, '.') + 1 : key->name;
                const char *value = key->kind == LIMIT_BOOL    ? "true"
                                    : key->kind == LIMIT_BYTES ? "3m"
                                                               : "12";
                char text[256], shown[32];
                struct limits_config c;

                snprintf(text, sizeof(text), "defaults:\n  %s%s: %s\n",
                         nested ? "aggregate:\n    " : "", leaf, value);
                load_text(text, &c);
                assert_int_equal(c.defaults.given, UINT64_C(1) << i);
                limit_format(&c.defaults.values, key, shown, sizeof(shown));
                assert_string_equal(shown, value);
                limits_config_release(&c);
        }
}

static void fails(const char *text, size_t n, const char *words) {
        struct limits_config c;
        struct err err = { 0 };

        assert_int_equal(limits_config_parse("f.yaml", text, n, &c, &err), -EINVAL);
        assert_string_equal(err.msg, words);
}

static void test_large_files(void **state) {
        _cleanup_free_ char *text = malloc(2 << 20);
        size_t n = 2 << 20;

        memset(text, ' ', n);
        fails(text, n, "f.yaml: larger than 1024 KiB");
        text[0] = '[';
        for (n = 1; n < 60000; n += 2)
                memcpy(text + n, "a,", 2);
        fails(text, n, "f.yaml:1:40000: more than 20000 values in one file");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad_files),        cmocka_unit_test(test_site_file),
                cmocka_unit_test(test_overrides_beside), cmocka_unit_test(test_older_names),
                cmocka_unit_test(test_good_files),       cmocka_unit_test(test_every_key),
                cmocka_unit_test(test_large_files),
        };

        return cmocka_run_group_tests_name("limits-file", tests, scratch_enter, scratch_leave);
}
