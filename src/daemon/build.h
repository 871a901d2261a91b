/* Builds that go on: nobody has too many, and no image is built twice at once. */
#pragma once

#include "daemon/daemon.h"

/* Enters a build of @uid's @project (or its removal: no build begins meanwhile). Nonzero with @r
 * when one goes on already, or the person has @max of them. */
int build_begin(struct daemon *d, uid_t uid, const char *project, int64_t max, struct refusal *r);
bool build_goes_on(struct daemon *d, uid_t uid, const char *project);
/* At start: ends what builds of a ds01d that was killed have left running. */
void builds_sweep(struct daemon *d);
void build_end(struct daemon *d, uid_t uid, const char *project);
