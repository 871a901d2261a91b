/* container-restore: a removed container again, with what was changed in it. */
#include "client/format.h"
#include "client/lifecycle.h"
#include "client/listing.h"

#include <stdio.h>

struct restore_options {
        struct create_options create;
        bool list;
        int format;
};

static const struct option_row rows[] = {
        OPTION_FLAG('l', "list", struct restore_options, list, "show what can be restored"),
        OPTION_CHOICE(0, "format", "table|json|simple", struct restore_options, format,
                      format_choices, "how to print the list (simple: the names)"),
        OPTION_INT(0, "gpu", "COUNT", struct restore_options, create.gpus, 0, INT32_MAX,
                   "number of GPUs (default: as many as it had)",
                   .seen_offset = offsetof(struct restore_options, create.has_gpus),
                   .names = NAMES_GPUS),
        OPTION_FLAG(0, "cpu-only", struct restore_options, create.cpu_only, "no GPU"),
        OPTION_OPTIONAL(0, "wait", "TIME", struct restore_options, create.wait,
                        "wait for a GPU, or for room in your limits"),
};

static const struct table_column columns[] = {
        { "NAME", TABLE_LEAST },
        { "SIZE", .goes = 2 },
        { "REMOVED", TABLE_LEAST, .goes = 1 },
        { "KEPT UNTIL", TABLE_LEAST },
};

static void add_row(struct cli *c, struct table *table, const void *row) {
        const struct bin_entry *r = row;
        char text[64];

        table_add(table, r->name);
        format_bytes(r->bytes, text, sizeof(text));
        table_add(table, text);
        format_ago_text(r->kept_at, c->now_us, text, sizeof(text));
        table_add(table, text);
        format_moment_text(r->kept_until, c->now_us, text, sizeof(text));
        table_add(table, text);
}

static const struct listing listing = {
        .kind = &bin_rows,
        LISTING_COLUMNS(columns),
        .name_offset = offsetof(struct bin_entry, name),
        .none = "Nothing is kept of removed containers",
        .add = add_row,
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct restore_options *o = options;
        struct create_options create = o->create;

        if (o->list)
                return listing_get(c, &listing, "/v1/bin", o->format);
        if (operands->n == 0) {
                cli_error(c, "the name of a removed container is missing");
                cli_error_next(c, "container-restore --list shows them");
                return EXIT_USAGE;
        }
        if (create_check(c, &create) != EXIT_DONE)
                return EXIT_USAGE;
        create.restore = true;
        return create_container(c, operands->items[0], &create);
}

const struct command command_container_restore = {
        .name = "container-restore",
        .usage = "[NAME]",
        .max = 1,
        .offers = OFFERS_REMOVED,
        .summary = "Create a removed container again, with what was changed in it",
        .more = "It gets GPUs as a new one does. Of several with that name it is the newest.",
        .examples = "container-restore --list\n"
                    "container-restore my-thesis",
        COMMAND_OPTIONS(rows, struct restore_options),
        .run = run,
};
