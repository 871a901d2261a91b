/* ds01 gpus: every device of the machine, who has it and since when. */
#include "base/clock.h"
#include "base/str.h"
#include "client/command.h"
#include "client/format.h"
#include "client/listings.h"

struct gpus_options {
        int format;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json|simple", struct gpus_options, format, format_choices,
                      "how to print them (simple: the names)"),
};

enum { STATE_LEAST = 15 }; /* "held, 23h left" */

static const struct table_column columns[] = {
        { "GPU" },
        { "MODEL", TABLE_LEAST, .goes = 3 },
        { "MEMORY", .goes = 4 },
        { "LOAD" },
        { "TEMP", .goes = 2 },
        { "STATE", STATE_LEAST },
        { "USER", TABLE_LEAST },
        { "CONTAINER", TABLE_LEAST, .goes = 5 },
        { "SINCE", .goes = 1 },
};

struct device {
        char name[64], model[128], state[16], user[128], container[128], detail[256];
        char since[40], held_until[40];
        int64_t memory, memory_total, temperature; /* -1: not known */
        double load;
};

static void scan_device(struct json_scan *s, void *ret) {
        struct device *d = ret;
        const struct json_text texts[] = {
                { "name", d->name, sizeof(d->name) },
                { "model", d->model, sizeof(d->model) },
                { "state", d->state, sizeof(d->state) },
                { "user", d->user, sizeof(d->user) },
                { "container", d->container, sizeof(d->container) },
                { "detail", d->detail, sizeof(d->detail) },
                { "since", d->since, sizeof(d->since) },
                { "held_until", d->held_until, sizeof(d->held_until) },
        };

        *d = (struct device){ .memory = -1, .memory_total = -1, .temperature = -1, .load = -1 };
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                if (json_scan_text(s, texts, ARRAY_SIZE(texts)))
                        continue;
                if (json_scan_is(s, "memory_used_bytes"))
                        json_scan_get_int(s, &d->memory);
                else if (json_scan_is(s, "memory_total_bytes"))
                        json_scan_get_int(s, &d->memory_total);
                else if (json_scan_is(s, "temperature_celsius"))
                        json_scan_get_int(s, &d->temperature);
                else if (json_scan_is(s, "gpu_percent"))
                        json_scan_get_double(s, &d->load);
                else
                        json_scan_skip(s);
        }
}

static void add_row(struct cli *c, struct table *t, const void *row) {
        const struct device *d = row;
        char used[40], total[40], text[512];
        int64_t until;

        table_add(t, d->name);
        table_add(t, d->model);
        format_bytes(d->memory, used, sizeof(used));
        format_bytes(d->memory_total, total, sizeof(total));
        if (d->memory_total < 0)
                str_copy(text, sizeof(text), "-");
        else
                snprintf(text, sizeof(text), "%s/%s", d->memory < 0 ? "?" : used, total);
        table_add(t, text);
        str_copy(text, sizeof(text), "-");
        if (d->load >= 0)
                format_percent(d->load, text, sizeof(text));
        table_add(t, text);
        snprintf(text, sizeof(text), d->temperature < 0 ? "-" : "%dC", (int)d->temperature);
        table_add(t, text);
        if (time_parse(d->held_until, &until) == 0 && until > 0) {
                format_left(until - c->now_us, used, sizeof(used));
                snprintf(text, sizeof(text), "%s, %s left", d->state, used);
        } else {
                snprintf(text, sizeof(text), d->detail[0] ? "%s: %s" : "%s", d->state, d->detail);
        }
        table_add(t, text);
        table_add(t, d->user);
        table_add(t, d->container);
        format_moment_text(d->since, c->now_us, text, sizeof(text));
        table_add(t, text);
}

static const struct row_kind kind = { "the devices", sizeof(struct device), scan_device };
const struct listing gpus_listing = {
        .kind = &kind,
        LISTING_COLUMNS(columns),
        .name_offset = offsetof(struct device, name),
        .none = "This machine has no GPU that ds01 can see",
        .add = add_row,
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct gpus_options *o = options;

        return listing_get(c, &gpus_listing, "/v1/gpus", o->format);
}

const struct command command_gpus = {
        .name = "gpus",
        .usage = "",
        .summary = "List the GPUs of this machine and who has them",
        .more = "Other people's containers appear as their user's name only.",
        .examples = "ds01 gpus\n"
                    "ds01 gpus --format=json",
        COMMAND_OPTIONS(rows, struct gpus_options),
        .run = run,
};
