/* SO_PEERCRED, and what /proc says about the process. */
#include "daemon/peer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/cgroup.h"
#include "daemon/proc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* A descriptor of the process: of the one that connected, or on an older kernel of one with its
 * number that began before now, when the connection was there already. */
static int open_process(int socket, pid_t pid) {
        int64_t now = clock_boot_us(), began;
        socklen_t size = sizeof(int);
        int fd = -1;

        if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
                return fd;
        if (errno != ENOPROTOOPT)
                return -errno;
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return -errno;
        if (proc_started_us(pid, &began) < 0 || began > now) {
                close(fd);
                return -ESRCH;
        }
        return fd;
}

static bool has_ended(int pidfd) {
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) != 0;
}

static bool same_namespace(pid_t pid, const char *kind) {
        char theirs[64], ours[64];
        struct stat a, b;

        snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", pid, kind);
        snprintf(ours, sizeof(ours), "/proc/self/ns/%s", kind);
        return stat(theirs, &a) == 0 && stat(ours, &b) == 0 && a.st_dev == b.st_dev &&
               a.st_ino == b.st_ino;
}

int peer_read(int socket, struct peer *ret) {
        _cleanup_close_ int pidfd = -1;
        struct peer peer = { .apart = true };
        socklen_t size = sizeof(struct ucred);
        struct ucred credentials;
        int r;

        if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return -errno;
        peer.uid = credentials.uid;
        peer.pid = credentials.pid; /* 0: in a pid namespace that is not below ours */
        pidfd = peer.pid > 0 ? open_process(socket, peer.pid) : -ESRCH;
        if (pidfd >= 0) {
                r = cgroup_container_of(peer.pid, peer.container);
                peer.inside = r == 0;
                if (r < 0 && r != -EPERM)
                        peer.container[0] = '\0';
                /* Asked of root only, since it matters for nobody else. */
                peer.apart = peer.uid != 0 || !same_namespace(peer.pid, "user") ||
                             !same_namespace(peer.pid, "pid");
                /* The number was this process's all the while, or nothing is known. */
                peer.known = !has_ended(pidfd);
                if (!peer.known)
                        peer.container[0] = '\0';
                peer.inside &= peer.known;
        }
        *ret = peer;
        return 0;
}

bool peer_is_administrator(const struct peer *p) {
        return p->uid == 0 && p->known && !p->apart && p->container[0] == '\0';
}
