/*
 * Reservations: so many whole GPUs for some people from one moment to another. What the rule is:
 *
 * - While a reservation lasts, as many GPUs as its people do not hold already are kept from
 *   everybody else: those that are free, the best set of them. Nobody loses what they have; what
 *   becomes free is kept until there is enough.
 * - Before it begins, it counts for whoever could still run by then: for as long before as that
 *   person's max_runtime_h, and a day at most.
 * - Its people ask as always, within their limits.
 *
 * Several count one after the other. Pure; times are wall-clock microseconds,
 * because reservations are made by the calendar.
 */
#pragma once

#include "core/policy.h"

/* struct reservation is in core/limits.h: the limits file may make some. */
#define RESERVATION_AHEAD_US (24 * 3600 * 1000000LL)

bool reservation_is_for(const struct reservation *r, const char *user);
/* Does it count at @wall_us, for somebody whose containers run for at most @ahead_us? */
bool reservation_counts(const struct reservation *r, int64_t wall_us, int64_t ahead_us);
/* How many GPUs its people do not hold yet. */
int64_t reservation_missing(const struct snapshot *s, const struct reservation *r);

/* The moment within @r's time at which most GPUs are reserved, by @r and by those of the @n others
 * that are of that time too; *@ret_gpus is how many. */
int64_t reservation_peak(const struct reservation *const *others, size_t n,
                         const struct reservation *r, int64_t *ret_gpus);

/* Marks in @mask (a byte a device; what is marked already stays so, and is not free) with @mark the
 * free devices that are kept from @user for this reservation. */
void reservation_withhold(const struct snapshot *s, const struct reservation *r, uint8_t mark,
                          const char *user, int64_t wall_us, int64_t ahead_us,
                          uint8_t mask[GPU_DEVICES_MAX]);
