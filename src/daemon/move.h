/*
 * A container that is to start on other devices than it was created with: an engine's container
 * can't change those, so it is made again from its own layer, under its name, with its mounts,
 * limits and home. The steps, and what a crash after each leaves:
 *
 *   keep     its layer as an image ds01-moved/NONCE          an image; the next move replaces it
 *   create   as NAME._.UID.moving                            move_sweep() removes it
 *   remove   the old one                                     move_sweep() gives the new one its
 * name rename   the new one
 */
#pragma once

#include "daemon/daemon.h"

/* Makes @r, which is busy, ours and does not run, again with the devices that it has in the ledger
 * by now. @r->id is the new container's then. Nonzero with @refusal: the old one is as it was. */
int move_container(struct daemon *d, struct record *r, const struct person_entry *who,
                   struct refusal *refusal);

/* Ends moves that a crash has cut off; before the ledger is read. */
void move_sweep(struct daemon *d);

/* The image that moves have left of a container that is gone. */
void move_forget(struct daemon *d, const struct record *r);
