/* See editor.h. */
#include "client/editor.h"

#include "base/fd.h"
#include "base/str.h"
#include "client/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char main_hints[] = "arrows choose\na add\ns add system\nv version\nd remove\n"
                                 "/ catalogue\no base\nr requirements\nf Dockerfile\nc changes\n"
                                 "u undo\nw save\nb build\nq quit\n";
static const char text_hints[] = "arrows move\nq back\n";
static const char search_hints[] = "typing filters\narrows move\nEnter adds\nEsc back\n";

/* What a region is called, and who has put it there. */
static const char *const region_titles[REGIONS] = {
        [REGION_SYSTEM] = "Packages of the system (apt)",
        [REGION_REQUIREMENTS] = "Packages of a file (pip)",
        [REGION_PACKAGES] = "Packages the image began with (pip)",
        [REGION_ADDED] = "Packages added since (pip)",
};

struct editor {
        struct screen screen;
        const struct project *project;
        const struct catalogue *catalogue;
        struct edit *edit;
        size_t at; /* the package that is marked */
        char message[512];
        bool done, build;
        int code;
};

static void say(struct editor *ed, const char *fmt, ...) _printf_(2, 3);
static void say(struct editor *ed, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(ed->message, sizeof(ed->message), fmt, ap);
        va_end(ap);
}

/* Says why a change failed, or else @done. */
static void say_result(struct editor *ed, int r, const struct err *err, const char *done) {
        if (r == 0)
                say(ed, "%s", done);
        else
                say(ed, "%s", err->msg[0] ? err->msg : strerror(-r));
}

/* --- the list of packages ------------------------------------------------------------------- */

struct row {
        const char *title; /* a heading, or NULL */
        size_t package;
};

struct rows {
        VEC(struct row) list;
        size_t at; /* the row of the marked package */
};

static void add_row(struct rows *rows, const char *title, size_t package) {
        const struct row row = { title, package };

        (void)VEC_PUSH(&rows->list, row);
}

static void make_rows(const struct editor *ed, struct rows *ret) {
        const struct edit *e = ed->edit;

        for (int region = 0; region < REGIONS; region++) {
                bool begun = false;

                if (region == REGION_REQUIREMENTS && e->requirements[0]) {
                        add_row(ret, region_titles[region], 0);
                        add_row(ret, e->requirements, 1);
                }
                for (size_t i = 0; i < e->packages.len; i++) {
                        if (e->packages.items[i].region != (enum dockerfile_region)region)
                                continue;
                        if (!begun)
                                add_row(ret, region_titles[region], 0);
                        begun = true;
                        if (i == ed->at)
                                ret->at = ret->list.len;
                        add_row(ret, NULL, i);
                }
        }
}

static void draw_package(struct editor *ed, size_t i) {
        const char *text = ed->edit->packages.items[i].text;
        size_t n = strcspn(text, "<>=!~;@[ ");
        int width = ed->screen.cli->columns < 60 ? 18 : 32;

        screen_line(&ed->screen, "%c %-*.*s %s", i == ed->at ? '>' : ' ', width, (int)n, text,
                    text[n] ? text + n : "any version");
}

static void draw(struct editor *ed) {
        struct screen *s = &ed->screen;
        struct rows rows = { 0 };
        size_t room, first;

        if (ed->at >= ed->edit->packages.len)
                ed->at = ed->edit->packages.len ? ed->edit->packages.len - 1 : 0;
        make_rows(ed, &rows);
        s->message = ed->message;
        screen_begin(s, main_hints);
        screen_title(s, "Image of %s%s", ed->project->name,
                     edit_changed(ed->edit) ? "  [not saved]" : "");
        screen_line(s, "Base: %s", ed->edit->base[0] ? ed->edit->base : "-");
        room = screen_room(s);
        first = screen_scroll(rows.list.len, rows.at, room);
        for (size_t i = first; i < rows.list.len && i < first + room; i++) {
                const struct row *row = &rows.list.items[i];

                if (!row->title)
                        draw_package(ed, row->package);
                else
                        screen_line(s, row->package ? "    %s" : "%s", row->title);
        }
        if (rows.list.len == 0)
                screen_line(s, "No packages of image-update's yet; what was written by hand: f");
        screen_show(s);
        VEC_RELEASE(&rows.list);
}

/* --- the text and its changes --------------------------------------------------------------- */

static size_t count_lines(const char *text) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

