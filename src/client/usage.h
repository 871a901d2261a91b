/* What a running container uses: a row of GET /v1/stats. */
#pragma once

#include "client/listing.h"

#include <stdint.h>

struct usage {
        char name[128];
        double cpu, memory_percent, gpu; /* -1: unknown */
        int64_t memory, memory_limit, gpu_memory, gpu_memory_total;
};
extern const struct row_kind usage_rows;

/* Cells of a table: "12%", and "8.2GB/32GB" (without the second part when there is no limit). */
void usage_add_percent(struct table *t, double value);
void usage_add_share(struct table *t, int64_t used, int64_t total);
