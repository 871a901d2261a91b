/* Which images may be pulled, and why a pull failed. */
#pragma once

#include "daemon/daemon.h"

/* Writes the reference in full, when it is of a registry that the site allows and nobody's own
 * image; else nonzero with @r. */
int pull_judge(const struct daemon *d, const char *typed, char *dst, size_t size,
               struct refusal *r);

/* Why the engine could not pull @reference, as far as its words tell: engines pass on what the
 * registry or the network said. */
void pull_refuse(struct refusal *r, const char *reference, const struct engine_error *error);
