/*
 * Clocks and the forms in which times are read and shown. All times are microseconds in int64_t:
 * wall-clock ones since 1970 (UTC), the others since an arbitrary start. core never calls a clock;
 * its callers pass "now" in. The formatting functions are pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define US_PER_S 1000000LL
#define US_PER_H (3600 * US_PER_S)

int64_t clock_real_us(void); /* CLOCK_REALTIME */
int64_t clock_mono_us(void); /* CLOCK_MONOTONIC, for deadlines of I/O */
int64_t clock_boot_us(void); /* CLOCK_BOOTTIME, for holds and timers: counts suspend */

/* "2026-11-23T22:51:00Z" (UTC, seconds). @size >= 21. */
void time_format(int64_t real_us, char *dst, size_t size);
/* The RFC 3339 that the engines write ("2026-11-23T22:51:00.123456789Z", or with +01:00).
 * 0 or -EINVAL. Docker's "0001-01-01T00:00:00Z" ("never") gives 0. */
int time_parse(const char *s, int64_t *ret_us);

/* "2026-12-01 09:00", a moment in the local time zone (or RFC 3339, wherever). 0 or -EINVAL. */
int moment_parse(const char *s, int64_t *ret_us);
/* "9:00", "24:00": minutes since midnight. 0 or -EINVAL. */
int minutes_parse(const char *s, int64_t *ret);

/* "90", "30s", "10m", "2h", "1d" as seconds, at most @max_s. 0, -EINVAL or -ERANGE. */
int duration_parse(const char *s, int64_t max_s, int64_t *ret_s);

/* "45s", "2m", "2h 15m", "3d 4h", as the contract's UPTIME column. Negative counts as 0. */
void duration_format(int64_t us, char *dst, size_t size);
