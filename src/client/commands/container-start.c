/* container-start: starts a created or stopped container in the background. */
#include "client/container.h"

static int start_one(struct cli *c, const char *name, const void *options) {
        _cleanup_action_ struct action_result result = { 0 };
        char doing[128];
        int r;

        snprintf(doing, sizeof(doing), "starting '%.64s'", name);
        r = container_act(c, name, "start", NULL, doing, &result);
        if (r != EXIT_DONE)
                return r;
        fprintf(c->out, result.changed ? "Started container '%s'%s%s\n"
                                       : "Container '%s' is already running%s%s\n",
                result.container.name, result.container.gpu[0] ? " on " : "",
                result.container.gpu);
        if (result.changed)
                action_print_notes(c->out, &result.notes);
        cli_hint(c, "Next: container-attach %s", result.container.name);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        return for_each_name(c, operands, start_one, options);
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
        .statuses = STATUS_CREATED | STATUS_STOPPED | STATUS_PAUSED,
        .run = run,
};
