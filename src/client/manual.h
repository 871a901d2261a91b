/*
 * The manual page of a command, from its row, its options and its text (texts.h): as mdoc(7) for
 * man, which the build installs, and as plain text for --info where there is no man.
 */
#pragma once

#include "client/command.h"

#include <stdio.h>

enum manual_form { MANUAL_MDOC, MANUAL_PLAIN };

/* @cmd NULL: ds01(1), the page about all of them. EXIT_DONE or EXIT_FAILED, said. */
int manual_print(struct cli *c, const struct command *cmd, enum manual_form form, FILE *out);

/* --info: shows the page with man(1) on a terminal, else prints it. An exit code. */
int manual_show(struct cli *c, const struct command *cmd);
/* --concepts: prints what one should know about it. */
int manual_concepts(struct cli *c, const char *command);
