/* See history.h. */
#include "history.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <stdlib.h>

#define EVER (INT64_MAX / 2)
#define SLACK_US 500000 /* how late ds01d may be with the end of a hold */
#define NOTICED_US 5000000 /* when ds01d has dealt with what was done behind its back */

const char *const op_names[OP_KINDS] = {
        [OP_CREATE] = "create",         [OP_START] = "start",
        [OP_STOP] = "stop",             [OP_RELEASE] = "stop --release",
        [OP_PAUSE] = "pause",           [OP_UNPAUSE] = "unpause",
        [OP_REMOVE] = "remove",         [OP_ENGINE_KILL] = "kill in the engine",
        [OP_ENGINE_START] = "start in the engine",
        [OP_ENGINE_REMOVE] = "remove in the engine",
};

struct span {
        const struct op *op;
        int64_t from_us, to_us;
        uint32_t devices;
};

static bool same(const struct op *a, const struct op *b) {
        return a->user == b->user && a->name == b->name;
}

static bool is(const struct op *o, const char *status) {
        return o->outcome == OP_DONE && str_equal(o->status, status);
}

/* Can it end what the container has, which was @stopped already? A stop begins a hold only. */
static bool may_end(const struct op *o, bool stopped) {
        if (o->outcome == OP_REFUSED)
                return false;
        if (o->kind == OP_STOP)
                return !stopped && (o->outcome != OP_DONE || o->changed);
        return o->kind == OP_RELEASE || o->kind == OP_REMOVE || o->kind == OP_ENGINE_REMOVE ||
               (o->kind == OP_ENGINE_KILL && !stopped);
}

static int64_t earlier(int64_t a, int64_t b) {
        return a < b ? a : b;
}

/* The time in which @o's container surely had the devices that its answer names. */
static struct span surely(const struct op *ops, size_t n, const struct op *o,
                          const struct model *m) {
        struct span s = { o, o->answer_us, EVER, o->devices };

        if (o->outcome != OP_DONE || o->devices == 0)
                return (struct span){ .op = o };
        if (is(o, "stopped"))
                s.to_us = o->kind == OP_STOP && o->changed ? o->call_us + m->hold_us : 0;
        else if (is(o, "created"))
                s.to_us = o->kind == OP_CREATE ? o->call_us + m->unstarted_us : 0;
        for (size_t i = 0; i < n; i++)
                if (&ops[i] != o && same(&ops[i], o) && may_end(&ops[i], is(o, "stopped")) &&
                    ops[i].answer_us >= o->call_us)
                        s.to_us = earlier(s.to_us, ops[i].call_us);
        return s;
}

/* The latest moment at which what @o, which may have given devices, gave was surely over. */
static int64_t over(const struct op *ops, size_t n, const struct op *o, const struct model *m) {
        int64_t end = is(o, "created") ? o->answer_us + m->unstarted_us + SLACK_US : EVER;

        for (size_t i = 0; i < n; i++) {
                const struct op *e = &ops[i];

                if (e == o || !same(e, o) || e->call_us < o->answer_us)
                        continue;
                if (is(e, "stopped"))
                        end = earlier(end, e->answer_us +
                                                   (e->kind == OP_RELEASE ? 0 : m->hold_us +
                                                                                        SLACK_US));
                else if ((e->outcome == OP_DONE &&
                          (e->kind == OP_REMOVE || e->kind == OP_CREATE)) ||
                         (e->outcome == OP_REFUSED && str_equal(e->code, "no_such_container")))
                        end = earlier(end, e->answer_us);
        }
        return end;
}

static void print_op(FILE *out, const struct op *o) {
        fprintf(out, "#   %lld..%lld us: user %d, container %d: %s, %s%s%s, devices %#x\n",
                (long long)o->call_us, (long long)o->answer_us, o->user, o->name,
                op_names[o->kind],
                o->outcome == OP_DONE ? o->status : o->outcome == OP_REFUSED ? o->code : "unknown",
                o->kind == OP_CREATE ? ", asked for " : "",
                o->kind == OP_CREATE ? (const char *[]){ "0", "1", "2", "3", "4" }[o->asked] : "",
                o->devices);
}

static size_t complain(FILE *out, const char *what, const struct op *a, const struct op *b) {
        fprintf(out, "# could not be: %s\n", what);
        print_op(out, a);
        if (b)
                print_op(out, b);
        return 1;
}

