/*
 * The caller's terminal in another mode, and back: whatever ends the process (a return, exit(), a
 * signal), the terminal is left as it was found. One terminal at a time.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

enum tty_mode {
        TTY_RAW,  /* every byte as typed, for the shell at the other end */
        TTY_KEYS, /* keys one by one without echo; output is processed as usual */
};

/* @enter is written now (NULL: nothing), @leave when the mode ends; both must outlive the mode.
 * 0 or -errno. While it lasts SIGWINCH and SIGCONT are blocked but for tty_wait_mask(). */
int tty_enter(int in_fd, int out_fd, enum tty_mode mode, const char *enter, const char *leave);
void tty_leave(void);

/* The mask to give to ppoll(), so that it is interrupted when the size changes. */
const sigset_t *tty_wait_mask(void);
/* True once after each change of the size (and after the process was continued, when the mode has
 * been set again, since a shell may have changed it meanwhile). */
bool tty_resized(void);

/* False when @fd is no terminal or does not know. */
bool tty_size(int fd, unsigned *ret_rows, unsigned *ret_columns);
