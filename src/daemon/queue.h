/*
 * People who wait for devices or for room in their quota. A waiter is a connection: its thread
 * sleeps until something in the ledger has changed, a hold ends, or the caller hangs up, and then
 * asks the policy again; the reservation is entered in the same breath. What waits is lost with the
 * connection, so a restart of ds01d ends it and the client says so.
 */
#pragma once

#include "core/queue.h"
#include "daemon/lines.h"

enum { WAIT_FOR_EVER = -1, WAIT_MAX_S = 30 * 24 * 3600 };

struct place { /* in the queue */
        struct daemon *daemon;
        struct lines *lines;
        struct waiter waiter;
        struct limits *limits; /* the caller's, kept current while they wait */
        unsigned generation;   /* which limits those are */
        bool entered;
        int64_t until_us; /* CLOCK_MONOTONIC; 0 = as long as it takes */
        char said[2048];  /* the last line, so that only news is sent */
};

/* Makes a place of the caller's for @name. @wait_s: seconds, or WAIT_FOR_EVER. Not in the queue
 * yet. @limits is filled, and again in queue_wait() when the limits file was read anew. */
void queue_place(struct place *p, struct lines *lines, const char *name, struct limits *limits,
                 int64_t gpus, bool prefer_full, bool starting, int64_t wait_s);

/* All below: the ledger's lock is held. */

/* The devices that are kept from @user, whose limits the snapshot has: for those ahead of @p, or
 * (@p NULL or not in the queue) of somebody who comes now, and for others' reservations. @mask
 * backs what the snapshot then points to. */
void queue_withhold(struct daemon *d, const struct place *p, const char *user, uint8_t *mask,
                    struct snapshot *s);
/* Waits until it is worth asking again. The lock is dropped meanwhile. 0; or nonzero when there is
 * no more waiting: @r is to be answered (waiting does not help, or the time is over), or, with
 * *@ret_gone, the caller has hung up. Enters the queue the first time. */
int queue_wait(struct place *p, struct refusal *r, bool *ret_gone);
void queue_leave(struct place *p);
