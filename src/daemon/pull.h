/* Which images may be pulled. */
#pragma once

#include "daemon/daemon.h"

/* Writes the reference in full, when it is of a registry that the site allows and nobody's own
 * image; else nonzero with @r. */
int pull_judge(const struct daemon *d, const char *typed, char *dst, size_t size,
               struct refusal *r);
