/* ds01 top: the machine as it is now, again and again: devices, containers, queue. */
#include "base/clock.h"
#include "base/str.h"
#include "client/ask.h"
#include "client/attach.h"
#include "client/lifecycle.h"
#include "client/listings.h"
#include "client/screen.h"
#include "client/top.h"

#include <string.h>
#include <time.h>

enum { INTERVAL_S = 2 };

static const char hints[] = "arrows choose\ns sort\n/ filter\nx stop\ne extend\na attach\nq quit\n";

struct top_options {
        bool once;
};

static const struct option_row rows[] = {
        OPTION_FLAG('1', "once", struct top_options, once, "print it once, without the screen"),
};

struct top {
        struct cli *cli;
        struct screen screen;
        bool live; /* a container is marked */
        enum top_sort sort;
        char filter[64];
        char marked[128]; /* its name; "" while there is none */
        int step;         /* by how much the mark moves at the next look */
        char message[512], away[512]; /* of what was done; of a ds01d that can't be reached */
        bool done;
        int code;
};

/* --- one look ------------------------------------------------------------------------------- */

static int keep_usage(struct cli *c, const void *row, void *data) {
        struct usages *u = data;

        if (VEC_PUSH(&u->rows, *(const struct usage *)row) == 0)
                return EXIT_DONE;
        cli_error(c, "out of memory");
        return EXIT_FAILED;
}

/* The mark stays with its container; when that is gone the first has it. */
static size_t find_marked(struct top *t, const struct top_rows *list) {
        size_t at = 0;

        for (size_t i = 0; i < list->rows.len; i++)
                if (str_equal(list->rows.items[i].container->name, t->marked))
                        at = i;
        str_copy(t->marked, sizeof(t->marked),
                 list->rows.len ? list->rows.items[at].container->name : "");
        return at;
}

static int put_containers(struct top *t, struct cli *c) {
        _cleanup_containers_ struct container_list containers = { 0 };
        _cleanup_table_ struct table table = TABLE_OF(top_columns, n_top_columns);
        struct usages usages = { 0 };
        struct top_rows list = { 0 };
        size_t at = 0;
        int r = container_list_get(c, STATUS_RUNNING | STATUS_PAUSED, NULL, &containers);

        if (r == EXIT_DONE)
                r = rows_get(c, "/v1/stats", &usage_rows, keep_usage, &usages);
        if (r == EXIT_DONE && top_arrange(&containers, &usages, t->filter, t->sort, &list) < 0)
                r = EXIT_FAILED;
        if (r == EXIT_DONE && t->live) {
                at = find_marked(t, &list);
                if (t->step < 0 && at > 0)
                        at--;
                else if (t->step > 0 && at + 1 < list.rows.len)
                        at++;
                t->step = 0;
                if (list.rows.len > 0)
                        str_copy(t->marked, sizeof(t->marked), list.rows.items[at].container->name);
        }
        for (size_t i = 0; i < list.rows.len; i++)
                top_add(c, &table, &list.rows.items[i], t->live && i == at);
        if (r == EXIT_DONE && list.rows.len > 0)
                table_print(&table, c->out, c->columns, c->utf8);
        else if (r == EXIT_DONE)
                fprintf(c->out, "%s\n", t->filter[0] ? "No running container of that name"
                                                     : "No running containers");
        VEC_RELEASE(&usages.rows);
        VEC_RELEASE(&list.rows);
        return r;
}

static int put_all(struct cli *c, void *data) {
        struct top *t = data;
        int r = listing_get(c, &gpus_listing, "/v1/gpus", FORMAT_TABLE);

        fputc('\n', c->out);
        if (r == EXIT_DONE)
                r = put_containers(t, c);
        fputc('\n', c->out);
        if (r == EXIT_DONE)
                r = listing_get(c, &queue_listing, "/v1/queue", FORMAT_TABLE);
        return r;
}

