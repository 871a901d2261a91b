/*
 * What a container has outside the engine (home, pins, CDI spec, metadata), and how none of it
 * outlives a crash. While such things exist without a container (before a create has succeeded,
 * after a removal was asked for) a mark stands under paths.state/pending; at the next start
 * whatever bears a mark and has no container is removed. Nothing is ever removed only because a
 * container cannot be seen.
 */
#pragma once

#include "daemon/daemon.h"

/* Sets and clears the mark of @nonce. 0 or -errno. */
int leftovers_mark(const struct daemon *d, const char *nonce);
void leftovers_clear(const struct daemon *d, const char *nonce);

/* Removes everything of a container outside the engine, the mark last. */
void container_discard(struct daemon *d, const struct record *r);

/* At start, after the ledger was read: removes what is marked and has no container, pins without
 * container, and metadata files of containers that are gone. */
void leftovers_sweep(struct daemon *d);

/* The path of a container's home directory on the host. */
void home_path(const struct daemon *d, const char *nonce, char *dst, size_t size);
