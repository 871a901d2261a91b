/* See journal.h: the queue, and what goes into it. */
#include "daemon/journal.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/daemon.h"

#include <stdio.h>
#include <string.h>

void journal_init(struct journal *j) {
        pthread_condattr_t attr;

        pthread_mutex_init(&j->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&j->added, &attr);
        pthread_condattr_destroy(&attr);
}

void journal_release(struct journal *j) {
        for (size_t i = 0; i < j->events.len; i++)
                event_free(j->events.items[i]);
        VEC_RELEASE(&j->events);
        VEC_RELEASE(&j->busy);
        VEC_RELEASE(&j->paces);
}

/* The pace of one person; those of past minutes make room. NULL without memory. */
static struct journal_pace *pace_of(struct journal *j, uid_t uid, int64_t minute) {
        struct journal_pace fresh = { .uid = uid, .minute = minute };

        for (size_t i = j->paces.len; i-- > 0;)
                if (j->paces.items[i].minute != minute)
                        VEC_REMOVE(&j->paces, i);
                else if (j->paces.items[i].uid == uid)
                        return &j->paces.items[i];
        return VEC_PUSH(&j->paces, fresh) < 0 ? NULL : &j->paces.items[j->paces.len - 1];
}

/* A person can have thousands of requests refused; what else they do takes work. */
static bool is_too_much(struct journal *j, struct event *e) {
        struct journal_pace *pace;

        if (e->kind != EVENT_REFUSAL)
                return false;
        pace = pace_of(j, e->uid, e->at_us / (60 * US_PER_S));
        if (!pace || ++pace->n <= JOURNAL_REFUSALS_MAX)
                return false;
        if (pace->n > JOURNAL_REFUSALS_MAX + 1)
                return true;
        e->container[0] = e->code[0] = '\0';
        snprintf(e->why, sizeof(e->why),
                 "more than %d refusals in a minute; the others are not written down",
                 JOURNAL_REFUSALS_MAX);
        return false;
}

void journal_add(struct journal *j, struct event *e) {
        if (!e)
                return;
        pthread_mutex_lock(&j->lock);
        if (is_too_much(j, e)) {
                event_free(e);
        } else if (j->events.len >= JOURNAL_QUEUE_MAX || VEC_PUSH(&j->events, e) < 0) {
                j->dropped++;
                event_free(e);
        } else {
                pthread_cond_signal(&j->added);
        }
        pthread_mutex_unlock(&j->lock);
}

void journal_busy(struct journal *j, const char *nonce, const char *uuid, int64_t busy_us) {
        struct journal_busy b = { .busy_us = busy_us, .at_us = clock_real_us() };

        str_copy(b.nonce, sizeof(b.nonce), nonce);
        str_copy(b.uuid, sizeof(b.uuid), uuid);
        pthread_mutex_lock(&j->lock);
        if (j->busy.len < JOURNAL_QUEUE_MAX && VEC_PUSH(&j->busy, b) == 0)
                pthread_cond_signal(&j->added);
        pthread_mutex_unlock(&j->lock);
}

void journal_ready(struct journal *j) {
        pthread_mutex_lock(&j->lock);
        j->ready = true;
        j->ready_us = clock_real_us();
        pthread_cond_signal(&j->added);
        pthread_mutex_unlock(&j->lock);
}

void journal_stop(struct journal *j) {
        pthread_mutex_lock(&j->lock);
        j->stopping = true;
        pthread_cond_signal(&j->added);
        pthread_mutex_unlock(&j->lock);
}

/* --- what has changed ----------------------------------------------------------------------- */

