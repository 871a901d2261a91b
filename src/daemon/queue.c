/* See queue.h. */
#include "daemon/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/operation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_US = 1000000 }; /* how often it is looked whether the caller is still there */

static void take_limits(struct place *p) {
        p->generation = p->daemon->limits_generation; /* first: what is newer is taken again */
        daemon_limits(p->daemon, p->lines->call->who, p->limits);
}

static void apply_limits(struct place *p) {
        p->waiter.allow_full = p->limits->allow_full_gpu;
        p->waiter.priority = p->limits->priority;
        p->waiter.ahead_us = p->limits->max_runtime_us;
}

void queue_place(struct place *p, struct lines *lines, const char *name, struct limits *limits,
                 int64_t gpus, bool prefer_full, bool starting, int64_t wait_s) {
        const struct person_entry *who = lines->call->who;

        *p = (struct place){
                .daemon = lines->call->daemon,
                .lines = lines,
                .waiter = { .uid = who->uid,
                            .gpus = gpus,
                            .prefer_full = prefer_full,
                            .starting = starting,
                            .since_us = clock_real_us() },
                .limits = limits,
                .until_us = wait_s == WAIT_FOR_EVER ? 0 : clock_mono_us() + wait_s * US_PER_S,
        };
        str_copy(p->waiter.name, sizeof(p->waiter.name), name);
        str_copy(p->waiter.user, sizeof(p->waiter.user), who->name);
        take_limits(p);
        apply_limits(p);
}

/* The limits file was read anew. The lock is dropped meanwhile, since limits have their own. */
static void renew_limits(struct place *p) {
        struct ledger *l = &p->daemon->ledger;

        ledger_unlock(l);
        take_limits(p);
        ledger_lock(l);
        apply_limits(p);
        pthread_cond_broadcast(&l->freed); /* the order may be another one */
}

/* Under a reservation of others: from who waits they are kept too, so nobody waits for them. */
static void find_denied(struct ledger *l, const struct snapshot *s) {
        for (size_t i = 0; i < l->waiters.len; i++) {
                struct waiter *w = l->waiters.items[i];

                memset(w->denied, 0, sizeof(w->denied));
                if (w->for_devices)
                        ledger_reserved(l, w->user, w->ahead_us, s, w->denied);
        }
}

void queue_withhold(struct daemon *d, const struct place *p, const char *user, uint8_t *mask,
                    struct snapshot *s) {
        struct ledger *l = &d->ledger;

        if (l->waiters.len == 0 && l->nreservations == 0)
                return;
        find_denied(l, s);
        queue_withheld(&l->inventory, (const struct waiter *const *)l->waiters.items,
                       l->waiters.len, p && p->entered ? &p->waiter : NULL, s->limits->priority,
                       mask);
        ledger_reserved(l, user, s->limits->max_runtime_us, s, mask);
        s->withheld = mask;
}

static int64_t smaller(int64_t a, int64_t b) {
        return a < b ? a : b;
}

/* When a container's devices become free without anybody's doing: at the end of its hold, also of
 * the one after a rule of time has stopped it. */
static int64_t release_of(const struct record *r, const struct claim *c, int64_t now,
                          int64_t wall) {
        struct lease lease = claim_lease(c, now);

        if (lease.state != LEASE_ACTIVE && lease.state != LEASE_HELD)
                return LIMIT_UNLIMITED;
        if (!r->stops_us || c->hold_us == LIMIT_UNLIMITED)
                return lease.deadline_us;
        return smaller(lease.deadline_us, now + (r->stops_us - wall) + c->hold_us);
}

/* The next such moment that is of use to @w: who waits for a quota waits for their own. */
static int64_t next_release(const struct ledger *l, const struct waiter *w, int64_t now) {
        int64_t next = LIMIT_UNLIMITED, wall = timeline_wall(&l->timeline, now);

        for (size_t i = 0; i < l->claims.len; i++)
                if (l->claims.items[i].ndevices > 0 &&
                    (w->for_devices || l->claims.items[i].uid == w->uid))
                        next = smaller(next, release_of(l->records.items[i], &l->claims.items[i],
                                                        now, wall));
        for (size_t i = 0; i < l->nreservations && w->for_devices; i++) {
                const struct reservation *r = &l->reservations[i].r;

                if (wall >= r->start_us && !reservation_is_for(r, w->user))
                        next = smaller(next, now + (r->end_us - wall));
        }
        return next;
}

/* Sleeps until the ledger changes, the next lease ends or it is time to look at the caller. */
static void sleep_for_news(struct place *p) {
        struct ledger *l = &p->daemon->ledger;
        int64_t now = ledger_now(l), next = next_release(l, &p->waiter, now), us = LOOK_US;
        struct timespec at;

        if (next != LIMIT_UNLIMITED)
                us = smaller(us, next > now ? next - now : 1000);
        if (p->until_us)
                us = smaller(us, p->until_us - clock_mono_us());
        clock_gettime(CLOCK_MONOTONIC, &at);
        us = (us > 0 ? us : 1000) + at.tv_nsec / 1000;
        at.tv_sec += us / US_PER_S;
        at.tv_nsec = us % US_PER_S * 1000;
        pthread_cond_timedwait(&l->freed, &l->lock, &at);
}

