/* The ledger's arrays and their lock. */
#include "daemon/ledger.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/failpoint.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { BUSY_WAIT_S = 60, CLOCKS_APART_US = 1000 };

struct record *record_new(void) {
        return calloc(1, sizeof(struct record));
}

void record_free(struct record *r) {
        if (!r)
                return;
        free(r->workspace);
        free(r->data);
        if (r->uuids)
                for (size_t i = 0; r->uuids[i]; i++)
                        free(r->uuids[i]);
        free(r->uuids);
        free(r);
}

static int64_t wall_now(void) {
        return FAILPOINT_WALL(clock_real_us());
}

int ledger_init(struct ledger *l) {
        pthread_condattr_t attr;

        memset(l, 0, sizeof(*l));
        pthread_mutex_init(&l->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&l->freed, &attr);
        pthread_condattr_destroy(&attr);
        timeline_begin(&l->timeline, clock_boot_us(), wall_now());
        return 0;
}

void ledger_release(struct ledger *l) {
        for (size_t i = 0; i < l->records.len; i++) {
                free(l->claims.items[i].devices);
                record_free(l->records.items[i]);
        }
        VEC_RELEASE(&l->records);
        VEC_RELEASE(&l->claims);
        VEC_RELEASE(&l->waiters);
        gpu_inventory_release(&l->inventory);
        pthread_cond_destroy(&l->freed);
        pthread_mutex_destroy(&l->lock);
}

void ledger_lock(struct ledger *l) {
        pthread_mutex_lock(&l->lock);
}

void ledger_unlock(struct ledger *l) {
        pthread_mutex_unlock(&l->lock);
}

/* epoch_us is fixed once there are threads. */
int64_t ledger_now(const struct ledger *l) {
        return clock_boot_us() + l->timeline.epoch_us;
}

void ledger_resume(struct ledger *l, const struct timeline *t, bool same_boot) {
        l->timeline = *t;
        timeline_resume(&l->timeline, same_boot, clock_boot_us(), wall_now());
}

void ledger_look(struct ledger *l) {
        int64_t boot, wall;
        int tries = 0;

        do { /* not preempted in between */
                boot = clock_boot_us();
                wall = wall_now();
        } while (clock_boot_us() - boot > CLOCKS_APART_US && ++tries < 10);
        if (!timeline_look(&l->timeline, boot, wall))
                return;
        l->clock_set = true;
        for (size_t i = 0; i < l->records.len; i++)
                l->records.items[i]->gated_us = l->records.items[i]->looked_us = 0;
}

int ledger_find(const struct ledger *l, uid_t uid, const char *name) {
        for (size_t i = 0; i < l->records.len; i++)
                if (l->records.items[i]->uid == uid && strcmp(l->records.items[i]->name, name) == 0)
                        return (int)i;
        return -1;
}

void ledger_guess(const struct ledger *l, uid_t uid, struct guess *g) {
        for (size_t i = 0; i < l->records.len; i++)
                if (l->records.items[i]->uid == uid)
                        guess_try(g, l->records.items[i]->name);
}

int ledger_find_id(const struct ledger *l, const char *id) {
        for (size_t i = 0; i < l->records.len; i++)
                if (strcmp(l->records.items[i]->id, id) == 0)
                        return (int)i;
        return -1;
}

int ledger_find_nonce(const struct ledger *l, const char *nonce) {
        for (size_t i = 0; i < l->records.len; i++)
                if (strcmp(l->records.items[i]->nonce, nonce) == 0)
                        return (int)i;
        return -1;
}

int ledger_index(const struct ledger *l, const struct record *r) {
        for (size_t i = 0; i < l->records.len; i++)
                if (l->records.items[i] == r)
                        return (int)i;
        return -1;
}

static size_t uuids_count(char *const *uuids) {
        size_t n = 0;

        while (uuids && uuids[n])
                n++;
        return n;
}

static void find_devices(const struct ledger *l, const struct record *r, struct claim *c) {
        c->nlost = 0;
        for (int16_t i = 0; i < c->ndevices; i++) {
                c->devices[i] = (int16_t)gpu_inventory_find(&l->inventory, r->uuids[i]);
                if (c->devices[i] < 0)
                        c->nlost++;
        }
}