/* Long lines go on in the next one, a little to the right. */
static void fold(const char *text, unsigned columns, struct buf *ret) {
        static const char indent[] = "    ";
        size_t width = 0;

        columns = columns > 2 * sizeof(indent) ? columns : 80;
        for (size_t n; *text; text += n) {
                char one[8] = "";

                for (n = 1; (text[n] & 0xc0) == 0x80 && n + 1 < sizeof(one);)
                        n++;
                memcpy(one, text, n);
                if (*text != '\n' && width + utf8_width(one) >= columns) {
                        buf_addf(ret, "\n%s", indent);
                        width = sizeof(indent) - 1;
                }
                buf_adds(ret, one);
                width = *text == '\n' ? 0 : width + utf8_width(one);
        }
}

static void show_text(struct editor *ed, const char *title, const char *text) {
        struct screen *s = &ed->screen;
        size_t first = 0;
        char letter = '\0';
        enum key key;

        s->message = NULL;
        do {
                _cleanup_buf_ struct buf lines = BUF_INIT(4 * DOCKERFILE_MAX);
                size_t room, n;

                screen_begin(s, text_hints);
                fold(text, s->cli->columns, &lines);
                n = count_lines(buf_str(&lines));
                screen_title(s, "%s", title);
                room = screen_room(s) ? screen_room(s) : 1;
                screen_text(s, buf_str(&lines), first);
                screen_show(s);
                key = key_read(s->cli->in_fd, 0, &letter);
                if (key == KEY_UP)
                        first -= first > 0;
                else if (key == KEY_DOWN)
                        first += first + room < n;
                else if (key == KEY_PAGE_UP)
                        first = first > room ? first - room : 0;
                else if (key == KEY_PAGE_DOWN || key == KEY_SPACE)
                        first = first + 2 * room < n ? first + room : n > room ? n - room : 0;
        } while (key != KEY_ESCAPE && key != KEY_INTERRUPT && key != KEY_END && letter != 'q');
}

static void show_file(struct editor *ed) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);

        if (edit_text(ed->edit, &text) == 0)
                show_text(ed, "The Dockerfile as it will be", buf_str(&text));
}

static void show_changes(struct editor *ed) {
        _cleanup_buf_ struct buf text = BUF_INIT(2 * DOCKERFILE_MAX);

        if (edit_diff(ed->edit, &text) < 0 || text.len == 0)
                say(ed, "nothing has been changed");
        else
                show_text(ed, "Changes of the Dockerfile", buf_str(&text));
}

/* --- the catalogue -------------------------------------------------------------------------- */

struct candidate {
        const char *text, *from;
        enum package_kind kind;
        bool there; /* in the image already */
};

struct search {
        VEC(struct candidate) list;
        char filter[64];
        size_t at;
};

static bool is_there(const struct edit *e, enum package_kind kind, const char *text) {
        char name[PACKAGE_MAX], other[PACKAGE_MAX];

        package_name(kind, text, name);
        for (size_t i = 0; i < e->packages.len; i++) {
                const struct edit_package *p = &e->packages.items[i];

                package_name(dockerfile_kind(p->region), p->text, other);
                if (dockerfile_kind(p->region) == kind && str_equal(name, other))
                        return true;
        }
        return false;
}

static void offer(struct search *s, const struct edit *e, const struct packages *p,
                  enum package_kind kind, const char *from) {
        for (size_t i = 0; i < p->list.len; i++) {
                const struct candidate fresh = { p->list.items[i], from, kind,
                                                 is_there(e, kind, p->list.items[i]) };

                (void)VEC_PUSH(&s->list, fresh);
        }
}

static bool matches(const struct search *s, const struct candidate *k) {
        return strcasestr(k->text, s->filter) || strcasestr(k->from, s->filter);
}

/* Draws those that match; the one that is marked, or NULL. */
static const struct candidate *draw_search(struct editor *ed, struct search *search) {
        const struct candidate *marked = NULL;
        struct screen *s = &ed->screen;
        size_t n = 0, at = 0, first, room;

        for (size_t i = 0; i < search->list.len; i++)
                n += matches(search, &search->list.items[i]);
        if (search->at >= n)
                search->at = n ? n - 1 : 0;
        s->message = NULL;
        screen_begin(s, search_hints);
        screen_title(s, "Catalogue: %s", search->filter);
        room = screen_room(s);
        first = screen_scroll(n, search->at, room);
        for (size_t i = 0; i < search->list.len; i++) {
                const struct candidate *k = &search->list.items[i];

                if (!matches(search, k))
                        continue;
                if (at == search->at)
                        marked = k;
                if (at >= first && at < first + room)
                        screen_line(s, "%c %-*s %s %s", at == search->at ? '>' : ' ',
                                    s->cli->columns < 60 ? 16 : 24, k->text,
                                    k->kind == PACKAGE_APT ? "apt" : "pip",
                                    k->there ? "(in the image)" : k->from);
                at++;
        }
        if (n == 0)
                screen_line(s, "  nothing matches; a and s add what is not in the catalogue");
        screen_show(s);
        return marked;
}

