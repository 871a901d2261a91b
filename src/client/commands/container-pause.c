/* container-pause: freezes all processes of a container; GPU and memory stay as they are. */
#include "client/container.h"

#include <string.h>

struct pause_options {
        bool all;
};

static const struct option_row rows[] = {
        OPTION_FLAG('a', "all", struct pause_options, all, "all of your running containers"),
};

static int pause_one(struct cli *c, const char *name, const void *options) {
        _cleanup_action_ struct action_result result = { 0 };
        int r = container_act(c, name, "pause", NULL, "pausing", &result);

        if (r != EXIT_DONE)
                return r;
        fprintf(c->out, result.changed ? "Paused container '%s'\n"
                                       : "Container '%s' is already paused\n",
                result.container.name);
        if (result.changed && result.container.gpu[0])
                fprintf(c->out, "  %s %s yours meanwhile\n", result.container.gpu,
                        strchr(result.container.gpu, ',') ? "stay" : "stays");
        if (result.changed)
                action_print_notes(c->out, &result.notes);
        cli_hint(c, "Next: container-unpause %s", result.container.name);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct pause_options *o = options;
        int r = check_names_or_all(c, operands, o->all);

        if (r != EXIT_DONE)
                return r;
        if (o->all)
                return for_all(c, STATUS_RUNNING, "Pause", "No running containers.", pause_one, o);
        return for_each_name(c, operands, pause_one, o);
}

const struct command command_container_pause = {
        .name = "container-pause",
        .usage = "NAME...",
        .max = OPERANDS_ANY,
        .summary = "Freeze a container's processes; it keeps GPU and memory",
        .examples = "container-pause my-thesis\n"
                    "container-pause --all",
        COMMAND_OPTIONS(rows, struct pause_options),
        .statuses = STATUS_RUNNING,
        .picks = STATUS_RUNNING,
        .run = run,
};
