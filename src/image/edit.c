/* See edit.h. */
#include "image/edit.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DIFF_LINES_MAX = 2000, CONTEXT_LINES = 2 };

static void release_packages(struct edit *e) {
        for (size_t i = 0; i < e->packages.len; i++)
                free(e->packages.items[i].text);
        e->packages.len = 0;
}

void edit_release(struct edit *e) {
        release_packages(e);
        VEC_RELEASE(&e->packages);
        for (size_t i = 0; i < e->history.len; i++)
                free(e->history.items[i]);
        VEC_RELEASE(&e->history);
        dockerfile_release(&e->now);
        free(e->saved);
        e->saved = NULL;
}

int edit_text(const struct edit *e, struct buf *out) {
        return dockerfile_write(&e->now, out);
}

/* The text as a string of its own, or NULL. */
static char *take_text(const struct edit *e) {
        struct buf text = BUF_INIT(DOCKERFILE_MAX);

        if (edit_text(e, &text) < 0 || buf_adds(&text, "") < 0) {
                buf_release(&text);
                return NULL;
        }
        return text.data ? text.data : strdup("");
}

/* COPY ["FILE", "/tmp/requirements.txt"] */
static void find_requirements(struct edit *e) {
        static const char before[] = "COPY [\"", behind[] = "\", \"/tmp/requirements.txt\"]";

        e->requirements[0] = '\0';
        for (size_t i = 0; i < e->now.lines.len; i++) {
                const char *line = e->now.lines.items[i], *end = strstr(line, behind);

                if (dockerfile_has(&e->now, REGION_REQUIREMENTS) && end && str_starts(line, before))
                        snprintf(e->requirements, sizeof(e->requirements), "%.*s",
                                 (int)(end - line - (ptrdiff_t)strlen(before)),
                                 line + strlen(before));
        }
}

/* Reads what the text says. */
static int look(struct edit *e, struct err *err) {
        int r = 0;

        release_packages(e);
        dockerfile_base(&e->now, e->base, sizeof(e->base));
        find_requirements(e);
        for (int region = 0; r == 0 && region < REGIONS; region++) {
                _cleanup_packages_ struct packages list = { 0 };

                r = dockerfile_packages(&e->now, region, &list, err);
                for (size_t i = 0; r == 0 && i < list.list.len; i++) {
                        struct edit_package p = { strdup(list.list.items[i]), region };

                        r = p.text ? VEC_PUSH(&e->packages, p) : -ENOMEM;
                        if (r < 0)
                                free(p.text);
                }
        }
        return r;
}

int edit_open(const char *bytes, size_t n, struct edit *ret, struct err *err) {
        int r;

        *ret = (struct edit){ 0 };
        r = dockerfile_parse(bytes, n, &ret->now, err);
        if (r == 0)
                r = look(ret, err);
        if (r == 0)
                r = edit_saved(ret);
        return r;
}

static int set_text(struct edit *e, const char *text) {
        struct dockerfile fresh = { 0 };
        int r = dockerfile_parse(text, strlen(text), &fresh, NULL);

        if (r < 0) {
                dockerfile_release(&fresh);
                return r;
        }
        dockerfile_release(&e->now);
        e->now = fresh;
        return look(e, NULL);
}

/* Ends a change that began with @before (owned) and had the result @r. */
static int step(struct edit *e, char *before, int r, struct err *err) {
        _cleanup_free_ char *old = before;
        _cleanup_free_ char *after = take_text(e);

        if (r == 0)
                r = after ? look(e, err) : -ENOMEM;
        if (r == 0 && str_equal(old, after))
                return 0;
        if (r == 0)
                r = VEC_PUSH(&e->history, old);
        if (r == 0)
                (void)TAKE_PTR(old);
        else
                set_text(e, old);
        return r;
}

int edit_add(struct edit *e, enum package_kind kind, const char *list, struct err *err) {
        _cleanup_packages_ struct packages packages = { 0 };
        char *before = take_text(e);
        unsigned changed;
        int r;

        if (!before)
                return -ENOMEM;
        r = packages_add(&packages, kind, list, err);
        if (r == 0 && packages.list.len > 0)
                r = dockerfile_add(&e->now, kind, &packages, &changed, err);
        return step(e, before, r, err);
}

int edit_remove(struct edit *e, size_t package, struct err *err) {
        const struct edit_package *p = &e->packages.items[package];
        enum package_kind kind = dockerfile_kind(p->region);
        char name[PACKAGE_MAX], *items = name, *before = take_text(e);
        struct packages one = { .list = { .items = &items, .len = 1 } };

        if (!before)
                return -ENOMEM;
        package_name(kind, p->text, name);
        return step(e, before, dockerfile_remove(&e->now, kind, &one, err), err);
}

