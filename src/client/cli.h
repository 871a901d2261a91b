/*
 * What a command works with: its streams, what is known of the terminal, and the clock's reading.
 * Nothing in the client reads a global instead, so that a test runs any command in its own
 * process with streams of its making.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes; the daemon's refusals bring theirs along. */
enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NO_RESOURCE = 3,
        EXIT_NOT_FOUND = 4,
        EXIT_NOT_PERMITTED = 5,
        EXIT_UNREACHABLE = 6,
        EXIT_INTERRUPTED = 130,
};

struct cli {
        FILE *out, *err;
        int in_fd, out_fd, err_fd; /* of the streams, for attach and prompts */
        bool in_tty, out_tty, err_tty;
        /* stderr is a terminal on which lines are drawn again: not with TERM=dumb, nor for who
         * can't see that, who says so by --plain or $DS01_PLAIN */
        bool redraws;
        bool utf8;              /* the terminal shows UTF-8 */
        unsigned rows, columns; /* of the terminal; 0: stdout is none */
        bool guided;            /* --guided: guide.h */
        int64_t now_us;         /* wall clock at the start */
        const char *socket;     /* the one to use, or NULL to find it */
        const char *person;     /* for whom an administrator acts, or NULL */
        char name[64]; /* how messages call the running command: "container-create", "ds01 gpus" */
};

/* Fills it in from the process: descriptors 0 to 2, the environment, the clock. */
void cli_init(struct cli *c);

/* "NAME: message" on stderr. Messages say what failed first and have no full stop. */
void cli_error(struct cli *c, const char *fmt, ...) _printf_(2, 3);
/* The line below a message, indented: what to do about it. */
void cli_error_next(struct cli *c, const char *fmt, ...) _printf_(2, 3);
/* A hint what to type next; for people only, so nothing unless stderr is a terminal. */
void cli_hint(struct cli *c, const char *fmt, ...) _printf_(2, 3);

/* What ds01d has to tell the person beside the answer, on stderr. Foreign text. */
void cli_notice(struct cli *c, const char *text);

/* Puts @text in the place of the line in which the cursor of stderr stands, cut to the window; ""
 * takes it away. Only with `redraws`. */
void cli_redraw(struct cli *c, const char *text);

/* Asks "TEXT [y/N] " on the terminal. True without asking when there is no terminal: who runs a
 * script has answered by writing it. */
bool cli_confirm(struct cli *c, const char *fmt, ...) _printf_(2, 3);

/* Flushes stdout and returns @code, or says why the output could not be written and returns
 * EXIT_FAILED: "container-list > /dev/full" must not look like success. */
int cli_finish(struct cli *c, int code);
