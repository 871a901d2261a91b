/*
 * The acceptor: one thread that takes connections, charges each to its caller's uid, and gives it
 * a thread of its own. Over a cap, the answer is a refusal at once; nothing is queued.
 *
 * There are two sockets: everybody's, on which root is a person like others, and one that only root
 * can open, for administrators.
 */
#pragma once

#include "daemon/daemon.h"

/* Accepts on @fd, and on @admin_fd unless that is -1, until daemon.stopping, then waits (a few
 * seconds) for the sessions to end. */
void listener_run(struct daemon *d, int fd, int admin_fd);