static void take_letter(struct search *s, char letter) {
        size_t n = strlen(s->filter);

        if (n + 1 < sizeof(s->filter)) {
                s->filter[n] = letter;
                s->filter[n + 1] = '\0';
                s->at = 0;
        }
}

static void add(struct editor *ed, enum package_kind kind, const char *list, const char *did) {
        char done[128];
        struct err err = { 0 };
        int r;

        snprintf(done, sizeof(done), "%s %.100s", did, list);
        r = edit_add(ed->edit, kind, list, &err);
        say_result(ed, r, &err, done);
}

static void search(struct editor *ed) {
        struct search s = { 0 };

        offer(&s, ed->edit, &ed->catalogue->common, PACKAGE_PIP, "common");
        for (size_t i = 0; i < ed->catalogue->types.len; i++) {
                const struct catalogue_type *t = &ed->catalogue->types.items[i];

                offer(&s, ed->edit, &t->pip, PACKAGE_PIP, t->title);
                offer(&s, ed->edit, &t->apt, PACKAGE_APT, t->title);
        }
        offer(&s, ed->edit, &ed->catalogue->system, PACKAGE_APT, "system");
        for (;;) {
                const struct candidate *marked = draw_search(ed, &s);
                enum key key;
                char letter;

                key = key_read(ed->screen.cli->in_fd, 0, &letter);
                if (key == KEY_UP)
                        s.at -= s.at > 0;
                else if (key == KEY_DOWN)
                        s.at++;
                else if (key == KEY_LETTER)
                        take_letter(&s, letter);
                else if (key == KEY_ERASE && s.filter[0])
                        s.filter[strlen(s.filter) - 1] = '\0';
                else if (key == KEY_CLEAR)
                        s.filter[0] = '\0';
                else if (key == KEY_ENTER && marked && marked->there)
                        say(ed, "%s is in the image already; v changes its version", marked->text);
                else if (key == KEY_ENTER && marked)
                        add(ed, marked->kind, marked->text, "added");
                if ((key == KEY_ENTER && marked) || key == KEY_ESCAPE || key == KEY_INTERRUPT ||
                    key == KEY_END)
                        break;
        }
        VEC_RELEASE(&s.list);
}

/* --- what the keys do ----------------------------------------------------------------------- */

static void ask_add(struct editor *ed, enum package_kind kind, const char *label) {
        char list[1024] = "";

        if (screen_ask(&ed->screen, label, list, sizeof(list)) && list[0])
                add(ed, kind, list, "added");
}

static void change_version(struct editor *ed) {
        const struct edit_package *p = &ed->edit->packages.items[ed->at];
        enum package_kind kind = dockerfile_kind(p->region);
        char text[PACKAGE_MAX], old[PACKAGE_MAX], new[PACKAGE_MAX];
        struct err err = { 0 };

        str_copy(text, sizeof(text), p->text);
        if (!screen_ask(&ed->screen, "Package and version: ", text, sizeof(text)))
                return;
        if (package_check(kind, text, &err) < 0) {
                say(ed, "%s", err.msg);
                return;
        }
        package_name(kind, p->text, old);
        package_name(kind, text, new);
        if (!str_equal(old, new))
                say(ed, "'%.100s' is another package: a and s add one", text);
        else
                add(ed, kind, text, "changed to");
}

static void take_out(struct editor *ed) {
        char done[PACKAGE_MAX + 16];
        struct err err = { 0 };
        int r;

        snprintf(done, sizeof(done), "removed %s", ed->edit->packages.items[ed->at].text);
        r = edit_remove(ed->edit, ed->at, &err);
        say_result(ed, r, &err, done);
}

static void change_base(struct editor *ed) {
        char image[sizeof(ed->edit->base)];
        struct err err = { 0 };

        str_copy(image, sizeof(image), ed->edit->base);
        if (screen_ask(&ed->screen, "Base image: ", image, sizeof(image)))
                say_result(ed, edit_base(ed->edit, image, &err), &err, "changed the base");
}

