/* --help, printed from the rows of commands and options. Every text fits 80 columns by 24 lines. */
#pragma once

#include "client/command.h"

void help_command(const struct command *cmd, FILE *out);
/* The commands whose names begin with @prefix, as "GROUP SUB". */
void help_group(const char *group, const char *prefix, FILE *out);
/* All of them. */
void help_overview(FILE *out);
