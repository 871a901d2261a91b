/* What keeps the container apart: namespaces, system calls, devices, control group. */
#include "runtime/internal.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A list of words of which each one that is @wanted has to stand in the text. */
struct wanted {
        struct judge *judge;
        const char *const *words;
        size_t n;
        unsigned met;
};

static int read_word(struct reader *r, void *ctx) {
        struct wanted *w = ctx;

        for (size_t i = 0; i < w->n; i++)
                if (r->scan.token == JSON_SCAN_STRING && json_scan_is(&r->scan, w->words[i]))
                        w->met |= 1u << i;
        json_scan_skip(&r->scan);
        return 0;
}

static int check_wanted(const struct wanted *w, const char *what) {
        for (size_t i = 0; i < w->n; i++)
                if (!(w->met & 1u << i))
                        return judge_differs(w->judge, "%s '%s'", what, w->words[i]);
        return 0;
}

static int read_masked(struct reader *r, void *ctx) {
        static const char *const paths[] = { "/proc/kcore", "/proc/keys", "/proc/timer_list",
                                             "/sys/firmware" };
        struct wanted w = { .judge = ctx, .words = paths, .n = ARRAY_SIZE(paths) };
        int e = reader_array(r, "maskedPaths", read_word, &w);

        return e < 0 ? e : check_wanted(&w, "it would see");
}

static int read_readonly(struct reader *r, void *ctx) {
        static const char *const paths[] = { "/proc/sys", "/proc/sysrq-trigger", "/proc/irq",
                                             "/proc/bus" };
        struct wanted w = { .judge = ctx, .words = paths, .n = ARRAY_SIZE(paths) };
        int e = reader_array(r, "readonlyPaths", read_word, &w);

        return e < 0 ? e : check_wanted(&w, "it could write to");
}

/* --- namespaces ------------------------------------------------------------------------------- */

static const char *const own_namespaces[] = { "mount", "pid", "ipc", "uts", "network", "cgroup" };
enum { WITHOUT_CGROUP = ARRAY_SIZE(own_namespaces) - 1 };

struct name_space {
        char type[16], path[PATH_MAX];
};

static int read_namespace_type(struct reader *r, void *ctx) {
        struct name_space *n = ctx;

        return reader_string(r, "namespace", n->type, sizeof(n->type));
}

static int read_namespace_path(struct reader *r, void *ctx) {
        struct name_space *n = ctx;

        return reader_string(r, "namespace", n->path, sizeof(n->path));
}

static int read_namespace(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "type", read_namespace_type, true },
                                                  { "path", read_namespace_path } };
        struct wanted *w = ctx;
        struct name_space n = { 0 };
        int e = reader_object(r, "namespace", keys, ARRAY_SIZE(keys), &n);
        /* The engine may have made the network beforehand; that of a process is somebody's. */
        bool made = strcmp(n.type, "network") == 0 && str_starts(n.path, "/") &&
                    !str_starts(n.path, "/proc/");

        if (e < 0)
                return e;
        if (n.path[0] && !made)
                return judge_differs(w->judge, "it would share the %s namespace '%.200s'", n.type,
                                     n.path);
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->words[i], n.type) == 0)
                        w->met |= 1u << i;
        return 0;
}

static int read_namespaces(struct reader *r, void *ctx) {
        struct judge *j = ctx;
        struct wanted w = { .judge = j,
                            .words = own_namespaces,
                            .n = j->decision->cgroup_namespace ? ARRAY_SIZE(own_namespaces)
                                                               : WITHOUT_CGROUP };
        int e = reader_array(r, "namespaces", read_namespace, &w);

        return e < 0 ? e : check_wanted(&w, "it would share the host's namespace");
}

/* --- system calls and kernel parameters ------------------------------------------------------- */

static int read_default_action(struct reader *r, void *ctx) {
        char action[64];
        int e = reader_string(r, "seccomp", action, sizeof(action));

        if (e < 0 || strcmp(action, "SCMP_ACT_ERRNO") == 0 || str_starts(action, "SCMP_ACT_KILL"))
                return e;
        return judge_differs(ctx, "it could use system calls that it shouldn't (seccomp: %s)",
                             action);
}

