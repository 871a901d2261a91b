/* The helper's process and its socket; see the header. */
#include "gpu/child.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "gpu/helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define SIMULATOR_VARIABLE "DS01_NVML_SIM="
#define KILL_WAIT_US (500 * 1000) /* what a killed process in a good state needs at most */

extern char **environ;

/* The environment with the simulator's file in it. The array is to be freed, and its first string,
 * which is *@ret_own. */
static char **make_environment(const char *simulator_file, char **ret_own) {
        size_t n = 0, kept = 1;
        char **env;

        while (environ && environ[n])
                n++;
        env = calloc(n + 2, sizeof(*env));
        if (!env || asprintf(ret_own, SIMULATOR_VARIABLE "%s", simulator_file) < 0) {
                free(env);
                *ret_own = NULL;
                return NULL;
        }
        env[0] = *ret_own;
        for (size_t i = 0; i < n; i++)
                if (!str_starts(environ[i], SIMULATOR_VARIABLE))
                        env[kept++] = environ[i];
        return env;
}

/* posix_spawn(): a fork() of a daemon with threads may only exec, and this is what does that. */
static int start_process(const struct child *s, int fd, pid_t *ret) {
        char *argv[] = { s->executable, (char *)GPU_HELPER_ARGUMENT, s->library, NULL };
        _cleanup_free_ char *own = NULL;
        _cleanup_free_ char **env = NULL;
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        if (s->simulator_file) {
                env = make_environment(s->simulator_file, &own);
                if (!env)
                        return -ENOMEM;
        }
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        /* A group of its own: Ctrl-C at the daemon's terminal is for the daemon. */
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETPGROUP);
        r = posix_spawn_file_actions_adddup2(&actions, fd, GPU_HELPER_FD);
        if (r == 0)
                r = posix_spawn(ret, s->executable, &actions, &attributes, argv,
                                env ? env : environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int child_start(struct child *s, struct err *e) {
        int pair[2], r;

        if (s->pid)
                return 0;
        child_reap(s);
        if (s->nstuck == CHILD_STUCK_MAX)
                return err_set(e, EBUSY, "%d GPU helpers are stuck in the driver", CHILD_STUCK_MAX);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return err_set(e, errno, "no socket for the GPU helper: %s", strerror(errno));
        r = start_process(s, pair[1], &s->pid);
        close(pair[1]);
        if (r < 0) {
                close(pair[0]);
                s->pid = 0;
                return err_set(e, -r, "'%s' cannot be started: %s", s->executable, strerror(-r));
        }
        s->fd = pair[0];
        return 0;
}

/* Waits for bytes; 0 when there are some or the end. */
static int wait_readable(int fd, int stop_fd, int64_t deadline_us) {
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
                                { .fd = stop_fd, .events = POLLIN } };

        for (;;) {
                int64_t left = deadline_us - clock_mono_us();
                int r;

                if (left <= 0)
                        return -ETIMEDOUT;
                r = poll(fds, ARRAY_SIZE(fds), (int)(left / 1000) + 1);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r > 0 && fds[1].revents)
                        return -ECANCELED;
                if (r > 0 && fds[0].revents)
                        return 0;
        }
}

static int read_exactly(struct child *s, struct buf *b, size_t n, int stop_fd,
                        int64_t deadline_us) {
        while (b->len < n) {
                ssize_t got;
                int r = wait_readable(s->fd, stop_fd, deadline_us);

                if (r < 0)
                        return r;
                got = fd_read_some(s->fd, b, n - b->len, deadline_us);
                if (got == 0 || got == -ECONNRESET)
                        return -EPIPE;
                if (got < 0)
                        return (int)got;
        }
        return 0;
}

int child_ask(struct child *s, enum protocol_request request, int stop_fd, int64_t deadline_us,
              struct protocol_answer *ret) {
        _cleanup_buf_ struct buf head = BUF_INIT(sizeof(struct protocol_head));
        _cleanup_buf_ struct buf body = BUF_INIT(PROTOCOL_BYTES_MAX);
        struct protocol_head h = protocol_request_head(request);
        int r = fd_write_all(s->fd, &h, sizeof(h), deadline_us);

        if (r == 0)
                r = read_exactly(s, &head, sizeof(h), stop_fd, deadline_us);
        if (r < 0)
                return r == -ECONNRESET ? -EPIPE : r;
        memcpy(&h, head.data, sizeof(h));
        if (!protocol_head_valid(&h, request))
                return -EBADMSG;
        r = read_exactly(s, &body, h.length, stop_fd, deadline_us);
        return r < 0 ? r : protocol_read_answer(request, body.data, body.len, ret);
}

/* True when @pid is no longer a child of ours. */
static bool reaped(pid_t pid) {
        pid_t r;

        do
                r = waitpid(pid, NULL, WNOHANG);
        while (r < 0 && errno == EINTR);
        return r != 0; /* the child, or ECHILD: someone else has reaped it */
}

void child_reap(struct child *s) {
        size_t kept = 0;

        for (size_t i = 0; i < s->nstuck; i++)
                if (!reaped(s->stuck[i]))
                        s->stuck[kept++] = s->stuck[i];
        s->nstuck = kept;
}

void child_end(struct child *s) {
        int64_t until = clock_mono_us() + KILL_WAIT_US;
        bool gone;

        if (s->fd >= 0)
                close(s->fd);
        s->fd = -1;
        if (!s->pid)
                return;
        kill(s->pid, SIGKILL);
        while (!(gone = reaped(s->pid)) && clock_mono_us() < until)
                nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
        if (!gone && s->nstuck < CHILD_STUCK_MAX)
                s->stuck[s->nstuck++] = s->pid;
        s->pid = 0;
}

void child_release(struct child *s) {
        child_end(s);
        free(s->executable);
        free(s->library);
        free(s->simulator_file);
}
