/* See gpu_access.h. */
#include "daemon/gpu_access.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/cgroup.h"
#include "daemon/operation.h"
#include "daemon/slice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum {
        NVIDIA_MAJOR = 195,   /* of GPUs, nvidiactl and nvidia-modeset (devices.txt of Linux) */
        FIRST_COMMON = 254,   /* its minors from here on are no GPUs */
        ASK_TIMEOUT_S = 2,
        LOOK_EVERY_S = 10,
        SLEEP_MS = 100,
        LOST_SIZE = 160,
};

/* --- the devices in a container's /dev ------------------------------------------------------ */

/* The image may have made a link of it: nothing is followed out of the container's root. */
static int open_dev(pid_t pid) {
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        _cleanup_close_ int root = -1;
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/root", pid);
        root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        fd = (int)syscall(SYS_openat2, root, "dev", &how, sizeof(how));
        return fd < 0 ? -errno : fd;
}

/* Major numbers of drivers of that name, which differ from boot to boot, are in /proc/devices:
 * "Character devices:\n  1 mem\n511 nvidia-uvm\n". */
static bool is_drivers(unsigned major, const char *devices) {
        if (major == NVIDIA_MAJOR)
                return true;
        for (const char *at = devices; at && *at; at = strchr(at, '\n'), at += at != NULL) {
                char *end;
                unsigned long number = strtoul(at, &end, 10);

                if (str_starts(at, "Block"))
                        break;
                if (end != at && number == major)
                        return str_starts(end, " nvidia");
        }
        return false;
}

static void list_nodes(int dev, const char *below, const char *devices, struct gpu_nodes *ret) {
        int fd = openat(dev, *below ? below : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!dir && fd >= 0)
                close(fd);
        while (dir && (entry = readdir(dir)) && ret->n < GPU_NODES_MAX) {
                struct gpu_node *node = &ret->items[ret->n];
                struct stat st;

                if (!str_starts(entry->d_name, "nvidia") ||
                    snprintf(node->name, sizeof(node->name), "%s%s%s", below, *below ? "/" : "",
                             entry->d_name) >= (int)sizeof(node->name) ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                    !S_ISCHR(st.st_mode) || !is_drivers(major(st.st_rdev), devices))
                        continue;
                node->major = major(st.st_rdev);
                node->minor = minor(st.st_rdev);
                node->denied = false;
                ret->n++;
        }
        if (dir)
                closedir(dir);
}

/* --- asking the kernel ---------------------------------------------------------------------- */

/* Between fork() and _exit() of a threaded program: only async-signal-safe calls. The first of the
 * kernel's checks that says EPERM is the control group's; access opens nothing. */
static void helper(int procs, int dev, int report, const struct gpu_nodes *nodes) {
        char answers[GPU_NODES_MAX];

        if (write(procs, "0", 1) != 1)
                _exit(1);
        for (size_t i = 0; i < nodes->n; i++) {
                long r = syscall(SYS_faccessat, dev, nodes->items[i].name, R_OK | W_OK);

                answers[i] = r < 0 && errno == EPERM ? '-' : '+';
        }
        _exit(write(report, answers, nodes->n) == (ssize_t)nodes->n ? 0 : 1);
}

static int ask(int procs, int dev, struct gpu_nodes *nodes) {
        _cleanup_buf_ struct buf answers = BUF_INIT(GPU_NODES_MAX);
        int64_t deadline = clock_mono_us() + ASK_TIMEOUT_S * US_PER_S;
        int ends[2], r = -EIO;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                helper(procs, dev, ends[1], nodes);
        close(ends[1]);
        while (pid > 0 && answers.len < nodes->n &&
               fd_read_some(ends[0], &answers, nodes->n - answers.len, deadline) > 0)
                ;
        close(ends[0]);
        if (pid < 0)
                return -EAGAIN;
        /* Nothing that it calls waits for a device or another machine, so it can be waited for. */
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        if (answers.len == nodes->n)
                r = 0;
        for (size_t i = 0; r == 0 && i < nodes->n; i++)
                nodes->items[i].denied = answers.data[i] == '-';
        return r;
}

static bool has_ended(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) != 0;
}