static int read_seccomp(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "defaultAction", read_default_action, true } };

        return reader_object(r, "seccomp", keys, ARRAY_SIZE(keys), ctx);
}

static int read_sysctl(struct reader *r, void *ctx) {
        struct json_scan *s = &r->scan;
        char name[128] = "?";

        if (s->token != JSON_SCAN_OBJECT)
                return reader_malformed(r, "sysctl");
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                json_scan_str(s, name, sizeof(name));
                if (strcmp(name, "net.ipv4.ip_unprivileged_port_start") != 0 &&
                    strcmp(name, "net.ipv4.ping_group_range") != 0)
                        return judge_differs(ctx, "the kernel's '%s' would be set", name);
                json_scan_skip(s);
        }
        return s->token == JSON_SCAN_OBJECT_END ? 0 : reader_malformed(r, "sysctl");
}

static int read_propagation(struct reader *r, void *ctx) {
        char word[32];
        int e = reader_string(r, "rootfsPropagation", word, sizeof(word));

        if (e < 0 || !strstr(word, "shared"))
                return e;
        return judge_differs(ctx, "its mounts would be seen outside");
}

/* --- devices ---------------------------------------------------------------------------------- */

struct device {
        char type[8], access[8], path[PATH_MAX];
        int64_t major, minor; /* -1: all, as where they are not said */
        bool allow, major_said;
};

static int read_device_type(struct reader *r, void *ctx) {
        struct device *v = ctx;

        return reader_string(r, "device", v->type, sizeof(v->type));
}

static int read_device_access(struct reader *r, void *ctx) {
        struct device *v = ctx;

        return reader_string(r, "device", v->access, sizeof(v->access));
}

static int read_device_path(struct reader *r, void *ctx) {
        struct device *v = ctx;

        return reader_string(r, "device", v->path, sizeof(v->path));
}

static int read_device_allow(struct reader *r, void *ctx) {
        struct device *v = ctx;

        return reader_bool(r, "device", &v->allow);
}

static int read_device_major(struct reader *r, void *ctx) {
        struct device *v = ctx;
        int e = reader_int(r, "device", &v->major);

        v->major_said = v->major >= 0; /* -1 is "all" */
        return e;
}

static int read_device_minor(struct reader *r, void *ctx) {
        struct device *v = ctx;

        return reader_int(r, "device", &v->minor);
}

/* Character devices that are nobody's: null, zero, full, random, urandom (1; among the others of
 * that number is the memory), tty, console, ptmx (5), terminals (136). */
static bool is_harmless(const struct device *v) {
        bool of_memory = v->major == 1 && (v->minor == 3 || v->minor == 5 ||
                                           (v->minor >= 7 && v->minor <= 9));

        return strcmp(v->type, "c") == 0 && v->major_said &&
               (of_memory || v->major == 5 || v->major == 136);
}

static int read_rule(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "allow", read_device_allow, true },
                                                  { "type", read_device_type },
                                                  { "major", read_device_major },
                                                  { "minor", read_device_minor },
                                                  { "access", read_device_access } };
        struct judge *j = ctx;
        struct device v = { .access = "rwm", .minor = -1 };
        int e = reader_object(r, "device rule", keys, ARRAY_SIZE(keys), &v);
        /* Making nodes needs a capability, and a mount on which they count. */
        bool opens = strpbrk(v.access, "rw") != NULL;

        if (e < 0 || !v.allow || !opens || is_harmless(&v))
                return e;
        if (j->decision->cdi && strcmp(v.type, "c") == 0 && v.major_said)
                return 0;
        return judge_differs(j, "it could open devices (%s %" PRId64 ")",
                             v.type[0] ? v.type : "all", v.major_said ? v.major : -1);
}

static int read_rules(struct reader *r, void *ctx) {
        return reader_array(r, "device rules", read_rule, ctx);
}

static int read_device(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "path", read_device_path, true },
                                                  { "type", read_device_type, true },
                                                  { "major", read_device_major },
                                                  { "minor", read_device_minor } };
        struct judge *j = ctx;
        struct device v = { .minor = -1 };
        int e = reader_object(r, "device", keys, ARRAY_SIZE(keys), &v);

        if (e < 0 || is_harmless(&v) || (j->decision->cdi && strcmp(v.type, "c") == 0))
                return e;
        return judge_differs(j, "it would have the device '%.200s'", v.path);
}

