/* ds01 queue: who waits for a GPU, in the order in which they get one. */
#include "client/container.h"
#include "client/format.h"
#include "client/record.h"
#include "client/table.h"

#include <inttypes.h>
#include <stdio.h>

struct queue_options {
        int format;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json|simple", struct queue_options, format,
                      format_choices, "how to print it (simple: the users)"),
};

static const struct table_column columns[] = {
        { "PLACE" }, { "USER", true }, { "CONTAINER", true },
        { "GPUS" },  { "FOR", true },  { "SINCE", true },
};

struct row {
        char user[128], container[128], reason[16], since[40];
        int64_t position, gpus;
};

static void scan_row(struct json_scan *s, struct row *r) {
        *r = (struct row){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "user"))
                        json_scan_get_str(s, r->user, sizeof(r->user));
                else if (json_scan_is(s, "container"))
                        json_scan_get_str(s, r->container, sizeof(r->container));
                else if (json_scan_is(s, "for"))
                        json_scan_get_str(s, r->reason, sizeof(r->reason));
                else if (json_scan_is(s, "since"))
                        json_scan_get_str(s, r->since, sizeof(r->since));
                else if (json_scan_is(s, "position"))
                        json_scan_get_int(s, &r->position);
                else if (json_scan_is(s, "gpus"))
                        json_scan_get_int(s, &r->gpus);
                else
                        json_scan_skip(s);
}

static void add_row(struct cli *c, struct table *table, const struct row *r) {
        char text[64];

        snprintf(text, sizeof(text), "%" PRId64, r->position);
        table_add(table, text);
        table_add(table, r->user);
        table_add(table, r->container);
        snprintf(text, sizeof(text), "%" PRId64, r->gpus);
        table_add(table, text);
        table_add(table, r->reason);
        format_ago_text(r->since, c->now_us, text, sizeof(text));
        table_add(table, text);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct queue_options *o = options;
        const struct call call = { .method = HTTP_GET, .target = "/v1/queue" };
        _cleanup_table_ struct table table = TABLE(columns);
        _cleanup_reply_ struct reply reply = { 0 };
        struct json_scan s;
        struct row row;
        int r = call_do(c, &call, &reply);

        if (r != EXIT_DONE)
                return r;
        if (o->format == FORMAT_JSON)
                return print_json(c->out, &reply.body) < 0 ? call_garbled(c, "the queue")
                                                           : EXIT_DONE;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_ARRAY)
                while (json_scan_next(&s) == JSON_SCAN_OBJECT) {
                        scan_row(&s, &row);
                        if (o->format == FORMAT_SIMPLE) {
                                put_safe(c->out, row.user);
                                fputc('\n', c->out);
                        } else {
                                add_row(c, &table, &row);
                        }
                }
        if (s.failed)
                return call_garbled(c, "the queue");
        if (o->format == FORMAT_TABLE && table.cells.len == 0)
                fputs("Nobody waits (container-create NAME --wait does)\n", c->err);
        else if (o->format == FORMAT_TABLE)
                table_print(&table, c->out, c->columns, c->utf8);
        return EXIT_DONE;
}

const struct command command_queue = {
        .name = "queue",
        .usage = "",
        .summary = "List who waits for a GPU, in the order of getting one",
        .more = "Higher priority goes first, then who came first. Of other people's containers\n"
                "only the user's name is shown. 'quota': waits for room in their own limits.",
        .examples = "ds01 queue\n"
                    "ds01 queue --format=json",
        COMMAND_OPTIONS(rows, struct queue_options),
        .run = run,
};
