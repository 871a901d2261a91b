/* The child that opens directories as the caller, and its parent. */
#include "daemon/caller_dir.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct outcome { /* one message of the child for each path; a descriptor comes along when error is 0
                  */
        int error;
        uid_t owner;
        gid_t group;
        int64_t changed_us;
};

/* Everything from here to child_main() runs between fork() and _exit() of a threaded program: only
 * async-signal-safe calls. Raw set*id system calls, because glibc's would signal other threads. */
static int become_caller(const struct person_entry *who) {
        if (syscall(SYS_setgroups, (size_t)who->ngroups, who->groups) < 0 ||
            syscall(SYS_setresgid, who->gid, who->gid, who->gid) < 0 ||
            syscall(SYS_setresuid, who->uid, who->uid, who->uid) < 0)
                return -errno;
        return 0;
}

static int open_dir(const char *path, bool make) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_DIRECTORY,
                                .resolve = RESOLVE_NO_MAGICLINKS };
        int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

        if (fd < 0 && errno == ENOENT && make && mkdir(path, 0755) == 0)
                fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
        if (fd < 0)
                return -errno;
        /* O_PATH needs search permission on the parents only: whether the directory itself may be
         * read and entered is asked explicitly. */
        if (syscall(SYS_faccessat2, fd, "", R_OK | X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0) {
                int error = errno;

                close(fd);
                return -error;
        }
        return fd;
}

static int open_file(const char *path) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
                                .resolve = RESOLVE_NO_MAGICLINKS };
        int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

/* Looked at here, because a dead file system may not answer that either. */
static int look(int fd, struct outcome *o) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        o->owner = st.st_uid;
        o->group = st.st_gid;
        o->changed_us = st.st_ctim.tv_sec * US_PER_S + st.st_ctim.tv_nsec / 1000;
        return 0;
}

static void send_outcome(int socket, int fd_or_error) {
        struct outcome o = { 0 };
        struct iovec iov = { .iov_base = &o, .iov_len = sizeof(o) };
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = { 0 };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        int r = fd_or_error < 0 ? fd_or_error : look(fd_or_error, &o);

        o.error = -r;
        if (r == 0) {
                struct cmsghdr *c = &control.align;

                message.msg_control = control.bytes;
                message.msg_controllen = sizeof(control.bytes);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &fd_or_error, sizeof(int));
        }
        sendmsg(socket, &message, MSG_NOSIGNAL);
}

static void child_main(int socket, const struct person_entry *who, bool become,
                       const struct caller_dir *dirs, size_t n) {
        struct rlimit cpu = { 2, 2 };
        int r = 0;

        /* Nothing of the daemon's may be kept open by a child that may hang for long. */
        if (socket != 3) {
                dup2(socket, 3);
                socket = 3;
        }
        syscall(SYS_close_range, 4U, ~0U, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setrlimit(RLIMIT_CPU, &cpu);
        umask(022);
        if (become)
                r = become_caller(who);
        /* The person may signal it, but must not read what it has of the daemon's memory. */
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        for (size_t i = 0; i < n; i++) {
                int fd = r < 0          ? r
                         : dirs[i].file ? open_file(dirs[i].path)
                                        : open_dir(dirs[i].path, dirs[i].make);

                send_outcome(socket, fd);
                if (fd >= 0)
                        close(fd);
        }
        _exit(0);
}

/* Receives one outcome: the descriptor, or -errno. */
static int receive_outcome(int socket, int64_t deadline_us, struct caller_dir *ret) {
        struct outcome o;
        struct iovec iov = { .iov_base = &o, .iov_len = sizeof(o) };
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control;
        struct msghdr message = { .msg_iov = &iov,
                                  .msg_iovlen = 1,
                                  .msg_control = control.bytes,
                                  .msg_controllen = sizeof(control.bytes) };
        struct cmsghdr *c;
        int fd = -1, r = fd_wait(socket, POLLIN, deadline_us);
        ssize_t got;

        if (r < 0)
                return r;
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (got != sizeof(o))
                return -EIO;
        c = CMSG_FIRSTHDR(&message);
        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
                memcpy(&fd, CMSG_DATA(c), sizeof(int));
        if (o.error) {
                if (fd >= 0)
                        close(fd);
                return -o.error;
        }
        ret->owner = o.owner;
        ret->group = o.group;
        ret->changed_us = o.changed_us;
        return fd >= 0 ? fd : -EIO;
}

static void finish(struct caller_dir *d, int fd_or_error) {
        char link[64];
        ssize_t n;

        d->fd = -1;
        if (fd_or_error < 0) {
                d->error = -fd_or_error;
                return;
        }
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd_or_error);
        n = readlink(link, d->resolved, sizeof(d->resolved) - 1);
        if (n < 0 || (size_t)n >= sizeof(d->resolved) - 1) {
                d->error = n < 0 ? errno : ENAMETOOLONG;
                close(fd_or_error);
                return;
        }
        d->resolved[n] = '\0';
        d->fd = fd_or_error;
        d->error = 0;
}

