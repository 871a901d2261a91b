/* See picker.h. */
#include "client/picker.h"

#include "base/str.h"
#include "client/keys.h"
#include "client/tty.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FILTER_MAX = 64, PAGE = 10 };

struct picker {
        struct cli *cli;
        const char *title;
        struct picker_item *items;
        size_t n, at; /* of those that are shown */
        size_t width; /* of the longest name */
        bool several;
        char filter[FILTER_MAX];
        unsigned drawn; /* lines that are on the screen */
};

bool picker_possible(const struct cli *c) {
        return c->in_tty && c->out_tty && c->err_tty;
}

static bool is_shown(const struct picker *p, const struct picker_item *item) {
        return strcasestr(item->name, p->filter) != NULL;
}

/* The item that stands at place @at of those that are shown; NULL behind the last. */
static struct picker_item *item_at(struct picker *p, size_t at) {
        for (size_t i = 0; i < p->n; i++)
                if (is_shown(p, &p->items[i]) && at-- == 0)
                        return &p->items[i];
        return NULL;
}

static size_t shown_count(const struct picker *p) {
        size_t count = 0;

        for (size_t i = 0; i < p->n; i++)
                count += is_shown(p, &p->items[i]);
        return count;
}

/* --- drawing -------------------------------------------------------------------------------- */

static void put_line(struct picker *p, const char *text) {
        size_t width = p->cli->columns > 1 ? p->cli->columns - 1 : 79, n;
        char line[1024];

        str_printable(line, sizeof(line), text);
        n = strlen(line);
        while (n > 0 && (utf8_width(line) > width || !utf8_valid(line, n)))
                line[--n] = '\0';
        fprintf(p->cli->err, "%s\033[K\n", line);
        p->drawn++;
}

static void clear(struct picker *p) {
        if (p->drawn > 0)
                fprintf(p->cli->err, "\033[%uA\r\033[J", p->drawn);
        p->drawn = 0;
}

static void draw(struct picker *p) {
        size_t shown = shown_count(p), room = p->cli->rows > 6 ? p->cli->rows - 4 : PAGE, first;
        char line[1024];

        tty_size(p->cli->out_fd, &p->cli->rows, &p->cli->columns);
        if (room > PAGE)
                room = PAGE;
        if (p->at >= shown)
                p->at = shown ? shown - 1 : 0;
        first = p->at >= room ? p->at - room + 1 : 0;
        clear(p);
        snprintf(line, sizeof(line), "%s%s%s", p->title, *p->filter ? "  filter: " : "", p->filter);
        put_line(p, line);
        for (size_t i = first; i < shown && i < first + room; i++) {
                const struct picker_item *item = item_at(p, i);

                snprintf(line, sizeof(line), "%c %s%-*s  %s", i == p->at ? '>' : ' ',
                         !p->several    ? ""
                         : item->chosen ? "[x] "
                                        : "[ ] ",
                         (int)p->width, item->name, item->detail);
                put_line(p, line);
        }
        if (shown == 0)
                put_line(p, "  nothing matches");
        put_line(p, p->several ? "arrows move, typing filters, Space marks, Enter takes, Esc leaves"
                               : "arrows move, typing filters, Enter takes, Esc leaves");
        fflush(p->cli->err);
}

/* --- keys ----------------------------------------------------------------------------------- */

static void take_letter(struct picker *p, char letter) {
        size_t n = strlen(p->filter);

        if (letter && n + 1 < sizeof(p->filter)) {
                p->filter[n] = letter;
                p->filter[n + 1] = '\0';
                p->at = 0;
        }
}

static int chosen_count(const struct picker *p) {
        int count = 0;

        for (size_t i = 0; i < p->n; i++)
                count += p->items[i].chosen;
        return count;
}

/* One key. True when the asking is over, with *@ret. */
static bool handle(struct picker *p, enum key key, char letter, int *ret) {
        struct picker_item *item = item_at(p, p->at);

        switch (key) {
        case KEY_UP:
                p->at -= p->at > 0;
                return false;
        case KEY_DOWN:
                p->at += p->at + 1 < shown_count(p);
                return false;
        case KEY_ERASE:
                if (*p->filter)
                        p->filter[strlen(p->filter) - 1] = '\0';
                return false;
        case KEY_SPACE:
                if (p->several && item)
                        item->chosen = !item->chosen;
                return false;
        case KEY_ENTER:
                if (chosen_count(p) == 0 && !item)
                        return false;
                if (chosen_count(p) == 0)
                        item->chosen = true;
                *ret = chosen_count(p);
                return true;
        case KEY_ESCAPE:
        case KEY_INTERRUPT:
        case KEY_END:
                for (size_t i = 0; i < p->n; i++)
                        p->items[i].chosen = false;
                *ret = PICKER_NONE;
                return true;
        default:
                take_letter(p, letter);
                return false;
        }
}

/* --- the plain list ------------------------------------------------------------------------- */

static int ask_plain(struct picker *p) {
        char line[256];
        size_t n = 0;

        fprintf(p->cli->err, "%s\n", p->title);
        for (size_t i = 0; i < p->n; i++)
                fprintf(p->cli->err, "%3zu  %-*s  %s\n", i + 1, (int)p->width, p->items[i].name,
                        p->items[i].detail);
        fprintf(p->cli->err, p->several ? "Numbers, with blanks between (Enter leaves): "
                                        : "Number (Enter leaves): ");
        fflush(p->cli->err);
        while (n + 1 < sizeof(line) && read(p->cli->in_fd, &line[n], 1) == 1 && line[n] != '\n')
                n++;
        line[n] = '\0';
        for (char *rest = line, *word; (word = strsep(&rest, " ,\t"));) {
                int64_t number;

                if (!*word)
                        continue;
                if (str_to_i64(word, 1, (int64_t)p->n, &number) < 0 ||
                    (!p->several && chosen_count(p) > 0)) {
                        cli_error(p->cli, "'%s' is not a number of the list", word);
                        return PICKER_FAILED;
                }
                p->items[number - 1].chosen = true;
        }
        return chosen_count(p);
}

int picker_ask(struct cli *c, const char *title, struct picker_item *items, size_t n,
               bool several) {
        struct picker p = { .cli = c, .title = title, .items = items, .n = n, .several = several };
        const char *term = getenv("TERM"), *plain = getenv("DS01_PLAIN");
        int answer = PICKER_FAILED;
        char letter;

        for (size_t i = 0; i < n; i++)
                if (utf8_width(items[i].name) > p.width)
                        p.width = utf8_width(items[i].name);
        if (!term || !*term || str_equal(term, "dumb") || (plain && *plain))
                return ask_plain(&p);
        if (tty_enter(c->in_fd, c->err_fd, TTY_KEYS, "\033[?25l", "\033[?25h") < 0)
                return ask_plain(&p);
        for (;;) {
                enum key key;

                (void)tty_resized();
                draw(&p);
                key = key_read(c->in_fd, 0, &letter);
                if (handle(&p, key, letter, &answer))
                        break;
        }
        clear(&p);
        fflush(c->err);
        tty_leave();
        return answer;
}