static int read_devices(struct reader *r, void *ctx) {
        return reader_array(r, "devices", read_device, ctx);
}

/* --- resources -------------------------------------------------------------------------------- */

struct numbers {
        int64_t limit, quota, period;
};

static int read_limit(struct reader *r, void *ctx) {
        struct numbers *n = ctx;

        return reader_int(r, "limit", &n->limit);
}

static int read_quota(struct reader *r, void *ctx) {
        struct numbers *n = ctx;

        return reader_int(r, "quota", &n->quota);
}

static int read_period(struct reader *r, void *ctx) {
        struct numbers *n = ctx;

        return reader_int(r, "period", &n->period);
}

static int check_limit(struct judge *j, const char *what, int64_t there, int64_t decided) {
        if (decided <= 0 || (there > 0 && there <= decided))
                return 0;
        return judge_differs(j, "its limit of %s would be %" PRId64 " instead of %" PRId64, what,
                             there, decided);
}

static int read_memory(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "limit", read_limit } };
        struct judge *j = ctx;
        struct numbers n = { 0 };
        int e = reader_object(r, "memory", keys, ARRAY_SIZE(keys), &n);

        return e < 0 ? e : check_limit(j, "memory", n.limit, j->decision->memory_bytes);
}

static int read_pids(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "limit", read_limit } };
        struct judge *j = ctx;
        struct numbers n = { 0 };
        int e = reader_object(r, "pids", keys, ARRAY_SIZE(keys), &n);

        return e < 0 ? e : check_limit(j, "processes", n.limit, j->decision->pids);
}

static int read_cpu(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "quota", read_quota },
                                                  { "period", read_period } };
        struct judge *j = ctx;
        struct numbers n = { 0 };
        int e = reader_object(r, "cpu", keys, ARRAY_SIZE(keys), &n);
        int64_t milli = n.period > 0 && n.quota > 0 && n.quota < INT64_MAX / 1000
                                ? n.quota * 1000 / n.period
                                : 0;

        return e < 0 ? e : check_limit(j, "CPUs (in thousandths)", milli, j->decision->cpus_milli);
}

static int read_resources(struct reader *r, void *ctx) {
        struct judge *j = ctx;
        const struct decision *d = j->decision;
        const struct reader_key keys[] = { { "devices", read_rules, true },
                                           { "memory", read_memory, d->memory_bytes > 0 },
                                           { "pids", read_pids, d->pids > 0 },
                                           { "cpu", read_cpu, d->cpus_milli > 0 } };

        return reader_object(r, "resources", keys, ARRAY_SIZE(keys), ctx);
}

/* "/ds01/u1001/ID", or "ds01-u1001.slice:docker:ID" with systemd. */
static int read_cgroup(struct reader *r, void *ctx) {
        struct judge *j = ctx;
        const char *parent = j->decision->cgroup;
        size_t n = strlen(parent);
        char path[PATH_MAX], mark = str_ends(parent, ".slice") ? ':' : '/';
        int e = reader_string(r, "cgroupsPath", path, sizeof(path));

        if (e < 0 || n == 0)
                return e;
        if (strncmp(path, parent, n) == 0 && path[n] == mark && str_ends(path, j->id) &&
            !strstr(path, "/.."))
                return 0;
        return judge_differs(j, "its control group would be '%.200s' instead of one in '%s'", path,
                             parent);
}

int judge_read_linux(struct reader *r, void *ctx) {
        struct judge *j = ctx;
        const struct reader_key keys[] = {
                { "namespaces", read_namespaces, true },
                { "seccomp", read_seccomp, true },
                { "maskedPaths", read_masked, true },
                { "readonlyPaths", read_readonly, true },
                { "resources", read_resources, true },
                { "cgroupsPath", read_cgroup, j->decision->cgroup[0] != '\0' },
                { "devices", read_devices },
                { "sysctl", read_sysctl },
                { "rootfsPropagation", read_propagation },
        };

        return reader_object(r, "linux", keys, ARRAY_SIZE(keys), ctx);
}
