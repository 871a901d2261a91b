/*
 * PID 1 of a container. A kernel rule shapes it: when PID 1 ends, everything left in the container
 * is killed. So on SIGTERM it asks everybody to end and waits for as long as somebody is still
 * busy (a training run may be saving a checkpoint); the engine's stop timeout bounds that. An idle
 * container ends within a millisecond.
 *
 * Interactive shells ignore SIGTERM and want SIGHUP. They get it only once nothing runs below
 * them, because bash passes SIGHUP on to its jobs, whose handler for SIGTERM would be cut short.
 */
#include "init/init.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        TICK_MIN_US = 500,
        TICK_MAX_US = 50000,
};

struct reaper {
        sigset_t signals;
        pid_t command; /* 0 without one */
        bool command_ended;
        int code;
        bool stopping;
        long tick_us; /* until the next look at who is left, while stopping */
};

static void reap(struct reaper *r) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
                if (pid < 0 || pid != r->command)
                        continue;
                r->command_ended = true;
                r->code = exit_code(status);
        }
}

static int by_parent(const void *a, const void *b) {
        const struct proc *x = a, *y = b;

        return (x->parent > y->parent) - (x->parent < y->parent);
}

/* SIGHUP to those that ignore SIGTERM and have nothing running below them. */
static void hang_up_idle_shells(void) {
        struct proc *procs;
        size_t n = proc_list(&procs);

        if (n > 0)
                qsort(procs, n, sizeof(*procs), by_parent);
        for (size_t i = 0; i < n; i++) {
                struct proc key = { .parent = procs[i].pid };

                if (!procs[i].ignores_term || bsearch(&key, procs, n, sizeof(*procs), by_parent))
                        continue;
                kill(procs[i].pid, SIGHUP);
                kill(procs[i].pid, SIGCONT);
        }
        free(procs);
}

static void stop(struct reaper *r) {
        if (r->stopping)
                return;
        r->stopping = true;
        r->tick_us = TICK_MIN_US;
        kill(-1, SIGTERM);
        kill(-1, SIGCONT);
}

/* Processes that the engine started (exec) are no children of ours, so neither waitpid() nor
 * SIGCHLD tells when they are gone; kill() does. */
static bool nobody_left(void) {
        return kill(-1, 0) < 0 && errno == ESRCH;
}

static bool finished(struct reaper *r) {
        if (!r->stopping)
                return r->command_ended;
        if (nobody_left())
                return true;
        hang_up_idle_shells();
        return false;
}

/* Waits for a signal, while stopping no longer than a tick that grows; its number, or 0. */
static int next_signal(struct reaper *r) {
        struct timespec tick = { .tv_nsec = r->tick_us * 1000 };
        int sig;

        if (!r->stopping) {
                sig = sigwaitinfo(&r->signals, NULL);
        } else {
                sig = sigtimedwait(&r->signals, NULL, &tick);
                if (sig < 0 && r->tick_us < TICK_MAX_US)
                        r->tick_us *= 2;
        }
        return sig < 0 ? 0 : sig;
}

static int start_command(struct reaper *r, char **argv) {
        pid_t pid = fork();

        if (pid < 0) {
                complain("cannot start '%s': out of processes or memory", argv[0]);
                return 125;
        }
        if (pid == 0) {
                /* A group of its own, in the foreground of the terminal if there is one, so that
                 * Ctrl-C reaches it and not us; SIGTTOU is blocked here, so this cannot stop. */
                setpgid(0, 0);
                if (isatty(STDIN_FILENO))
                        tcsetpgrp(STDIN_FILENO, getpid());
                signals_reset();
                exec_or_die(argv);
        }
        r->command = pid;
        return 0;
}

int reaper_main(char **argv) {
        struct reaper r = { .code = 0 };
        int failed;

        signals_block_all(&r.signals);
        if (argv[0]) {
                failed = start_command(&r, argv);
                if (failed)
                        return failed;
        }
        while (!finished(&r)) {
                int sig = next_signal(&r);

                if (sig == SIGTERM || (!r.command && (sig == SIGINT || sig == SIGQUIT)))
                        stop(&r);
                else if (sig != 0 && sig != SIGCHLD && r.command && !r.command_ended)
                        kill(r.command, sig);
                reap(&r);
        }
        return r.code;
}
