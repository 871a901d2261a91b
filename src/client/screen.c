/* See screen.h. */
#include "client/screen.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "client/tty.h"

#include <stdarg.h>
#include <string.h>

enum { FRAME_MAX = 1024 * 1024, LEAST_ROWS = 4, LEAST_COLUMNS = 10, MESSAGE_ROWS_MAX = 3 };

bool screen_possible(const struct cli *c) {
        return c->in_tty && c->out_tty && c->redraws;
}

int screen_open(struct screen *s, struct cli *c) {
        int r;

        fflush(c->out);
        fflush(c->err);
        r = tty_enter(c->in_fd, c->out_fd, TTY_KEYS, "\033[?1049h\033[?25l\033[H\033[J",
                      "\033[H\033[J\033[?25h\033[?1049l");
        if (r < 0) {
                cli_error(c, "can't set the terminal's mode: %s", strerror(-r));
                return EXIT_FAILED;
        }
        *s = (struct screen){ .cli = c, .frame = BUF_INIT(FRAME_MAX) };
        return EXIT_DONE;
}

void screen_close(struct screen *s) {
        tty_leave();
        buf_release(&s->frame);
        free(s->seen);
        s->seen = NULL;
}

static unsigned rows_of(const struct screen *s) {
        return s->cli->rows > LEAST_ROWS ? s->cli->rows : LEAST_ROWS;
}

static unsigned columns_of(const struct screen *s) {
        return s->cli->columns > LEAST_COLUMNS ? s->cli->columns : LEAST_COLUMNS;
}

/* Foreign text, safe and no wider than the window; the last column stays free, since some terminals
 * go on in the next line behind it. */
static void add_cut(struct screen *s, const char *text, size_t n) {
        _cleanup_free_ char *line = strndup(text, n), *safe = malloc(n + 1);

        if (!line || !safe)
                return;
        str_printable(safe, n + 1, line);
        utf8_cut(safe, columns_of(s) - 1);
        for (const char *at = safe; *at; at++)
                buf_addc(&s->frame, s->cli->utf8 || !(*at & 0x80) ? *at : '?');
}

/* The hints, in as many lines as they need, up to half of the rows; only counted without @draw. */
static unsigned put_hints(struct screen *s, bool draw) {
        unsigned rows = 0;
        size_t width = 0;

        for (const char *at = s->hints; *at;) {
                size_t n = strcspn(at, "\n");

                if (width > 0 && width + 2 + n >= columns_of(s)) {
                        if (rows + 1 >= rows_of(s) / 2)
                                break;
                        if (draw)
                                buf_adds(&s->frame, "\033[K\r\n");
                        width = 0;
                        rows++;
                }
                if (draw && width > 0)
                        buf_adds(&s->frame, "  ");
                width += (width > 0 ? 2 : 0) + n;
                if (draw)
                        add_cut(s, at, n);
                at += n + (at[n] == '\n');
        }
        if (draw)
                buf_adds(&s->frame, "\033[K\r\n");
        return rows + 1;
}

/* The rows that the message needs: it is cut behind the last. */
static unsigned message_rows(const struct screen *s) {
        size_t width = s->message ? utf8_width(s->message) : 0, fits = columns_of(s) - 1;
        size_t rows = width == 0 ? 1 : (width + fits - 1) / fits;

        return rows > MESSAGE_ROWS_MAX ? MESSAGE_ROWS_MAX : (unsigned)rows;
}

void screen_begin(struct screen *s, const char *hints) {
        (void)tty_resized();
        tty_size(s->cli->out_fd, &s->cli->rows, &s->cli->columns);
        buf_reset(&s->frame);
        buf_adds(&s->frame, "\033[?25l\033[H");
        s->used = 0;
        s->hints = hints;
        s->hint_rows = put_hints(s, false);
}

unsigned screen_room(const struct screen *s) {
        unsigned taken = s->used + s->hint_rows + message_rows(s);

        return taken < rows_of(s) ? rows_of(s) - taken : 0;
}

static void add_line(struct screen *s, const char *text, size_t n, const char *before,
                     const char *after) {
        if (screen_room(s) == 0)
                return;
        buf_adds(&s->frame, before);
        add_cut(s, text, n);
        buf_addf(&s->frame, "%s\033[K\r\n", after);
        s->used++;
}

void screen_line(struct screen *s, const char *fmt, ...) {
        char text[1024];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        add_line(s, text, strlen(text), "", "");
}

void screen_title(struct screen *s, const char *fmt, ...) {
        const char *plain = getenv("NO_COLOR");
        bool reverse = !plain || !*plain;
        char text[1024];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        add_line(s, text, strlen(text), reverse ? "\033[7m" : "", reverse ? "\033[0m" : "");
}

void screen_text(struct screen *s, const char *text, size_t first) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                if (first > 0)
                        first--;
                else
                        add_line(s, text, n, "", "");
                text += n + (text[n] == '\n');
        }
}

