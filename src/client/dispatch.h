/*
 * From a command line to a command. One binary answers to many names:
 *
 *     container-create NAME        a symlink named as the command
 *     container create NAME        a symlink named as a group of commands
 *     ds01 container-create NAME   the binary itself
 *     ds01 container create NAME   the same
 */
#pragma once

#include "client/cli.h"

/* Runs it; @argv is reordered. The process's exit code. */
int client_run(struct cli *c, int argc, char **argv);
