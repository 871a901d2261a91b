/* Start, stop, pause, unpause. Start is the gate: devices are judged again before each. */
#include "daemon/lifecycle.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/aggregate.h"
#include "daemon/decision.h"
#include "daemon/failpoint.h"
#include "daemon/move.h"
#include "daemon/proc.h"
#include "daemon/queue.h"
#include "daemon/spec.h"
#include "daemon/verify.h"
#include "daemon/workspace.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct stop_request {
        int64_t timeout;
        bool force, release;
};

static const struct json_field stop_fields[] = {
        JSON_FIELD_INT("timeout", struct stop_request, timeout, 0, 3600),
        JSON_FIELD_BOOL("force", struct stop_request, force),
        JSON_FIELD_BOOL("release", struct stop_request, release),
};
const struct request_body stop_body = REQUEST_BODY(stop_fields, struct stop_request);

/* The container is not in the engine any more (removed behind our back): it is gone here too. */
static void answer_gone(struct call *c, struct record *r) {
        char name[NAME_MAX_LEN + 1];

        str_copy(name, sizeof(name), r->name);
        operation_end(c->daemon, r, true);
        refuse(&c->refusal, REFUSAL_NO_SUCH_CONTAINER, name);
        call_refuse(c, &c->refusal);
}

static void answer_engine_failure(struct call *c, struct record *r,
                                  const struct engine_error *error) {
        struct engine_error ignored;

        if (error->status == 404) {
                answer_gone(c, r);
                return;
        }
        /* Whatever it did, take over what is true now. An engine that does not answer is not
         * asked again; the keeper looks when it is back. */
        if (error->status != 0)
                operation_refresh(c->daemon, r, &ignored);
        else if (!error->definite)
                operation_mark_stale(c->daemon, r);
        call_engine_error(c, error);
        operation_end(c->daemon, r, false);
}

/* What a start on other devices has to undo when it fails. */
struct moved {
        char **uuids; /* the old ones; NULL: it stays where it is */
        int64_t units;
};

static void moved_release(struct moved *m) {
        for (size_t i = 0; m->uuids && m->uuids[i]; i++)
                free(m->uuids[i]);
        free(m->uuids);
}

/* Its own devices went to somebody else meanwhile, or have failed: the grant names others, which
 * are its own from here on. The ledger's lock is held. */
static int take_others(struct ledger *l, struct record *r, const struct grant *grant,
                       struct moved *m, struct refusal *refusal) {
        char **uuids = calloc(grant->n + 1, sizeof(*uuids));

        for (size_t i = 0; uuids && i < grant->n; i++) {
                uuids[i] = strdup(l->inventory.devices[grant->devices[i]].uuid);
                if (!uuids[i]) {
                        moved_release(&(struct moved){ .uuids = uuids });
                        uuids = NULL;
                }
        }
        if (!uuids)
                return refuse_detail(refusal, REFUSAL_INTERNAL, NULL, "no memory");
        m->units = r->units;
        journal_moves(l, r);
        m->uuids = ledger_change_devices(l, r, uuids, grant->units);
        return 0;
}

static void take_back(struct daemon *d, struct record *r, struct moved *m) {
        char **others;

        if (!m->uuids)
                return;
        ledger_lock(&d->ledger);
        others = ledger_change_devices(&d->ledger, r, m->uuids, m->units);
        ledger_unlock(&d->ledger);
        m->uuids = others; /* to be freed */
}

/* May the container start by @limits, and with which devices? The ledger's lock is held. */
static int judge_start(struct call *c, int at, const struct place *place,
                       const struct limits *limits, struct grant *ret, bool *ret_moved,
                       struct refusal *refusal) {
        uint8_t withheld[GPU_DEVICES_MAX];
        struct snapshot snapshot;

        ledger_snapshot(&c->daemon->ledger, limits, c->who->uid, &snapshot);
        queue_withhold(c->daemon, place, c->who->name, withheld, &snapshot);
        return policy_start(&snapshot, (size_t)at, ret, ret_moved, refusal);
}

/* May it start, and do its devices still stand? On success the claim is a running one, so that
 * from here on its devices are nobody else's. */