static void put_last_row(struct screen *s, const char *text) {
        buf_addf(&s->frame, "\033[%u;1H", rows_of(s));
        add_cut(s, text, strlen(text));
        buf_adds(&s->frame, "\033[K");
}

static void send(struct screen *s) {
        fd_write_all(s->cli->out_fd, s->frame.data, s->frame.len, 0);
        buf_reset(&s->frame);
}

/* Bytes of @text that fill a row. */
static size_t row_of(const struct screen *s, const char *text) {
        char row[1024];

        str_copy(row, sizeof(row), text);
        utf8_cut(row, columns_of(s) - 1);
        return *row ? strlen(row) : strlen(text);
}

static void put_message(struct screen *s) {
        const char *text = s->message ? s->message : "";

        for (unsigned rows = message_rows(s); rows > 0; rows--) {
                size_t n = row_of(s, text);

                add_cut(s, text, rows > 1 ? n : strlen(text));
                buf_adds(&s->frame, rows > 1 ? "\033[K\r\n" : "\033[K");
                text += n;
        }
}

void screen_show(struct screen *s) {
        buf_adds(&s->frame, "\033[J");
        buf_addf(&s->frame, "\033[%u;1H", rows_of(s) + 1 - message_rows(s) - s->hint_rows);
        put_hints(s, true);
        put_message(s);
        send(s);
}

size_t screen_scroll(size_t n, size_t at, size_t room) {
        if (n <= room || at < room / 2)
                return 0;
        return at - room / 2 < n - room ? at - room / 2 : n - room;
}

bool screen_ask(struct screen *s, const char *label, char *text, size_t size) {
        for (;;) {
                size_t n = strlen(text), shown = n, width;
                char line[1024], letter;

                tty_size(s->cli->out_fd, &s->cli->rows, &s->cli->columns);
                width = columns_of(s) - 2;
                /* of a long line the end, where one types */
                if (strlen(label) + n > width)
                        shown = strlen(label) < width ? width - strlen(label) : 1;
                snprintf(line, sizeof(line), "%s%s", label, text + n - (shown < n ? shown : n));
                put_last_row(s, line);
                buf_adds(&s->frame, "\033[?25h");
                send(s);
                switch (key_read(s->cli->in_fd, 0, &letter)) {
                case KEY_ENTER:
                        return true;
                case KEY_ESCAPE:
                case KEY_INTERRUPT:
                case KEY_END:
                        return false;
                case KEY_ERASE:
                        if (n > 0)
                                text[n - 1] = '\0';
                        break;
                case KEY_CLEAR:
                        text[0] = '\0';
                        break;
                case KEY_SPACE:
                        letter = ' ';
                        __attribute__((fallthrough));
                case KEY_LETTER:
                        if (n + 1 < size) {
                                text[n] = letter;
                                text[n + 1] = '\0';
                        }
                        break;
                default:
                        (void)tty_resized();
                }
        }
}

void screen_say(struct screen *s, const char *text) {
        put_last_row(s, text);
        send(s);
}

char screen_ask_letter(struct screen *s, const char *question, const char *letters) {
        enum key key;
        char letter;

        do {
                screen_say(s, question);
                key = key_read(s->cli->in_fd, 0, &letter);
        } while (key == KEY_RESIZED && tty_resized());
        return key == KEY_LETTER && strchr(letters, letter) ? letter : '\0';
}

/* Calls what prints, with the clock's reading of now; what it printed is *@ret_text, owned. */
static int capture(const struct screen *s, int (*call)(struct cli *c, void *data), void *data,
                   char **ret_text) {
        struct cli inner = *s->cli;
        size_t length;
        int r;

        *ret_text = NULL;
        inner.err_tty = inner.out_tty = inner.redraws = false;
        inner.now_us = clock_real_us();
        inner.columns = columns_of(s) - 1; /* see add_cut() */
        inner.out = inner.err = open_memstream(ret_text, &length);
        if (!inner.out)
                return EXIT_FAILED;
        r = call(&inner, data);
        fclose(inner.out);
        return r;
}

int screen_call(struct screen *s, int (*call)(struct cli *c, void *data), void *data, char *message,
                size_t size) {
        _cleanup_free_ char *text = NULL;
        int r = capture(s, call, data, &text);

        if (text)
                snprintf(message, size, "%.*s", (int)strcspn(text, "\n"), text);
        return r;
}

int screen_look(struct screen *s, int (*call)(struct cli *c, void *data), void *data, char *message,
                size_t size) {
        _cleanup_free_ char *text = NULL;
        int r = capture(s, call, data, &text);

        if (r == EXIT_UNREACHABLE && s->seen && text) {
                const char *said = strstr(text, ": "); /* behind the command's name */

                said = said ? said + 2 : text;
                snprintf(message, size, "trying again: %.*s", (int)strcspn(said, "\n"), said);
                return EXIT_DONE;
        }
        if (r != EXIT_DONE) {
                /* only behind the screen, or it would be lost with it */
                screen_close(s);
                fputs(text ? text : "", s->cli->err);
                return r;
        }
        free(s->seen);
        s->seen = TAKE_PTR(text);
        return r;
}
