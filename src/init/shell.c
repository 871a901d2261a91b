/*
 * The supervisor of an attached shell: the process that the engine's exec starts and the daemon
 * hangs up on. It runs bash, else sh, or a command, as its child and ends with the child's code.
 *
 * On a terminal the child shares our process group, which is the terminal's foreground, and bash
 * does its own job control. Without one the child leads a group of its own, so that SIGHUP can be
 * passed to all that a script runs. A hangup means what it means over ssh: SIGHUP to the shell and
 * to what is in the foreground; what ignores it (nohup) stays and is adopted by PID 1.
 */
#include "init/init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        HANGUP_GRACE_S = 2,   /* then a shell that ignores SIGHUP is killed */
        ANCESTORS_MAX = 64,   /* shells within shells, for container-exit */
};

struct shell {
        sigset_t signals;
        pid_t child;
        bool tty;
        bool hung_up;
        bool asked_to_exit;
        struct timespec deadline;
};

static bool env_prepare(void) {
        const char *path = getenv("PATH"), *at;
        size_t len = strlen(INIT_DIR);
        char pid[16], *longer;
        bool ok;

        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        if (setenv("DS01_SHELL_PID", pid, 1) < 0)
                return false;
        if (!path || !*path)
                path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        for (at = path; (at = strstr(at, INIT_DIR)); at += len)
                if ((at == path || at[-1] == ':') && (at[len] == ':' || at[len] == '\0'))
                        return true;
        if (asprintf(&longer, "%s:%s", path, INIT_DIR) < 0)
                return false;
        ok = setenv("PATH", longer, 1) == 0;
        free(longer);
        return ok;
}

static void exec_shell(bool login) {
        static const char *const names[] = { "bash", "sh" };
        static const char *const dirs[] = { "/bin", "/usr/bin", "/usr/local/bin" };
        char path[64];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                char *argv[] = { (char *)names[i], login ? (char *)"-l" : NULL, NULL };

                execvp(names[i], argv);
                for (size_t j = 0; j < sizeof(dirs) / sizeof(dirs[0]); j++) {
                        snprintf(path, sizeof(path), "%s/%s", dirs[j], names[i]);
                        execv(path, argv);
                }
        }
        complain("no shell in this image: neither 'bash' nor 'sh' can be run");
        _exit(127);
}

/* Whom a signal for "what runs here" is for. */
static void kill_foreground(struct shell *s, int sig) {
        pid_t group;

        if (!s->tty) {
                kill(-s->child, sig);
                return;
        }
        kill(s->child, sig);
        group = tcgetpgrp(STDIN_FILENO);
        if (group > 1 && group != s->child)
                kill(-group, sig); /* may be our own group: then we read it back, once */
}

static void deadline_start(struct shell *s) {
        clock_gettime(CLOCK_MONOTONIC, &s->deadline);
        s->deadline.tv_sec += HANGUP_GRACE_S;
}

static void hang_up(struct shell *s) {
        if (s->hung_up)
                return;
        s->hung_up = true;
        deadline_start(s);
        kill_foreground(s, SIGHUP);
        kill_foreground(s, SIGCONT);
}

/* Which signal ends the shell @pid that waits for its child @job. On SIGHUP bash saves its history
 * but passes the signal on to its background jobs, which `exit` leaves alone; so with any of those
 * it is SIGALRM, which just ends every shell. */
static int exit_signal(pid_t pid, pid_t job) {
        struct proc *procs;
        size_t n = proc_list(&procs);
        int sig = n > 0 ? SIGHUP : SIGALRM;

        for (size_t i = 0; i < n; i++)
                if (procs[i].parent == pid && procs[i].pid != job)
                        sig = SIGALRM;
        free(procs);
        return sig;
}

/* container-exit @asker: ends the shell and every shell between it and the asker, outermost
 * first, so that none of them goes on with its next line. The asker waits for us to end it, last:
 * an interactive bash acts on a signal only when its foreground job is over. */
