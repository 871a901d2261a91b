/*
 * What operations on one container share. An operation acquires the record (ledger_acquire), talks
 * to the engine without the ledger's lock, and ends with operation_end(), which also catches up
 * with events that came meanwhile.
 */
#pragma once

#include "daemon/call.h"
#include "daemon/leftovers.h"
#include "daemon/view.h"

/* Looks at the engine's container and takes its state over. 0, -ENOENT (gone from the engine), or
 * -EIO with @err. The record is busy and ours. */
int operation_refresh(struct daemon *d, struct record *r, struct engine_error *err);

/* The record of the run of the container @id whose first process is @pid, busy for us. NULL when
 * somebody is at work on it or that run has ended. */
struct record *operation_seize(struct daemon *d, const char *id, pid_t pid);

/* What is known of @r may be wrong: it is looked at again. */
void operation_mark_stale(struct daemon *d, struct record *r);

/* Before a call that may take minutes: an engine that hangs is found out in engine.timeout_s, and
 * then certainly nothing was done. 0, or -1 with a definite @err. */
int operation_engine_answers(struct daemon *d, struct engine_error *err);

/* Ends the operation: the record is free for others. @gone: it is no longer in the engine and
 * leaves the ledger with all that belongs to it. */
void operation_end(struct daemon *d, struct record *r, bool gone);

/* Takes a new state into the claim; lock not held. */
void operation_set_state(struct daemon *d, struct record *r, enum container_state state);

/* Acquires the container of the path; -1 when refused (answered). The ledger must have been read.
 */
int call_acquire(struct call *c, struct record **ret);
/* False (and answered) while the daemon cannot decide yet. */
bool call_ready(struct call *c);

/* Answers {"container", "changed", "notes"} for a record that is still ours. */
void answer_result(struct call *c, const struct record *r, bool changed, const char *note);

/* Hold after stop and time to first start, of the record's owner. */
void owner_times(struct daemon *d, uid_t uid, int64_t *hold_us, int64_t *unstarted_us);

/* Writes the metadata file of a record that is ours or of no operation; failures are logged. */
void operation_write_metadata(struct daemon *d, struct record *r);
