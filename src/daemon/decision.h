/*
 * What ds01d has decided about a container, written down for ds01-runtime, which reads it
 * (runtime/decision.h) before the container's first instruction. One file a container below
 * paths.run, readable for root only; gone with a reboot, and written anew before each start.
 */
#pragma once

#include "daemon/daemon.h"

/* @id: the engine's. 0 or -errno. */
int decision_write(struct daemon *d, const struct record *r, const char *id,
                   const struct person_entry *who, const struct engine_info *engine);
void decision_remove(const struct daemon *d, const char *id);
/* Removes those of containers that the ledger does not know. */
void decisions_sweep(struct daemon *d);

/* The groups, besides @who's own, that a container of @r comes along with: those of @who's that
 * own a directory which is mounted. Returns how many. */
size_t decision_groups(const struct daemon *d, const struct record *r,
                       const struct person_entry *who, gid_t groups[2]);

/* What is written. 0, -ENOMEM or -ENOBUFS. */
int decision_text(const struct daemon *d, const struct record *r, const struct person_entry *who,
                  const struct engine_info *engine, struct buf *out);