static int pass_gate(struct call *c, struct record *r, const struct place *place, struct moved *m,
                     struct refusal *refusal) {
        struct ledger *l = &c->daemon->ledger;
        struct limits limits;
        struct grant grant;
        bool moved = false;
        int refused;

        daemon_limits(c->daemon, c->who, &limits);
        ledger_lock(l);
        refused = judge_start(c, ledger_index(l, r), place, &limits, &grant, &moved, refusal);
        if (!refused && moved)
                refused = take_others(l, r, &grant, m, refusal);
        if (!refused) {
                r->state = CONTAINER_RUNNING;
                ledger_refresh_claim(l, r, -1, -1);
        }
        ledger_unlock(l);
        return refused;
}

/* What was true of the last run only. */
static void begin_run(struct daemon *d, struct record *r) {
        struct facts facts = r->facts;

        if (!facts.released && !facts.ended_us && !facts.extended_until_us)
                return;
        facts.released = false;
        facts.ended_us = facts.extended_until_us = 0;
        facts.ended_why[0] = '\0';
        facts_save(d, r->nonce, &facts);
        ledger_lock(&d->ledger);
        r->facts = facts;
        r->stops_us = 0;
        ledger_unlock(&d->ledger);
}

/* What a start needs besides the container: the person's control group, which a reboot takes away
 * and whose limits may have changed, and what ds01-runtime goes by. */
static int prepare_surroundings(struct call *c, const struct record *r, struct refusal *refusal) {
        struct engine_info engine;
        struct limits limits;
        char parent[64];
        int e;

        daemon_engine_info(c->daemon, &engine);
        daemon_limits(c->daemon, c->who, &limits);
        aggregate_prepare_person(c->daemon, &engine, r->uid, &limits, parent, sizeof(parent));
        e = engine.runtime ? decision_write(c->daemon, r, r->id, c->who, &engine) : 0;
        if (e < 0)
                return refuse_detail(refusal, REFUSAL_INTERNAL, NULL,
                                     "can't write below '%s': %s", c->daemon->config.run_dir,
                                     strerror(-e));
        return 0;
}

/* From created or stopped to running. Nonzero when refused (answered, the operation ended), or
 * WAIT_AND_AGAIN, with why in @place's lines: the record is free for others meanwhile. */
enum { WAIT_AND_AGAIN = 1 };
static int start(struct call *c, struct record *r, const struct place *place, bool *ret_moved) {
        struct daemon *d = c->daemon;
        enum container_state before = r->state;
        _cleanup_(moved_release) struct moved moved = { 0 };
        struct engine_error error = { 0 };
        struct refusal refusal = { 0 };

        if (pass_gate(c, r, place, &moved, &refusal)) {
                bool ignored;

                c->refusal = refusal;
                operation_end(d, r, false);
                if (place && queue_helps(refusal.reason, &ignored))
                        return WAIT_AND_AGAIN;
                call_refuse(c, &refusal);
                return -1;
        }
        FAILPOINT("start.decided");
        if (workspace_pin_anew(d, c->who, r, &refusal) || spec_prepare_devices(d, r, &refusal) ||
            (moved.uuids && move_container(d, r, c->who, &refusal)) ||
            prepare_surroundings(c, r, &refusal)) {
                take_back(d, r, &moved);
                operation_set_state(d, r, before);
                call_refuse(c, &refusal);
                operation_end(d, r, false);
                return -1;
        }
        *ret_moved = moved.uuids != NULL;
        FAILPOINT("start.before-engine");
        if (operation_engine_answers(d, &error) < 0 ||
            engine_container_start(d->engine, r->id, &error) < 0) {
                /* When it may run after all, its devices stay taken until that is known. */
                if (error.definite)
                        operation_set_state(d, r, before);
                answer_engine_failure(c, r, &error);
                return -1;
        }
        FAILPOINT("start.after-engine");
        ledger_lock(&d->ledger);
        r->gated_us = clock_real_us();
        ledger_unlock(&d->ledger);
        if (operation_refresh(d, r, &error) == -ENOENT) {
                answer_gone(c, r);
                return -1;
        }
        if (verify_start(d, r, &refusal)) {
                call_refuse(c, &refusal);
                operation_end(d, r, false);
                return -1;
        }
        begin_run(d, r);
        return 0;
}

static int pause_in_engine(struct daemon *d, const struct record *r, bool pause,
                           struct engine_error *error) {
        if (operation_engine_answers(d, error) < 0)
                return -1;
        return pause ? engine_container_pause(d->engine, r->id, error)
                     : engine_container_unpause(d->engine, r->id, error);
}

struct start_request {
        int64_t wait_s;
        bool ignored, wait;
};

