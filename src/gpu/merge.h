/*
 * What a new answer of the driver means in the light of the last one. Pure functions.
 */
#pragma once

#include "gpu/monitor.h"

#include <stdbool.h>

/* Replaces the nameless row of each GPU that does not answer (see nvml.h) by what @old knows of it,
 * as failed, or drops it; then fails again what @old had failed for an Xid, which the driver
 * reports once only. @words gets "" or what was dropped. 0 or -ENOMEM, then nothing is changed. */
int merge_inventory(const struct gpu_inventory *old, struct gpu_inventory *inv,
                    struct gpu_processes *processes, char *words, size_t size);

/* Every device that was fine is now unresponsive, for the reason @detail. */
void merge_unresponsive(struct gpu_inventory *inv, const char *detail);

/* True when nothing changed that `changed` of the monitor tells of. */
bool merge_same(const struct gpu_inventory *a, const struct gpu_processes *pa,
                const struct gpu_inventory *b, const struct gpu_processes *pb);
