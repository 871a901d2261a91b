/* See table.h. */
#include "client/table.h"

#include "base/str.h"

#include <string.h>

enum { GAP = 2, COLUMNS_MAX = 16 };

void table_release(struct table *t) {
        VEC_RELEASE(&t->cells);
        buf_release(&t->text);
}

void table_add(struct table *t, const char *text) {
        struct table_cell cell = { .offset = t->text.len };
        char safe[4096];

        str_printable(safe, sizeof(safe), text && *text ? text : "-");
        cell.width = (unsigned)utf8_width(safe);
        if (buf_add(&t->text, safe, strlen(safe) + 1) < 0 || VEC_PUSH(&t->cells, cell) < 0)
                t->failed = true;
}

/* Bytes of the UTF-8 character at @s. */
static size_t char_bytes(const char *s) {
        size_t n = 1;

        while ((s[n] & 0xc0) == 0x80)
                n++;
        return n;
}

/* Prints @text cut to @width columns, the last of which is the ellipsis. Returns what it took. */
static unsigned print_cut(FILE *out, const char *text, unsigned width, bool utf8) {
        unsigned used = 0;

        while (*text) {
                size_t n = char_bytes(text);
                char one[16] = "";
                unsigned w;

                memcpy(one, text, n < sizeof(one) ? n : sizeof(one) - 1);
                w = (unsigned)utf8_width(one);
                if (used + w > width - 1)
                        break;
                fwrite(text, 1, n, out);
                used += w;
                text += n;
        }
        fputs(utf8 ? "\u2026" : "~", out);
        return used + 1;
}

static void print_cell(FILE *out, const char *text, unsigned wide, unsigned width, bool last,
                       bool utf8) {
        if (wide > width)
                wide = print_cut(out, text, width, utf8);
        else
                fputs(text, out);
        if (!last)
                fprintf(out, "%*s", (int)(width - wide + GAP), "");
}

/* Takes columns away from the widest ones until the sum of those that are shown fits. */
static bool shrink(const struct table *t, unsigned *widths, unsigned width) {
        unsigned sum = 0;

        for (size_t i = 0; i < t->n_columns; i++)
                sum += widths[i] ? widths[i] + GAP : 0;
        for (width += GAP; sum > width; sum--) {
                size_t widest = t->n_columns;

                for (size_t i = 0; i < t->n_columns; i++)
                        if (t->columns[i].least && widths[i] > t->columns[i].least &&
                            (widest == t->n_columns || widths[i] > widths[widest]))
                                widest = i;
                if (widest == t->n_columns)
                        return false;
                widths[widest]--;
        }
        return true;
}

/* Leaves columns out (width 0) as long as cutting is not enough. */
static void fit(const struct table *t, unsigned *widths, unsigned width) {
        unsigned full[COLUMNS_MAX], last = 0;

        memcpy(full, widths, sizeof(full));
        for (size_t i = 0; i < t->n_columns; i++)
                if (t->columns[i].goes > last)
                        last = t->columns[i].goes;
        for (unsigned turn = 0; turn <= last; turn++) {
                for (size_t i = 0; i < t->n_columns; i++) {
                        unsigned goes = t->columns[i].goes;

                        widths[i] = goes && goes <= turn ? 0 : full[i];
                }
                if (shrink(t, widths, width))
                        return;
        }
}

static void print_row(const struct table *t, FILE *out, const unsigned *widths, size_t first_cell,
                      bool utf8) {
        size_t last = t->n_columns;

        while (last > 1 && widths[last - 1] == 0)
                last--;
        for (size_t i = 0; i < last; i++) {
                const struct table_cell *cell = &t->cells.items[first_cell + i];

                if (widths[i] > 0)
                        print_cell(out, t->text.data + cell->offset, cell->width, widths[i],
                                   i + 1 == last, utf8);
        }
        fputc('\n', out);
}

void table_print(struct table *t, FILE *out, unsigned width, bool utf8) {
        unsigned widths[COLUMNS_MAX] = { 0 };
        size_t titles = t->cells.len;

        for (size_t i = 0; i < t->n_columns; i++)
                table_add(t, t->columns[i].title);
        if (t->failed || t->n_columns > COLUMNS_MAX)
                return;
        for (size_t i = 0; i < t->cells.len; i++) {
                unsigned *w = &widths[i % t->n_columns];

                if (t->cells.items[i].width > *w)
                        *w = t->cells.items[i].width;
        }
        if (width > 0)
                fit(t, widths, width);
        print_row(t, out, widths, titles, utf8);
        for (size_t i = 0; i < titles; i += t->n_columns)
                print_row(t, out, widths, i, utf8);
}
