/* See tty.h. The state is global because signal handlers and atexit() need it. */
#include "client/tty.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const int ending_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static struct {
        volatile sig_atomic_t active, resized, continued;
        int in_fd, out_fd;
        const char *leave;
        struct termios saved, mode;
        struct sigaction old_ending[ARRAY_SIZE(ending_signals)], old_winch, old_cont;
        sigset_t old_mask;
        bool registered;
} tty;

/* Only async-signal-safe calls. */
static void restore(void) {
        ssize_t n = 0;

        if (!tty.active)
                return;
        tty.active = 0;
        if (tty.leave)
                n = write(tty.out_fd, tty.leave, strlen(tty.leave));
        (void)n;
        /* TCSADRAIN, not FLUSH: what was typed ahead belongs to the next program */
        tcsetattr(tty.in_fd, TCSADRAIN, &tty.saved);
}

static void on_ending(int number) {
        int saved_errno = errno;

        restore();
        errno = saved_errno;
        signal(number, SIG_DFL);
        raise(number);
}

static void on_winch(int number) {
        tty.resized = 1;
}

static void on_cont(int number) {
        tty.resized = 1;
        tty.continued = 1;
}

int tty_enter(int in_fd, int out_fd, enum tty_mode mode, const char *enter, const char *leave) {
        struct sigaction ending = { .sa_handler = on_ending };
        struct sigaction winch = { .sa_handler = on_winch };
        struct sigaction cont = { .sa_handler = on_cont };
        sigset_t waiting;
        ssize_t n = 0;

        if (tcgetattr(in_fd, &tty.saved) < 0)
                return -errno;
        tty.mode = tty.saved;
        if (mode == TTY_RAW) {
                cfmakeraw(&tty.mode);
        } else {
                tty.mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
                tty.mode.c_cc[VMIN] = 1;
                tty.mode.c_cc[VTIME] = 0;
        }
        tty.in_fd = in_fd;
        tty.out_fd = out_fd;
        tty.leave = leave;
        tty.resized = tty.continued = 0;

        sigemptyset(&waiting);
        sigaddset(&waiting, SIGWINCH);
        sigaddset(&waiting, SIGCONT);
        sigprocmask(SIG_BLOCK, &waiting, &tty.old_mask);
        for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++)
                sigaction(ending_signals[i], &ending, &tty.old_ending[i]);
        sigaction(SIGWINCH, &winch, &tty.old_winch);
        sigaction(SIGCONT, &cont, &tty.old_cont);
        if (!tty.registered)
                atexit(restore);
        tty.registered = true;

        tty.active = 1;
        if (tcsetattr(in_fd, TCSADRAIN, &tty.mode) < 0) {
                int r = -errno;

                tty.leave = NULL;
                tty_leave();
                return r;
        }
        if (enter)
                n = write(out_fd, enter, strlen(enter));
        (void)n;
        return 0;
}

void tty_leave(void) {
        if (!tty.active)
                return;
        restore();
        for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++)
                sigaction(ending_signals[i], &tty.old_ending[i], NULL);
        sigaction(SIGWINCH, &tty.old_winch, NULL);
        sigaction(SIGCONT, &tty.old_cont, NULL);
        sigprocmask(SIG_SETMASK, &tty.old_mask, NULL);
}

const sigset_t *tty_wait_mask(void) {
        return tty.active ? &tty.old_mask : NULL;
}

bool tty_resized(void) {
        if (!tty.active || !tty.resized)
                return false;
        tty.resized = 0;
        if (tty.continued)
                tcsetattr(tty.in_fd, TCSADRAIN, &tty.mode);
        tty.continued = 0;
        return true;
}

bool tty_size(int fd, unsigned *ret_rows, unsigned *ret_columns) {
        struct winsize size;

        if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
                return false;
        *ret_rows = size.ws_row;
        *ret_columns = size.ws_col;
        return true;
}
