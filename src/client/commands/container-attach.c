/* container-attach: a shell, or one command, in a running container. */
#include "client/attach.h"
#include "client/container.h"

static int run(struct cli *c, const void *options, const struct operands *operands) {
        if (!*operands->items[0]) {
                cli_error(c, "the name of a container can't be empty");
                return EXIT_USAGE;
        }
        return attach(c, operands->items[0], operands->items + 1, operands->n - 1);
}

const struct command command_container_attach = {
        .name = "container-attach",
        .alias = "container-open",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .rest = true,
        .missing = "the name of a running container",
        .summary = "Open a shell in a running container, or run a command",
        .more = "Standard input that is no terminal is fed to the shell to its end. The exit\n"
                "code is the shell's. 'exit' or Ctrl-D leaves it; the container goes on running.",
        .examples = "container-attach my-thesis\n"
                    "container-attach my-thesis -- nvidia-smi\n"
                    "container-attach my-thesis < commands.sh",
        .statuses = STATUS_RUNNING,
        .picks = STATUS_RUNNING,
        .run = run,
};
