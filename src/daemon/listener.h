/*
 * The acceptor: one thread that takes connections, charges each to its caller's uid, and gives it
 * a thread of its own. Over a cap, the answer is a refusal at once; nothing is queued.
 */
#pragma once

#include "daemon/daemon.h"

/* Accepts on @fd until daemon.stopping, then waits (a few seconds) for the sessions to end. */
void listener_run(struct daemon *d, int fd);
