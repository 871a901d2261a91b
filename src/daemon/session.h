/*
 * One connection: requests read strictly one after the other, each identified, routed, answered
 * and logged with one line.
 */
#pragma once

#include "daemon/daemon.h"
#include "daemon/peer.h"

/* Serves the connection until it ends and closes @fd. @admin: it came over the socket of
 * administrators. */
void session_run(struct daemon *d, int fd, const struct peer *peer, bool admin);

/* Sends a refusal to a connection that gets no session (too many), and closes it. */
void session_turn_away(int fd, const struct refusal *r);
