/* See expiry.h. */
#include "core/expiry.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const int64_t last_warning_us = 300 * US_PER_S;

/* Sums that could overflow stay at the end. */
static int64_t add(int64_t a, int64_t b) {
        return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t min_of(int64_t a, int64_t b) {
        return a < b ? a : b;
}

static int64_t max_of(int64_t a, int64_t b) {
        return a > b ? a : b;
}

bool activity_add(struct activity_window *w, const struct activity *sample,
                  const struct limits *limits) {
        unsigned window = (unsigned)min_of(limits->idle_window, ACTIVITY_WINDOW_MAX), gpu_n = 0;
        int64_t gpu = 0, cpu = 0, network = 0;

        w->samples[w->next] = *sample;
        w->next = (w->next + 1) % ACTIVITY_WINDOW_MAX;
        if (w->n < ACTIVITY_WINDOW_MAX)
                w->n++;
        if (w->n < window)
                return true;
        for (unsigned i = 1; i <= window; i++) {
                const struct activity *a =
                        &w->samples[(w->next + ACTIVITY_WINDOW_MAX - i) % ACTIVITY_WINDOW_MAX];

                if (!a->known || a->typed)
                        return true;
                if (a->gpu_milli >= 0) {
                        gpu += a->gpu_milli;
                        gpu_n++;
                }
                cpu = add(cpu, a->cpu_milli);
                network = add(network, a->network_bytes);
        }
        return (gpu_n && gpu / gpu_n >= limits->gpu_idle_milli) ||
               cpu / window >= limits->cpu_idle_milli || network >= limits->network_idle_bytes;
}

static int64_t idle_timeout(const struct limits *limits, bool high_demand) {
        int64_t timeout = limits->idle_timeout_us, reduced;

        if (!high_demand || timeout == LIMIT_UNLIMITED)
                return timeout;
        reduced = timeout / 1000 * limits->high_demand_idle_milli;
        return min_of(timeout, reduced);
}

/* How many of the warnings are due. */
static unsigned warnings_due(int64_t begin_us, int64_t deadline_us, int64_t now_us) {
        int64_t span = deadline_us - begin_us;
        const int64_t points[EXPIRY_WARNINGS] = {
                begin_us + span / 2,
                deadline_us - span / 5,
                max_of(deadline_us - span / 5, deadline_us - last_warning_us),
        };
        unsigned n = 0;

        while (n < EXPIRY_WARNINGS && now_us >= points[n])
                n++;
        return n;
}

/* One rule by itself: the time allowed began at @begin_us and is over at @deadline_us. */
static void judge(enum expiry_rule rule, int64_t begin_us, int64_t deadline_us, int64_t now_us,
                  struct expiry_state *state, struct expiry *ret) {
        int64_t lead = min_of((deadline_us - begin_us) / 5, last_warning_us);
        unsigned due = warnings_due(begin_us, deadline_us, now_us);
        typeof(&state->rules[0]) r = &state->rules[rule];

        *ret = (struct expiry){ .rule = rule, .deadline_us = deadline_us,
                                .for_us = now_us - begin_us, .near = due > 0 };
        /* Put off: what is still to come is warned of, not what has passed. */
        if (deadline_us > add(r->deadline_us, US_PER_S)) {
                r->warned = (unsigned)min_of(due, EXPIRY_WARNINGS - 1);
                r->last_us = 0;
        }
        r->deadline_us = deadline_us;
        if (due > r->warned) {
                r->warned = due;
                r->last_us = due == EXPIRY_WARNINGS ? now_us : 0;
                ret->action = EXPIRY_WARN;
        }
        if (r->last_us)
                ret->deadline_us = max_of(deadline_us, r->last_us + lead);
        if (ret->action == EXPIRY_NOTHING && r->last_us && now_us >= ret->deadline_us)
                ret->action = EXPIRY_STOP;
}

void expiry_judge(const struct limits *limits, bool high_demand, int64_t now_us,
                  struct expiry_state *state, struct expiry *ret) {
        int64_t timeout = idle_timeout(limits, high_demand);
        struct expiry idle, runtime;
        int64_t deadlines[EXPIRY_RULES] = { INT64_MAX, INT64_MAX };

        *ret = (struct expiry){ .deadline_us = INT64_MAX };
        if (state->exempt)
                return;
        if (timeout != LIMIT_UNLIMITED)
                deadlines[EXPIRY_IDLE] =
                        max_of(add(state->active_us, timeout),
                               add(state->started_us, limits->idle_grace_us));
        if (limits->max_runtime_us != LIMIT_UNLIMITED)
                deadlines[EXPIRY_RUNTIME] = add(state->started_us, limits->max_runtime_us);
        for (int i = 0; i < EXPIRY_RULES; i++)
                if (deadlines[i] != INT64_MAX)
                        deadlines[i] = max_of(deadlines[i], state->extended_us);
        if (deadlines[EXPIRY_IDLE] != INT64_MAX) {
                judge(EXPIRY_IDLE, state->active_us, deadlines[EXPIRY_IDLE], now_us, state, &idle);
                *ret = idle;
        }
        if (deadlines[EXPIRY_RUNTIME] == INT64_MAX)
                return;
        judge(EXPIRY_RUNTIME, state->started_us, deadlines[EXPIRY_RUNTIME], now_us, state,
              &runtime);
        if (runtime.action > ret->action ||
            (runtime.action == ret->action && runtime.deadline_us < ret->deadline_us))
                *ret = runtime;
}

int expiry_extend(const struct limits *limits, const struct expiry_state *state, int64_t asked_us,
                  int64_t now_us, int64_t *ret) {
        int64_t wanted = add(now_us, asked_us), most = add(now_us, limits->extension_us);

        if (limits->max_runtime_us != LIMIT_UNLIMITED)
                most = min_of(most, add(add(state->started_us, limits->max_runtime_us),
                                        limits->extension_us));
        *ret = min_of(wanted, most);
        return wanted > most;
}

void expiry_reason(const struct expiry *e, const struct limits *limits, char *dst, size_t size) {
        bool idle = e->rule == EXPIRY_IDLE;
        int64_t s = (idle ? e->for_us : limits->max_runtime_us) / US_PER_S;

        (void)snprintf(dst, size, "%s %" PRId64 " %s", idle ? "idle" : "max runtime",
                       s < 60 ? s : s < 7200 ? s / 60 : s / 3600,
                       s < 60 ? "s" : s < 7200 ? "min" : "h");
}
