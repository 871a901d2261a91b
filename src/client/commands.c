/* The table of commands, made from commands.def. */
#include "client/command.h"

#include "base/str.h"

#include <string.h>

#define COMMAND(id) extern const struct command command_##id;
#include "client/commands.def"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(id) &command_##id,
#include "client/commands.def"
#undef COMMAND
};
const size_t n_commands = ARRAY_SIZE(commands);

const struct command *command_find(const char *name) {
        for (size_t i = 0; i < n_commands; i++)
                if (str_equal(commands[i]->name, name) ||
                    (commands[i]->alias && str_equal(commands[i]->alias, name)))
                        return commands[i];
        return NULL;
}

void command_typed(const struct command *cmd, char *dst, size_t size) {
        snprintf(dst, size, "%s%s", strchr(cmd->name, '-') ? "" : "ds01 ", cmd->name);
}

int command_run(struct cli *c, const struct command *cmd, const struct operands *operands) {
        _cleanup_free_ void *options = calloc(1, cmd->options_size ? cmd->options_size : 1);

        return options ? cmd->run(c, options, operands) : EXIT_FAILED;
}
