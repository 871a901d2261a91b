/* See table.h. */
#include "client/table.h"

#include "base/str.h"

#include <string.h>

enum { GAP = 2 };

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

/* Takes columns away from the widest ones until the sum fits. */
static void shrink(const struct table *t, unsigned *widths, unsigned width) {
        unsigned sum = GAP * (unsigned)(t->n_columns - 1);

        for (size_t i = 0; i < t->n_columns; i++)
                sum += widths[i];
        for (; sum > width; sum--) {
                size_t widest = t->n_columns;

                for (size_t i = 0; i < t->n_columns; i++)
                        if (t->columns[i].shrinks && widths[i] > TABLE_SHRINK_MIN &&
                            (widest == t->n_columns || widths[i] > widths[widest]))
                                widest = i;
                if (widest == t->n_columns)
                        return;
                widths[widest]--;
        }
}

void table_print(struct table *t, FILE *out, unsigned width, bool utf8) {
        unsigned widths[16] = { 0 };

        if (t->failed || t->n_columns > ARRAY_SIZE(widths))
                return;
        for (size_t i = 0; i < t->n_columns; i++)
                widths[i] = (unsigned)utf8_width(t->columns[i].title);
        for (size_t i = 0; i < t->cells.len; i++) {
                unsigned *w = &widths[i % t->n_columns];

                if (t->cells.items[i].width > *w)
                        *w = t->cells.items[i].width;
        }
        if (width > 0)
                shrink(t, widths, width);

        for (size_t i = 0; i < t->n_columns; i++)
                print_cell(out, t->columns[i].title, (unsigned)utf8_width(t->columns[i].title),
                           widths[i], i + 1 == t->n_columns, utf8);
        fputc('\n', out);
        for (size_t i = 0; i < t->cells.len; i++) {
                size_t column = i % t->n_columns;
                bool last = column + 1 == t->n_columns;

                print_cell(out, t->text.data + t->cells.items[i].offset, t->cells.items[i].width,
                           widths[column], last, utf8);
                if (last)
                        fputc('\n', out);
        }
}
