/* Shared parts of operations. */
#include "daemon/operation.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/gate.h"
#include "daemon/leftovers.h"
#include "daemon/seal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
        START_WAIT_MS = 10000,
        REFRESH_MAX = 3, /* looks at one container at the end of an operation */
};

void owner_times(struct daemon *d, uid_t uid, int64_t *hold_us, int64_t *unstarted_us) {
        struct person_entry *who = malloc(sizeof(*who));
        struct limits limits;

        limits_defaults(&limits);
        if (who && people_lookup(&d->people, uid, who) == 0)
                daemon_limits(d, who, &limits);
        *hold_us = limits.hold_after_stop_us;
        *unstarted_us = limits.unstarted_us;
        free(who);
}

struct record *operation_seize(struct daemon *d, const char *id, pid_t pid) {
        struct record *r = NULL;
        int i;

        ledger_lock(&d->ledger);
        i = ledger_find_id(&d->ledger, id);
        if (i >= 0)
                r = d->ledger.records.items[i];
        if (r && !r->busy && r->pid == pid && container_is_up(r->state))
                r->busy = true;
        else
                r = NULL;
        ledger_unlock(&d->ledger);
        return r;
}

void operation_mark_stale(struct daemon *d, struct record *r) {
        ledger_lock(&d->ledger);
        r->stale = true;
        ledger_unlock(&d->ledger);
}

int operation_refresh(struct daemon *d, struct record *r, struct engine_error *err) {
        struct engine_container c;
        int64_t hold, unstarted;
        bool was_up;

        /* Events from before the look are answered by it; those that come now are not. */
        ledger_lock(&d->ledger);
        r->stale = false;
        r->looked_us = clock_real_us();
        ledger_unlock(&d->ledger);
        if (engine_container_inspect(d->engine, r->id, &c, err) < 0) {
                if (err->status == 404)
                        return -ENOENT;
                ledger_lock(&d->ledger);
                r->gated_us = r->looked_us = 0;
                r->stale = true;
                ledger_unlock(&d->ledger);
                return -EIO;
        }
        owner_times(d, r->uid, &hold, &unstarted);
        ledger_lock(&d->ledger);
        was_up = container_is_up(r->state);
        record_update(r, &c);
        /* A start enters it as running before it asks the engine. */
        r->ungated |= !was_up && container_is_up(r->state);
        ledger_refresh_claim(&d->ledger, r, hold, unstarted);
        ledger_unlock(&d->ledger);
        engine_container_release(&c);
        return 0;
}

int operation_engine_answers(struct daemon *d, struct engine_error *err) {
        int r = engine_ping(d->engine, err);

        if (r < 0)
                err->definite = true;
        return r;
}

void operation_set_state(struct daemon *d, struct record *r, enum container_state state) {
        ledger_lock(&d->ledger);
        r->state = state;
        ledger_refresh_claim(&d->ledger, r, -1, -1);
        ledger_unlock(&d->ledger);
}

void operation_write_metadata(struct daemon *d, struct record *r) {
        _cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
        struct container_view view;
        int e;

        if (r->id[0] == '\0')
                return; /* still only reserved */
        ledger_lock(&d->ledger);
        ledger_view(&d->ledger, ledger_index(&d->ledger, r), &view);
        metadata_text(&view, &text);
        ledger_unlock(&d->ledger);
        /* The disk is waited for without the lock; the record is ours until the operation ends. */
        e = metadata_write(d->config.state_dir, r, &text);
        if (e < 0)
                log_line(LOG_WARN, "metadata-not-written", "container", r->engine_name, "error",
                         strerror(-e), NULL);
}

/* True when the record is free for others now; false when an event came meanwhile and it is to be
 * looked at once more. */
static bool release_if_settled(struct daemon *d, struct record *r, bool at_any_rate) {
        bool settled;

        ledger_lock(&d->ledger);
        settled = !r->stale || r->id[0] == '\0';
        if (settled || at_any_rate) {
                journal_note(&d->ledger, r, false);
                ledger_release_record(&d->ledger, r);
        }
        ledger_unlock(&d->ledger);
        if (!settled && at_any_rate)
                daemon_wake_keeper(d);
        return settled || at_any_rate;
}

void operation_end(struct daemon *d, struct record *r, bool gone) {
        struct engine_error error;

        bool last = false;

        if (!gone)
                operation_write_metadata(d, r);
        for (int tries = 1; !gone; tries++) {
                int e;

                if (r->ungated)
                        gate_judge(d, r);
                if (release_if_settled(d, r, last))
                        return;
                e = operation_refresh(d, r, &error);
                gone = e == -ENOENT;
                last = e == -EIO || tries == REFRESH_MAX;
        }
        container_discard(d, r);
        ledger_lock(&d->ledger);
        journal_note(&d->ledger, r, true);
        ledger_remove(&d->ledger, r);
        ledger_unlock(&d->ledger);
}

bool call_ready(struct call *c) {
        struct engine_info engine;

        /* Right after the start the answer is some milliseconds away: worth waiting for. */
        for (int ms = 0; !c->daemon->ready && !c->daemon->failed && ms < START_WAIT_MS; ms += 5)
                poll(NULL, 0, 5);
        if (c->daemon->ready)
                return true;
        daemon_engine_info(c->daemon, &engine);
        if (engine.name[0])
                refuse(&c->refusal, REFUSAL_STARTING_UP, NULL);
        else
                refuse_detail(&c->refusal, REFUSAL_ENGINE_UNREACHABLE, NULL,
                              "it has not answered since ds01d started");
        call_refuse(c, &c->refusal);
        return false;
}

int call_acquire(struct call *c, struct record **ret) {
        char name[NAME_MAX_LEN + 1];

        if (!call_ready(c) || call_name(c, name) < 0)
                return -1;
        if (ledger_acquire(&c->daemon->ledger, c->who->uid, name, ret, &c->refusal)) {
                call_refuse(c, &c->refusal);
                return -1;
        }
        return 0;
}

void answer_result(struct call *c, const struct record *r, bool changed, const char *note) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        struct container_view view;

        buf_reset(&c->answer);
        json_write_object(&w);
        json_write_key(&w, "container");
        ledger_lock(l);
        ledger_view(l, ledger_index(l, r), &view);
        write_container(&w, &view);
        ledger_unlock(l);
        json_put_bool(&w, "changed", changed);
        json_write_key(&w, "notes");
        json_write_array(&w);
        if (note && *note)
                json_write_str(&w, note);
        json_write_array_end(&w);
        json_write_object_end(&w);
}
