/*
 * Places where tests kill ds01d or make it wait: `FAILPOINT("create.reserved")`. Active only in
 * builds with -Dfailpoints=true, and there only for the point that $DS01_FAILPOINT names:
 * "create.reserved:kill" or "create.reserved:sleep=500" (milliseconds), or "event:lose" where
 * something can get lost. The file named by
 * $DS01_FAILPOINT_ONCE, if set, must exist and is removed by the first hit, so that a restarted
 * daemon goes on. The file named by $DS01_CLOCK_OFF, if it is there, sets the wall clock that
 * leases are counted by: so many seconds from the real one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef DS01_FAILPOINTS
void failpoint(const char *name);
bool failpoint_loses(const char *name);
int64_t failpoint_wall(int64_t us);
#define FAILPOINT(name) failpoint(name)
#define FAILPOINT_LOSES(name) failpoint_loses(name)
#define FAILPOINT_WALL(us) failpoint_wall(us)
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_LOSES(name) false
#define FAILPOINT_WALL(us) (us)
#endif
