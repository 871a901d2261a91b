/* What ds01 top shows of the caller's containers: which, and in which order. Pure. */
#pragma once

#include "client/container.h"
#include "client/usage.h"

enum top_sort { TOP_BY_NAME, TOP_BY_CPU, TOP_BY_MEMORY, TOP_BY_GPU, TOP_SORTS };
extern const char *const top_sort_names[TOP_SORTS];

struct top_row {
        const struct container *container;
        struct usage usage; /* -1 in it: not known */
};

struct top_rows {
        VEC(struct top_row) rows;
};

struct usages {
        VEC(struct usage) rows;
};

/* The containers whose name holds @filter, each with its use: those that use most first, or by
 * name. They belong to @containers. 0 or -ENOMEM; @ret starts zeroed. */
int top_arrange(const struct container_list *containers, const struct usages *usages,
                const char *filter, enum top_sort sort, struct top_rows *ret);
/* The columns of such a row. @marked: the one that keys act on. */
extern const struct table_column top_columns[];
extern const size_t n_top_columns;
void top_add(struct cli *c, struct table *t, const struct top_row *row, bool marked);
