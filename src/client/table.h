/*
 * Tables: cells are added row by row, widths are found when printing. Columns are aligned by
 * terminal columns, not bytes; the last one is not padded. For a terminal (width > 0) the widest
 * columns that may shrink are cut with an ellipsis until a line fits, and where that is not enough
 * whole columns are left out; for a pipe nothing is.
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdio.h>

struct table_column {
        const char *title;
        unsigned char least; /* may be cut, down to this width; 0: is never cut */
        unsigned char goes;  /* is left out in narrow windows, 1 first, then 2; 0: never */
};

enum { TABLE_LEAST = 8 }; /* in which one still tells names apart */

struct table_cell {
        size_t offset; /* of its text */
        unsigned width;
};

struct table {
        const struct table_column *columns;
        size_t n_columns;
        VEC(struct table_cell) cells;
        struct buf text;
        bool failed; /* out of memory; nothing is printed */
};

#define TABLE_OF(cols, n) \
        ((struct table){ .columns = (cols), .n_columns = (n), .text = { .max = 64 * 1024 * 1024 } })
#define TABLE(cols) TABLE_OF(cols, ARRAY_SIZE(cols))

void table_release(struct table *t);
#define _cleanup_table_ _cleanup_(table_release)

/* Adds the next cell. Foreign text: control characters are replaced. NULL and "" show as "-". */
void table_add(struct table *t, const char *text);

/* Prints the titles and all rows. @width: the terminal's, 0 for a pipe or file. */
void table_print(struct table *t, FILE *out, unsigned width, bool utf8);
