/* image-list: the caller's images, and those of the site. */
#include "client/command.h"
#include "client/format.h"
#include "client/image.h"

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
        { "REPOSITORY", TABLE_LEAST }, { "TAG", TABLE_LEAST, .goes = 1 }, { "SIZE" }, { "CREATED" },
};

static void add_row(struct cli *c, struct table *table, const void *row) {
        const struct image *image = row;
        char size[32], created[40];

        format_bytes(image->size_bytes, size, sizeof(size));
        format_ago_text(image->created_at, c->now_us, created, sizeof(created));
        table_add(table, image->repository);
        table_add(table, image->tag);
        table_add(table, size);
        table_add(table, created);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct list_options *o = options;
        const struct listing listing = {
                .kind = &image_rows,
                LISTING_COLUMNS(columns),
                .name_offset = offsetof(struct image, reference),
                .none = o->all ? "No images on this machine"
                               : "No images of yours yet (image-create PROJECT builds one; "
                                 "image-list --all shows the site's)",
                .add = add_row,
        };

        return listing_get(c, &listing, o->all ? "/v1/images?all=true" : "/v1/images", o->format);
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