static bool caller_has_gone(const struct place *p) {
        struct pollfd fd = { .fd = p->lines->call->fd, .events = POLLRDHUP };

        return poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR | POLLRDHUP);
}

/* {"waiting": {"position", "message", "free_at"}}, when something in it is new. The lock is
 * dropped while the caller takes it. */
static int say(struct place *p, const struct refusal *r) {
        struct ledger *l = &p->daemon->ledger;
        _cleanup_buf_ struct buf line = BUF_INIT(LINES_MAX);
        struct json_writer w = JSON_WRITER(&line);
        int64_t next = next_release(l, &p->waiter, ledger_now(l));
        _cleanup_buf_ struct buf text = BUF_INIT(2048);
        char moment[40];
        int e;

        refusal_message(r, &text);
        if (next != LIMIT_UNLIMITED)
                time_format(timeline_wall(&l->timeline, next), moment, sizeof(moment));
        json_write_object(&w);
        json_write_key(&w, "waiting");
        json_write_object(&w);
        json_put_int(&w, "position",
                     (int64_t)queue_ahead((const struct waiter *const *)l->waiters.items,
                                          l->waiters.len, &p->waiter) +
                             1);
        json_put_int(&w, "waiting", (int64_t)l->waiters.len);
        json_put_str(&w, "reason", buf_str(&text));
        json_put_str(&w, "next_free_at", next == LIMIT_UNLIMITED ? NULL : moment);
        json_write_object_end(&w);
        json_write_object_end(&w);
        if (strcmp(buf_str(&line), p->said) == 0)
                return 0;
        str_copy(p->said, sizeof(p->said), buf_str(&line));
        ledger_unlock(l);
        e = lines_send(p->lines, &line);
        ledger_lock(l);
        return e;
}

static int enter(struct place *p) {
        struct ledger *l = &p->daemon->ledger;
        struct waiter *self = &p->waiter;

        p->waiter.number = l->next_waiter++;
        if (VEC_PUSH(&l->waiters, self) < 0)
                return -ENOMEM;
        p->entered = true;
        log_line(LOG_INFO, "waiting", "user", p->waiter.user, "container", p->waiter.name, NULL);
        return 0;
}

int queue_wait(struct place *p, struct refusal *r, bool *ret_gone) {
        bool devices, here;

        *ret_gone = false;
        if (!queue_helps(r->reason, &devices))
                return r->reason;
        if (p->until_us && clock_mono_us() >= p->until_us)
                return r->reason;
        if (!p->entered && enter(p) < 0)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        if (p->waiter.for_devices != devices) {
                p->waiter.for_devices = devices;
                pthread_cond_broadcast(&p->daemon->ledger.freed); /* others may go ahead now */
        }
        here = say(p, r) == 0 && !caller_has_gone(p);
        if (here)
                sleep_for_news(p);
        /* Nobody gets a container who has left meanwhile. */
        if (!here || p->daemon->stopping || caller_has_gone(p)) {
                *ret_gone = true;
                return -1;
        }
        if (p->generation != p->daemon->limits_generation)
                renew_limits(p);
        return 0;
}

void queue_leave(struct place *p) {
        struct ledger *l = &p->daemon->ledger;

        if (!p->entered)
                return;
        for (size_t i = 0; i < l->waiters.len; i++)
                if (l->waiters.items[i] == &p->waiter) {
                        VEC_REMOVE(&l->waiters, i);
                        break;
                }
        p->entered = false;
        pthread_cond_broadcast(&l->freed);
}

static int by_order(const void *a, const void *b) {
        const struct waiter *const *x = a, *const *y = b;

        return waiter_before(*x, *y) ? -1 : waiter_before(*y, *x);
}

void handle_queue(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        const struct waiter **order;
        size_t n;

        json_write_array(&w);
        ledger_lock(l);
        n = l->waiters.len;
        order = calloc(n + 1, sizeof(*order));
        for (size_t i = 0; order && i < n; i++)
                order[i] = l->waiters.items[i];
        if (order)
                qsort(order, n, sizeof(struct waiter *), by_order);
        for (size_t i = 0; order && i < n; i++) {
                const struct waiter *o = order[i];
                char since[40];

                time_format(o->since_us, since, sizeof(since));
                json_write_object(&w);
                json_put_int(&w, "position", (int64_t)i + 1);
                json_put_str(&w, "user", o->user);
                json_put_str(&w, "container", o->uid == c->who->uid ? o->name : NULL);
                json_put_int(&w, "gpus", o->gpus);
                json_put_str(&w, "for", o->for_devices ? "gpus" : "quota");
                json_put_int(&w, "priority", o->priority);
                json_put_str(&w, "since", since);
                json_write_object_end(&w);
        }
        ledger_unlock(l);
        json_write_array_end(&w);
        if (!order)
                call_fail(c, REFUSAL_INTERNAL, "no memory");
        free(order);
}
