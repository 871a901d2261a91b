/* Control group files; the file names of v1 and v2 stand in the tables below. */
#include "daemon/cgroup.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char mount_point[] = "/sys/fs/cgroup";
enum { CGROUP2_MAGIC = 0x63677270, CGROUP_FILE_MAX = 65536 };
/* "no limit" in v1 is the largest page-aligned int64. */
static const int64_t v1_unlimited = INT64_MAX / 4096 * 4096;

static bool is_v2(void) {
        struct statfs fs;

        return statfs(mount_point, &fs) == 0 && (long)fs.f_type == (long)CGROUP2_MAGIC;
}

static int read_proc_cgroup(pid_t pid, struct buf *b) {
        char path[64];
        int r;

        snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
        r = file_read(path, b);
        return r == -ENOENT ? -ESRCH : r;
}

int cgroup_path(const char *text, const char *controller, char *dst, size_t size) {
        size_t wanted = strlen(controller);

        while (*text) {
                size_t line = strcspn(text, "\n");
                const char *list = strchr(text, ':');

                if (list && list < text + line) {
                        const char *path = strchr(++list, ':');

                        for (const char *p = list; path && p <= path;) {
                                size_t n = strcspn(p, ",:");

                                if (n == wanted && memcmp(p, controller, n) == 0) {
                                        snprintf(dst, size, "%.*s", (int)(text + line - (path + 1)),
                                                 path + 1);
                                        return 0;
                                }
                                p += n + 1;
                        }
                }
                text += line + (text[line] == '\n');
        }
        return -ENOENT;
}

static void file_path(const char *controller, const char *group, const char *file, char *dst,
                      size_t size) {
        snprintf(dst, size, "%s%s%s%s/%s", mount_point, *controller ? "/" : "", controller, group,
                 file);
}

static int read_file(const char *controller, const char *group, const char *file, struct buf *b) {
        char path[PATH_MAX];

        buf_reset(b);
        file_path(controller, group, file, path, sizeof(path));
        return file_read(path, b);
}

static int read_number(const char *controller, const char *group, const char *file, int64_t *ret) {
        _cleanup_buf_ struct buf b = BUF_INIT(64);
        int r = read_file(controller, group, file, &b);

        if (r < 0)
                return r;
        if (b.len > 0 && b.data[b.len - 1] == '\n')
                b.data[--b.len] = '\0';
        if (strcmp(buf_str(&b), "max") == 0) {
                *ret = INT64_MAX;
                return 0;
        }
        return str_to_i64(buf_str(&b), 0, INT64_MAX, ret);
}

/* The number after "@key " at the start of a line. */
static int64_t keyed_number(const char *text, const char *key) {
        size_t n = strlen(key);

        for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
                if (strncmp(text, key, n) == 0 && text[n] == ' ')
                        return strtoll(text + n + 1, NULL, 10);
        return 0;
}

static int read_v2(const char *group, struct cgroup_usage *u) {
        _cleanup_buf_ struct buf b = BUF_INIT(CGROUP_FILE_MAX);
        int64_t inactive;
        int r = read_file("", group, "cpu.stat", &b);

        if (r < 0)
                return r;
        u->cpu_us = keyed_number(buf_str(&b), "usage_usec");
        r = read_number("", group, "memory.current", &u->memory_bytes);
        if (r < 0)
                return r;
        r = read_number("", group, "memory.max", &u->memory_limit_bytes);
        if (r < 0)
                return r;
        r = read_file("", group, "memory.stat", &b);
        inactive = r < 0 ? 0 : keyed_number(buf_str(&b), "inactive_file");
        u->memory_bytes -= inactive < u->memory_bytes ? inactive : 0;
        return 0;
}

static int read_v1(const char *proc, struct cgroup_usage *u) {
        _cleanup_buf_ struct buf b = BUF_INIT(CGROUP_FILE_MAX);
        char group[PATH_MAX];
        int64_t inactive;
        int r = cgroup_path(proc, "cpuacct", group, sizeof(group));

        if (r == 0)
                r = read_number("cpuacct", group, "cpuacct.usage", &u->cpu_us);
        if (r < 0)
                return r;
        u->cpu_us /= 1000;
        r = cgroup_path(proc, "memory", group, sizeof(group));
        if (r == 0)
                r = read_number("memory", group, "memory.usage_in_bytes", &u->memory_bytes);
        if (r == 0)
                r = read_number("memory", group, "memory.limit_in_bytes", &u->memory_limit_bytes);
        if (r < 0)
                return r;
        if (u->memory_limit_bytes >= v1_unlimited)
                u->memory_limit_bytes = INT64_MAX;
        r = read_file("memory", group, "memory.stat", &b);
        inactive = r < 0 ? 0 : keyed_number(buf_str(&b), "total_inactive_file");
        u->memory_bytes -= inactive < u->memory_bytes ? inactive : 0;
        return 0;
}

int cgroup_read(pid_t pid, const char *container_id, struct cgroup_usage *ret) {
        _cleanup_buf_ struct buf proc = BUF_INIT(CGROUP_FILE_MAX);
        char group[PATH_MAX];
        int r = read_proc_cgroup(pid, &proc);

        if (r < 0)
                return r;
        if (!strstr(buf_str(&proc), container_id))
                return -ESRCH;
        if (!is_v2())
                return read_v1(buf_str(&proc), ret);
        r = cgroup_path(buf_str(&proc), "", group, sizeof(group));
        return r < 0 ? r : read_v2(group, ret);
}