/* Calls what prints; its first line becomes the message. */
static int quietly(struct editor *ed, int (*call)(struct cli *c, void *data), void *data) {
        return screen_call(&ed->screen, call, data, ed->message, sizeof(ed->message));
}

struct requirements {
        const struct project *project;
        const char *typed;
        char file[PATH_MAX];
};

static int find_requirements(struct cli *c, void *data) {
        struct requirements *q = data;

        return project_requirements(c, q->project, q->typed, q->file);
}

static void change_requirements(struct editor *ed) {
        char typed[512] = "requirements.txt";
        struct requirements q = { .project = ed->project, .typed = typed };
        struct err err = { 0 };

        if (!screen_ask(&ed->screen, "Requirements file: ", typed, sizeof(typed)) ||
            quietly(ed, find_requirements, &q) != EXIT_DONE)
                return;
        say_result(ed, edit_requirements(ed->edit, q.file, &err), &err, "changed the requirements");
}

/* Somebody else may have written the file while this one was open. */
static bool may_write(struct editor *ed) {
        _cleanup_buf_ struct buf there = BUF_INIT(DOCKERFILE_MAX);

        return (file_read(ed->project->dockerfile, &there) == 0 &&
                str_equal(buf_str(&there), ed->edit->saved)) ||
               screen_ask_letter(&ed->screen, "The file was changed meanwhile. Write over it? y/n",
                                 "yn") == 'y';
}

static int write_file(struct cli *c, void *data) {
        struct editor *ed = data;

        return project_write(c, ed->project, &ed->edit->now);
}

static bool save(struct editor *ed) {
        if (!may_write(ed) || quietly(ed, write_file, ed) != EXIT_DONE)
                return false;
        if (!ed->message[0])
                say(ed, "it is saved already");
        return edit_saved(ed->edit) == 0;
}

static void quit(struct editor *ed) {
        char letter = 'n';

        if (edit_changed(ed->edit))
                letter = screen_ask_letter(&ed->screen,
                                           "Save? y yes, n no, others go on", "yn");
        ed->done = letter == 'n' || (letter == 'y' && save(ed));
}

static void handle_letter(struct editor *ed, char letter) {
        bool package = ed->edit->packages.len > 0;

        if (letter == 'a')
                ask_add(ed, PACKAGE_PIP, "Add pip packages: ");
        else if (letter == 's')
                ask_add(ed, PACKAGE_APT, "Add system packages: ");
        else if (letter == 'v' && package)
                change_version(ed);
        else if (letter == 'd' && package)
                take_out(ed);
        else if (letter == '/')
                search(ed);
        else if (letter == 'o')
                change_base(ed);
        else if (letter == 'r')
                change_requirements(ed);
        else if (letter == 'f')
                show_file(ed);
        else if (letter == 'c')
                show_changes(ed);
        else if (letter == 'u')
                say(ed, edit_undo(ed->edit) ? "undone" : "there is nothing to undo");
        else if (letter == 'w')
                save(ed);
        else if (letter == 'b')
                ed->done = ed->build = save(ed);
        else if (letter == 'q')
                quit(ed);
}

static void handle(struct editor *ed, enum key key, char letter) {
        size_t n = ed->edit->packages.len;

        ed->message[0] = '\0';
        switch (key) {
        case KEY_UP:
                ed->at -= ed->at > 0;
                break;
        case KEY_DOWN:
                ed->at += ed->at + 1 < n;
                break;
        case KEY_PAGE_UP:
                ed->at = ed->at > 10 ? ed->at - 10 : 0;
                break;
        case KEY_PAGE_DOWN:
                ed->at += 10; /* draw() knows the last */
                break;
        case KEY_ENTER:
                if (n > 0)
                        change_version(ed);
                break;
        case KEY_INTERRUPT:
                quit(ed);
                break;
        case KEY_END:
                ed->done = true;
                ed->code = EXIT_FAILED;
                break;
        default:
                handle_letter(ed, letter);
        }
}

int editor_run(struct cli *c, const struct project *p, const struct catalogue *catalogue,
               struct edit *e, bool *ret_build) {
        struct editor ed = { .project = p, .catalogue = catalogue, .edit = e };
        int r = screen_open(&ed.screen, c);

        if (r != EXIT_DONE)
                return r;
        while (!ed.done) {
                enum key key;
                char letter;

                draw(&ed);
                key = key_read(c->in_fd, 0, &letter);
                handle(&ed, key, letter);
        }
        screen_close(&ed.screen);
        *ret_build = ed.build;
        return ed.code;
}