/* One device, two containers; more than a person may have. */
static size_t check_owners(const struct span *sure, size_t n, const struct model *m, FILE *out) {
        size_t bad = 0;

        for (size_t i = 0; i < n; i++) {
                uint32_t own = 0;

                if (!sure[i].devices || sure[i].to_us <= sure[i].from_us)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        const struct span *o = &sure[k];

                        if (!o->devices || o->from_us > sure[i].from_us ||
                            o->to_us <= sure[i].from_us)
                                continue;
                        if (!same(o->op, sure[i].op) && (o->devices & sure[i].devices))
                                bad += complain(out, "two containers have one device", o->op,
                                                sure[i].op);
                        if (o->op->user == sure[i].op->user)
                                own |= o->devices;
                }
                if (__builtin_popcount(own) > m->most_per_user)
                        bad += complain(out, "somebody has more than the limits allow", sure[i].op,
                                        NULL);
        }
        return bad;
}

/* Refused for want of devices although enough were free all the time. */
static size_t check_refusals(const struct op *ops, size_t n, const int64_t *ends,
                             const struct model *m, FILE *out) {
        size_t bad = 0;

        for (size_t i = 0; i < n; i++) {
                const struct op *o = &ops[i];
                uint32_t taken = 0, all = (1u << m->devices) - 1;

                if (o->kind != OP_CREATE || o->outcome != OP_REFUSED ||
                    !str_equal(o->code, "gpu_none_free"))
                        continue;
                for (size_t k = 0; k < n; k++) {
                        const struct op *g = &ops[k];

                        if (g == o || g->call_us > o->answer_us || ends[k] < o->call_us)
                                continue;
                        if (g->outcome == OP_DONE)
                                taken |= g->devices;
                        else if (g->outcome == OP_UNKNOWN &&
                                 (g->kind == OP_CREATE || g->kind == OP_START ||
                                  g->kind == OP_ENGINE_START))
                                taken = all;
                }
                if (__builtin_popcount(all & ~taken) >= o->asked)
                        bad += complain(out, "refused, but enough was free", o, NULL);
        }
        return bad;
}

/* Stopped and started again before its hold was over: on the same devices. */
static size_t check_holds(const struct op *ops, size_t n, const struct model *m, FILE *out) {
        size_t bad = 0;

        for (size_t i = 0; i < n; i++) {
                const struct op *stop = &ops[i], *next = NULL;

                if (stop->kind != OP_STOP || !is(stop, "stopped") || !stop->devices ||
                    !stop->changed)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        const struct op *o = &ops[k];

                        if (o == stop || !same(o, stop) || o->answer_us < stop->call_us)
                                continue;
                        if (!next || o->call_us < next->call_us)
                                next = o;
                }
                if (!next || next->kind != OP_START || next->call_us < stop->answer_us ||
                    next->answer_us >= stop->call_us + m->hold_us)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (&ops[k] != next && same(&ops[k], next) &&
                            ops[k].call_us <= next->answer_us && ops[k].answer_us >= next->call_us)
                                next = NULL, k = n;
                if (!next)
                        continue;
                if (next->outcome == OP_DONE ? next->devices != stop->devices
                                             : str_starts(next->code, "gpu_"))
                        bad += complain(out, "held, and not given back at the start", stop, next);
        }
        return bad;
}

size_t history_check(const struct op *ops, size_t n, const struct model *m, FILE *out) {
        _cleanup_free_ struct span *sure = calloc(n + 1, sizeof(*sure));
        _cleanup_free_ int64_t *ends = calloc(n + 1, sizeof(*ends));

        if (!sure || !ends)
                return 1;
        for (size_t i = 0; i < n; i++) {
                sure[i] = surely(ops, n, &ops[i], m);
                ends[i] = over(ops, n, &ops[i], m);
        }
        return check_owners(sure, n, m, out) + check_refusals(ops, n, ends, m, out) +
               check_holds(ops, n, m, out);
}

const struct op *history_last(const struct op *ops, size_t n, int user, int name) {
        const struct op *last = NULL;

        for (size_t i = 0; i < n; i++)
                if (ops[i].user == user && ops[i].name == name &&
                    (!last || ops[i].call_us > last->call_us))
                        last = &ops[i];
        for (size_t i = 0; last && i < n; i++)
                if (&ops[i] != last && same(&ops[i], last) &&
                    ops[i].answer_us + (ops[i].kind >= OP_ENGINE_KILL ? NOTICED_US : 0) >=
                            last->call_us)
                        return NULL;
        return last && last->outcome == OP_DONE ? last : NULL;
}
