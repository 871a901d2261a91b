/* See queue.h. */
#include "daemon/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/operation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOK_US = 1000000 }; /* how often it is looked whether the caller is still there */

void queue_place(struct place *p, struct lines *lines, const char *name,
                 const struct limits *limits, int64_t gpus, bool prefer_full, bool starting,
                 int64_t wait_s) {
        const struct person_entry *who = lines->call->who;

        *p = (struct place){
                .daemon = lines->call->daemon,
                .lines = lines,
                .waiter = { .uid = who->uid,
                            .gpus = gpus,
                            .prefer_full = prefer_full,
                            .allow_full = limits->allow_full_gpu,
                            .starting = starting,
                            .priority = limits->priority,
                            .since_us = clock_real_us() },
                .until_us = wait_s == WAIT_FOR_EVER ? 0 : clock_mono_us() + wait_s * US_PER_S,
        };
        str_copy(p->waiter.name, sizeof(p->waiter.name), name);
        str_copy(p->waiter.user, sizeof(p->waiter.user), who->name);
}

void queue_withhold(struct daemon *d, const struct place *p, const char *user, uint8_t *mask,
                    struct snapshot *s) {
        struct ledger *l = &d->ledger;

        if (l->waiters.len == 0 && l->nreservations == 0)
                return;
        queue_withheld(&l->inventory, (const struct waiter *const *)l->waiters.items,
                       l->waiters.len, p && p->entered ? &p->waiter : NULL, s->limits->priority,
                       mask);
        ledger_reserved(l, user, s->limits->max_runtime_us, s, mask);
        s->withheld = mask;
}

/* The next moment at which a lease ends by itself. */
static int64_t next_deadline(const struct ledger *l, int64_t now) {
        int64_t next = LIMIT_UNLIMITED;

        for (size_t i = 0; i < l->claims.len; i++) {
                struct lease lease = claim_lease(&l->claims.items[i], now);

                if ((lease.state == LEASE_ACTIVE || lease.state == LEASE_HELD) &&
                    lease.deadline_us < next)
                        next = lease.deadline_us;
        }
        return next;
}

static int64_t smaller(int64_t a, int64_t b) {
        return a < b ? a : b;
}

/* Sleeps until the ledger changes, the next lease ends or it is time to look at the caller. */
static void sleep_for_news(struct place *p) {
        struct ledger *l = &p->daemon->ledger;
        int64_t now = ledger_now(l), next = next_deadline(l, now), us = LOOK_US;
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
        int64_t next = next_deadline(l, ledger_now(l));
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
        bool devices;

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
        if (say(p, r) < 0 || caller_has_gone(p)) {
                *ret_gone = true;
                return -1;
        }
        sleep_for_news(p);
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

void handle_queue(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        size_t position = 1;

        json_write_array(&w);
        ledger_lock(l);
        for (; position <= l->waiters.len; position++)
                for (size_t i = 0; i < l->waiters.len; i++) {
                        const struct waiter *o = l->waiters.items[i];
                        char since[40];

                        if (queue_ahead((const struct waiter *const *)l->waiters.items,
                                        l->waiters.len, o) +
                                    1 !=
                            position)
                                continue;
                        time_format(o->since_us, since, sizeof(since));
                        json_write_object(&w);
                        json_put_int(&w, "position", (int64_t)position);
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
}
