/* Containers that were started with the engine's own tools, past the gate. */
#pragma once

#include "daemon/operation.h"

#include <stdbool.h>

/* @r, which is ours (busy), gives up its devices when another container holds one of them: it is
 * stopped if it runs, and its lease ends. With @later only where what it has began after what the
 * other has, by the engine's clock: for containers of which nobody knows which passed the gate. */
void gate_enforce(struct daemon *d, struct record *r, bool later);
