/* See aggregate.h; the file names of cgroup v1 and v2 stand in the tables below. */
#include "daemon/aggregate.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char mount_point[] = "/sys/fs/cgroup";

struct limit_file {
        const char *controller, *file;
        int64_t value; /* LIMIT_UNLIMITED: the file's word for it */
};

/* v2: a group has the files of a controller when its parent hands the controller down. Those that
 * the kernel does not have are refused one by one. */
static void hand_down(const char *group) {
        static const char *const controllers[] = { "+cpu", "+memory", "+pids" };
        char path[PATH_MAX];
        _cleanup_close_ int fd = -1;

        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", group);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(controllers); i++)
                if (write(fd, controllers[i], strlen(controllers[i])) < 0)
                        continue;
}

static int make_v2(const char *root, const char *path) {
        char group[PATH_MAX];
        size_t n = strlen(root);

        if (!str_copy(group, sizeof(group), root))
                return -ENAMETOOLONG;
        hand_down(group);
        while (*path) {
                size_t part = strcspn(path + 1, "/") + 1;

                if (n + part >= sizeof(group))
                        return -ENAMETOOLONG;
                memcpy(group + n, path, part);
                group[n += part] = '\0';
                path += part;
                if (mkdir(group, 0755) < 0 && errno != EEXIST)
                        return -errno;
                hand_down(group);
        }
        return 0;
}

/* Opens a limit of the group for writing, on v1 making the group when it is not there. -ENOENT when
 * the controller is not there. */
static int open_limit(const char *root, const char *path, const struct limit_file *f) {
        char group[PATH_MAX], file[PATH_MAX];
        struct stat st;
        int fd, r;

        snprintf(group, sizeof(group), "%s%s%s", root, *f->controller ? "/" : "", f->controller);
        if (stat(group, &st) < 0)
                return -ENOENT;
        strncat(group, path, sizeof(group) - strlen(group) - 1);
        snprintf(file, sizeof(file), "%s/%s", group, f->file);
        fd = open(file, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT || !*f->controller)
                return fd >= 0 ? fd : -errno;
        r = dir_make(group, 0755);
        if (r < 0)
                return r;
        fd = open(file, O_WRONLY | O_CLOEXEC);
        return fd >= 0 ? fd : -errno;
}

static int write_limit(const char *root, int version, const char *path,
                       const struct limit_file *f) {
        bool max_word = version == 2 || strcmp(f->file, "pids.max") == 0;
        _cleanup_close_ int fd = open_limit(root, path, f);
        char text[32];

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (f->value == LIMIT_UNLIMITED)
                str_copy(text, sizeof(text), max_word ? "max" : "-1");
        else
                snprintf(text, sizeof(text), "%" PRId64, f->value);
        return write(fd, text, strlen(text)) < 0 && errno != EINVAL ? -errno : 0;
}

int aggregate_write(const char *root, int version, const char *path, const struct limits *limits) {
        int64_t cpus = limits->aggregate_cpus_milli,
                quota = cpus == LIMIT_UNLIMITED ? cpus : cpus * 100;
        const struct limit_file v1[] = {
                { "memory", "memory.limit_in_bytes", limits->aggregate_memory_bytes },
                { "cpu", "cpu.cfs_quota_us", quota }, /* of a period of 100 ms */
                { "pids", "pids.max", limits->aggregate_tasks },
        };
        const struct limit_file v2[] = {
                { "", "memory.max", limits->aggregate_memory_bytes },
                { "", "cpu.max", quota }, /* the period stays 100 ms */
                { "", "pids.max", limits->aggregate_tasks },
        };
        const struct limit_file *files = version == 2 ? v2 : v1;
        int r = version == 2 ? make_v2(root, path) : 0;

        _Static_assert(ARRAY_SIZE(v1) == ARRAY_SIZE(v2), "one loop for both");
        for (size_t i = 0; i < ARRAY_SIZE(v1) && r == 0; i++)
                r = write_limit(root, version, path, &files[i]);
        return r;
}

void aggregate_parent(const char *driver, const char *parent, uid_t uid, char *dst, size_t size) {
        if (*parent == '\0')
                str_copy(dst, size, "");
        else if (strcmp(driver, "systemd") == 0)
                snprintf(dst, size, "%s-u%u.slice", parent, uid);
        else
                snprintf(dst, size, "/%s/u%u", parent, uid);
}

void aggregate_prepare(const struct engine_info *engine, const char *parent,
                       const struct limits *limits) {
        struct err err = { 0 };
        int r;

        if (*parent == '\0')
                return;
        if (strcmp(engine->cgroup_driver, "systemd") == 0) {
                r = slice_prepare(parent, limits, &err);
        } else {
                r = aggregate_write(mount_point, engine->cgroup_version, parent, limits);
                if (r < 0)
                        err_set(&err, -r, "%s", strerror(-r));
        }
        if (r < 0)
                log_line(LOG_WARN, "aggregate-limits", "cgroup", parent, "error", err.msg, NULL);
}

void aggregate_prepare_person(const struct daemon *d, const struct engine_info *engine, uid_t uid,
                              const struct limits *limits, char *parent, size_t size) {
        aggregate_parent(engine->cgroup_driver, d->private_mode ? "" : d->config.cgroup_parent, uid,
                         parent, size);
        aggregate_prepare(engine, parent, limits);
}
