/* Single keys of a terminal that tty_enter() has set to TTY_KEYS, as xterm, screen, vt100 and the
 * Linux console send them. */
#pragma once

#include <stdint.h>

enum key {
        KEY_NONE,   /* something that nothing is bound to */
        KEY_LETTER, /* a visible character */
        KEY_SPACE,
        KEY_UP,
        KEY_DOWN,
        KEY_PAGE_UP,
        KEY_PAGE_DOWN,
        KEY_ENTER,
        KEY_ERASE,
        KEY_CLEAR, /* Ctrl-U */
        KEY_ESCAPE, /* Ctrl-D too */
        KEY_INTERRUPT, /* Ctrl-C */
        KEY_RESIZED, /* none: the window may have changed */
        KEY_TIME,    /* none, and it is @until_us */
        KEY_END,     /* the terminal is gone */
};

/* Waits for the next key until @until_us of the monotonic clock (0: as long as it takes).
 * *@ret_letter is the character of KEY_LETTER, else NUL. */
enum key key_read(int fd, int64_t until_us, char *ret_letter);
