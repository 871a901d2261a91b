/* Starting and stopping, for the handlers and for whoever else must. */
#pragma once

#include "daemon/operation.h"

enum { STOP_TIMEOUT_DEFAULT_S = 10 };

/* Stops a running or paused container that is ours (busy). 0 or -1 with @error. Its state is
 * current afterwards. */
int container_stop(struct daemon *d, struct record *r, int timeout_s, bool force,
                   struct engine_error *error);
/* Ends the lease of one that is ours and does not run. If that can't be written down, it has ended
 * until ds01d starts anew: then the container holds its devices again until its time is over. */
void container_release_devices(struct daemon *d, struct record *r);