/* Children that hang in the kernel on a dead file system can be neither killed nor waited for now.
 * Each stays charged to its person until it is gone; all are looked at again at each call. */
static struct {
        pthread_mutex_t lock;
        VEC(struct { pid_t pid; uid_t uid; }) hanging;
} parked = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void look_at_parked(struct daemon *d) {
        pthread_mutex_lock(&parked.lock);
        for (size_t i = parked.hanging.len; i-- > 0;)
                if (waitpid(parked.hanging.items[i].pid, NULL, WNOHANG) != 0) {
                        budget_give(&d->budgets, BUDGET_HELPERS, parked.hanging.items[i].uid);
                        VEC_REMOVE(&parked.hanging, i);
                }
        pthread_mutex_unlock(&parked.lock);
}

static size_t parked_of(uid_t uid) {
        size_t n = 0;

        pthread_mutex_lock(&parked.lock);
        for (size_t i = 0; i < parked.hanging.len; i++)
                n += parked.hanging.items[i].uid == uid;
        pthread_mutex_unlock(&parked.lock);
        return n;
}

static void end_child(struct daemon *d, pid_t pid, uid_t uid, bool hangs) {
        int r;

        kill(pid, SIGKILL);
        if (hangs) {
                pthread_mutex_lock(&parked.lock);
                vec_grow((void **)&parked.hanging.items, &parked.hanging.cap,
                         parked.hanging.len + 1, sizeof(*parked.hanging.items));
                if (parked.hanging.len < parked.hanging.cap) {
                        parked.hanging.items[parked.hanging.len].pid = pid;
                        parked.hanging.items[parked.hanging.len++].uid = uid;
                }
                pthread_mutex_unlock(&parked.lock);
                return;
        }
        do
                r = waitpid(pid, NULL, 0);
        while (r < 0 && errno == EINTR);
        budget_give(&d->budgets, BUDGET_HELPERS, uid);
}

int caller_dirs_open(struct daemon *d, const struct person_entry *who, struct caller_dir *dirs,
                     size_t n) {
        int64_t deadline = clock_mono_us() + CALLER_DIR_TIMEOUT_S * US_PER_S;
        _cleanup_close_ int ours = -1;
        struct refusal ignored;
        int pair[2];
        pid_t pid;

        look_at_parked(d);
        /* Where something hangs already, another one would only hang beside it. */
        if (budget_take(&d->budgets, BUDGET_HELPERS, who->uid, parked_of(who->uid) ? 0 : deadline,
                        &ignored))
                return -EBUSY;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
                budget_give(&d->budgets, BUDGET_HELPERS, who->uid);
                return -errno;
        }
        ours = pair[0];
        pid = fork();
        if (pid == 0)
                child_main(pair[1], who, !d->private_mode, dirs, n);
        close(pair[1]);
        if (pid < 0) {
                budget_give(&d->budgets, BUDGET_HELPERS, who->uid);
                return -EAGAIN;
        }
        for (size_t i = 0; i < n; i++)
                finish(&dirs[i], receive_outcome(ours, deadline, &dirs[i]));
        end_child(d, pid, who->uid, n > 0 && dirs[n - 1].error == ETIMEDOUT);
        return 0;
}

void caller_dirs_close(struct caller_dir *dirs, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (dirs[i].fd >= 0) {
                        close(dirs[i].fd);
                        dirs[i].fd = -1;
                }
}
