/*
 * Places where tests kill ds01d or make it wait: `FAILPOINT("create.reserved")`. Active only in
 * builds with -Dfailpoints=true, and there only for the point that $DS01_FAILPOINT names:
 * "create.reserved:kill" or "create.reserved:sleep=500" (milliseconds). The file named by
 * $DS01_FAILPOINT_ONCE, if set, must exist and is removed by the first hit, so that a restarted
 * daemon goes on.
 */
#pragma once

#ifdef DS01_FAILPOINTS
void failpoint(const char *name);
#define FAILPOINT(name) failpoint(name)
#else
#define FAILPOINT(name) ((void)0)
#endif