int gpu_access_look(pid_t pid, const char *id, struct gpu_nodes *ret) {
        _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0), dev = -1, procs = -1;
        _cleanup_buf_ struct buf devices = BUF_INIT(1 << 16);

        ret->n = 0;
        if (fd < 0)
                return -errno;
        dev = open_dev(pid);
        procs = cgroup_open(pid, id, "devices", "cgroup.procs");
        if (has_ended(fd))
                return -ESRCH;
        if (dev < 0 || procs < 0)
                return dev < 0 ? dev : procs;
        file_read("/proc/devices", &devices);
        list_nodes(dev, "", buf_str(&devices), ret);
        list_nodes(dev, "nvidia-caps", buf_str(&devices), ret);
        return ret->n ? ask(procs, dev, ret) : 0;
}

void gpu_access_keep(struct gpu_nodes *nodes, const int *minors, size_t n) {
        size_t kept = 0;

        for (size_t i = 0; i < nodes->n; i++) {
                const struct gpu_node *node = &nodes->items[i];
                bool keep = node->major != NVIDIA_MAJOR || node->minor >= FIRST_COMMON;

                for (size_t m = 0; m < n && !keep; m++)
                        keep = minors[m] >= 0 && node->minor == (unsigned)minors[m];
                if (keep)
                        nodes->items[kept++] = *node;
        }
        nodes->n = kept;
}

size_t gpu_access_denied(const struct gpu_nodes *nodes, char *dst, size_t size) {
        size_t n = 0, used = 0;

        dst[0] = '\0';
        for (size_t i = 0; i < nodes->n; i++) {
                if (!nodes->items[i].denied)
                        continue;
                if (used < size)
                        used += (size_t)snprintf(dst + used, size - used, "%s%s", n ? ", " : "",
                                                 nodes->items[i].name);
                n++;
        }
        return n;
}

struct run { /* of a container */
        char id[ENGINE_ID_SIZE], name[NAME_MAX_LEN + 1], user[64];
        uid_t uid;
        pid_t pid;
        int minors[GPU_PER_CONTAINER_MAX];
        size_t n_minors;
        bool lost; /* as it was found last */
};

/* --- mending -------------------------------------------------------------------------------- */

/* The unit in which systemd keeps the container: "docker-ID.scope". */
static int scope_of(pid_t pid, char *dst, size_t size) {
        char path[PATH_MAX];
        int r = cgroup_group(pid, "devices", path, sizeof(path));

        if (r == 0 && !str_ends(path, ".scope"))
                r = -ENOENT;
        if (r == 0)
                str_copy(dst, size, strrchr(path, '/') + 1);
        return r;
}

static void allow_by_systemd(const struct run *run, const char *unit,
                             const struct gpu_node *node) {
        struct err err = { 0 };
        char path[64];

        snprintf(path, sizeof(path), "/dev/%s", node->name);
        if (slice_allow_device(unit, path, &err) < 0 && !run->lost)
                log_line(LOG_WARN, "gpu-loss", "unit", unit, "error", err.msg, NULL);
}

/* Each rule is a write of its own. */
static void allow(const struct run *run, const struct gpu_nodes *nodes) {
        /* v1 has it */
        _cleanup_close_ int fd = cgroup_open(run->pid, run->id, "devices", "devices.allow");
        char unit[256], rule[48];
        bool has_unit = scope_of(run->pid, unit, sizeof(unit)) == 0;

        for (size_t i = 0; i < nodes->n; i++) {
                const struct gpu_node *node = &nodes->items[i];

                if (!node->denied)
                        continue;
                if (has_unit)
                        allow_by_systemd(run, unit, node);
                snprintf(rule, sizeof(rule), "c %u:%u rw", node->major, node->minor);
                if (fd >= 0 && write(fd, rule, strlen(rule)) < 0 && !run->lost)
                        log_line(LOG_WARN, "gpu-loss", "container", run->name, "rule", rule,
                                 "error", strerror(errno), NULL);
        }
}

/* --- all containers ------------------------------------------------------------------------- */

