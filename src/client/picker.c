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
        struct picker_list list;
        size_t at; /* of those that are shown */
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
        for (size_t i = 0; i < p->list.n; i++)
                if (is_shown(p, &p->list.items[i]) && at-- == 0)
                        return &p->list.items[i];
        return NULL;
}

static size_t shown_count(const struct picker *p) {
        size_t count = 0;

        for (size_t i = 0; i < p->list.n; i++)
                count += is_shown(p, &p->list.items[i]);
        return count;
}

/* --- drawing -------------------------------------------------------------------------------- */

static unsigned width_of(const struct picker *p) {
        return p->cli->columns > 1 ? p->cli->columns - 1 : 79;
}

static void put_line(struct picker *p, const char *text) {
        char line[1024];

        str_printable(line, sizeof(line), text);
        utf8_cut(line, width_of(p));
        fprintf(p->cli->err, "%s\033[K\n", line);
        p->drawn++;
}

static void clear(struct picker *p) {
        if (p->drawn > 0)
                fprintf(p->cli->err, "\033[%uA\r\033[J", p->drawn);
        p->drawn = 0;
}

/* What the keys do, in as many lines as it takes; only counted without @draw. */
static unsigned put_hints(struct picker *p, bool draw) {
        char filter[FILTER_MAX + 16];
        const char *const hints[] = { "arrows move", *p->filter ? filter : "typing filters",
                                      p->list.several ? "Space marks" : "", "Enter takes",
                                      "Esc leaves" };
        char line[128] = "";
        unsigned rows = 1;

        snprintf(filter, sizeof(filter), "filter: %s", p->filter);
        for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
                size_t n = strlen(line);

                if (n > 0 && n + 2 + strlen(hints[i]) > width_of(p)) {
                        if (draw)
                                put_line(p, line);
                        rows++;
                        n = 0;
                }
                if (*hints[i])
                        snprintf(line + n, sizeof(line) - n, "%s%s", n ? ", " : "", hints[i]);
        }
        if (draw)
                put_line(p, line);
        return rows;
}

/* All items as lines of a table, behind its titles; owned. @numbered: as the plain list has it. */
static char *items_text(struct picker *p, bool numbered) {
        static const struct table_column two[] = { { "", TABLE_LEAST }, { "", TABLE_LEAST } };
        bool own = p->list.columns;
        _cleanup_table_ struct table table = TABLE_OF(own ? p->list.columns : two,
                                                      own ? p->list.n_columns : ARRAY_SIZE(two));
        struct picker_item *marked = numbered ? NULL : item_at(p, p->at);
        char *text = NULL, cell[640];
        size_t size;
        FILE *out;

        for (size_t i = 0; i < p->list.n; i++) {
                const struct picker_item *item = &p->list.items[i];
                const char *rest = item->detail;

                if (numbered)
                        snprintf(cell, sizeof(cell), "%3zu  %s", i + 1, item->name);
                else
                        snprintf(cell, sizeof(cell), "%c %s%s", item == marked ? '>' : ' ',
                                 !p->list.several ? ""
                                 : item->chosen   ? "[x] "
                                                  : "[ ] ",
                                 item->name);
                table_add(&table, cell);
                for (size_t k = 1; k < table.n_columns; k++) {
                        size_t n = k + 1 < table.n_columns ? strcspn(rest, "\t") : strlen(rest);

                        snprintf(cell, sizeof(cell), "%.*s", (int)n, rest);
                        table_add(&table, n ? cell : " ");
                        rest += n + (rest[n] == '\t');
                }
        }
        out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        table_print(&table, out, width_of(p), p->cli->utf8);
        fclose(out);
        return text;
}

static void draw(struct picker *p) {
        size_t shown = shown_count(p), at = 0, room, taken, first;
        _cleanup_free_ char *text = NULL;
        char line[1024], part[64] = "";

        tty_size(p->cli->out_fd, &p->cli->rows, &p->cli->columns);
        taken = put_hints(p, false) + 2; /* and the title, and the line of the prompt */
        room = p->cli->rows > taken + 1 ? p->cli->rows - taken : 1;
        if (room > PAGE)
                room = PAGE;
        if (p->at >= shown)
                p->at = shown ? shown - 1 : 0;
        first = p->at >= room ? p->at - room + 1 : 0;
        clear(p);
        if (shown > room)
                snprintf(part, sizeof(part), "  %zu of %zu", p->at + 1, shown);
        snprintf(line, sizeof(line), "%s%s", p->list.title, part);
        put_line(p, line);
        text = items_text(p, false);
        for (const char *next = text ? strchr(text, '\n') : NULL, *end; next; next = end) {
                const struct picker_item *item = &p->list.items[at++];

                end = strchr(++next, '\n');
                if (!end || !is_shown(p, item))
                        continue;
                if (first == 0 && room > 0) {
                        snprintf(line, sizeof(line), "%.*s", (int)(end - next), next);
                        put_line(p, line);
                        room--;
                }
                first -= first > 0;
        }
        if (shown == 0)
                put_line(p, "  nothing matches");
        put_hints(p, true);
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

        for (size_t i = 0; i < p->list.n; i++)
                count += p->list.items[i].chosen;
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
        case KEY_PAGE_UP:
                p->at -= p->at > PAGE ? PAGE : p->at;
                return false;
        case KEY_PAGE_DOWN:
                p->at += PAGE; /* draw() knows the last */
                return false;
        case KEY_ERASE:
                if (*p->filter)
                        p->filter[strlen(p->filter) - 1] = '\0';
                return false;
        case KEY_CLEAR:
                p->filter[0] = '\0';
                return false;
        case KEY_SPACE:
                if (p->list.several && item)
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
                for (size_t i = 0; i < p->list.n; i++)
                        p->list.items[i].chosen = false;
                *ret = PICKER_NONE;
                return true;
        default:
                take_letter(p, letter);
                return false;
        }
}

/* --- the plain list ------------------------------------------------------------------------- */

static int ask_plain(struct picker *p) {
        _cleanup_free_ char *text = items_text(p, true);
        const char *rows = text ? strchr(text, '\n') : NULL;
        char line[256];
        size_t n = 0;

        if (!rows)
                return PICKER_FAILED;
        fprintf(p->cli->err, "%s%s", p->list.title, rows);
        fprintf(p->cli->err, p->list.several ? "Numbers, as 1 3 (Enter leaves): "
                                        : "Number (Enter leaves): ");
        fflush(p->cli->err);
        while (n + 1 < sizeof(line) && read(p->cli->in_fd, &line[n], 1) == 1 && line[n] != '\n')
                n++;
        line[n] = '\0';
        for (char *rest = line, *word; (word = strsep(&rest, " ,\t"));) {
                int64_t number;

                if (!*word)
                        continue;
                if (str_to_i64(word, 1, (int64_t)p->list.n, &number) < 0 ||
                    (!p->list.several && chosen_count(p) > 0)) {
                        cli_error(p->cli, "'%s' is not a number of the list", word);
                        return PICKER_FAILED;
                }
                p->list.items[number - 1].chosen = true;
        }
        return chosen_count(p);
}

int picker_ask(struct cli *c, const struct picker_list *list) {
        struct picker p = { .cli = c, .list = *list, .at = list->first };
        int answer = PICKER_FAILED;
        char letter;

        if (!c->redraws ||
            tty_enter(c->in_fd, c->err_fd, TTY_KEYS, "\033[?25l", "\033[?25h") < 0)
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
