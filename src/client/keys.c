/* See keys.h. */
#include "client/keys.h"

#include "base/clock.h"
#include "client/tty.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { ESCAPE_WAIT_MS = 50, SEQUENCE_MAX = 8 };

/* The rest of "Esc [ A" or "Esc [ 5 ~"; a lone Esc has none. */
static enum key read_escape(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char bytes[SEQUENCE_MAX] = "";
        size_t n = 0;

        while (n < sizeof(bytes)) {
                if (poll(&p, 1, ESCAPE_WAIT_MS) <= 0 || read(fd, &bytes[n], 1) != 1)
                        return n == 0 ? KEY_ESCAPE : KEY_NONE;
                n++;
                if (n == 1 && bytes[0] != '[' && bytes[0] != 'O')
                        return KEY_NONE;
                if (n > 1 && bytes[n - 1] >= '@')
                        break;
        }
        switch (bytes[1]) {
        case 'A':
                return KEY_UP;
        case 'B':
                return KEY_DOWN;
        case '5':
                return KEY_PAGE_UP;
        case '6':
                return KEY_PAGE_DOWN;
        default:
                return KEY_NONE;
        }
}

static enum key key_of(int fd, char byte, char *ret_letter) {
        switch (byte) {
        case '\033':
                return read_escape(fd);
        case '\r':
        case '\n':
                return KEY_ENTER;
        case 0x10: /* Ctrl-P */
                return KEY_UP;
        case 0x0e: /* Ctrl-N */
                return KEY_DOWN;
        case 0x7f:
        case '\b':
                return KEY_ERASE;
        case 0x15: /* Ctrl-U */
                return KEY_CLEAR;
        case 0x03: /* Ctrl-C */
                return KEY_INTERRUPT;
        case 0x04: /* Ctrl-D */
                return KEY_ESCAPE;
        case ' ':
                return KEY_SPACE;
        default:
                if (!isgraph((unsigned char)byte))
                        return KEY_NONE;
                *ret_letter = byte;
                return KEY_LETTER;
        }
}

enum key key_read(int fd, int64_t until_us, char *ret_letter) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = until_us ? until_us - clock_mono_us() : 0;
        struct timespec t = { 0 };
        char byte;
        int r;

        *ret_letter = '\0';
        if (left > 0)
                t = (struct timespec){ .tv_sec = left / US_PER_S,
                                       .tv_nsec = left % US_PER_S * 1000 };
        r = ppoll(&p, 1, until_us ? &t : NULL, tty_wait_mask());
        if (r < 0)
                return errno == EINTR ? KEY_RESIZED : KEY_END;
        if (r == 0)
                return KEY_TIME;
        if (read(fd, &byte, 1) != 1)
                return KEY_END;
        return key_of(fd, byte, ret_letter);
}
