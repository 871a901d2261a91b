/* See top.h. */
#include "client/top.h"

#include "base/clock.h"
#include "base/str.h"
#include "client/format.h"

#include <stdio.h>
#include <string.h>

const char *const top_sort_names[TOP_SORTS] = {
        [TOP_BY_NAME] = "name",
        [TOP_BY_CPU] = "CPU",
        [TOP_BY_MEMORY] = "memory",
        [TOP_BY_GPU] = "GPU",
};

const struct table_column top_columns[] = {
        { "  CONTAINER", TABLE_LEAST + 2 },
        { "STATUS", .goes = 2 },
        { "CPU %" },
        { "MEMORY", .goes = 4 },
        { "GPU", TABLE_LEAST },
        { "GPU MEM", .goes = 1 },
        { "GPU %" },
        { "STOPS IN", .goes = 3 },
};
const size_t n_top_columns = ARRAY_SIZE(top_columns);

static double key_of(const struct top_row *row, enum top_sort sort) {
        switch (sort) {
        case TOP_BY_CPU:
                return row->usage.cpu;
        case TOP_BY_MEMORY:
                return (double)row->usage.memory;
        case TOP_BY_GPU:
                return row->usage.gpu;
        default:
                return 0;
        }
}

static int compare(const void *a, const void *b, void *sort) {
        const struct top_row *x = a, *y = b;
        double of_x = key_of(x, *(enum top_sort *)sort), of_y = key_of(y, *(enum top_sort *)sort);

        if (of_x != of_y)
                return of_x > of_y ? -1 : 1;
        return strcmp(x->container->name, y->container->name);
}

int top_arrange(const struct container_list *containers, const struct usages *usages,
                const char *filter, enum top_sort sort, struct top_rows *ret) {
        for (size_t i = 0; i < containers->rows.len; i++) {
                struct top_row row = {
                        .container = containers->rows.items[i],
                        .usage = { .cpu = -1, .memory_percent = -1, .gpu = -1, .memory = -1,
                                   .memory_limit = -1, .gpu_memory = -1, .gpu_memory_total = -1 },
                };

                if (!strcasestr(row.container->name, filter))
                        continue;
                for (size_t k = 0; k < usages->rows.len; k++)
                        if (str_equal(usages->rows.items[k].name, row.container->name))
                                row.usage = usages->rows.items[k];
                if (VEC_PUSH(&ret->rows, row) < 0)
                        return -ENOMEM;
        }
        if (ret->rows.len > 1)
                qsort_r(ret->rows.items, ret->rows.len, sizeof(*ret->rows.items), compare, &sort);
        return 0;
}

void top_add(struct cli *c, struct table *t, const struct top_row *row, bool marked) {
        const struct container *k = row->container;
        char text[160];
        int64_t stops;

        snprintf(text, sizeof(text), "%c %s", marked ? '>' : ' ', k->name);
        table_add(t, text);
        table_add(t, k->status);
        usage_add_percent(t, row->usage.cpu);
        usage_add_share(t, row->usage.memory, row->usage.memory_limit);
        table_add(t, k->gpu);
        usage_add_share(t, row->usage.gpu_memory, row->usage.gpu_memory_total);
        usage_add_percent(t, row->usage.gpu);
        text[0] = '\0';
        if (time_parse(k->stops_at, &stops) == 0 && stops > 0)
                format_left(stops - c->now_us, text, sizeof(text));
        table_add(t, text);
}
