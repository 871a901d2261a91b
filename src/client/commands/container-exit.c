/* container-exit: on the host there is nothing to leave; inside a container, ds01-init has that
 * name. */
#include "client/command.h"

static int run(struct cli *c, const void *options, const struct operands *operands) {
        fputs("This is the host: you are not inside a container.\n"
              "Inside one, 'container-exit', 'exit' or Ctrl-D closes your shell, and the "
              "container\n"
              "goes on running. From here:\n"
              "  container-attach NAME   opens a shell in it again\n"
              "  container-stop NAME     stops it; its GPU is held for you for a while\n"
              "  container-remove NAME   removes it and frees its GPU; your files stay\n",
              c->out);
        return EXIT_DONE;
}

const struct command command_container_exit = {
        .name = "container-exit",
        .usage = "",
        .min = 0,
        .max = 0,
        .summary = "Leave a container's shell (inside it); here: explain",
        .examples = "container-exit",
        .run = run,
};
