/* The command's surroundings and its ways to speak; see cli.h. */
#include "client/cli.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool locale_is_utf8(void) {
        static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

        for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
                const char *value = getenv(variables[i]);

                if (value && *value)
                        return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
        return false;
}

/* A descriptor that the caller closed would be the next socket's number. Read-only on purpose:
 * output that can go nowhere is an error, and says so at the first write. */
static void open_standard_descriptors(void) {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
                        _exit(EXIT_FAILED);
}

static bool can_redraw(void) {
        const char *term = getenv("TERM"), *plain = getenv("DS01_PLAIN");

        return term && *term && !str_equal(term, "dumb") && !(plain && *plain);
}

void cli_init(struct cli *c) {
        struct winsize size;
        const char *socket = getenv("DS01_SOCKET");

        open_standard_descriptors();
        *c = (struct cli){
                .out = stdout,
                .err = stderr,
                .in_fd = STDIN_FILENO,
                .out_fd = STDOUT_FILENO,
                .err_fd = STDERR_FILENO,
                .in_tty = isatty(STDIN_FILENO),
                .out_tty = isatty(STDOUT_FILENO),
                .err_tty = isatty(STDERR_FILENO),
                .utf8 = locale_is_utf8(),
                .now_us = clock_real_us(),
                .socket = socket && *socket ? socket : NULL,
                .name = "ds01",
        };
        c->redraws = c->err_tty && can_redraw();
        if (c->out_tty) {
                c->rows = 24;
                c->columns = 80;
                if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
                        c->rows = size.ws_row;
                        c->columns = size.ws_col;
                }
        }
}

/* Messages carry names that strangers chose, so the whole line is made safe for a terminal. */
static void print_line(struct cli *c, const char *prefix, const char *colon, const char *fmt,
                       va_list ap) {
        char raw[2048], line[2048];

        vsnprintf(raw, sizeof(raw), fmt, ap);
        str_printable(line, sizeof(line), raw);
        fflush(c->out); /* keeps the two streams in order where they go to the same place */
        fprintf(c->err, "%s%s%s\n", prefix, colon, line);
        fflush(c->err);
}

void cli_error(struct cli *c, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        print_line(c, c->name, ": ", fmt, ap);
        va_end(ap);
}

void cli_error_next(struct cli *c, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        print_line(c, "  ", "", fmt, ap);
        va_end(ap);
}

void cli_redraw(struct cli *c, const char *text) {
        size_t width = 79;
        struct winsize size;
        char line[2048];

        if (ioctl(c->err_fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
                width = size.ws_col - 1;
        str_printable(line, sizeof(line), text);
        utf8_cut(line, width);
        fprintf(c->err, "\r%s\033[K", line);
        fflush(c->err);
}

void cli_hint(struct cli *c, const char *fmt, ...) {
        va_list ap;

        if (!c->err_tty)
                return;
        va_start(ap, fmt);
        print_line(c, "", "", fmt, ap);
        va_end(ap);
}

void cli_notice(struct cli *c, const char *text) {
        char safe[512];

        str_printable(safe, sizeof(safe), text);
        fprintf(c->err, "*** ds01: %s ***\n", safe);
}

bool cli_confirm(struct cli *c, const char *fmt, ...) {
        char raw[1024], text[1024], answer = 'n', byte;
        bool first = true;
        va_list ap;

        if (!c->in_tty || !c->err_tty)
                return true;

        va_start(ap, fmt);
        vsnprintf(raw, sizeof(raw), fmt, ap);
        va_end(ap);
        str_printable(text, sizeof(text), raw);
        fprintf(c->err, "%s [y/N] ", text);
        fflush(c->err);

        while (read(c->in_fd, &byte, 1) == 1 && byte != '\n') {
                if (first)
                        answer = byte;
                first = false;
        }
        return answer == 'y' || answer == 'Y';
}

int cli_finish(struct cli *c, int code) {
        int r = 0;

        errno = 0;
        if (ferror(c->out))
                r = EIO;
        if (fflush(c->out) != 0)
                r = errno ? errno : EIO;
        if (r == 0)
                return code;
        cli_error(c, "can't write the output: %s", strerror(r));
        return code != EXIT_DONE ? code : EXIT_FAILED;
}
