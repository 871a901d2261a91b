/* container-start: starts a created or stopped container in the background. */
#include "client/lifecycle.h"

static const struct option_row rows[] = {
        OPTION_OPTIONAL(0, "wait", "TIME", struct start_options, wait,
                        "wait for its GPU, or another, if somebody has it"),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        return for_each_name(c, operands, start_container, options);
}

const struct command command_container_start = {
        .name = "container-start",
        .usage = "NAME...",
        .min = 1,
        .max = OPERANDS_ANY,
        .missing = "the name of a container",
        .summary = "Start a created or stopped container in the background",
        .more = "A paused container is resumed. To enter it at once: container-run NAME.",
        .examples = "container-start my-thesis",
        COMMAND_OPTIONS(rows, struct start_options),
        .statuses = STATUS_CREATED | STATUS_STOPPED | STATUS_PAUSED,
        .picks = STATUS_CREATED | STATUS_STOPPED,
        .run = run,
};
