/*
 * Steady time: the time that leases are counted in. It began as wall-clock time and goes on with
 * CLOCK_BOOTTIME, so that neither a wall clock that is set nor a suspend or a restart of ds01d
 * ends a hold early. While the machine is off it stands still: nobody could have used anything.
 *
 * The engine says in wall-clock time when a container stopped. To translate that, the timeline
 * remembers how far the wall clock was ahead, and from when to when. Where a moment could have
 * been several ones, the latest counts: a hold may then end late, never early. Pure: its callers
 * read the clocks. All times are microseconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_SPANS_MAX = 32 };

struct timeline_span {
        int64_t from_us, to_us; /* steady; neighbours overlap where it is not known exactly */
        int64_t ahead_us;       /* wall-clock time less steady time */
};

struct timeline {
        int64_t epoch_us; /* steady time less CLOCK_BOOTTIME */
        int64_t last_us;  /* steady: when the clocks were last read */
        size_t n;         /* at least 1; the last span goes on */
        struct timeline_span spans[TIMELINE_SPANS_MAX];
};

/* Without a past: steady time is wall-clock time. */
void timeline_begin(struct timeline *t, int64_t boot_us, int64_t wall_us);
/* Goes on with a timeline that was kept. @same_boot: the machine has not been off since. */
void timeline_resume(struct timeline *t, bool same_boot, int64_t boot_us, int64_t wall_us);
/* The clocks were read, both at once. True when the wall clock has been set since the last time. */
bool timeline_look(struct timeline *t, int64_t boot_us, int64_t wall_us);

/* When it was @wall_us, as far as the clocks were read: the latest such moment, or now when there
 * was none. */
int64_t timeline_steady(const struct timeline *t, int64_t wall_us);
/* What a wall clock shows at @steady_us, past or to come, if nobody sets it again. */
int64_t timeline_wall(const struct timeline *t, int64_t steady_us);
