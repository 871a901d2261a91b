/*
 * Finding ds01d and connecting to it: $DS01_SOCKET, else for root /run/ds01/admin.sock, where it is
 * an administrator, else /run/ds01/ds01.sock, else the private
 * daemon of the caller in $XDG_RUNTIME_DIR/ds01/, which is started when there is no system socket
 * and the caller can open an engine's.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"

/* A connected socket, or -1 after saying why there is none (exit EXIT_UNREACHABLE then). With
 * @may_start false nothing is started and nothing is said. */
int connection_open(struct cli *c, bool may_start);

/* True when that is the socket of administrators. */
bool connection_administers(const struct cli *c);

/* @target with the person for whom it is asked, when somebody was named. 0 or -errno. */
int connection_target(const struct cli *c, const char *target, struct buf *ret);
