/* container-run: container-start and container-attach in one. */
#include "client/attach.h"
#include "client/container.h"
#include "client/guide.h"

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const char *name = operands->items[0];
        _cleanup_action_ struct action_result result = { 0 };
        char doing[128];
        int r;

        snprintf(doing, sizeof(doing), "starting '%.64s'", name);
        r = container_act(c, name, "start", NULL, doing, &result);
        if (r != EXIT_DONE)
                return r;
        /* stdout is the shell's */
        if (result.changed)
                cli_hint(c, "Started container '%s'%s%s", result.container.name,
                         result.container.gpu[0] ? " on " : "", result.container.gpu);
        action_print_notes(c->err, &result.notes);
        guide_before(c, "container-attach", name);
        return attach(c, name, operands->items + 1, operands->n - 1);
}

const struct command command_container_run = {
        .name = "container-run",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .rest = true,
        .missing = "the name of a container",
        .summary = "Start a container and open a shell in it",
        .more = "The exit code is the shell's. 'exit' leaves it; the container goes on running.",
        .examples = "container-run my-thesis\n"
                    "container-run my-thesis -- python train.py",
        .statuses = STATUS_ANY,
        .picks = STATUS_ANY,
        .run = run,
};
