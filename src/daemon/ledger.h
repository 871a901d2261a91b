/*
 * The ledger: every container of ds01 and what it holds. It is memory only, rebuilt from the
 * engine's sealed labels at start and kept current by its events; the engine is the record.
 *
 * One mutex guards everything. A record's `busy` flag serialises operations on one container: who
 * set it may drop the mutex, talk to the engine and come back; meanwhile nobody else changes or
 * frees the record. The claims are a dense array in the records' order, for the pure core to walk.
 */
#pragma once

#include "base/guess.h"
#include "base/vec.h"
#include "core/queue.h"
#include "core/reserve.h"
#include "core/timeline.h"
#include "daemon/facts.h"

#include <pthread.h>

enum { NONCE_SIZE = 33 }; /* 32 hex digits */

struct cpu_sample {
        int64_t at_us;    /* CLOCK_MONOTONIC; 0 = none */
        int64_t usage_us; /* CPU time used since the start */
};

struct record {
        char id[65]; /* engine's; "" while only reserved */
        char name[NAME_MAX_LEN + 1];
        char engine_name[ENGINE_NAME_SIZE];
        char nonce[NONCE_SIZE];
        uid_t uid;
        gid_t gid;
        char user[64];
        char image[IMAGE_REF_SIZE];
        char project[NAME_MAX_LEN + 1]; /* "" = none */
        char *workspace;                /* as resolved at creation; NULL = none */
        char *data;                     /* NULL = none */
        bool workspace_read_only;       /* as it was pinned last */
        char **uuids; /* devices, in the order of allocation; NULL-terminated; may be NULL */
        int64_t units;
        int64_t cpus_milli, memory_bytes, shm_bytes, pids;
        enum container_state state;
        int64_t created_us, started_us, finished_us; /* wall clock; 0 = never */
        int64_t made_us; /* by the engine: created, or created anew when it was moved */
        int64_t since_wall_us, since_us; /* the one that the lease counts from; in steady time */
        pid_t pid;
        int exit_code;
        bool wrapped; /* by ds01-runtime */

        struct facts facts;
        int64_t stops_us; /* wall clock: a rule of time will stop it then (expiry.c); 0: not soon */
        bool gpus_lost;   /* its control group denies them, which could not be mended */
        bool stops_idle;  /* by which: for being idle, else for its running time */

        struct { /* what the journal has been told of it */
                enum container_state state;
                int64_t started_us; /* of which run */
                bool holds;         /* its lease is open */
        } noted;

        bool busy;                /* an operation is at work on it */
        bool stale;               /* an event came while it was busy: look again */
        bool unjudged;            /* adopted, and busy until the gate has looked at it (gate.h) */
        bool ungated;             /* seen to run, and nobody came through the gate with it */
        int64_t gated_us;         /* wall clock: when a start that passed the gate was done */
        int64_t looked_us;        /* wall clock: when the engine was last asked about it */
        int64_t settled_us;       /* CLOCK_MONOTONIC of the last change by an operation */
        struct cpu_sample cpu[2]; /* older, newer */
};

/* One that stands in the ledger. */
struct own_reservation {
        int64_t id; /* of those made with `ds01 reserve`; 0: of the limits file */
        struct reservation r;
        unsigned announced; /* how many of the announcements before its start were made */
};

struct journal;

struct ledger {
        pthread_mutex_t lock;
        struct journal *journal; /* NULL: nothing is written down */
        pthread_cond_t freed; /* some record is no longer busy */
        VEC(struct record *) records;
        VEC(struct claim) claims; /* claims.items[i] describes records.items[i] */
        struct gpu_inventory inventory;
        VEC(struct waiter *) waiters; /* who waits (queue.h); each belongs to its thread */
        uint64_t next_waiter;
        struct own_reservation reservations[RESERVATIONS_MAX]; /* see reserve.h */
        size_t nreservations;
        struct timeline timeline; /* leases are counted in its steady time */
        bool clock_set;           /* the wall clock was; not yet kept (steady.c) */
};

int ledger_init(struct ledger *l);
void ledger_release(struct ledger *l);

void ledger_lock(struct ledger *l);
void ledger_unlock(struct ledger *l);

/* Steady time now. */
int64_t ledger_now(const struct ledger *l);
/* Before anything is in the ledger: goes on with a time that was kept. */
void ledger_resume(struct ledger *l, const struct timeline *t, bool same_boot);

/* All below: the lock is held. Indices are valid until it is dropped. */
/* Reads the clocks; when the wall clock was set, what is known by its times is to be seen anew. */
void ledger_look(struct ledger *l);

int ledger_find(const struct ledger *l, uid_t uid, const char *name);
/* Which of that person's containers may have been meant. */
void ledger_guess(const struct ledger *l, uid_t uid, struct guess *g);
int ledger_find_id(const struct ledger *l, const char *id);
int ledger_find_nonce(const struct ledger *l, const char *nonce);
int ledger_index(const struct ledger *l, const struct record *r);

/* Takes @r over. 0 or -ENOMEM (then @r is still the caller's). */
int ledger_add(struct ledger *l, struct record *r);
void ledger_remove(struct ledger *l, struct record *r); /* frees it */
/* Makes the claim agree with the record, after any change of state, times or devices. @hold_us and
 * @unstarted_us come from the owner's limits; negative leaves them. */
void ledger_refresh_claim(struct ledger *l, struct record *r, int64_t hold_us,
                          int64_t unstarted_us);
/* Gives @r other devices, as many as it has: takes over @uuids (NULL-terminated) and returns the
 * old ones, which are the caller's. */
char **ledger_change_devices(struct ledger *l, struct record *r, char **uuids, int64_t units);
/* Takes over the inventory; the claims' device indices are found anew. */
void ledger_set_inventory(struct ledger *l, struct gpu_inventory *inventory);

void ledger_snapshot(const struct ledger *l, const struct limits *limits, uid_t uid,
                     struct snapshot *ret);

/* Marks in @mask the devices that are reserved for others than @user, whose containers run for at
 * most @ahead_us, with the reservation's index from 1. */
void ledger_reserved(const struct ledger *l, const char *user, int64_t ahead_us,
                     const struct snapshot *s, uint8_t *mask);

/* Finds the caller's container and marks it busy, waiting for another operation to end. Nonzero
 * with @refusal: NO_SUCH_CONTAINER, or BUSY after a minute. Lock not held. */
int ledger_acquire(struct ledger *l, uid_t uid, const char *name, struct record **ret,
                   struct refusal *refusal);
void ledger_release_record(struct ledger *l, struct record *r); /* lock held */

struct record *record_new(void);
void record_free(struct record *r);
