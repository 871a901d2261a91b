/* See gate.h. */
#include "daemon/gate.h"

#include "base/log.h"
#include "daemon/lifecycle.h"
#include "daemon/verify.h"

static bool share_device(const struct claim *a, const struct claim *b) {
        for (int16_t i = 0; i < a->ndevices; i++)
                for (int16_t k = 0; k < b->ndevices; k++)
                        if (a->devices[i] >= 0 && a->devices[i] == b->devices[k])
                                return true;
        return false;
}

/* When it came by what it has, as far as the engine knows. */
static int64_t began_us(const struct record *r, const struct claim *c) {
        int64_t before, kept;

        if (r->state == CONTAINER_RESERVED)
                return r->created_us;
        if (r->state == CONTAINER_CREATED)
                return r->made_us;
        if (r->state == CONTAINER_STOPPED || r->facts.released)
                return r->started_us;
        /* Started while it held them, it has had them for longer than it runs. */
        before = r->finished_us > 0 ? r->finished_us : r->made_us;
        kept = r->finished_us > 0 ? c->hold_us : c->unstarted_us;
        return kept == LIMIT_UNLIMITED || r->started_us - before <= kept ? before : r->started_us;
}

static bool must_yield(struct daemon *d, const struct record *r, bool later) {
        const struct ledger *l = &d->ledger;
        size_t own = (size_t)ledger_index(l, r);
        int64_t now = ledger_now(l), began = began_us(r, &l->claims.items[own]), others;

        if (r->state == CONTAINER_REMOVING || !claim_holds(&l->claims.items[own], now))
                return false;
        for (size_t i = 0; i < l->claims.len; i++) {
                const struct record *other = l->records.items[i];

                if (i == own || !claim_holds(&l->claims.items[i], now) ||
                    !share_device(&l->claims.items[own], &l->claims.items[i]))
                        continue;
                /* It is going, and whether it still held anything is not known. */
                if (later && other->state == CONTAINER_REMOVING)
                        continue;
                others = began_us(other, &l->claims.items[i]);
                if (!later || began > others || (began == others && own > i))
                        return true;
        }
        return false;
}

static void enforce(struct daemon *d, struct record *r, bool later) {
        struct engine_error error = { 0 };
        bool yields, up;

        ledger_lock(&d->ledger);
        yields = must_yield(d, r, later);
        up = container_is_up(r->state);
        ledger_unlock(&d->ledger);
        if (!yields)
                return;
        log_line(LOG_WARN, "gate", "container", r->engine_name, "action", up ? "stop" : "release",
                 "reason", "started outside ds01 on a GPU that another container holds", NULL);
        if (up && container_stop(d, r, 1, true, &error) < 0) {
                log_line(LOG_ERROR, "gate", "container", r->engine_name, "error", error.message,
                         NULL);
                return;
        }
        container_release_devices(d, r);
}

void gate_judge(struct daemon *d, struct record *r) {
        struct refusal refusal = { 0 };

        r->ungated = false;
        if (container_is_up(r->state) && verify_start(d, r, &refusal) == 0)
                enforce(d, r, false);
}

void gate_judge_adopted(struct daemon *d, struct record *r) {
        enforce(d, r, true);
}