int ledger_add(struct ledger *l, struct record *r) {
        size_t n = uuids_count(r->uuids);
        struct claim c = { .uid = r->uid,
                           .name = r->name,
                           .user = r->user,
                           .units = r->units,
                           .ndevices = (int16_t)n,
                           .hold_us = LIMIT_UNLIMITED,
                           .unstarted_us = LIMIT_UNLIMITED };

        if (n > 0) {
                c.devices = calloc(n, sizeof(*c.devices));
                if (!c.devices)
                        return -ENOMEM;
        }
        if (VEC_PUSH(&l->claims, c) < 0) {
                free(c.devices);
                return -ENOMEM;
        }
        if (VEC_PUSH(&l->records, r) < 0) {
                l->claims.len--;
                free(c.devices);
                return -ENOMEM;
        }
        find_devices(l, r, &l->claims.items[l->claims.len - 1]);
        ledger_refresh_claim(l, r, -1, -1);
        return 0;
}

void ledger_remove(struct ledger *l, struct record *r) {
        int i = ledger_index(l, r);

        free(l->claims.items[i].devices);
        VEC_REMOVE(&l->claims, (size_t)i);
        VEC_REMOVE(&l->records, (size_t)i);
        record_free(r);
        pthread_cond_broadcast(&l->freed);
}

/* Translated once: the clock may be set meanwhile. */
static int64_t since(struct ledger *l, struct record *r) {
        bool up = container_is_up(r->state);
        int64_t wall = r->state == CONTAINER_STOPPED ? r->finished_us
                       : up                          ? r->started_us
                                                     : r->created_us;

        if (wall != r->since_wall_us) {
                ledger_look(l);
                r->since_wall_us = wall;
                r->since_us = timeline_steady(&l->timeline, wall);
        }
        return r->since_us;
}

void ledger_refresh_claim(struct ledger *l, struct record *r, int64_t hold_us,
                          int64_t unstarted_us) {
        struct claim *c = &l->claims.items[ledger_index(l, r)];

        /* A removal keeps what the container holds until it is gone; it takes nothing back. */
        if (r->state == CONTAINER_REMOVING && c->state != CONTAINER_REMOVING)
                c->released |= !claim_holds(c, ledger_now(l));
        else if (r->state == CONTAINER_RUNNING)
                c->released = false;
        else
                c->released |= r->facts.released;
        c->state = r->state;
        c->since_us = since(l, r);
        if (hold_us >= 0)
                c->hold_us = hold_us;
        if (unstarted_us >= 0)
                c->unstarted_us = unstarted_us;
}

char **ledger_change_devices(struct ledger *l, struct record *r, char **uuids, int64_t units) {
        struct claim *c = &l->claims.items[ledger_index(l, r)];
        char **old = r->uuids;

        r->uuids = uuids;
        r->units = c->units = units;
        find_devices(l, r, c);
        return old;
}

void ledger_set_inventory(struct ledger *l, struct gpu_inventory *inventory) {
        gpu_inventory_release(&l->inventory);
        l->inventory = *inventory;
        *inventory = (struct gpu_inventory){ 0 };
        for (size_t i = 0; i < l->records.len; i++)
                find_devices(l, l->records.items[i], &l->claims.items[i]);
        pthread_cond_broadcast(&l->freed);
}

void ledger_snapshot(const struct ledger *l, const struct limits *limits, uid_t uid,
                     struct snapshot *ret) {
        *ret = (struct snapshot){
                .inventory = &l->inventory,
                .claims = l->claims.items,
                .nclaims = l->claims.len,
                .limits = limits,
                .uid = uid,
                .now_us = ledger_now(l),
        };
}

void ledger_reserved(const struct ledger *l, const char *user, int64_t ahead_us,
                     const struct snapshot *s, uint8_t *mask) {
        int64_t wall = timeline_wall(&l->timeline, s->now_us);

        for (size_t i = 0; i < l->nreservations; i++)
                reservation_withhold(s, &l->reservations[i].r, (uint8_t)(i + 1), user, wall,
                                     ahead_us, mask);
}

int ledger_acquire(struct ledger *l, uid_t uid, const char *name, struct record **ret,
                   struct refusal *refusal) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += BUSY_WAIT_S;
        ledger_lock(l);
        for (;;) {
                int i = ledger_find(l, uid, name);

                if (i < 0) {
                        ledger_unlock(l);
                        return refuse(refusal, REFUSAL_NO_SUCH_CONTAINER, name);
                }
                if (!l->records.items[i]->busy) {
                        *ret = l->records.items[i];
                        (*ret)->busy = true;
                        ledger_unlock(l);
                        return 0;
                }
                if (pthread_cond_timedwait(&l->freed, &l->lock, &until) == ETIMEDOUT) {
                        ledger_unlock(l);
                        return refuse(refusal, REFUSAL_BUSY, name);
                }
        }
}

void ledger_release_record(struct ledger *l, struct record *r) {
        r->busy = false;
        r->settled_us = clock_mono_us();
        pthread_cond_broadcast(&l->freed);
}
