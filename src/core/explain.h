/*
 * The words of a refusal: who holds what, since when and until when. Only walked when the answer
 * is no, so that a yes costs nothing here.
 */
#pragma once

#include "core/policy.h"

/* Why a device isn't free, for every device marked in @wanted (one byte a device) that can't be
 * had: "GPU-0 alice for 2h 15m; GPU-3 failed (Xid 79)", cut to "...; and 5 more" when long. The
 * caller's containers appear by name, other people's by user only. @except: a claim that doesn't
 * count as a holder, or -1. */
void explain_devices(const struct snapshot *s, const uint8_t *wanted, ssize_t except, char *dst,
                     size_t size);

/* The caller's containers that hold GPUs: "thesis (1), exp (0.43, held for 12m)", without @except;
 * @first gets the name of the first. Both "" when there is none. */
void explain_own_gpus(const struct snapshot *s, ssize_t except, char *dst, size_t size, char *first,
                      size_t first_size);

/* The caller's containers, "thesis (running), exp (stopped)", and the name of the first that could
 * go (one that isn't running before one that is). */
void explain_own_containers(const struct snapshot *s, char *dst, size_t size, char *first,
                            size_t first_size);

/* What is wrong with a device by itself: "failed (Xid 79)", "in use by process 4711 of carol"; ""
 * when it is usable. */
void explain_fault(const struct gpu_device *d, char *dst, size_t size);
