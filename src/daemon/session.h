/*
 * One connection: requests read strictly one after the other, each identified, routed, answered
 * and logged with one line.
 */
#pragma once

#include "daemon/daemon.h"

/* Serves the connection until it ends and closes @fd. @uid: from SO_PEERCRED. */
void session_run(struct daemon *d, int fd, uid_t uid, pid_t pid);

/* Sends a refusal to a connection that gets no session (too many), and closes it. */
void session_turn_away(int fd, const struct refusal *r);
