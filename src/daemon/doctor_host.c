/* Doctor: what this host says of itself. See doctor.h. */
#include "daemon/doctor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/gpu_access.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM_TIMEOUT_S = 10, ANSWER_TIMEOUT_S = 5 };

/* The first line that `PROGRAM --version` prints; "" when there is no such program, or it hangs. */
static void ask_version(const char *program, char *dst, size_t size) {
        _cleanup_buf_ struct buf text = BUF_INIT(4096);
        int64_t deadline = clock_mono_us() + PROGRAM_TIMEOUT_S * US_PER_S;
        int ends[2], status;
        pid_t pid;

        dst[0] = '\0';
        if (pipe2(ends, O_CLOEXEC) < 0)
                return;
        pid = fork();
        if (pid == 0) {
                if (dup2(ends[1], STDOUT_FILENO) >= 0)
                        execlp(program, program, "--version", (char *)NULL);
                _exit(127);
        }
        close(ends[1]);
        while (pid > 0 && fd_read_some(ends[0], &text, 1024, deadline) > 0)
                ;
        close(ends[0]);
        if (pid <= 0)
                return;
        kill(pid, SIGKILL); /* one that has ended already does not mind */
        if (waitpid(pid, &status, 0) < 0 || text.len == 0)
                return;
        text.data[strcspn(buf_str(&text), "\n")] = '\0';
        str_printable(dst, size, buf_str(&text));
}

static bool answers(const char *path) {
        static const char request[] = "GET /v1/version HTTP/1.1\r\nHost: ds01\r\n"
                                      "Connection: close\r\n\r\n";
        _cleanup_buf_ struct buf answer = BUF_INIT(4096);
        int64_t deadline = clock_mono_us() + ANSWER_TIMEOUT_S * US_PER_S;
        _cleanup_close_ int fd = unix_connect(path);

        return fd >= 0 && fd_write_all(fd, request, sizeof(request) - 1, deadline) == 0 &&
               fd_read_some(fd, &answer, 1024, deadline) > 0 &&
               str_starts(buf_str(&answer), "HTTP/1.1 ");
}

static void look_into(struct doctor *d, struct engine *e, const char *id) {
        struct engine_container c;
        struct engine_error error;
        struct doctor_loss loss;
        struct gpu_nodes nodes;

        if (engine_container_inspect(e, id, &c, &error) < 0)
                return;
        str_copy(loss.container, sizeof(loss.container), c.name);
        if (c.state == ENGINE_RUNNING && gpu_access_look(c.pid, id, &nodes) == 0 &&
            gpu_access_denied(&nodes, loss.devices, sizeof(loss.devices)) > 0 &&
            VEC_PUSH(&d->losses, loss) < 0)
                log_line(LOG_ERROR, "doctor", "error", strerror(ENOMEM), NULL);
        engine_container_release(&c);
}

static void find_losses(struct doctor *d, struct engine *e) {
        struct engine_container *list = NULL;
        struct engine_error error;
        size_t n = 0;

        if (engine_container_list(e, "ds01.version", &list, &n, &error) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                if (list[i].state == ENGINE_RUNNING)
                        look_into(d, e, list[i].id);
        engine_containers_free(list, n);
}

void doctor_see(struct doctor *d, struct engine *e) {
        struct limits_config limits = { 0 };
        struct engine_error error;
        struct timex clock = { 0 };
        struct utsname name;
        struct err err = { 0 };
        int r;

        d->root = "";
        if (uname(&name) == 0)
                str_copy(d->kernel, sizeof(d->kernel), name.release);
        r = adjtimex(&clock);
        d->clock_is_set = r >= 0 && r != TIME_ERROR && !(clock.status & STA_UNSYNC);
        d->engine_answers = engine_info(e, &d->engine, &error) == 0;
        if (d->engine_answers)
                find_losses(d, e);
        d->daemon_answers = answers(d->config->socket);
        ask_version("runc", d->runtime, sizeof(d->runtime));
        ask_version("nvidia-ctk", d->toolkit, sizeof(d->toolkit));
        r = limits_config_load(d->config->limits_file, &limits, &err);
        if (r == 0)
                limits_config_release(&limits);
        else if (r != -ENOENT)
                str_copy(d->limits_error, sizeof(d->limits_error), err.msg);
}
