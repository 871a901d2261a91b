/*
 * What one person, and all together, may use of ds01d at a time. Every thread, descriptor and
 * process that a stranger can bring about is charged here first, so that one person's greed is
 * that person's wait. The table in budget.c holds all the numbers; ceilings of single buffers stand
 * where the buffers are (BUF_INIT), and the sum of them is those times the numbers here.
 *
 * The last eighth of what all have together is kept for those who use little: somebody who has more
 * than an eighth of their own share gets none of it.
 */
#pragma once

#include "base/vec.h"
#include "config/config.h"
#include "core/refusal.h"

#include <pthread.h>

enum budget {
        BUDGET_CONNECTIONS, /* each is a thread and a descriptor */
        BUDGET_REQUESTS,    /* being carried out, answers at once */
        BUDGET_STREAMS,     /* attached shells, pulls, builds, and who waits for devices */
        BUDGET_HELPERS,     /* processes that look at directories as the person, or hang in one */
        BUDGETS,
};

struct budget_account {
        uid_t uid;
        int64_t used[BUDGETS];
        int64_t pace_us; /* CLOCK_MONOTONIC: the next request is due then, in even steps */
};

struct budgets {
        pthread_mutex_t lock;
        pthread_cond_t given; /* something was given back */
        VEC(struct budget_account) accounts;
        int64_t used[BUDGETS];
        struct {
                int64_t person, together;
        } most[BUDGETS];
};

/* @config: NULL for the table's own numbers. */
void budgets_init(struct budgets *b, const struct site_config *config);
void budgets_release(struct budgets *b);

/* Takes one for @uid, waiting for it until @deadline_us (CLOCK_MONOTONIC; 0: not at all). Nonzero
 * with @r when there is none; what was taken goes back with budget_give(). */
int budget_take(struct budgets *b, enum budget what, uid_t uid, int64_t deadline_us,
                struct refusal *r);
void budget_give(struct budgets *b, enum budget what, uid_t uid);

/* Counts a request of @uid against their pace; returns how long it should be put off (µs), 0 for
 * anybody who is not in a hurry. */
int64_t budget_pace(struct budgets *b, uid_t uid, int64_t now_us);
