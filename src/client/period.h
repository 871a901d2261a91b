/* Times in the past, as people type them. */
#pragma once

#include "client/cli.h"

/* "2026-11-24", "2026-11-24 14:00", or a time ago: "90m", "12h", "7d". Wall clock in seconds.
 * EXIT_USAGE, said with @option, when it is none of these. */
int period_moment(struct cli *c, const char *option, const char *typed, int64_t *ret_s);
/* "2026-11", "" for this month: its first second and the one behind its last. */
int period_month(struct cli *c, const char *option, const char *typed, int64_t *ret_from_s,
                 int64_t *ret_to_s);
