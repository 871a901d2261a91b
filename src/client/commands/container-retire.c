/* container-retire: container-stop and container-remove in one. */
#include "client/lifecycle.h"

static const struct option_row rows[] = {
        OPTION_FLAG('f', "force", struct remove_options, force, "ask nothing"),
        OPTION_FLAG('i', "images", struct remove_options, images,
                    "your image of it too, unless another one uses it"),
        OPTION_FLAG(0, "no-keep", struct remove_options, no_keep,
                    "don't keep what was changed in it"),
        OPTION_FLAG(0, "dry-run", struct remove_options, dry_run, "say what would be done"),
        OPTION_FLAG(0, "skip-initial-confirm", struct remove_options, skip_confirm, NULL,
                    .hidden = true),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        struct remove_options o = *(const struct remove_options *)options;

        o.stop = true;
        return for_each_name(c, operands, remove_container, &o);
}

const struct command command_container_retire = {
        .name = "container-retire",
        .usage = "NAME...",
        .min = 1,
        .max = OPERANDS_ANY,
        .missing = "the name of a container",
        .summary = "Stop a container and remove it, and free its GPU",
        .more = "Workspace files stay; what was changed inside can be restored for a while.",
        .examples = "container-retire my-thesis\n"
                    "container-retire my-thesis --images",
        COMMAND_OPTIONS(rows, struct remove_options),
        .statuses = STATUS_ANY,
        .run = run,
};
