/* Starting and stopping, for the handlers and for whoever else must. */
#pragma once

#include "daemon/operation.h"

enum { STOP_TIMEOUT_DEFAULT_S = 10 };

/* Stops a running or paused container that is ours (busy). 0 or -1 with @error. Its state is
 * current afterwards. */
int container_stop(struct daemon *d, struct record *r, int timeout_s, bool force,
                   struct engine_error *error);
