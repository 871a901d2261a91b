/*
 * The private daemon: on one person's own machine there is no system socket, and the client starts
 * a ds01d for its user, as tmux and gpg-agent do with theirs.
 */
#pragma once

#include "client/cli.h"

/* A socket connected to the caller's private daemon, which is started first if need be and
 * @may_start. -ENOENT when a private daemon is out of the question here (no runtime directory, or
 * no engine that the caller can open); any other -errno after saying what went wrong. */
int private_connect(struct cli *c, bool may_start);

/* $DS01D, or ds01d where the installation puts it, as seen from this program. 0 or -errno. */
int private_find_daemon(char *dst, size_t size);
