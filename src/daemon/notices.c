/* See notices.h. */
#include "daemon/notices.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LETTERS_MAX = 256, COMMAND_LIMIT_S = 10 };

void notices_init(struct notices *n) {
        pthread_mutex_init(&n->lock, NULL);
        pthread_cond_init(&n->added, NULL);
}

void notices_release(struct notices *n) {
        for (size_t i = 0; i < n->letters.len; i++)
                free(n->letters.items[i]);
        VEC_RELEASE(&n->letters);
        VEC_RELEASE(&n->waiting);
}

/* The lock is held. */
static void drop(struct notices *n, size_t i) {
        memmove(&n->waiting.items[i], &n->waiting.items[i + 1],
                (n->waiting.len - i - 1) * sizeof(n->waiting.items[0]));
        n->waiting.len--;
}

void notices_add(struct notices *n, uid_t uid, const char *text) {
        struct notice notice = { .uid = uid };
        size_t oldest = 0, have = 0;

        str_printable(notice.text, sizeof(notice.text), text);
        pthread_mutex_lock(&n->lock);
        for (size_t i = n->waiting.len; i-- > 0;)
                if (n->waiting.items[i].uid == uid) {
                        have++;
                        oldest = i;
                }
        if (have >= NOTICES_PER_PERSON)
                drop(n, oldest);
        else if (n->waiting.len >= NOTICES_MAX)
                drop(n, 0);
        (void)VEC_PUSH(&n->waiting, notice);
        pthread_mutex_unlock(&n->lock);
}

bool notices_take(struct notices *n, uid_t uid, char ret[NOTICE_SIZE]) {
        bool found = false;

        pthread_mutex_lock(&n->lock);
        for (size_t i = 0; i < n->waiting.len && !found; i++)
                if (n->waiting.items[i].uid == uid) {
                        str_copy(ret, NOTICE_SIZE, n->waiting.items[i].text);
                        drop(n, i);
                        found = true;
                }
        pthread_mutex_unlock(&n->lock);
        return found;
}

void notices_post(struct notices *n, char *json) {
        bool full;

        pthread_mutex_lock(&n->lock);
        full = n->letters.len >= LETTERS_MAX || VEC_PUSH(&n->letters, json) < 0;
        if (!full)
                pthread_cond_signal(&n->added);
        pthread_mutex_unlock(&n->lock);
        if (full) {
                log_line(LOG_ERROR, "notify", "error", "too many wait for notify.command", NULL);
                free(json);
        }
}

void notices_stop(struct notices *n) {
        pthread_mutex_lock(&n->lock);
        n->stopping = true;
        pthread_cond_signal(&n->added);
        pthread_mutex_unlock(&n->lock);
}

/* Waits for the child; what it has started goes with it when it takes too long. */
static void wait_for(pid_t pid, const char *command, int64_t deadline_us) {
        int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
        char text[64];

        if (fd < 0 || fd_wait(fd, POLLIN, deadline_us) < 0) {
                kill(-pid, SIGKILL);
                log_line(LOG_ERROR, "notify", "command", command, "error", "took too long: killed",
                         NULL);
        }
        if (fd >= 0)
                close(fd);
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
                snprintf(text, sizeof(text), "exit code %d", WEXITSTATUS(status));
                log_line(LOG_ERROR, "notify", "command", command, "error", text, NULL);
        }
}

static void deliver(const char *command, const char *json) {
        int64_t deadline = clock_mono_us() + COMMAND_LIMIT_S * US_PER_S;
        char *const argv[] = { (char *)command, NULL };
        static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    lang[] = "LANG=C.UTF-8";
        char *const env[] = { path, lang, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attr;
        sigset_t none;
        int pair[2], r;
        pid_t pid;

        /* A socket, so that a command which never reads can be waited for with a deadline. */
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return;
        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pair[1], 0);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addchdir_np(&actions, "/");
        posix_spawnattr_init(&attr);
        posix_spawnattr_setsigmask(&attr, &none);
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        r = posix_spawn(&pid, command, &actions, &attr, argv, env);
        posix_spawnattr_destroy(&attr);
        posix_spawn_file_actions_destroy(&actions);
        close(pair[1]);
        if (r == 0) {
                fd_write_all(pair[0], json, strlen(json), deadline);
                shutdown(pair[0], SHUT_WR);
                wait_for(pid, command, deadline);
        } else {
                log_line(LOG_ERROR, "notify", "command", command, "error", strerror(r), NULL);
        }
        close(pair[0]);
}

void notices_run(struct notices *n, const char *command) {
        pthread_mutex_lock(&n->lock);
        while (!n->stopping) {
                _cleanup_free_ char *json = NULL;

                if (n->letters.len == 0) {
                        pthread_cond_wait(&n->added, &n->lock);
                        continue;
                }
                json = n->letters.items[0];
                n->letters.len--;
                memmove(&n->letters.items[0], &n->letters.items[1],
                        n->letters.len * sizeof(n->letters.items[0]));
                pthread_mutex_unlock(&n->lock);
                if (*command)
                        deliver(command, json);
                pthread_mutex_lock(&n->lock);
        }
        pthread_mutex_unlock(&n->lock);
}
