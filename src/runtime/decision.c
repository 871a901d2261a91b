/* Reading decisions. */
#include "runtime/decision.h"

#include "runtime/reader.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

#define READ_STRING(key)                                                                           \
        static int read_##key(struct reader *r, void *ctx) {                                       \
                struct decision *d = ctx;                                                          \
                return reader_string(r, #key, d->key, sizeof(d->key));                             \
        }
#define READ_INT(key)                                                                              \
        static int read_##key(struct reader *r, void *ctx) {                                       \
                struct decision *d = ctx;                                                          \
                return reader_int(r, #key, &d->key);                                               \
        }
READ_INT(uid)
READ_INT(gid)
READ_INT(memory_bytes)
READ_INT(pids)
READ_INT(cpus_milli)
READ_STRING(cgroup)
READ_STRING(engine_root)
READ_STRING(gpus)

static int read_cdi(struct reader *r, void *ctx) {
        struct decision *d = ctx;

        return reader_bool(r, "cdi", &d->cdi);
}

static int read_cgroup_namespace(struct reader *r, void *ctx) {
        struct decision *d = ctx;

        return reader_bool(r, "cgroup_namespace", &d->cgroup_namespace);
}

static int read_group(struct reader *r, void *ctx) {
        struct decision *d = ctx;

        if (d->ngroups == DECISION_GROUPS_MAX)
                return reader_malformed(r, "groups");
        return reader_int(r, "groups", &d->groups[d->ngroups++]);
}

static int read_groups(struct reader *r, void *ctx) {
        return reader_array(r, "groups", read_group, ctx);
}

static int read_source(struct reader *r, void *ctx) {
        struct decided_mount *m = ctx;

        return reader_string(r, "source", m->source, sizeof(m->source));
}

static int read_target(struct reader *r, void *ctx) {
        struct decided_mount *m = ctx;

        return reader_string(r, "target", m->target, sizeof(m->target));
}

static int read_read_only(struct reader *r, void *ctx) {
        struct decided_mount *m = ctx;

        return reader_bool(r, "read_only", &m->read_only);
}

static int read_mount(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "source", read_source, true },
                                                  { "target", read_target, true },
                                                  { "read_only", read_read_only, true } };
        struct decision *d = ctx;

        if (d->nmounts == DECISION_MOUNTS_MAX)
                return reader_malformed(r, "mounts");
        return reader_object(r, "mount", keys, ARRAY_SIZE(keys), &d->mounts[d->nmounts++]);
}

static int read_mounts(struct reader *r, void *ctx) {
        return reader_array(r, "mounts", read_mount, ctx);
}

int decision_parse(const char *text, size_t n, struct decision *ret, struct err *err) {
        static const struct reader_key keys[] = {
                { "uid", read_uid, true },
                { "gid", read_gid, true },
                { "groups", read_groups, true },
                { "cgroup", read_cgroup, true },
                { "engine_root", read_engine_root, true },
                { "gpus", read_gpus, true },
                { "cdi", read_cdi, true },
                { "cgroup_namespace", read_cgroup_namespace, true },
                { "memory_bytes", read_memory_bytes, true },
                { "pids", read_pids, true },
                { "cpus_milli", read_cpus_milli, true },
                { "mounts", read_mounts, true },
        };
        struct reader r = { .scan = JSON_SCAN(text, n), .err = err };
        int e;

        memset(ret, 0, sizeof(*ret));
        json_scan_next(&r.scan);
        e = reader_object(&r, "decision", keys, ARRAY_SIZE(keys), ret);
        if (e == 0 && json_scan_next(&r.scan) != JSON_SCAN_END)
                e = reader_malformed(&r, "decision");
        return e;
}

bool decided_source_fits(const struct decided_mount *mount, const char *source) {
        const char *star = strchr(mount->source, '*');
        size_t before, part;

        if (!star)
                return strcmp(mount->source, source) == 0;
        before = (size_t)(star - mount->source);
        if (strncmp(mount->source, source, before) != 0)
                return false;
        part = strcspn(source + before, "/");
        return part > 0 && source[before] != '.' && strcmp(star + 1, source + before + part) == 0;
}
