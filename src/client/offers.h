/* What a command that is given no name lets the person choose from. */
#pragma once

#include "client/command.h"
#include "client/picker.h"

/* Offers what @cmd takes (its `offers`); of containers those whose status is in @statuses.
 * EXIT_DONE with @ret (its items are to be freed with names_free()), or an exit code after saying
 * why not. */
int offers_pick(struct cli *c, const struct command *cmd, unsigned statuses, struct operands *ret);
void names_free(struct operands *names);
