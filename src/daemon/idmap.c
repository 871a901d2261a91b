/* Maps of ids, and the user namespaces that carry them. */
#include "daemon/idmap.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
        NAMESPACE_TIMEOUT_S = 5,
        NOBODY = 65534, /* the kernel's overflowuid; never a person (session.c) */
};

/* Root's directory is shown as nobody's, whose own number is left out for it: to map onto root the
 * kernel asks for CAP_SETFCAP (user_namespaces(7), since Linux 5.12), and this way root, which is
 * the engine, can write nothing. */
static void add_shared_uids(const struct idmap *m, struct buf *out) {
        uid_t first = m->min_uid;

        if (m->owner == 0 && first > 0 && first <= NOBODY) {
                buf_addf(out, "0 %u 1\n", NOBODY);
                if (first < NOBODY)
                        buf_addf(out, "%u %u %u\n", first, first, NOBODY - first);
                first = NOBODY + 1;
        } else if (m->owner < first) {
                buf_addf(out, "%u %u 1\n", m->owner, m->owner);
        }
        buf_addf(out, "%u %u %u\n", first, first, UINT32_MAX - first);
}

int idmap_uids(const struct idmap *m, struct buf *out) {
        if (m->shared)
                add_shared_uids(m, out);
        if (!m->shared || (m->uid < m->min_uid && m->uid != m->owner))
                buf_addf(out, "%u %u 1\n", m->uid, m->uid);
        return out->failed ? -ENOBUFS : 0;
}

static int compare_ids(const void *a, const void *b) {
        gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

        return (x > y) - (x < y);
}

int idmap_gids(const struct idmap *m, struct buf *out) {
        _cleanup_free_ gid_t *rest = calloc(m->ngroups + 1, sizeof(*rest));
        bool member = false;
        size_t n = 0, lines;

        if (!rest)
                return -ENOMEM;
        for (size_t i = 0; i < m->ngroups; i++) {
                member |= m->groups[i] == m->group;
                if (m->groups[i] != m->gid && m->groups[i] != m->group)
                        rest[n++] = m->groups[i];
        }
        if (member && m->group != m->gid) {
                buf_addf(out, "%u %u 1\n%u %u 1\n", m->group, m->gid, m->gid, m->group);
                lines = 2;
        } else {
                buf_addf(out, "%u %u 1\n", m->gid, m->gid);
                lines = 1;
        }
        qsort(rest, n, sizeof(*rest), compare_ids);
        for (size_t i = 0, count; i < n; i += count) {
                gid_t next = rest[i];
                char line[48];
                size_t length;

                /* Neighbours, and the same one again, go into one line. */
                for (count = 1; i + count < n && rest[i + count] <= next + 1; count++)
                        next = rest[i + count];
                length = (size_t)snprintf(line, sizeof(line), "%u %u %u\n", rest[i], rest[i],
                                          next - rest[i] + 1);
                if (++lines > IDMAP_LINES_MAX || out->len + length >= IDMAP_MAX)
                        break;
                buf_add(out, line, length);
        }
        return out->failed ? -ENOBUFS : 0;
}

/* Between fork() and the end only async-signal-safe calls: says that it is in its namespace, and
 * waits to be killed. */
static _Noreturn void hold_namespace(int socket) {
        char byte = 0;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWUSER) == 0 && write(socket, &byte, 1) == 1)
                while (read(socket, &byte, 1) < 0 && errno == EINTR)
                        ;
        _exit(0);
}

static int write_map(pid_t pid, const char *name, const struct buf *map) {
        char path[64];
        _cleanup_close_ int fd = -1;

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* In one write: the kernel takes no second one. */
        return write(fd, map->data, map->len) == (ssize_t)map->len ? 0 : -errno;
}

static int fill_namespace(pid_t pid, int socket, const struct buf *uids, const struct buf *gids) {
        char path[64], byte;
        int r = fd_wait(socket, POLLIN, clock_mono_us() + NAMESPACE_TIMEOUT_S * US_PER_S);

        if (r < 0)
                return r;
        if (read(socket, &byte, 1) != 1)
                return -ENOSPC; /* user.max_user_namespaces, mostly */
        r = write_map(pid, "uid_map", uids);
        if (r == 0)
                r = write_map(pid, "gid_map", gids);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
        r = open(path, O_RDONLY | O_CLOEXEC);
        return r < 0 ? -errno : r;
}

int idmap_open(const struct idmap *m, struct err *err) {
        _cleanup_buf_ struct buf uids = BUF_INIT(IDMAP_MAX), gids = BUF_INIT(IDMAP_MAX);
        _cleanup_close_ int ours = -1;
        int pair[2], r;
        pid_t pid;

        if (idmap_uids(m, &uids) < 0 || idmap_gids(m, &gids) < 0)
                return err_set(err, ENOMEM, "no memory");
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return err_set(err, errno, "no socket for a user namespace: %s", strerror(errno));
        ours = pair[0];
        pid = fork();
        if (pid == 0)
                hold_namespace(pair[1]);
        r = pid < 0 ? -errno : 0;
        close(pair[1]);
        if (r == 0) {
                r = fill_namespace(pid, ours, &uids, &gids);
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
        }
        return r < 0 ? err_set(err, -r, "no user namespace: %s", strerror(-r)) : r;
}