int edit_base(struct edit *e, const char *image, struct err *err) {
        char *before = take_text(e);

        return before ? step(e, before, dockerfile_set_base(&e->now, image, err), err) : -ENOMEM;
}

int edit_requirements(struct edit *e, const char *file, struct err *err) {
        char *before = take_text(e);

        return before ? step(e, before, dockerfile_set_requirements(&e->now, file, err), err)
                      : -ENOMEM;
}

bool edit_undo(struct edit *e) {
        _cleanup_free_ char *text = NULL;

        if (e->history.len == 0)
                return false;
        text = e->history.items[--e->history.len];
        return set_text(e, text) == 0;
}

bool edit_changed(const struct edit *e) {
        _cleanup_free_ char *text = take_text(e);

        return !str_equal(text, e->saved);
}

int edit_saved(struct edit *e) {
        char *text = take_text(e);

        if (!text)
                return -ENOMEM;
        free(e->saved);
        e->saved = text;
        return 0;
}

/* --- the difference ------------------------------------------------------------------------- */

struct line {
        const char *at;
        size_t n;
};

struct text_lines {
        struct line items[DIFF_LINES_MAX];
        size_t n;
};

/* The rest behind the last line counts as one with it: then that shows as one long difference. */
static void split(const char *text, struct text_lines *ret) {
        ret->n = 0;
        while (*text && ret->n < DIFF_LINES_MAX) {
                size_t n = ret->n + 1 < DIFF_LINES_MAX ? strcspn(text, "\n") : strlen(text);

                ret->items[ret->n++] = (struct line){ text, n };
                text += n + (text[n] == '\n');
        }
}

static bool same(const struct text_lines *a, size_t i, const struct text_lines *b, size_t k) {
        return a->items[i].n == b->items[k].n &&
               memcmp(a->items[i].at, b->items[k].at, a->items[i].n) == 0;
}

static void put(struct buf *out, char sign, const struct text_lines *t, size_t i) {
        buf_addf(out, "%c %.*s\n", sign, (int)t->items[i].n, t->items[i].at);
}

/* What lies between the equal beginnings and ends, by the longest common subsequence:
 * @longest[i][k] is that of what follows old line @from + i and new line @from + k. */
static void put_middle(struct buf *out, const struct text_lines *a, const struct text_lines *b,
                       size_t from, size_t a_end, size_t b_end, const unsigned short *longest) {
        size_t width = b_end - from + 1, i = from, k = from;

        while (i < a_end || k < b_end) {
                const unsigned short *here = &longest[(i - from) * width + (k - from)];

                if (i < a_end && k < b_end && same(a, i, b, k)) {
                        put(out, ' ', a, i++);
                        k++;
                } else if (k == b_end || (i < a_end && here[width] >= here[1])) {
                        put(out, '-', a, i++);
                } else {
                        put(out, '+', b, k++);
                }
        }
}

static int put_diff(struct buf *out, const struct text_lines *a, const struct text_lines *b) {
        _cleanup_free_ unsigned short *longest = NULL;
        size_t from = 0, a_end = a->n, b_end = b->n, width;

        while (from < a_end && from < b_end && same(a, from, b, from))
                from++;
        while (a_end > from && b_end > from && same(a, a_end - 1, b, b_end - 1)) {
                a_end--;
                b_end--;
        }
        width = b_end - from + 1;
        longest = calloc((a_end - from + 1) * width, sizeof(*longest));
        if (!longest)
                return -ENOMEM;
        for (size_t i = a_end - from; i-- > 0;)
                for (size_t k = b_end - from; k-- > 0;) {
                        unsigned short *here = &longest[i * width + k];

                        if (same(a, from + i, b, from + k))
                                here[0] = here[width + 1] + 1;
                        else
                                here[0] = here[width] > here[1] ? here[width] : here[1];
                }
        for (size_t i = from > CONTEXT_LINES ? from - CONTEXT_LINES : 0; i < from; i++)
                put(out, ' ', a, i);
        put_middle(out, a, b, from, a_end, b_end, longest);
        for (size_t i = a_end; i < a->n && i < a_end + CONTEXT_LINES; i++)
                put(out, ' ', a, i);
        return out->failed ? -ENOBUFS : 0;
}

int edit_diff(const struct edit *e, struct buf *out) {
        _cleanup_free_ struct text_lines *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
        _cleanup_free_ char *text = take_text(e);

        if (!a || !b || !text)
                return -ENOMEM;
        split(e->saved, a);
        split(text, b);
        return str_equal(e->saved, text) ? 0 : put_diff(out, a, b);
}
