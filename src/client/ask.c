/* See ask.h. */
#include "client/ask.h"

#include "base/str.h"
#include "client/call.h"
#include "client/format.h"
#include "client/keys.h"
#include "client/listing.h"
#include "client/project.h"
#include "client/tty.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TYPED_LEAST = 3 }; /* columns for what is typed, however long the question */

static bool leave(struct cli *c) {
        fputs("Nothing was done.\n", c->err);
        return false;
}

/* Where keys can't be read one by one, the terminal edits the line. */
static bool read_line(struct cli *c, const char *label, char *text, size_t size) {
        char line[1024], byte = '\0';
        size_t n = 0;

        fprintf(c->err, *text ? "%s [%s]: " : "%s%s: ", label, text);
        fflush(c->err);
        while (read(c->in_fd, &byte, 1) == 1 && byte != '\n')
                if (n + 1 < sizeof(line))
                        line[n++] = byte;
        line[n] = '\0';
        if (byte != '\n')
                return leave(c);
        if (n > 0)
                str_copy(text, size, line);
        return true;
}

static void draw_line(struct cli *c, const char *label, const char *text) {
        size_t width = c->columns > 20 ? c->columns - 1 : 79;
        size_t label_n = strlen(label), n = strlen(text), room;

        if (label_n + 2 + TYPED_LEAST > width)
                label_n = width - 2 - TYPED_LEAST;
        room = width - 2 - label_n;
        /* of a long line the end, where one types */
        fprintf(c->err, "\r%.*s: %s\033[K", (int)label_n, label,
                text + (n > room ? n - room : 0));
        fflush(c->err);
}

bool ask_line(struct cli *c, const char *label, char *text, size_t size) {
        enum key key = KEY_NONE;

        if (!c->redraws ||
            tty_enter(c->in_fd, c->err_fd, TTY_KEYS, NULL, NULL) < 0)
                return read_line(c, label, text, size);
        while (key != KEY_ENTER && key != KEY_ESCAPE && key != KEY_INTERRUPT && key != KEY_END) {
                size_t n = strlen(text);
                char letter;

                draw_line(c, label, text);
                key = key_read(c->in_fd, 0, &letter);
                if (key == KEY_RESIZED && tty_resized())
                        tty_size(c->out_fd, &c->rows, &c->columns);
                if (key == KEY_ERASE && n > 0)
                        text[n - 1] = '\0';
                if (key == KEY_CLEAR)
                        text[0] = '\0';
                if (key == KEY_SPACE)
                        letter = ' ';
                if (letter && n + 1 < size) {
                        text[n] = letter;
                        text[n + 1] = '\0';
                }
        }
        tty_leave();
        fputc('\n', c->err);
        return key == KEY_ENTER || leave(c);
}

int ask_choice(struct cli *c, const char *title, struct picker_item *items, size_t n,
               size_t first) {
        const struct picker_list list = { .title = title, .items = items, .n = n, .first = first };
        int chosen = picker_ask(c, &list);

        for (size_t i = 0; chosen > 0 && i < n; i++)
                if (items[i].chosen) {
                        fprintf(c->err, "%s %s\n", title, items[i].name);
                        return (int)i;
                }
        leave(c);
        return -1;
}

int ask_add(struct operands *words, const char *fmt, ...) {
        char **grown = realloc(words->items, (words->n + 1) * sizeof(*grown));
        va_list ap;
        int n;

        if (!grown)
                return -ENOMEM;
        words->items = grown;
        va_start(ap, fmt);
        n = vasprintf(&words->items[words->n], fmt, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        words->n++;
        return 0;
}

void ask_show(struct cli *c, const struct operands *words) {
        fprintf(c->err, "The same in one line: %s", c->name);
        for (size_t i = 0; i < words->n; i++) {
                const char *word = words->items[i];
                bool plain = !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                                                "WXYZ0123456789-_=.,:/+@")];
                char safe[2048];

                str_printable(safe, sizeof(safe), word);
                fprintf(c->err, plain ? " %s" : " '%s'", safe);
        }
        fputs("\n", c->err);
}

/* --- projects ------------------------------------------------------------------------------- */

struct projects {
        VEC(struct picker_item) items; /* their names are owned */
        size_t here; /* the one in whose directory we are */
};

static int add_project(struct cli *c, const char *name, bool has_dockerfile, void *data) {
        const struct picker_item item = { .name = strdup(name),
                                          .detail = has_dockerfile ? "has a Dockerfile" : "" };
        struct projects *p = data;

        if (item.name && project_is_here(name))
                p->here = p->items.len;
        if (item.name && VEC_PUSH(&p->items, item) == 0)
                return EXIT_DONE;
        free((char *)item.name);
        cli_error(c, "out of memory");
        return EXIT_FAILED;
}

