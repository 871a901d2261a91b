/*
 * A shell or a command in a container, joined to the caller's standard streams (docs/API.md,
 * "Attaching"). With a terminal on stdin and stdout it is a terminal there too; otherwise standard
 * input is fed to its end, the remaining output still arrives, and stdout and stderr stay apart.
 */
#pragma once

#include "client/cli.h"

#include <stddef.h>

/* @command: @n words, none for the shell. Returns the exit code of the shell or command; or, after
 * saying what went wrong, the refusal's, or EXIT_UNREACHABLE when ds01d vanished on the way. */
int attach(struct cli *c, const char *name, char *const *command, size_t n);