static void exit_cleanly(struct shell *s, pid_t asker) {
        pid_t chain[ANCESTORS_MAX];
        size_t n = 0;
        struct proc p;

        if (s->asked_to_exit)
                return;
        s->asked_to_exit = true;
        deadline_start(s);
        for (pid_t pid = asker; pid > 1 && pid != s->child && n < ANCESTORS_MAX; pid = p.parent) {
                if (proc_read(pid, &p) < 0)
                        break;
                chain[n++] = pid; /* chain[0] is the asker itself */
        }
        kill(s->child, exit_signal(s->child, n > 0 ? chain[n - 1] : 0));
        kill(s->child, SIGCONT);
        while (n-- > 1)
                kill(chain[n], exit_signal(chain[n], chain[n - 1]));
        if (asker > 1)
                kill(asker, SIGTERM);
}

/* Waits for a signal, or for the end of the grace; its number, or 0. */
static int next_signal(struct shell *s, siginfo_t *info) {
        struct timespec now, left;
        int sig;

        if (!s->hung_up && !s->asked_to_exit) {
                sig = sigwaitinfo(&s->signals, info);
                return sig < 0 ? 0 : sig;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        left.tv_sec = s->deadline.tv_sec - now.tv_sec;
        left.tv_nsec = s->deadline.tv_nsec - now.tv_nsec;
        if (left.tv_nsec < 0) {
                left.tv_sec--;
                left.tv_nsec += 1000000000;
        }
        if (left.tv_sec < 0) {
                kill(s->child, SIGKILL);
                sig = sigwaitinfo(&s->signals, info);
        } else {
                sig = sigtimedwait(&s->signals, info, &left);
        }
        return sig < 0 ? 0 : sig;
}

static void handle(struct shell *s, int sig, const siginfo_t *info) {
        switch (sig) {
        case 0:
        case SIGCHLD:
                break;
        case SIGHUP:
                hang_up(s);
                break;
        case SIGUSR1:
                exit_cleanly(s, info->si_pid);
                break;
        case SIGTERM:
                if (info->si_pid != 1) /* PID 1 tells everybody itself when the container stops */
                        kill_foreground(s, sig);
                break;
        case SIGINT:
        case SIGQUIT:
                if (!s->tty) /* the terminal has sent these to the whole foreground itself */
                        kill_foreground(s, sig);
                break;
        default:
                break;
        }
}

static int supervise(struct shell *s) {
        siginfo_t info = { 0 };
        int status;

        for (;;) {
                pid_t pid = waitpid(s->child, &status, WNOHANG);

                if (pid == s->child)
                        break;
                if (pid < 0 && errno != EINTR)
                        return 125;
                handle(s, next_signal(s, &info), &info);
        }
        return s->asked_to_exit ? 0 : exit_code(status);
}

int shell_main(char **argv) {
        struct shell s = { .tty = isatty(STDIN_FILENO) };
        bool login = false;

        if (argv[0] && strcmp(argv[0], "-l") == 0) {
                login = true;
                argv++;
        }
        if (argv[0] && (strcmp(argv[0], "--") != 0 || !argv[1])) {
                complain("usage: ds01-init shell [-l] [-- COMMAND...]");
                return 2;
        }
        if (argv[0])
                argv++;
        if (!env_prepare()) {
                complain("cannot start a shell: out of memory");
                return 125;
        }
        signals_block_all(&s.signals);
        s.child = fork();
        if (s.child < 0) {
                complain("cannot start a shell: %s", strerror(errno));
                return 125;
        }
        if (s.child == 0) {
                if (!s.tty)
                        setpgid(0, 0);
                signals_reset();
                if (argv[0])
                        exec_or_die(argv);
                exec_shell(login);
        }
        if (!s.tty)
                setpgid(s.child, s.child); /* here too, so that it is true before any signal */
        return supervise(&s);
}