int ask_project(struct cli *c, const char *none, char *dst, size_t size, bool *ret_dockerfile) {
        struct projects p = { 0 };
        int at = 0, r = project_each(c, add_project, &p);

        *dst = '\0';
        *ret_dockerfile = false;
        if (r == EXIT_DONE && p.items.len > 0) {
                r = add_project(c, none, false, &p);
                if (r == EXIT_DONE)
                        at = ask_choice(c, "Project:", p.items.items, p.items.len, p.here);
                if (at < 0)
                        r = EXIT_FAILED;
                if (r == EXIT_DONE && (size_t)at + 1 < p.items.len) {
                        str_copy(dst, size, p.items.items[at].name);
                        *ret_dockerfile = p.items.items[at].detail[0] != '\0';
                }
        }
        for (size_t i = 0; i < p.items.len; i++)
                free((char *)p.items.items[i].name);
        VEC_RELEASE(&p.items);
        return r;
}

/* --- GPUs ----------------------------------------------------------------------------------- */

struct device {
        char state[16];
};

static void scan_device(struct json_scan *s, void *ret) {
        struct device *d = ret;

        *d = (struct device){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "state"))
                        json_scan_get_str(s, d->state, sizeof(d->state));
                else
                        json_scan_skip(s);
}

static const struct row_kind device_rows = { "the devices", sizeof(struct device), scan_device };

struct devices {
        unsigned all, free;
};

static int count_device(struct cli *c, const void *row, void *data) {
        struct devices *d = data;

        d->all++;
        d->free += str_equal(((const struct device *)row)->state, "free");
        return EXIT_DONE;
}

/* What one container may have; -1 without a limit. */
static int most_gpus(struct cli *c, double *ret) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/limits" };
        _cleanup_reply_ struct reply reply = { 0 };
        int r = call_do(c, &call, &reply);
        struct json_scan s;

        *ret = -1;
        if (r != EXIT_DONE)
                return r;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return call_garbled(c, "the limits");
        while (json_scan_next(&s) == JSON_SCAN_KEY) {
                if (!json_scan_is(&s, "gpus") || json_scan_next(&s) != JSON_SCAN_OBJECT) {
                        json_scan_skip(&s);
                        continue;
                }
                while (json_scan_next(&s) == JSON_SCAN_KEY)
                        if (json_scan_is(&s, "max_per_container"))
                                json_scan_get_double(&s, ret);
                        else
                                json_scan_skip(&s);
        }
        return s.failed ? call_garbled(c, "the limits") : EXIT_DONE;
}

int ask_gpus(struct cli *c, char *dst, size_t size) {
        struct devices devices = { 0 };
        char label[128], number[40], typed[24] = "";
        int64_t gpus;
        double most;
        int n, r = rows_get(c, "/v1/gpus", &device_rows, count_device, &devices);

        if (r == EXIT_DONE)
                r = most_gpus(c, &most);
        if (r != EXIT_DONE)
                return r;
        n = snprintf(label, sizeof(label), "GPUs (%u of %u free", devices.free, devices.all);
        format_number(most, number, sizeof(number));
        if (most >= 0)
                n += snprintf(label + n, sizeof(label) - (size_t)n, ", at most %s", number);
        str_copy(dst, size, devices.free > 0 && (most < 0 || most >= 1) ? "1" : "0");
        /* not there to be changed: a 2 behind it would be 12 */
        snprintf(label + n, sizeof(label) - (size_t)n, ") [%s]", dst);
        for (;; typed[0] = '\0') {
                if (!ask_line(c, label, typed, sizeof(typed)))
                        return EXIT_FAILED;
                if (!typed[0])
                        return EXIT_DONE;
                if (str_to_i64(typed, 0, INT32_MAX, &gpus) < 0)
                        fprintf(c->err, "A number, please: 0 is none.\n");
                else if (most >= 0 && (double)gpus > most)
                        fprintf(c->err, "At most %s, please.\n", number);
                else
                        return str_copy(dst, size, typed) ? EXIT_DONE : EXIT_FAILED;
        }
}

/* --- containers ----------------------------------------------------------------------------- */

int ask_container(struct cli *c, struct operands *ret) {
        char project[NAME_MAX + 1], name[NAME_MAX + 1], gpus[24];
        bool ignored;
        int r = ask_project(c, "(none)", project, sizeof(project), &ignored);

        if (r != EXIT_DONE)
                return r;
        str_copy(name, sizeof(name), project);
        do {
                if (!ask_line(c, "Name of the container", name, sizeof(name)))
                        return EXIT_FAILED;
        } while (!name[0]);
        r = ask_gpus(c, gpus, sizeof(gpus));
        if (r != EXIT_DONE)
                return r;
        if (ask_add(ret, "%s", name) < 0 ||
            (project[0] && ask_add(ret, "--project=%s", project) < 0) ||
            ask_add(ret, "--gpu=%s", gpus) < 0)
                return EXIT_FAILED;
        return EXIT_DONE;
}
