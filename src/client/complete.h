/*
 * Completion for the shell: "ds01 __complete CWORD WORDS..." prints one candidate a line for word
 * number CWORD (the shell's COMP_CWORD and COMP_WORDS). Silent whatever happens: nobody wants an
 * error message in the middle of a command line.
 */
#pragma once

#include "client/cli.h"

/* @argv: CWORD and the words. */
int complete(struct cli *c, int argc, char **argv);
