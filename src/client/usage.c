/* See usage.h. */
#include "client/usage.h"

#include "client/format.h"

static void scan_usage(struct json_scan *s, void *ret) {
        struct usage *u = ret;

        *u = (struct usage){ .cpu = -1, .memory_percent = -1, .gpu = -1, .memory = -1,
                             .memory_limit = -1, .gpu_memory = -1, .gpu_memory_total = -1 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "name"))
                        json_scan_get_str(s, u->name, sizeof(u->name));
                else if (json_scan_is(s, "cpu_percent"))
                        json_scan_get_double(s, &u->cpu);
                else if (json_scan_is(s, "memory_used_bytes"))
                        json_scan_get_int(s, &u->memory);
                else if (json_scan_is(s, "memory_limit_bytes"))
                        json_scan_get_int(s, &u->memory_limit);
                else if (json_scan_is(s, "memory_percent"))
                        json_scan_get_double(s, &u->memory_percent);
                else if (json_scan_is(s, "gpu_memory_used_bytes"))
                        json_scan_get_int(s, &u->gpu_memory);
                else if (json_scan_is(s, "gpu_memory_total_bytes"))
                        json_scan_get_int(s, &u->gpu_memory_total);
                else if (json_scan_is(s, "gpu_percent"))
                        json_scan_get_double(s, &u->gpu);
                else
                        json_scan_skip(s);
}

const struct row_kind usage_rows = { "the statistics", sizeof(struct usage), scan_usage };

void usage_add_percent(struct table *t, double value) {
        char text[40] = "-";

        if (value >= 0)
                format_percent(value, text, sizeof(text));
        table_add(t, text);
}

void usage_add_share(struct table *t, int64_t used, int64_t total) {
        char a[40], b[40], text[90] = "-";

        if (used >= 0) {
                format_bytes(used, a, sizeof(a));
                format_bytes(total, b, sizeof(b));
                snprintf(text, sizeof(text), total > 0 ? "%s/%s" : "%s", a, b);
        }
        table_add(t, text);
}