static const struct json_field start_fields[] = {
        JSON_FIELD_INT("wait_seconds", struct start_request, wait_s, WAIT_FOR_EVER, WAIT_MAX_S,
                       .seen_offset = offsetof(struct start_request, wait)),
};
const struct request_body start_body = REQUEST_BODY(start_fields, struct start_request);

/* One try. 0 when it is answered, or WAIT_AND_AGAIN. */
static int try_start(struct call *c, const struct place *place) {
        struct engine_error error = { 0 };
        struct record *r;
        const char *note = NULL;
        bool changed = true, moved = false;
        int e;

        if (call_acquire(c, &r) < 0)
                return 0;
        switch (r->state) {
        case CONTAINER_RUNNING:
                changed = false;
                note = "it was running already";
                break;
        case CONTAINER_PAUSED:
                if (pause_in_engine(c->daemon, r, false, &error) < 0) {
                        answer_engine_failure(c, r, &error);
                        return 0;
                }
                operation_set_state(c->daemon, r, CONTAINER_RUNNING);
                note = "it was paused and goes on";
                break;
        case CONTAINER_CREATED:
        case CONTAINER_STOPPED:
                e = start(c, r, place, &moved);
                if (e != 0)
                        return e == WAIT_AND_AGAIN ? e : 0;
                if (r->state != CONTAINER_RUNNING) {
                        refuse_detail(&c->refusal, REFUSAL_ENGINE_FAILED, NULL,
                                      "'%s' ended at once with exit code %d", r->name,
                                      r->exit_code);
                        call_refuse(c, &c->refusal);
                        operation_end(c->daemon, r, false);
                        return 0;
                }
                break;
        case CONTAINER_RESERVED:
        case CONTAINER_REMOVING:
                refuse(&c->refusal, REFUSAL_BUSY, r->name);
                call_refuse(c, &c->refusal);
                operation_end(c->daemon, r, false);
                return 0;
        }
        if (moved)
                note = "its GPUs had gone to others, so it has these now; what is in it is as it "
                       "was";
        answer_result(c, r, changed, note);
        operation_end(c->daemon, r, false);
        return 0;
}

/* How many devices the container has; 0 when it is not there. */
static int64_t devices_of(struct call *c, const char *name) {
        struct ledger *l = &c->daemon->ledger;
        int64_t n = 0;
        int i;

        ledger_lock(l);
        i = ledger_find(l, c->who->uid, name);
        if (i >= 0)
                n = l->claims.items[i].ndevices;
        ledger_unlock(l);
        return n;
}

/* Waits until a try is worth it: one that fails writes files, and wakes all others who wait. 0, or
 * as queue_wait(). */
static int wait_for_turn(struct call *c, struct place *place, bool *ret_gone) {
        struct ledger *l = &c->daemon->ledger;
        int over, at, refused;

        ledger_lock(l);
        do {
                struct refusal refusal = { 0 };
                struct grant grant;
                bool moved;

                over = queue_wait(place, &c->refusal, ret_gone);
                at = ledger_find(l, c->who->uid, place->waiter.name);
                refused = 0;
                if (over || at < 0)
                        break;
                if (!l->records.items[at]->busy)
                        refused = judge_start(c, at, place, place->limits, &grant, &moved,
                                              &refusal);
                if (refused)
                        c->refusal = refusal;
        } while (refused || l->records.items[at]->busy);
        ledger_unlock(l);
        return over;
}

void handle_container_start(struct call *c) {
        struct start_request request = { 0 };
        struct lines lines = { .call = c };
        char name[NAME_MAX_LEN + 1];
        struct limits limits;
        struct place place;
        bool gone = false;

        if (call_decode(c, start_fields, ARRAY_SIZE(start_fields), &request) < 0)
                return;
        if (!request.wait) {
                try_start(c, NULL);
                return;
        }
        if (call_name(c, name) < 0 || call_lasts(c) < 0)
                return;
        queue_place(&place, &lines, name, &limits, devices_of(c, name), false, true,
                    request.wait_s);
        while (!gone && try_start(c, &place) == WAIT_AND_AGAIN) {
                if (wait_for_turn(c, &place, &gone) && !gone) {
                        call_refuse(c, &c->refusal);
                        break;
                }
                if (!gone)
                        c->refusal = (struct refusal){ 0 };
        }
        ledger_lock(&c->daemon->ledger);
        queue_leave(&place);
        ledger_unlock(&c->daemon->ledger);
        if (lines.begun && !gone)
                lines_end(&lines, &c->answer);
}

