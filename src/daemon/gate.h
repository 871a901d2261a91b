/* Containers that were started with the engine's own tools, past the gate. */
#pragma once

#include "daemon/operation.h"

#include <stdbool.h>

/* @r, which is ours (busy), was seen to run though nobody came through the gate with it. It is
 * verified as any start is, and when another container holds one of its devices, stopped; its
 * lease ends then. */
void gate_judge(struct daemon *d, struct record *r);

/* @r, which is ours, was there when ds01d came: nobody knows whether it passed the gate. Of two
 * that hold one device, the one that came by it later gives it up. */
void gate_judge_adopted(struct daemon *d, struct record *r);