int cgroup_group(pid_t pid, const char *controller, char *dst, size_t size) {
        _cleanup_buf_ struct buf proc = BUF_INIT(CGROUP_FILE_MAX);
        int r = read_proc_cgroup(pid, &proc);

        return r < 0 ? r : cgroup_path(buf_str(&proc), is_v2() ? "" : controller, dst, size);
}

int cgroup_open(pid_t pid, const char *container_id, const char *controller, const char *file) {
        char group[PATH_MAX], path[PATH_MAX];
        int fd, r = cgroup_group(pid, controller, group, sizeof(group));

        if (r < 0)
                return r;
        if (!strstr(group, container_id))
                return -ESRCH;
        if (is_v2())
                controller = "";
        file_path(controller, group, file, path, sizeof(path));
        fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The last run of exactly 64 hex digits within @n bytes: "docker-ID.scope", "/docker/ID",
 * "libpod-ID.scope". NULL without. */
static const char *find_id(const char *text, size_t n) {
        const char *found = NULL;
        size_t run = 0;

        for (size_t i = 0; i <= n; i++) {
                bool hex = i < n && ((text[i] >= '0' && text[i] <= '9') ||
                                     (text[i] >= 'a' && text[i] <= 'f'));

                if (!hex && run == 64)
                        found = text + i - 64;
                run = hex ? run + 1 : 0;
        }
        return found;
}

/* Is the group at the @n bytes of @path, in the tree of @controllers, root's? */
static bool is_roots(const char *controllers, size_t n_controllers, const char *path, size_t n) {
        static const char named[] = "name=";
        char full[PATH_MAX];
        struct stat st;

        if (str_starts(controllers, named)) {
                controllers += strlen(named);
                n_controllers -= strlen(named);
        }
        if (n_controllers == 0 && !is_v2()) {
                controllers = "unified"; /* beside trees of v1 */
                n_controllers = strlen(controllers);
        }
        return snprintf(full, sizeof(full), "%s/%.*s%.*s", mount_point, (int)n_controllers,
                        controllers, (int)n, path) < (int)sizeof(full) &&
               stat(full, &st) == 0 && st.st_uid == 0;
}

int cgroup_container_of(pid_t pid, char id[65]) {
        _cleanup_buf_ struct buf proc = BUF_INIT(CGROUP_FILE_MAX);
        int r = read_proc_cgroup(pid, &proc);
        const char *line = buf_str(&proc);

        if (r < 0)
                return r;
        r = -ESRCH;
        /* "5:devices:/docker/ID" */
        for (size_t n; *line; line += n + (line[n] == '\n')) {
                const char *end = line + (n = strcspn(line, "\n")), *controllers, *path, *found;
                bool proven;

                controllers = memchr(line, ':', n);
                path = controllers++ ? memchr(controllers, ':', (size_t)(end - controllers)) : NULL;
                found = path++ ? find_id(path, (size_t)(end - path)) : NULL;
                if (!found)
                        continue;
                proven = is_roots(controllers, (size_t)(path - 1 - controllers), path,
                                  (size_t)(found - path) + strcspn(found, "/\n"));
                if (!proven && r == 0)
                        continue;
                memcpy(id, found, 64);
                id[64] = '\0';
                r = proven ? 0 : -EPERM;
        }
        return r;
}

bool cgroup_holds(pid_t pid, const char *container_id) {
        char id[65];
        int r = cgroup_container_of(pid, id);

        return (r == 0 || r == -EPERM) && strcmp(id, container_id) == 0;
}

/* A number from a list may belong to another process by now; a descriptor may not. */
static void kill_member(pid_t pid, const char *path) {
        _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        char group[PATH_MAX];

        if (fd < 0 || cgroup_group(pid, "pids", group, sizeof(group)) < 0 ||
            strcmp(group, path) != 0)
                return;
        syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

void cgroup_kill(int version, const char *path) {
        _cleanup_buf_ struct buf members = BUF_INIT(CGROUP_FILE_MAX);
        char *save = NULL;

        if (read_file(version == 2 ? "" : "pids", path, "cgroup.procs", &members) < 0 ||
            members.len == 0)
                return;
        for (char *pid = strtok_r(members.data, "\n", &save); pid;
             pid = strtok_r(NULL, "\n", &save)) {
                int64_t number;

                if (str_to_i64(pid, 2, INT32_MAX, &number) == 0)
                        kill_member((pid_t)number, path);
        }
}

void cgroup_kill_matching(int version, const char *pattern) {
        char root[64], full[PATH_MAX];
        glob_t found;

        snprintf(root, sizeof(root), "%s%s", mount_point, version == 2 ? "" : "/pids");
        snprintf(full, sizeof(full), "%s%s", root, pattern);
        if (glob(full, GLOB_ONLYDIR, NULL, &found) != 0)
                return;
        for (size_t i = 0; i < found.gl_pathc; i++)
                cgroup_kill(version, found.gl_pathv[i] + strlen(root));
        globfree(&found);
}
