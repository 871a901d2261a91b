/* container-restore: a removed container again, with what was changed in it. */
#include "client/format.h"
#include "client/lifecycle.h"
#include "client/record.h"
#include "client/table.h"

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
                   .seen_offset = offsetof(struct restore_options, create.has_gpus)),
        OPTION_FLAG(0, "cpu-only", struct restore_options, create.cpu_only, "no GPU"),
};

static const struct table_column columns[] = {
        { "NAME", true }, { "SIZE" }, { "REMOVED", true }, { "KEPT UNTIL", true },
};

struct row {
        char name[128], kept_at[40], kept_until[40];
        int64_t bytes;
};

static void scan_row(struct json_scan *s, struct row *r) {
        *r = (struct row){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "name"))
                        json_scan_get_str(s, r->name, sizeof(r->name));
                else if (json_scan_is(s, "kept_at"))
                        json_scan_get_str(s, r->kept_at, sizeof(r->kept_at));
                else if (json_scan_is(s, "kept_until"))
                        json_scan_get_str(s, r->kept_until, sizeof(r->kept_until));
                else if (json_scan_is(s, "bytes"))
                        json_scan_get_int(s, &r->bytes);
                else
                        json_scan_skip(s);
}

static void add_row(struct cli *c, struct table *table, const struct row *r) {
        char text[64];

        table_add(table, r->name);
        format_bytes(r->bytes, text, sizeof(text));
        table_add(table, text);
        format_ago_text(r->kept_at, c->now_us, text, sizeof(text));
        table_add(table, text);
        format_moment_text(r->kept_until, c->now_us, text, sizeof(text));
        table_add(table, text);
}

static int list(struct cli *c, const struct restore_options *o) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/bin" };
        _cleanup_table_ struct table table = TABLE(columns);
        _cleanup_reply_ struct reply reply = { 0 };
        struct json_scan s;
        struct row row;
        int r = call_do(c, &call, &reply);

        if (r != EXIT_DONE)
                return r;
        if (o->format == FORMAT_JSON)
                return print_json(c->out, &reply.body) < 0 ? call_garbled(c, "the bin")
                                                           : EXIT_DONE;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_ARRAY)
                while (json_scan_next(&s) == JSON_SCAN_OBJECT) {
                        scan_row(&s, &row);
                        if (o->format == FORMAT_SIMPLE) {
                                put_safe(c->out, row.name);
                                fputc('\n', c->out);
                        } else {
                                add_row(c, &table, &row);
                        }
                }
        if (s.failed)
                return call_garbled(c, "the bin");
        if (o->format == FORMAT_TABLE && table.cells.len == 0)
                fputs("Nothing is kept of removed containers\n", c->err);
        else if (o->format == FORMAT_TABLE)
                table_print(&table, c->out, c->columns, c->utf8);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct restore_options *o = options;
        struct create_options create = o->create;

        if (o->list)
                return list(c, o);
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
        .summary = "Create a removed container again, with what was changed in it",
        .more = "It gets GPUs as a new one does. Of several with that name it is the newest.",
        .examples = "container-restore --list\n"
                    "container-restore my-thesis",
        COMMAND_OPTIONS(rows, struct restore_options),
        .run = run,
};
