/*
 * What happens, written down: /var/log/ds01/events.jsonl for people and programs, and the history
 * (history/history.h) for reports. One thread writes (journal_write.c); nobody waits for it, and
 * nothing is decided by what it has written. An event that finds the queue full is dropped, counted
 * and reported.
 *
 * Leases and the states of containers are noted by comparing, so that a start with the engine's own
 * tools is written down like any other, and so is one that had ended again when it was looked at; a
 * lease that ends by itself is noted by the keeper, with the moment at which it ended. What
 * happened while ds01d was away follows from what the engine knows and from when something was
 * written last.
 */
#pragma once

#include "base/vec.h"
#include "history/history.h"

#include <pthread.h>
#include <stdbool.h>

enum {
        JOURNAL_QUEUE_MAX = 8192,
        JOURNAL_REFUSALS_MAX = 60, /* of a person in a minute; what is beyond is not written */
};

struct daemon;
struct ledger;
struct record;

struct journal_busy {
        char nonce[40], uuid[96];
        int64_t busy_us, at_us; /* in use for so long, said at */
};

typedef VEC(struct event *) journal_events;

/* Refusals of a person in the current minute. */
struct journal_pace {
        uid_t uid;
        unsigned n;
        int64_t minute;
};

struct journal {
        pthread_mutex_t lock;
        pthread_cond_t added;
        journal_events events;
        VEC(struct journal_busy) busy;
        VEC(struct journal_pace) paces;
        uint64_t dropped;
        bool ready; /* the ledger is complete, and the history can be compared with it */
        int64_t ready_us; /* since then what happens is noted; wall clock */
        bool stopping;
};

void journal_init(struct journal *j);
void journal_release(struct journal *j);

/* Takes @e over; NULL is dropped. */
void journal_add(struct journal *j, struct event *e);
/* How long a device of a container was in use since this was last said. */
void journal_busy(struct journal *j, const char *nonce, const char *uuid, int64_t busy_us);

/* Below: the ledger's lock is held. */

/* An event about the container of @r, with its devices as they are now. NULL without memory. */
struct event *journal_event(const struct ledger *l, const struct record *r, enum event_kind kind,
                            int64_t at_us);
/* @r was there before ds01d: what it is needs no event. */
void journal_known(struct ledger *l, struct record *r);
/* Compares @r with what was last written of it, and notes the difference: at the end of every
 * operation, because states in the midst of one may be taken back. @gone: it leaves the ledger. */
void journal_note(struct ledger *l, struct record *r, bool gone);
/* @r is about to get other devices: a lease of those that it has ends. */
void journal_moves(struct ledger *l, struct record *r);
/* What the history should know of all containers, for one that was closed for a while: of each the
 * lease that it has, or the end of one that it had, seen at @seen_us; and what happened to it after
 * @known_us (0: nothing is said of that), until things were noted. */
void journal_tell(struct ledger *l, int64_t seen_us, int64_t known_us, journal_events *ret);

/* journal_note() of all: leases that have ended by themselves. The lock is not held. */
void journal_sweep(struct daemon *d);
/* The owner of the container @id was told @text. The lock is not held. */
void journal_warning(struct daemon *d, const char *id, const char *text);

/* The thread: writes until journal_stop(), then what is left. */
void journal_run(struct daemon *d);
/* The ledger has been read from the engine. */
void journal_ready(struct journal *j);
void journal_stop(struct journal *j);

/* Where the history is. */
void journal_history_path(const struct daemon *d, char *dst, size_t size);