int container_stop(struct daemon *d, struct record *r, int timeout_s, bool force,
                   struct engine_error *error) {
        int e;

        if (operation_engine_answers(d, error) < 0)
                return -1;
        /* podman refuses to stop what is paused, and signals reach it only afterwards anyway. */
        if (r->state == CONTAINER_PAUSED && engine_container_unpause(d->engine, r->id, error) < 0 &&
            error->status != 409 && error->status != 500)
                return -1;
        FAILPOINT("stop.before-engine");
        e = force ? engine_container_kill(d->engine, r->id, "KILL", error)
                  : engine_container_stop(d->engine, r->id, timeout_s, error);
        FAILPOINT("stop.after-engine");
        /* 409: it ended by itself in between, which is what was asked for. */
        if (e < 0 && error->status != 409)
                return -1;
        return operation_refresh(d, r, error) < 0 ? -1 : 0;
}

/* When a hold ends is in the container's held_until; only one that does not end needs words. */
static const char *hold_note(struct call *c, const struct record *r) {
        struct container_view view;

        ledger_lock(&c->daemon->ledger);
        ledger_view(&c->daemon->ledger, ledger_index(&c->daemon->ledger, r), &view);
        ledger_unlock(&c->daemon->ledger);
        return view.lease.state == LEASE_HELD && view.lease.deadline_us == LIMIT_UNLIMITED
                       ? "its GPUs stay yours until the container is removed"
                       : NULL;
}

static bool holds_devices(struct daemon *d, const struct record *r) {
        bool holds;
        int i;

        ledger_lock(&d->ledger);
        i = ledger_index(&d->ledger, r);
        holds = d->ledger.claims.items[i].ndevices > 0 &&
                claim_holds(&d->ledger.claims.items[i], ledger_now(&d->ledger));
        ledger_unlock(&d->ledger);
        return holds;
}

void container_release_devices(struct daemon *d, struct record *r) {
        struct facts facts = r->facts;

        facts.released = true;
        facts_save(d, r->nonce, &facts);
        ledger_lock(&d->ledger);
        r->facts = facts;
        ledger_refresh_claim(&d->ledger, r, -1, -1);
        ledger_unlock(&d->ledger);
}

void handle_container_stop(struct call *c) {
        struct stop_request request = { .timeout = STOP_TIMEOUT_DEFAULT_S };
        struct engine_error error = { 0 };
        struct record *r;
        bool changed;

        if (call_decode(c, stop_fields, ARRAY_SIZE(stop_fields), &request) < 0 ||
            call_acquire(c, &r) < 0)
                return;
        changed = container_is_up(r->state);
        if (changed &&
            container_stop(c->daemon, r, (int)request.timeout, request.force, &error) < 0) {
                answer_engine_failure(c, r, &error);
                return;
        }
        if (request.release && holds_devices(c->daemon, r)) {
                container_release_devices(c->daemon, r);
                answer_result(c, r, true, "its GPUs are free for others");
                operation_end(c->daemon, r, false);
                return;
        }
        answer_result(c, r, changed,
                      changed                         ? hold_note(c, r)
                      : r->state == CONTAINER_CREATED ? "it was never started"
                                                      : "it was stopped already");
        operation_end(c->daemon, r, false);
}

static void set_paused(struct call *c, bool pause) {
        enum container_state from = pause ? CONTAINER_RUNNING : CONTAINER_PAUSED;
        enum container_state to = pause ? CONTAINER_PAUSED : CONTAINER_RUNNING;
        struct engine_error error = { 0 };
        struct record *r;

        if (call_acquire(c, &r) < 0)
                return;
        if (r->state == to) {
                answer_result(c, r, false,
                              pause ? "it was paused already" : "it was running already");
                operation_end(c->daemon, r, false);
                return;
        }
        if (r->state != from) {
                refuse_detail(&c->refusal, pause ? REFUSAL_NOT_RUNNING : REFUSAL_NOT_PAUSED,
                              r->name, "%s", container_state_word(r->state));
                call_refuse(c, &c->refusal);
                operation_end(c->daemon, r, false);
                return;
        }
        if (pause_in_engine(c->daemon, r, pause, &error) < 0) {
                answer_engine_failure(c, r, &error);
                return;
        }
        operation_set_state(c->daemon, r, to);
        answer_result(c, r, true, NULL);
        operation_end(c->daemon, r, false);
}

void handle_container_pause(struct call *c) {
        set_paused(c, true);
}

void handle_container_unpause(struct call *c) {
        set_paused(c, false);
}