struct event *journal_event(const struct ledger *l, const struct record *r, enum event_kind kind,
                            int64_t at_us) {
        size_t n = 0;
        struct event *e;

        while (r->uuids && r->uuids[n])
                n++;
        e = event_new(kind, at_us, n);
        if (!e)
                return NULL;
        e->uid = r->uid;
        str_copy(e->user, sizeof(e->user), r->user);
        str_copy(e->nonce, sizeof(e->nonce), r->nonce);
        str_copy(e->container, sizeof(e->container), r->name);
        str_copy(e->project, sizeof(e->project), r->project);
        for (size_t i = 0; i < n; i++) {
                int at = gpu_inventory_find(&l->inventory, r->uuids[i]);
                const struct gpu_device *d = at < 0 ? NULL : &l->inventory.devices[at];

                str_copy(e->devices[i].uuid, sizeof(e->devices[i].uuid), r->uuids[i]);
                str_copy(e->devices[i].name, sizeof(e->devices[i].name), d ? d->name : "GPU-lost");
                e->devices[i].units = d ? d->units : r->units / (int64_t)n;
        }
        return e;
}

/* The engine's time of something that is past by now; now where it has none. */
static int64_t past(int64_t wall_us) {
        int64_t now = clock_real_us();

        return wall_us > 0 && wall_us < now ? wall_us : now;
}

static struct event *made(const struct ledger *l, const struct record *r, enum event_kind kind,
                          int64_t at_us, const char *why) {
        struct event *e = journal_event(l, r, kind, at_us);

        if (e)
                str_copy(e->why, sizeof(e->why), why);
        return e;
}

static void note(struct ledger *l, const struct record *r, enum event_kind kind, int64_t at_us,
                 const char *why) {
        journal_add(l->journal, made(l, r, kind, at_us, why));
}

void journal_warning(struct daemon *d, const char *id, const char *text) {
        int i;

        ledger_lock(&d->ledger);
        i = ledger_find_id(&d->ledger, id);
        if (i >= 0)
                note(&d->ledger, d->ledger.records.items[i], EVENT_WARNING, clock_real_us(), text);
        ledger_unlock(&d->ledger);
}

/* Why it has stopped, and when. */
static struct event *stop_event(const struct ledger *l, const struct record *r) {
        int64_t at = r->finished_us > r->started_us ? r->finished_us : 0;
        char why[128];

        if (r->facts.ended_us)
                str_copy(why, sizeof(why), r->facts.ended_why);
        else
                snprintf(why, sizeof(why), "exit code %d", r->exit_code);
        return made(l, r, EVENT_STOP, past(at), why);
}

/* True when it has run since. */
static bool note_state(struct ledger *l, struct record *r) {
        bool ran = r->started_us > 0 && r->started_us != r->noted.started_us;
        enum container_state before = r->noted.state, now = r->state;

        /* Half-way states change nothing, nor does a start of which nothing is known yet. */
        if (now == CONTAINER_RESERVED || now == CONTAINER_REMOVING ||
            (container_is_up(now) && !container_is_up(before) && !ran))
                return false;
        if (before == CONTAINER_RESERVED)
                note(l, r, EVENT_CREATE, past(r->created_us), "");
        if (ran && container_is_up(before))
                note(l, r, EVENT_STOP, past(r->started_us), "started anew");
        if (ran)
                note(l, r, EVENT_START, past(r->started_us), "");
        if (now == CONTAINER_STOPPED && (ran || container_is_up(before)))
                journal_add(l->journal, stop_event(l, r));
        else if (now == CONTAINER_PAUSED && (ran || before != CONTAINER_PAUSED))
                note(l, r, EVENT_PAUSE, clock_real_us(), "");
        else if (now == CONTAINER_RUNNING && before == CONTAINER_PAUSED && !ran)
                note(l, r, EVENT_UNPAUSE, clock_real_us(), "");
        r->noted.state = now;
        r->noted.started_us = r->started_us;
        return ran;
}

static bool lease_stands(const struct ledger *l, const struct record *r) {
        const struct claim *c = &l->claims.items[ledger_index(l, r)];

        return c->ndevices > 0 && r->state != CONTAINER_RESERVED && claim_holds(c, ledger_now(l));
}

/* The end of a lease that stands no more: at the moment that the rules give. */
static struct event *end_event(const struct ledger *l, const struct record *r) {
        const struct claim *c = &l->claims.items[ledger_index(l, r)];
        int64_t over = ledger_now(l) - claim_lease(c, ledger_now(l)).deadline_us;

