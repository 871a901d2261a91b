/*
 * The whole terminal, drawn anew with every frame: lines from the top, below them the keys that do
 * something, in the last row a message or a question. Only what every terminal understands is sent
 * (cursor home, clear to the end, reverse video), so no library of terminals is needed.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"
#include "client/keys.h"

#include <stddef.h>

struct screen {
        struct cli *cli;
        struct buf frame;
        unsigned used;          /* rows of the frame */
        unsigned hint_rows;
        const char *hints;
        const char *message; /* for the last rows, or NULL; set before anything is drawn */
        char *seen;          /* what screen_look() has last seen, or NULL */
};

/* Is there a terminal that can be drawn on? With $DS01_PLAIN (--plain) nothing is. */
bool screen_possible(const struct cli *c);
/* Takes the terminal over. EXIT_DONE, or EXIT_FAILED after saying why. Whatever ends the process
 * gives it back (tty.h). */
int screen_open(struct screen *s, struct cli *c);
void screen_close(struct screen *s);

/* A frame. @hints: "a add", "q quit", ..., each ending in a line feed; they are wrapped. */
void screen_begin(struct screen *s, const char *hints);
/* How many lines fit in between. */
unsigned screen_room(const struct screen *s);
/* Adds a line, made safe and cut to the width. Nothing when no room is left. */
void screen_line(struct screen *s, const char *fmt, ...) _printf_(2, 3);
/* The same in reverse video (not with $NO_COLOR). */
void screen_title(struct screen *s, const char *fmt, ...) _printf_(2, 3);
/* Adds lines of text, from line @first on. */
void screen_text(struct screen *s, const char *text, size_t first);
void screen_show(struct screen *s);

/* The first of @n lines to show so that line @at is among the @room that fit. */
size_t screen_scroll(size_t n, size_t at, size_t room);

/* Asks for a line in the last row; @text is what stands there already. False when the person
 * left. */
bool screen_ask(struct screen *s, const char *label, char *text, size_t size);
/* Puts that into the last row at once, for what takes a while. */
void screen_say(struct screen *s, const char *text);
/* Asks for one of the letters; NUL when it was another key. */
char screen_ask_letter(struct screen *s, const char *question, const char *letters);

/* Calls what prints to stdout and stderr; the first line of it comes into @message instead. */
int screen_call(struct screen *s, int (*call)(struct cli *c, void *data), void *data, char *message,
                size_t size);
/* Calls what prints, for @s->seen. While ds01d can't be reached what was seen before stays, and
 * @message says so. Any other failure closes the screen and is said behind it. */
int screen_look(struct screen *s, int (*call)(struct cli *c, void *data), void *data, char *message,
                size_t size);
