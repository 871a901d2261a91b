/*
 * What the parts of ds01d share: configuration, the engine, the ledger, the GPUs. One of these
 * lives as long as the process; its fields are set once at start, except those behind a lock.
 */
#pragma once

#include "config/config.h"
#include "daemon/budget.h"
#include "daemon/journal.h"
#include "daemon/ledger.h"
#include "daemon/metrics.h"
#include "daemon/notices.h"
#include "daemon/people.h"
#include "daemon/terminals.h"
#include "engine/engine.h"
#include "gpu/monitor.h"

#include <pthread.h>
#include <stdatomic.h>

#define ADMIN_SOCKET "admin.sock" /* below paths.run */
enum { SEAL_KEY_SIZE = 32 };

/* The builds that go on, so that nobody has too many of them and no image two. */
struct builds {
        pthread_mutex_t lock;
        VEC(struct { uid_t uid; char name[NAME_MAX_LEN + 1]; }) running;
};

/* See image_cache.h. */
struct image_cache {
        pthread_mutex_t lock;
        struct image_list *list; /* NULL: to be asked for */
        unsigned generation;     /* grows with each change */
        bool live;               /* changes are heard of */
};

/* Those that `ds01 reserve` has made; see reserve.h. */
struct reserve {
        pthread_mutex_t lock;
        struct own_reservation own[RESERVATIONS_MAX];
        size_t n;
        int64_t last_id;
};

struct daemon {
        struct site_config config;
        bool private_mode; /* one person's own daemon: no other uid is served, nothing is pinned */
        uid_t own_uid;

        struct engine *engine;
        pthread_mutex_t engine_info_lock;
        struct engine_info
                engine_info; /* behind engine_info_lock; name "" before the first answer */

        struct ledger ledger;
        _Atomic bool ready;      /* the ledger has been read from the engine once */
        _Atomic unsigned failed; /* tries to reach the engine that failed */

        struct gpu_monitor *_Atomic gpus; /* its own thread looks while this is being set */
        struct people people;
        struct budgets budgets;
        struct reserve reserve;
        struct builds builds;
        struct image_cache images;
        struct terminals terminals;
        struct notices notices;
        struct journal journal;
        struct metrics metrics;

        pthread_rwlock_t limits_lock;
        struct limits_config limits; /* behind limits_lock */
        _Atomic unsigned limits_generation; /* how often they were read anew */

        unsigned char seal_key[SEAL_KEY_SIZE];

        int64_t clock_saved_us; /* steady_tend()'s own */

        int wake_fd; /* eventfd: the keeper looks again at once */
        _Atomic bool stopping;
};

/* The limits of @who, resolved now. */
void daemon_limits(struct daemon *d, const struct person_entry *who, struct limits *ret);

/* A copy of what is known of the engine. */
void daemon_engine_info(struct daemon *d, struct engine_info *ret);

/* Makes the keeper compare the ledger with the engine soon. */
void daemon_wake_keeper(struct daemon *d);

/* Where the site's own CDI spec is: gpu.cdi_spec, or for simulated GPUs a file of ours, so that
 * a real one is never written over. */
void daemon_cdi_site_spec(const struct daemon *d, char *dst, size_t size);
