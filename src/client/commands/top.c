/* ds01 top: the machine as it is now, again and again: devices, containers, queue. */
#include "base/clock.h"
#include "base/str.h"
#include "client/attach.h"
#include "client/lifecycle.h"
#include "client/listings.h"
#include "client/screen.h"
#include "client/top.h"

#include <string.h>

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
        char marked[128];  /* its name; "" while there is none */
        size_t marked_line; /* of the text */
        char message[512];
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

static size_t count_lines(FILE *stream, char *const *text) {
        size_t n = 0;

        fflush(stream);
        for (const char *at = *text; at && *at; at++)
                n += *at == '\n';
        return n;
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

/* @step: by how much the mark moves. */
static int put_containers(struct top *t, struct cli *c, int step, size_t *ret_at) {
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
                if (step < 0 && at > 0)
                        at--;
                else if (step > 0 && at + 1 < list.rows.len)
                        at++;
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
        *ret_at = at;
        return r;
}

static int put_all(struct top *t, struct cli *c, int step, char *const *text) {
        size_t at, before = 0;
        int r = listing_get(c, &gpus_listing, "/v1/gpus", FORMAT_TABLE);

        if (r == EXIT_DONE) {
                fputc('\n', c->out);
                if (text)
                        before = count_lines(c->out, text);
                r = put_containers(t, c, step, &at);
                t->marked_line = before + 1 + at;
        }
        if (r == EXIT_DONE) {
                fputc('\n', c->out);
                r = listing_get(c, &queue_listing, "/v1/queue", FORMAT_TABLE);
        }
        return r;
}

/* Draws what there is. What went wrong is in *@ret_error, owned. */
static int draw(struct top *t, int step, char **ret_error) {
        struct screen *s = &t->screen;
        struct cli inner = *t->cli;
        char *text = NULL, now[40];
        size_t size, room, lines;
        int r;

        s->message = t->message;
        screen_begin(s, hints);
        inner.columns = t->cli->columns;
        inner.err_tty = false;
        inner.now_us = clock_real_us();
        inner.out = inner.err = open_memstream(&text, &size);
        if (!inner.out)
                return EXIT_FAILED;
        r = put_all(t, &inner, step, &text);
        lines = count_lines(inner.out, &text);
        fclose(inner.out);
        if (r != EXIT_DONE) {
                *ret_error = text;
                return r;
        }
        time_format(inner.now_us, now, sizeof(now));
        screen_title(s, "ds01 top  sorted by %s%s%s  %s", top_sort_names[t->sort],
                     t->filter[0] ? "  filter: " : "", t->filter, now);
        room = screen_room(s);
        screen_text(s, text, screen_scroll(lines, t->marked_line, room));
        screen_show(s);
        free(text);
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

        return command_find("container-extend")->run(c, NULL, &operands);
}

static void act(struct top *t, const char *question, int (*call)(struct cli *c, void *data)) {
        char asked[256];

        snprintf(asked, sizeof(asked), "%s '%s'? y/n", question, t->marked);
        if (screen_ask_letter(&t->screen, asked, "y") == 'y')
                screen_call(&t->screen, call, t->marked, t->message, sizeof(t->message));
        else
                str_copy(t->message, sizeof(t->message), "Nothing was done");
}

/* A shell takes the place of the screen until it ends. */
static void enter(struct top *t) {
        screen_close(&t->screen);
        attach(t->cli, t->marked, NULL, 0);
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
                        act(t, "Stop", stop);
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

/* Waits for a key or the next look. By how much the mark moves. */
static int wait_and_handle(struct top *t) {
        char letter;
        enum key key = key_read(t->cli->in_fd, clock_mono_us() + INTERVAL_S * US_PER_S, &letter);

        if (key != KEY_TIME && key != KEY_RESIZED)
                t->message[0] = '\0';
        switch (key) {
        case KEY_UP:
                return -1;
        case KEY_DOWN:
                return 1;
        case KEY_INTERRUPT:
        case KEY_END:
                t->done = true;
                break;
        default:
                handle_letter(t, letter);
        }
        return 0;
}

static int watch(struct cli *c) {
        struct top t = { .cli = c, .live = true };
        int r = screen_open(&t.screen, c), step = 0;
        char *error = NULL;

        if (r != EXIT_DONE)
                return r;
        while (!t.done) {
                r = draw(&t, step, &error);
                if (r != EXIT_DONE)
                        break;
                step = wait_and_handle(&t);
                r = t.code;
        }
        screen_close(&t.screen);
        /* only now, or it would be lost with the screen */
        if (error)
                fputs(error, c->err);
        free(error);
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct top_options *o = options;
        struct top once = { .cli = c };

        return o->once || !screen_possible(c) ? put_all(&once, c, 0, NULL) : watch(c);
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
