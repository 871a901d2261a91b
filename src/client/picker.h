/*
 * Choosing from a list on the terminal: arrows or Ctrl-N and Ctrl-P move, typing filters, Space
 * marks where several may be chosen, Enter takes, Esc leaves. Drawn below the prompt and taken away
 * again. A plain numbered list instead where the terminal can't move its cursor (TERM=dumb), with
 * --plain or with $DS01_PLAIN: for screen readers too.
 */
#pragma once

#include "client/cli.h"
#include "client/table.h"

struct picker_item {
        const char *name;   /* what is filtered by */
        const char *detail; /* shown behind it; in columns, with tabs between them */
        bool chosen;        /* the answer */
};

struct picker_list {
        const char *title;
        struct picker_item *items;
        size_t n;
        size_t first; /* the one that is marked to begin with */
        bool several; /* may be chosen */
        /* How they narrow, the name first; their titles are not shown. NULL: name and detail. */
        const struct table_column *columns;
        size_t n_columns;
};

enum { PICKER_NONE = 0, PICKER_FAILED = -1 };

/* Can somebody be asked at all? */
bool picker_possible(const struct cli *c);

/* Asks. How many were chosen, PICKER_NONE when the person left, or PICKER_FAILED. */
int picker_ask(struct cli *c, const struct picker_list *list);
