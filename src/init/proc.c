/* Small things that the faces of ds01-init share: processes, signals, exec, messages. */
#include "init/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        PROCS_MAX = 32768, /* more than any pids limit in use */
};

/* Reads at most size - 1 bytes of /proc/PID/NAME; the number read, or -errno. */
static ssize_t proc_slurp(pid_t pid, const char *name, char *buf, size_t size) {
        char path[64];
        size_t used = 0;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        while (used < size - 1) {
                ssize_t n = read(fd, buf + used, size - 1 - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        n = -errno;
                        close(fd);
                        return n;
                }
                if (n == 0)
                        break;
                used += (size_t)n;
        }
        close(fd);
        buf[used] = '\0';
        return (ssize_t)used;
}

int proc_read(pid_t pid, struct proc *ret) {
        char buf[4096], *line, *save;
        struct proc p = { .pid = pid };
        ssize_t n;

        n = proc_slurp(pid, "status", buf, sizeof(buf));
        if (n < 0)
                return (int)n;
        for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                if (strncmp(line, "State:\t", 7) == 0)
                        p.zombie = line[7] == 'Z' || line[7] == 'X';
                else if (strncmp(line, "PPid:\t", 6) == 0)
                        p.parent = (pid_t)strtol(line + 6, NULL, 10);
                else if (strncmp(line, "SigIgn:\t", 8) == 0)
                        p.ignores_term = strtoull(line + 8, NULL, 16) >> (SIGTERM - 1) & 1;
        }
        *ret = p;
        return 0;
}

size_t proc_list(struct proc **ret) {
        struct dirent *entry;
        struct proc *procs;
        size_t n = 0;
        DIR *dir;

        *ret = NULL;
        procs = malloc(PROCS_MAX * sizeof(*procs)); /* untouched pages cost nothing */
        if (!procs)
                return 0;
        dir = opendir("/proc");
        while (dir && n < PROCS_MAX && (entry = readdir(dir))) {
                long pid = strtol(entry->d_name, NULL, 10);

                if (pid > 1 && proc_read((pid_t)pid, &procs[n]) == 0 && !procs[n].zombie)
                        n++;
        }
        if (dir)
                closedir(dir);
        *ret = procs;
        return n;
}

bool proc_is_shell(pid_t pid) {
        char buf[256];
        const char *name, *arg;
        ssize_t n;

        n = proc_slurp(pid, "cmdline", buf, sizeof(buf));
        if (n <= 0)
                return false; /* gone, or a zombie: those have no command line */
        name = strrchr(buf, '/');
        name = name ? name + 1 : buf;
        arg = buf + strlen(buf) + 1;
        return strcmp(name, "ds01-init") == 0 && arg < buf + n && strcmp(arg, "shell") == 0;
}

int exit_code(int status) {
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void signals_block_all(sigset_t *ret) {
        sigfillset(ret);
        sigprocmask(SIG_SETMASK, ret, NULL);
}

void signals_reset(void) {
        sigset_t none;

        for (int sig = 1; sig < NSIG; sig++)
                signal(sig, SIG_DFL); /* refused for SIGKILL and SIGSTOP, which need it not */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

void exec_or_die(char **argv) {
        execvp(argv[0], argv);
        if (errno == ENOENT || errno == ENOTDIR) {
                complain("cannot run '%s': not found", argv[0]);
                _exit(127);
        }
        complain("cannot run '%s': %s", argv[0], strerror(errno));
        _exit(126);
}

void complain(const char *fmt, ...) {
        char line[512];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(line, sizeof(line), fmt, ap);
        va_end(ap);
        dprintf(STDERR_FILENO, "ds01: %s\n", line);
}