/* Draws what there is. The line that is marked stays on the screen. */
static int draw(struct top *t) {
        struct screen *s = &t->screen;
        size_t lines = 0, marked = 0;
        char now[16];
        time_t seconds;
        struct tm tm;
        int r;

        screen_begin(s, hints);
        t->away[0] = '\0';
        r = screen_look(s, put_all, t, t->away, sizeof(t->away));
        if (r != EXIT_DONE)
                return r;
        for (const char *at = s->seen; *at; at += strcspn(at, "\n") + 1, lines++)
                if (*at == '>')
                        marked = lines;
        seconds = clock_real_us() / US_PER_S;
        if (!localtime_r(&seconds, &tm) || strftime(now, sizeof(now), "%H:%M:%S", &tm) == 0)
                now[0] = '\0';
        screen_title(s, "ds01 top  sorted by %s%s%s  %s", top_sort_names[t->sort],
                     t->filter[0] ? "  filter: " : "", t->filter, now);
        s->message = t->away[0] ? t->away : t->message;
        screen_text(s, s->seen, screen_scroll(lines, marked, screen_room(s)));
        screen_show(s);
        return EXIT_DONE;
}

/* --- what the keys do ----------------------------------------------------------------------- */

static int stop(struct cli *c, void *data) {
        const struct stop_options options = { 0 };

        return stop_container(c, data, &options);
}

static int extend(struct cli *c, void *data) {
        char *name = data;
        const struct operands operands = { .items = &name, .n = 1, .before = 1 };

        return command_run(c, command_find("container-extend"), &operands);
}

static void ask_and_stop(struct top *t) {
        char text[256];

        snprintf(text, sizeof(text), "Stop '%s'? y/n", t->marked);
        if (screen_ask_letter(&t->screen, text, "y") != 'y') {
                str_copy(t->message, sizeof(t->message), "Nothing was done");
                return;
        }
        snprintf(text, sizeof(text), "stopping '%s' ...", t->marked);
        screen_say(&t->screen, text);
        screen_call(&t->screen, stop, t->marked, t->message, sizeof(t->message));
}

/* A shell takes the place of the screen until it ends. */
static void enter(struct top *t) {
        char line[8] = "";

        screen_close(&t->screen);
        if (attach(t->cli, t->marked, NULL, 0) != EXIT_DONE)
                ask_line(t->cli, "Enter goes back to ds01 top", line, sizeof(line));
        t->code = screen_open(&t->screen, t->cli);
        t->done = t->code != EXIT_DONE;
}

static void handle_letter(struct top *t, char letter) {
        switch (letter) {
        case 'q':
                t->done = true;
                break;
        case 's':
                t->sort = (t->sort + 1) % TOP_SORTS;
                break;
        case '/':
                if (!screen_ask(&t->screen, "Filter: ", t->filter, sizeof(t->filter)))
                        t->filter[0] = '\0';
                break;
        case 'x':
                if (t->marked[0])
                        ask_and_stop(t);
                break;
        case 'e':
                if (t->marked[0])
                        screen_call(&t->screen, extend, t->marked, t->message,
                                    sizeof(t->message));
                break;
        case 'a':
                if (t->marked[0])
                        enter(t);
                break;
        }
}

/* Waits for a key or the next look. */
static void wait_and_handle(struct top *t) {
        char letter;
        enum key key = key_read(t->cli->in_fd, clock_mono_us() + INTERVAL_S * US_PER_S, &letter);

        if (key != KEY_TIME && key != KEY_RESIZED)
                t->message[0] = '\0';
        switch (key) {
        case KEY_UP:
                t->step = -1;
                break;
        case KEY_DOWN:
                t->step = 1;
                break;
        case KEY_INTERRUPT:
        case KEY_END:
                t->done = true;
                break;
        default:
                handle_letter(t, letter);
        }
}

static int watch(struct cli *c) {
        struct top t = { .cli = c, .live = true };
        int r = screen_open(&t.screen, c);

        while (r == EXIT_DONE && !t.done) {
                r = draw(&t);
                if (r == EXIT_DONE) {
                        wait_and_handle(&t);
                        r = t.code;
                }
        }
        screen_close(&t.screen);
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct top_options *o = options;
        struct top once = { .cli = c };

        return o->once || !screen_possible(c) ? put_all(c, &once) : watch(c);
}

const struct command command_top = {
        .name = "top",
        .usage = "",
        .summary = "Watch devices, your containers and the queue, and act on them",
        .more = "Keys on the screen sort, filter, stop, extend and attach. Without a terminal it\n"
                "is printed once.",
        .examples = "ds01 top\n"
                    "ds01 top --once",
        COMMAND_OPTIONS(rows, struct top_options),
        .run = run,
};