static void describe(const struct ledger *l, const struct record *r, struct run *ret) {
        *ret = (struct run){ .uid = r->uid, .pid = r->pid, .lost = r->gpus_lost };
        str_copy(ret->id, sizeof(ret->id), r->id);
        str_copy(ret->name, sizeof(ret->name), r->name);
        str_copy(ret->user, sizeof(ret->user), r->user);
        for (size_t i = 0; r->uuids[i] && ret->n_minors < GPU_PER_CONTAINER_MAX; i++) {
                int at = gpu_inventory_find(&l->inventory, r->uuids[i]);

                if (at >= 0)
                        ret->minors[ret->n_minors++] = l->inventory.devices[at].minor;
        }
}

/* How many of its devices the container may not use; none as well when that can't be seen. */
static size_t look(const struct run *run, struct gpu_nodes *nodes, char lost[LOST_SIZE]) {
        if (gpu_access_look(run->pid, run->id, nodes) < 0)
                nodes->n = 0;
        gpu_access_keep(nodes, run->minors, run->n_minors);
        return gpu_access_denied(nodes, lost, LOST_SIZE);
}

static void tell(struct daemon *d, const struct run *run, const char *lost, bool mended) {
        char text[NOTICE_SIZE];

        snprintf(text, sizeof(text),
                 mended ? "'%s' had lost its GPU (%s) and has it back; programs in it that failed "
                          "with 'Unknown Error' are to be started again"
                        : "'%s' has lost its GPU (%s), which can't be mended while it runs: "
                          "container-stop %s, then container-start %s",
                 run->name, lost, run->name, run->name);
        terminals_say(&d->terminals, run->id, text);
        notices_add(&d->notices, run->uid, text);
        journal_warning(d, run->id, text);
        log_line(LOG_WARN, "gpu-loss", "user", run->user, "container", run->name, "devices", lost,
                 "action", mended ? "mended" : "told", NULL);
}

static void remember(struct daemon *d, const struct run *run, bool lost) {
        int i;

        ledger_lock(&d->ledger);
        i = ledger_find_id(&d->ledger, run->id);
        if (i >= 0 && d->ledger.records.items[i]->pid == run->pid)
                d->ledger.records.items[i]->gpus_lost = lost;
        ledger_unlock(&d->ledger);
}

/* While the record is ours nobody gives the container other devices. */
static void mend(struct daemon *d, const struct run *run, struct gpu_nodes *nodes) {
        struct record *r = operation_seize(d, run->id, run->pid);
        char lost[LOST_SIZE], still[LOST_SIZE];
        bool mended;

        if (!r)
                return; /* somebody is at work on it: the next round looks again */
        if (look(run, nodes, lost) > 0) {
                allow(run, nodes);
                mended = look(run, nodes, still) == 0;
                if (mended || !run->lost)
                        tell(d, run, mended ? lost : still, mended);
                remember(d, run, !mended);
        }
        operation_end(d, r, false);
}

static void look_at_all(struct daemon *d) {
        VEC(struct run) runs = { 0 };
        struct gpu_nodes nodes;
        char lost[LOST_SIZE];

        ledger_lock(&d->ledger);
        for (size_t i = 0; i < d->ledger.records.len; i++) {
                const struct record *r = d->ledger.records.items[i];
                struct run run;

                /* In one that is paused a helper would stand still, too. */
                if (r->state != CONTAINER_RUNNING || r->pid <= 0 || !r->uuids)
                        continue;
                describe(&d->ledger, r, &run);
                if (VEC_PUSH(&runs, run) < 0)
                        break;
        }
        ledger_unlock(&d->ledger);
        for (size_t i = 0; i < runs.len && !d->stopping; i++)
                if (look(&runs.items[i], &nodes, lost) > 0)
                        mend(d, &runs.items[i], &nodes);
                else if (runs.items[i].lost)
                        remember(d, &runs.items[i], false);
        VEC_RELEASE(&runs);
}

void gpu_access_run(struct daemon *d) {
        int64_t due = 0;

        while (!d->stopping && !d->private_mode) {
                if (d->ready && clock_boot_us() >= due) {
                        look_at_all(d);
                        due = clock_boot_us() + LOOK_EVERY_S * US_PER_S;
                }
                poll(NULL, 0, SLEEP_MS);
        }
}
