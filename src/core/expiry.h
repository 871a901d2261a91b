/*
 * The rules of time: when a running container that has GPUs is warned and stopped, because nobody
 * uses it or because it has run for as long as it may. Pure: what was seen goes in with the time,
 * a verdict comes out. All times are microseconds of one clock that counts suspend.
 *
 * Nobody is stopped without a last warning, which comes five minutes before (a fifth of the time
 * allowed, where that is less); so whoever was not there to warn, warns first and stops later.
 */
#pragma once

#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        ACTIVITY_WINDOW_MAX = 32,
        EXPIRY_WARNINGS = 3, /* at half, at 80 %, and the last one */
};

/* What a container did in the time of one sample. */
struct activity {
        bool known;            /* false: it could not be found out, which counts as use */
        bool typed;            /* somebody typed into one of its shells */
        int64_t gpu_milli;     /* of the busiest device's time, in 1/1000 %; -1: no device tells */
        int64_t cpu_milli;     /* of one CPU's time, in 1/1000 % */
        int64_t network_bytes; /* sent and received */
};

struct activity_window {
        struct activity samples[ACTIVITY_WINDOW_MAX];
        unsigned n, next;
};

/* Takes a sample in and says whether the container is in use: its means over the window reach one
 * of the thresholds, or somebody typed. Fewer samples than the window has are use, too. */
bool activity_add(struct activity_window *w, const struct activity *sample,
                  const struct limits *limits);

enum expiry_rule { EXPIRY_IDLE, EXPIRY_RUNTIME, EXPIRY_RULES };

struct expiry_state {
        int64_t started_us;
        int64_t active_us;   /* when it was last in use; not before it was first looked at */
        int64_t extended_us; /* until then no rule stops it; 0: none */
        bool exempt;         /* by an administrator: no rule applies */
        /* expiry_judge()'s own memory; zeroed with a container's start */
        struct {
                int64_t deadline_us; /* as it was at the last look */
                unsigned warned;     /* how many of the warnings are behind it */
                int64_t last_us;     /* when the last of them was given; 0: not yet */
        } rules[EXPIRY_RULES];
};

enum expiry_action { EXPIRY_NOTHING, EXPIRY_WARN, EXPIRY_STOP };

struct expiry {
        enum expiry_action action;
        enum expiry_rule rule;
        int64_t deadline_us; /* when it will be stopped as things are; INT64_MAX: never */
        int64_t for_us;      /* how long it has been idle, or has run */
        bool near;           /* more than half of its time is over: worth telling */
};

/* @high_demand: the idle timeout is the reduced one. The rule that acts first is told of. */
void expiry_judge(const struct limits *limits, bool high_demand, int64_t now_us,
                  struct expiry_state *state, struct expiry *ret);

/* Until when container-extend puts a stop off when asked for @asked_us from now on. Zero with
 * *@ret, or nonzero when that is more than the limits have room for: then *@ret is the most (which
 * may be in the past). */
int expiry_extend(const struct limits *limits, const struct expiry_state *state, int64_t asked_us,
                  int64_t now_us, int64_t *ret);

/* "idle 31 min", "max runtime 12 h": why it was stopped, shown behind its state. */
void expiry_reason(const struct expiry *e, const struct limits *limits, char *dst, size_t size);
