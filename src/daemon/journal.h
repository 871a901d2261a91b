/*
 * What happens, written down: /var/log/ds01/events.jsonl for people and programs, and the history
 * (history/history.h) for reports. One thread writes; nobody waits for it, and nothing is decided
 * by what it has written. An event that finds the queue full is dropped, counted and reported.
 *
 * Leases and the states of containers are noted by comparing, so that a start with the engine's own
 * tools is written down like any other; a lease that ends by itself is noted by the keeper, with
 * the moment at which it ended.
 */
#pragma once

#include "base/vec.h"
#include "history/history.h"

#include <pthread.h>
#include <stdbool.h>

struct daemon;
struct ledger;
struct record;

struct journal_busy {
        char nonce[40], uuid[96];
        int64_t busy_us, at_us; /* in use for so long, said at */
};

struct journal {
        pthread_mutex_t lock;
        pthread_cond_t added;
        VEC(struct event *) events;
        VEC(struct journal_busy) busy;
        uint64_t dropped;
        bool reconcile; /* the ledger is complete: what is open and was not seen has ended */
        bool stopping;
};

void journal_init(struct journal *j);
void journal_release(struct journal *j);

/* Takes @e over; NULL is dropped. */
void journal_add(struct journal *j, struct event *e);
/* How long a device of a container was in use since this was last said. */
void journal_busy(struct journal *j, const char *nonce, const char *uuid, int64_t busy_us);

/* An event about the container of @r, with its devices as they are now. The ledger's lock is held.
 * NULL without memory. */
struct event *journal_event(const struct ledger *l, const struct record *r, enum event_kind kind,
                            int64_t at_us);
/* Compares @r with what was last written of it, and notes the difference: at the end of every
 * operation, because states in the midst of one may be taken back. @gone: it leaves the ledger. The
 * lock is held. */
void journal_note(struct ledger *l, struct record *r, bool gone);
/* The same for all: leases that have ended by themselves. The lock is not held. */
void journal_sweep(struct daemon *d);

/* The thread: writes until journal_stop(), then what is left. */
void journal_run(struct daemon *d);
/* The ledger has been read from the engine. */
void journal_ready(struct journal *j);
void journal_stop(struct journal *j);

/* Where the history is. */
void journal_history_path(const struct daemon *d, char *dst, size_t size);
