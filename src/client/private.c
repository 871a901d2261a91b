/* See private.h. */
#include "client/private.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_LIMIT_S = 5 };

/* The directory of this login: $XDG_RUNTIME_DIR, or where pam_systemd puts it. It must be the
 * caller's own, since whoever owns it can put a socket there. */
static int runtime_dir(char *dst, size_t size) {
        const char *env = getenv("XDG_RUNTIME_DIR");
        struct stat st;

        if (env && env[0] == '/')
                snprintf(dst, size, "%s", env);
        else
                snprintf(dst, size, "/run/user/%u", (unsigned)getuid());
        if (stat(dst, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid())
                return -ENOENT;
        return 0;
}

/* True when an engine's socket exists that the caller may open. The daemon finds its engine by
 * its own rules; this only tells whether starting it makes sense. */
static bool engine_is_open(const char *runtime) {
        static const char *const fixed[] = { "/var/run/docker.sock", "/run/podman/podman.sock" };
        static const char *const own[] = { "docker.sock", "podman/podman.sock" };
        const char *host = getenv("DOCKER_HOST");
        char path[PATH_MAX];

        if (host && *host)
                return str_starts(host, "unix://") && access(host + 7, R_OK | W_OK) == 0;
        for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
                if (access(fixed[i], R_OK | W_OK) == 0)
                        return true;
        for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
                snprintf(path, sizeof(path), "%s/%s", runtime, own[i]);
                if (access(path, R_OK | W_OK) == 0)
                        return true;
        }
        return false;
}

int private_find_daemon(char *dst, size_t size) {
        static const char *const places[] = { "../libexec/ds01/ds01d", "../sbin/ds01d" };
        const char *env = getenv("DS01D");
        char self[PATH_MAX], *slash;
        ssize_t n;

        if (env && *env) {
                str_copy(dst, size, env);
                return access(dst, X_OK) == 0 ? 0 : -errno;
        }
        n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n < 0)
                return -errno;
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (!slash)
                return -ENOENT;
        slash[1] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                snprintf(dst, size, "%s%s", self, places[i]);
                if (access(dst, X_OK) == 0)
                        return 0;
        }
        return -ENOENT;
}

/* The daemon in a session of its own, so that neither Ctrl-C nor the terminal's end reaches it. */
static pid_t spawn(const char *program, const char *runtime, int log_fd) {
        pid_t pid = fork();

        if (pid == 0) {
                char *const argv[] = { (char *)"ds01d", (char *)"--private", NULL };
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                setsid();
                if (setenv("XDG_RUNTIME_DIR", runtime, 1) < 0 || chdir("/") < 0 || null < 0 ||
                    dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log_fd, 2) < 0)
                        _exit(127);
                execv(program, argv);
                _exit(127);
        }
        return pid < 0 ? -errno : pid;
}

static void say_last_line(struct cli *c, const char *log) {
        _cleanup_buf_ struct buf text = BUF_INIT(1024 * 1024);
        char *line;

        if (file_read(log, &text) < 0 || text.len == 0)
                return;
        while (text.len > 0 && text.data[text.len - 1] == '\n')
                text.data[--text.len] = '\0';
        line = strrchr(buf_str(&text), '\n');
        cli_error_next(c, "it said: %s", line ? line + 1 : buf_str(&text));
        cli_error_next(c, "its log is %s", log);
}

static int wait_for_socket(struct cli *c, const char *path, pid_t pid, const char *log) {
        const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
        int64_t deadline = clock_mono_us() + START_LIMIT_S * US_PER_S;

        for (;;) {
                int fd = unix_connect(path), status;

                if (fd >= 0)
                        return fd;
                if (waitpid(pid, &status, WNOHANG) == pid) {
                        cli_error(c, "the private ds01d could not start");
                        say_last_line(c, log);
                        return -ECHILD;
                }
                if (clock_mono_us() > deadline) {
                        cli_error(c, "the private ds01d did not open its socket within %d s",
                                  START_LIMIT_S);
                        say_last_line(c, log);
                        return -ETIMEDOUT;
                }
                nanosleep(&pause, NULL);
        }
}

/* Starts the daemon under a lock, so that of two commands one starts it and both use it. */
static int start(struct cli *c, const char *runtime, const char *dir, const char *socket) {
        _cleanup_close_ int lock = -1, log_fd = -1;
        char program[PATH_MAX], path[PATH_MAX];
        pid_t pid;
        int r;

        r = private_find_daemon(program, sizeof(program));
        if (r < 0) {
                cli_error(c, "ds01d is not running, and no program of that name was found to "
                             "start one for you");
                cli_error_next(c, "install it, or name it in DS01D");
                return -ESRCH;
        }
        r = dir_make(dir, 0700);
        if (r < 0)
                goto failed;
        snprintf(path, sizeof(path), "%s/lock", dir);
        lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock < 0 || flock(lock, LOCK_EX) < 0) {
                r = -errno;
                goto failed;
        }
        r = unix_connect(socket); /* somebody else may have started it meanwhile */
        if (r >= 0)
                return r;

        snprintf(path, sizeof(path), "%s/ds01d.log", dir);
        log_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (log_fd < 0) {
                r = -errno;
                goto failed;
        }
        pid = spawn(program, runtime, log_fd);
        if (pid < 0) {
                r = (int)pid;
                goto failed;
        }
        return wait_for_socket(c, socket, pid, path);

failed:
        cli_error(c, "can't start a private ds01d in '%s': %s", dir, strerror(-r));
        return r == -ENOENT ? -EIO : r;
}

int private_connect(struct cli *c, bool may_start) {
        char runtime[PATH_MAX - 64], dir[PATH_MAX - 32], socket[PATH_MAX];
        int r;

        r = runtime_dir(runtime, sizeof(runtime));
        if (r < 0)
                return r;
        snprintf(dir, sizeof(dir), "%s/ds01", runtime);
        snprintf(socket, sizeof(socket), "%s/ds01.sock", dir);
        r = unix_connect(socket);
        if (r >= 0)
                return r;
        if (!may_start || !engine_is_open(runtime))
                return -ENOENT;
        return start(c, runtime, dir, socket);
}
