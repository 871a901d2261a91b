/*
 * Keeps the ledger's steady time (core/timeline.h) over the end of ds01d and of the machine: the
 * file paths.state/clock, written at start, at the end, when the wall clock was set, and every
 * minute. One that is lost or damaged costs that: what was held is counted by the wall clock then.
 */
#pragma once

#include "daemon/daemon.h"

enum { STEADY_FILE_MAX = 8192, BOOT_ID_SIZE = 64 };

/* Before the ledger is filled: goes on with the time that was kept. */
void steady_start(struct daemon *d);
/* To be called often: notices that the wall clock was set and keeps the file up to date. One thread
 * only. */
void steady_tend(struct daemon *d);

/* At the end, so that nothing is lost until the next start. */
void steady_end(struct daemon *d);

/* The file's text; 0 or -ENOBUFS. @boot_id names the machine's run that the time belongs to. */
int steady_write(const struct timeline *t, const char *boot_id, struct buf *out);
/* Reads it: 0, or -EBADMSG when no steady_write() has written that; the rest is untouched then. */
int steady_read(const char *text, size_t n, struct timeline *ret, char boot_id[BOOT_ID_SIZE]);
