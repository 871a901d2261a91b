/* The table of budgets, and the accounts. */
#include "daemon/budget.h"

#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* A person's requests may come at this pace, after a number of them at once. */
enum { PACE_PER_S = 500, PACE_AT_ONCE = 1000, PACE_STEP_US = 1000000 / PACE_PER_S };

/* @person_key, @together_key: offsets of the site's own numbers; 0: the site has no say. */
static const struct row {
        const char *what; /* "you have 64 ... open" */
        int64_t person, together;
        size_t person_key, together_key;
} rows[BUDGETS] = {
        [BUDGET_CONNECTIONS] = { "connections to ds01d", 64, 512,
                                 offsetof(struct site_config, max_connections_per_user),
                                 offsetof(struct site_config, max_connections) },
        [BUDGET_REQUESTS] = { "requests", 16, 256, 0, 0 },
        [BUDGET_STREAMS] = { "sessions, builds, pulls and waits", 48, 384, 0, 0 },
        [BUDGET_HELPERS] = { "looks at directories", 4, 64, 0, 0 },
};

static int64_t site_number(const struct site_config *config, size_t offset, int64_t otherwise) {
        return config && offset ? *(const int64_t *)((const char *)config + offset) : otherwise;
}

void budgets_init(struct budgets *b, const struct site_config *config) {
        pthread_condattr_t clock;

        memset(b, 0, sizeof(*b));
        pthread_mutex_init(&b->lock, NULL);
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_cond_init(&b->given, &clock);
        pthread_condattr_destroy(&clock);
        for (size_t i = 0; i < BUDGETS; i++) {
                b->most[i].person = site_number(config, rows[i].person_key, rows[i].person);
                b->most[i].together = site_number(config, rows[i].together_key, rows[i].together);
        }
}

void budgets_release(struct budgets *b) {
        VEC_RELEASE(&b->accounts);
        pthread_cond_destroy(&b->given);
        pthread_mutex_destroy(&b->lock);
}

static bool is_idle(const struct budget_account *a, int64_t now_us) {
        for (size_t i = 0; i < BUDGETS; i++)
                if (a->used[i])
                        return false;
        return a->pace_us <= now_us;
}

/* The account of @uid; accounts that nobody needs any more make room for new ones. NULL: no memory.
 * Pointers are good until the next call. */
static struct budget_account *account_of(struct budgets *b, uid_t uid, int64_t now_us) {
        struct budget_account fresh = { .uid = uid };

        for (size_t i = 0; i < b->accounts.len; i++)
                if (b->accounts.items[i].uid == uid)
                        return &b->accounts.items[i];
        for (size_t i = b->accounts.len; i-- > 0;)
                if (is_idle(&b->accounts.items[i], now_us))
                        VEC_REMOVE(&b->accounts, i);
        if (VEC_PUSH(&b->accounts, fresh) < 0)
                return NULL;
        return &b->accounts.items[b->accounts.len - 1];
}

/* 0, or nonzero with @r. */
static int try_take(struct budgets *b, enum budget what, uid_t uid, struct refusal *r) {
        struct budget_account *a = account_of(b, uid, clock_mono_us());
        int64_t person = b->most[what].person, together = b->most[what].together;

        if (!a)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        if (a->used[what] >= person) {
                refuse_detail(r, REFUSAL_TOO_MANY_REQUESTS, NULL, "%s", rows[what].what);
                r->used = a->used[what];
                r->max = person;
        } else if (b->used[what] >= together ||
                   (b->used[what] >= together - together / 8 && a->used[what] > person / 8)) {
                refuse_detail(r, REFUSAL_TOO_MANY_REQUESTS, NULL, "%s (of all people together)",
                              rows[what].what);
                r->used = b->used[what];
                r->max = together;
        } else {
                a->used[what]++;
                b->used[what]++;
                return 0;
        }
        return r->reason;
}

int budget_take(struct budgets *b, enum budget what, uid_t uid, int64_t deadline_us,
                struct refusal *r) {
        struct timespec until = { deadline_us / US_PER_S, deadline_us % US_PER_S * 1000 };
        struct refusal refusal = { 0 };
        int refused;

        pthread_mutex_lock(&b->lock);
        while ((refused = try_take(b, what, uid, &refusal)) == REFUSAL_TOO_MANY_REQUESTS &&
               deadline_us > 0 && pthread_cond_timedwait(&b->given, &b->lock, &until) == 0)
                ;
        pthread_mutex_unlock(&b->lock);
        if (refused)
                *r = refusal;
        return refused;
}

void budget_give(struct budgets *b, enum budget what, uid_t uid) {
        pthread_mutex_lock(&b->lock);
        for (size_t i = 0; i < b->accounts.len; i++)
                if (b->accounts.items[i].uid == uid && b->accounts.items[i].used[what] > 0) {
                        b->accounts.items[i].used[what]--;
                        b->used[what]--;
                        break;
                }
        pthread_cond_broadcast(&b->given);
        pthread_mutex_unlock(&b->lock);
}

int64_t budget_pace(struct budgets *b, uid_t uid, int64_t now_us) {
        struct budget_account *a;
        int64_t ahead = 0;

        pthread_mutex_lock(&b->lock);
        a = account_of(b, uid, now_us);
        if (a) {
                if (a->pace_us < now_us)
                        a->pace_us = now_us;
                a->pace_us += PACE_STEP_US;
                ahead = a->pace_us - now_us - (int64_t)PACE_AT_ONCE * PACE_STEP_US;
        }
        pthread_mutex_unlock(&b->lock);
        return ahead > 0 ? ahead : 0;
}
