/* container-unpause: lets the processes of a paused container go on. */
#include "client/container.h"

struct unpause_options {
        bool all;
};

static const struct option_row rows[] = {
        OPTION_FLAG('a', "all", struct unpause_options, all, "all of your paused containers"),
};

static int unpause_one(struct cli *c, const char *name, const void *options) {
        _cleanup_action_ struct action_result result = { 0 };
        int r = container_act(c, name, "unpause", NULL, "resuming", &result);

        if (r != EXIT_DONE)
                return r;
        fprintf(c->out, result.changed ? "Resumed container '%s'\n"
                                       : "Container '%s' is not paused\n",
                result.container.name);
        if (result.changed)
                action_print_notes(c->out, &result.notes);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct unpause_options *o = options;
        int r = check_names_or_all(c, operands, o->all);

        if (r != EXIT_DONE)
                return r;
        if (o->all)
                return for_all(c, STATUS_PAUSED, "Resume", "No paused containers.", unpause_one, o);
        return for_each_name(c, operands, unpause_one, o);
}

const struct command command_container_unpause = {
        .name = "container-unpause",
        .usage = "NAME...",
        .max = OPERANDS_ANY,
        .summary = "Resume a paused container",
        .examples = "container-unpause my-thesis\n"
                    "container-unpause --all",
        COMMAND_OPTIONS(rows, struct unpause_options),
        .statuses = STATUS_PAUSED,
        .picks = STATUS_PAUSED,
        .run = run,
};
