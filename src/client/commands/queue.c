/* ds01 queue: who waits for a GPU, in the order in which they get one. */
#include "client/command.h"
#include "client/format.h"
#include "client/listings.h"

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
        { "PLACE" },
        { "USER", TABLE_LEAST },
        { "CONTAINER", TABLE_LEAST, .goes = 3 },
        { "GPUS" },
        { "FOR", TABLE_LEAST, .goes = 2 },
        { "SINCE", TABLE_LEAST, .goes = 1 },
};

struct row {
        char user[128], container[128], reason[16], since[40];
        int64_t position, gpus;
};

static void scan_row(struct json_scan *s, void *ret) {
        struct row *r = ret;

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

static void add_row(struct cli *c, struct table *table, const void *row) {
        const struct row *r = row;
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

static const struct row_kind kind = { "the queue", sizeof(struct row), scan_row };
const struct listing queue_listing = {
        .kind = &kind,
        LISTING_COLUMNS(columns),
        .name_offset = offsetof(struct row, user),
        .none = "Nobody waits (--wait gets in line)",
        .add = add_row,
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct queue_options *o = options;

        return listing_get(c, &queue_listing, "/v1/queue", o->format);
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
