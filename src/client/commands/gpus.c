/* ds01 gpus: every device of the machine, who has it and since when. */
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/record.h"
#include "client/table.h"

struct gpus_options {
        int format;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json|simple", struct gpus_options, format, format_choices,
                      "how to print them (simple: the names)"),
};

static const struct table_column columns[] = {
        { "GPU" },         { "MODEL", true },     { "MEMORY" }, { "LOAD" },
        { "STATE", true }, { "USER", true }, { "CONTAINER", true }, { "SINCE" },
};

struct device {
        char name[64], model[128], state[16], user[128], container[128], detail[256];
        char since[40], held_until[40];
        int64_t memory, memory_total;
        double load;
};

static void scan_device(struct json_scan *s, struct device *d) {
        const struct {
                const char *key;
                char *dst;
                size_t size;
        } texts[] = {
                { "name", d->name, sizeof(d->name) },
                { "model", d->model, sizeof(d->model) },
                { "state", d->state, sizeof(d->state) },
                { "user", d->user, sizeof(d->user) },
                { "container", d->container, sizeof(d->container) },
                { "detail", d->detail, sizeof(d->detail) },
                { "since", d->since, sizeof(d->since) },
                { "held_until", d->held_until, sizeof(d->held_until) },
        };

        *d = (struct device){ .memory = -1, .memory_total = -1, .load = -1 };
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                size_t i;

                for (i = 0; i < ARRAY_SIZE(texts); i++)
                        if (json_scan_is(s, texts[i].key))
                                break;
                if (i < ARRAY_SIZE(texts))
                        json_scan_get_str(s, texts[i].dst, texts[i].size);
                else if (json_scan_is(s, "memory_used_bytes"))
                        json_scan_get_int(s, &d->memory);
                else if (json_scan_is(s, "memory_total_bytes"))
                        json_scan_get_int(s, &d->memory_total);
                else if (json_scan_is(s, "gpu_percent"))
                        json_scan_get_double(s, &d->load);
                else
                        json_scan_skip(s);
        }
}

static void add_row(struct cli *c, struct table *t, const struct device *d) {
        char used[40], total[40], text[512];

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
        if (d->held_until[0]) {
                format_moment_text(d->held_until, c->now_us, used, sizeof(used));
                snprintf(text, sizeof(text), "%s until %s", d->state, used);
        } else {
                snprintf(text, sizeof(text), d->detail[0] ? "%s: %s" : "%s", d->state, d->detail);
        }
        table_add(t, text);
        table_add(t, d->user);
        table_add(t, d->container);
        format_moment_text(d->since, c->now_us, text, sizeof(text));
        table_add(t, text);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct gpus_options *o = options;
        const struct call call = { .method = HTTP_GET, .target = "/v1/gpus" };
        _cleanup_table_ struct table table = TABLE(columns);
        _cleanup_reply_ struct reply reply = { 0 };
        struct device d;
        struct json_scan s;
        int r;

        r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        if (o->format == FORMAT_JSON)
                return print_json(c->out, &reply.body) < 0 ? call_garbled(c, "the devices")
                                                           : EXIT_DONE;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_ARRAY)
                while (json_scan_next(&s) == JSON_SCAN_OBJECT) {
                        scan_device(&s, &d);
                        if (o->format == FORMAT_SIMPLE) {
                                put_safe(c->out, d.name);
                                fputc('\n', c->out);
                        } else {
                                add_row(c, &table, &d);
                        }
                }
        if (s.failed)
                return call_garbled(c, "the devices");
        if (o->format == FORMAT_TABLE && table.cells.len == 0)
                fputs("This machine has no GPU that ds01 can see\n", c->err);
        else if (o->format == FORMAT_TABLE)
                table_print(&table, c->out, c->columns, c->utf8);
        return EXIT_DONE;
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
