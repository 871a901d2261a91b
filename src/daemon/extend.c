/* Extensions: until when, or that never, a rule of time stops a container. */
#include "base/clock.h"
#include "base/str.h"
#include "core/expiry.h"
#include "daemon/decision.h"
#include "daemon/lifecycle.h"
#include "daemon/proc.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum { EXTENSION_DEFAULT_S = 2 * 3600, EXTENSION_MAX_S = 366 * 86400 };

struct extend_request {
        int64_t seconds;
        bool given, never, off;
};

static const struct json_field extend_fields[] = {
        JSON_FIELD_INT("seconds", struct extend_request, seconds, 1, EXTENSION_MAX_S,
                       .seen_offset = offsetof(struct extend_request, given)),
        JSON_FIELD_BOOL("never", struct extend_request, never),
        JSON_FIELD_BOOL("off", struct extend_request, off),
};
const struct request_body extend_body = REQUEST_BODY(extend_fields, struct extend_request);

/* Until when no rule of time stops it: zero with *@ret_us (steady time), or the refusal. */
static int extension(struct call *c, const struct record *r, const struct extend_request *request,
                     int64_t *ret_us) {
        int64_t boot = clock_boot_us(), asked = request->seconds, until;
        struct ledger *l = &c->daemon->ledger;
        struct expiry_state state = { 0 };
        struct limits limits;

        daemon_limits(c->daemon, c->who, &limits);
        if (proc_started_us(r->pid, &state.started_us) < 0)
                state.started_us = boot - (ledger_now(l) - r->since_us);
        if (!request->given)
                asked = EXTENSION_DEFAULT_S;
        if (expiry_extend(&limits, &state, asked * US_PER_S, boot, &until) && request->given) {
                int64_t seconds = (until - boot) / US_PER_S;
                bool short_time = seconds < 120;
                char text[32];

                if (seconds <= 0)
                        return refuse(&c->refusal, REFUSAL_EXTENSION_OVER, r->name);
                duration_format(asked * US_PER_S, text, sizeof(text));
                refuse_detail(&c->refusal, REFUSAL_EXTENSION_TOO_LONG, r->name, "%s", text);
                snprintf(c->refusal.extra, sizeof(c->refusal.extra), "%" PRId64 "%s",
                         short_time ? seconds : seconds / 60, short_time ? "s" : "m");
                return c->refusal.reason;
        }
        if (until <= boot)
                return refuse(&c->refusal, REFUSAL_EXTENSION_OVER, r->name);
        *ret_us = ledger_now(l) + (until - boot);
        return 0;
}

static void change(struct call *c, struct record *r, const struct facts *facts) {
        struct ledger *l = &c->daemon->ledger;
        bool changed = facts->exempt != r->facts.exempt ||
                       facts->extended_until_us != r->facts.extended_until_us;

        if (changed && facts_save(c->daemon, r->nonce, facts) < 0) {
                call_fail(c, REFUSAL_STORAGE_FULL, "that can't be written down");
                return;
        }
        ledger_lock(l);
        r->facts = *facts;
        r->stops_us = 0; /* the next round of the sampler says when, if at all */
        if (changed)
                journal_add(&c->daemon->journal,
                            journal_event(l, r, EVENT_EXTEND, clock_real_us()));
        ledger_unlock(l);
        answer_result(c, r, changed, NULL);
}

/* What is beyond a person's limits is an administrator's to give. It outlives stops and starts. */
static void exempt(struct call *c, struct record *r) {
        struct facts facts = r->facts;
        char next[sizeof(c->refusal.extra)];

        snprintf(next, sizeof(next), "ask yours: sudo container-extend %s never --user=%s", r->name,
                 r->user);
        if (!call_is_admin(c, "only an administrator can take it out of the rules of time", next))
                return;
        facts.exempt = true;
        change(c, r, &facts);
}

static void put_off(struct call *c, struct record *r, const struct extend_request *request) {
        struct facts facts = r->facts;

        if (!container_is_up(r->state))
                refuse_detail(&c->refusal, REFUSAL_NOT_RUNNING, r->name, "%s",
                              container_state_word(r->state));
        else if (!r->uuids || !r->uuids[0])
                answer_result(c, r, false, "it has no GPU, so no rule of time stops it");
        else if (r->facts.exempt)
                answer_result(c, r, false, "no rule of time stops it: an administrator said so");
        else if (extension(c, r, request, &facts.extended_until_us) == 0)
                change(c, r, &facts);
}

static void take_back(struct call *c, struct record *r) {
        struct facts facts = r->facts;

        facts.exempt = false;
        facts.extended_until_us = 0;
        change(c, r, &facts);
}

void handle_container_extend(struct call *c) {
        struct extend_request request = { 0 };
        struct record *r;

        if (call_decode(c, extend_fields, ARRAY_SIZE(extend_fields), &request) < 0)
                return;
        if (request.given + request.never + request.off > 1) {
                call_fail(c, REFUSAL_BAD_REQUEST, "one of 'seconds', 'never' and 'off'");
                return;
        }
        if (call_acquire(c, &r) < 0)
                return;
        if (request.never)
                exempt(c, r);
        else if (request.off)
                take_back(c, r);
        else
                put_off(c, r, &request);
        if (c->refusal.reason)
                call_refuse(c, &c->refusal);
        operation_end(c->daemon, r, false);
}
