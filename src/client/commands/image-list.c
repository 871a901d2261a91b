/* image-list: the caller's images, and those of the site. */
#include "base/clock.h"
#include "client/call.h"
#include "client/command.h"
#include "client/container.h"
#include "client/format.h"
#include "client/image.h"
#include "client/record.h"
#include "client/table.h"

struct list_options {
        int format;
        bool all;
};

static const struct option_row rows[] = {
        OPTION_FLAG('a', "all", struct list_options, all, "the site's base images too"),
        OPTION_CHOICE(0, "format", "table|json|simple", struct list_options, format, format_choices,
                      "how to print them (simple: the full names)"),
};

static const struct table_column columns[] = {
        { "REPOSITORY", true }, { "TAG", true }, { "SIZE" }, { "CREATED" },
};

static void add_row(struct cli *c, struct table *table, const struct image *image) {
        char size[32], created[40];

        format_bytes(image->size_bytes, size, sizeof(size));
        format_ago_text(image->created_at, c->now_us, created, sizeof(created));
        table_add(table, image->repository);
        table_add(table, image->tag);
        table_add(table, size);
        table_add(table, created);
}

static int print_list(struct cli *c, const struct list_options *o, const struct buf *body) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);
        _cleanup_table_ struct table table = TABLE(columns);
        struct image image;
        size_t n = 0;

        if (json_scan_next(&s) == JSON_SCAN_ARRAY)
                while (json_scan_next(&s) == JSON_SCAN_OBJECT) {
                        image_scan(&s, &image);
                        if (s.failed)
                                break;
                        n++;
                        if (o->format == FORMAT_SIMPLE) {
                                put_safe(c->out, image.reference);
                                fputc('\n', c->out);
                        } else {
                                add_row(c, &table, &image);
                        }
                }
        if (s.failed)
                return call_garbled(c, "the list of images");
        if (n == 0 && o->format == FORMAT_TABLE)
                fputs(o->all ? "No images on this machine\n"
                             : "No images of yours yet (image-create PROJECT builds one; "
                               "image-list --all shows the site's)\n",
                      c->err);
        else if (o->format == FORMAT_TABLE)
                table_print(&table, c->out, c->columns, c->utf8);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct list_options *o = options;
        const struct call call = {
                .method = HTTP_GET,
                .target = o->all ? "/v1/images?all=true" : "/v1/images",
        };
        _cleanup_reply_ struct reply reply = { 0 };
        int r = call_do(c, &call, &reply);

        if (r != EXIT_DONE)
                return r;
        if (o->format != FORMAT_JSON)
                return print_list(c, o, &reply.body);
        return print_json(c->out, &reply.body) < 0 ? call_garbled(c, "the list of images")
                                                   : EXIT_DONE;
}

const struct command command_image_list = {
        .name = "image-list",
        .usage = "",
        .summary = "List your images",
        .examples = "image-list\n"
                    "image-list --all  # the site's base images too\n"
                    "image-list --format=json",
        COMMAND_OPTIONS(rows, struct list_options),
        .run = run,
};