        if (c->released)
                return made(l, r, EVENT_LEASE_END, clock_real_us(), "given back");
        return made(l, r, EVENT_LEASE_END, clock_real_us() - (over > 0 ? over : 0),
                    r->state == CONTAINER_CREATED ? "never started" : "held for long enough");
}

static void note_lease(struct ledger *l, struct record *r, bool ran, bool gone) {
        bool holds = !gone && lease_stands(l, r), brief = ran && r->uuids && r->uuids[0];

        if (holds == r->noted.holds && (holds || !brief))
                return;
        /* One that began, and had ended again when it was looked at. */
        if (!r->noted.holds)
                note(l, r, EVENT_LEASE_BEGIN, holds ? clock_real_us() : past(r->started_us), "");
        r->noted.holds = holds;
        if (gone || r->state == CONTAINER_REMOVING)
                note(l, r, EVENT_LEASE_END, clock_real_us(), "removed");
        else if (!holds)
                journal_add(l->journal, end_event(l, r));
}

void journal_known(struct ledger *l, struct record *r) {
        r->noted.state = r->state;
        r->noted.started_us = r->started_us;
        r->noted.holds = lease_stands(l, r);
}

void journal_note(struct ledger *l, struct record *r, bool gone) {
        bool ran = false;

        if (!l->journal || r->id[0] == '\0') /* it never came about */
                return;
        if (gone && r->noted.state == CONTAINER_RESERVED)
                note(l, r, EVENT_CREATE, past(r->created_us), "");
        else if (gone && container_is_up(r->noted.state))
                note(l, r, EVENT_STOP, clock_real_us(), "removed");
        else if (!gone)
                ran = note_state(l, r);
        note_lease(l, r, ran, gone);
        if (gone)
                note(l, r, EVENT_REMOVE, clock_real_us(), "");
}

void journal_moves(struct ledger *l, struct record *r) {
        if (l->journal && r->noted.holds)
                note(l, r, EVENT_LEASE_END, clock_real_us(), "moved to other GPUs");
        r->noted.holds = false;
}

void journal_sweep(struct daemon *d) {
        struct ledger *l = &d->ledger;

        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++)
                if (l->records.items[i]->noted.holds)
                        note_lease(l, l->records.items[i], false, false);
        ledger_unlock(l);
}

/* --- for a history that was closed ---------------------------------------------------------- */

static void tell(journal_events *list, struct event *e) {
        if (e && VEC_PUSH(list, e) < 0)
                event_free(e);
}

/* What the engine remembers of the time when nobody wrote. */
static void tell_states(const struct ledger *l, const struct record *r, int64_t known_us,
                        journal_events *ret) {
        int64_t until = l->journal->ready_us;

        if (r->created_us > known_us && r->created_us < until)
                tell(ret, made(l, r, EVENT_CREATE, past(r->created_us), ""));
        if (r->started_us > known_us && r->started_us < until)
                tell(ret, made(l, r, EVENT_START, past(r->started_us), ""));
        if (r->state == CONTAINER_STOPPED && r->finished_us > known_us && r->finished_us < until)
                tell(ret, stop_event(l, r));
}

void journal_tell(struct ledger *l, int64_t seen_us, int64_t known_us, journal_events *ret) {
        for (size_t i = 0; i < l->records.len; i++) {
                const struct record *r = l->records.items[i];
                struct event *e;

                /* Of the others it is noted when they are what they will be. */
                if (r->id[0] == '\0' || r->noted.state == CONTAINER_RESERVED)
                        continue;
                if (known_us > 0)
                        tell_states(l, r, known_us, ret);
                if (!r->noted.holds) {
                        if (r->uuids && r->uuids[0])
                                tell(ret, end_event(l, r));
                        continue;
                }
                e = journal_event(l, r, EVENT_LEASE_BEGIN,
                                  past(r->started_us ? r->started_us : r->created_us));
                if (e)
                        e->seen_us = seen_us;
                tell(ret, e);
        }
}
