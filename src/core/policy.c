/* Verdicts on creating and starting containers, and the facts about leases behind them. */
#include "core/policy.h"

#include "base/str.h"
#include "core/explain.h"

#include <stdio.h>
#include <string.h>

const char *container_state_word(enum container_state s) {
        static const char *const words[] = {
                [CONTAINER_RESERVED] = "creating", [CONTAINER_CREATED] = "created",
                [CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
                [CONTAINER_STOPPED] = "stopped",   [CONTAINER_REMOVING] = "removing",
        };

        return words[s];
}

bool container_is_up(enum container_state s) {
        return s == CONTAINER_RUNNING || s == CONTAINER_PAUSED;
}

static int64_t add_time(int64_t a, int64_t b) {
        int64_t sum;

        return b == LIMIT_UNLIMITED || __builtin_add_overflow(a, b, &sum) ? LIMIT_UNLIMITED : sum;
}

struct lease claim_lease(const struct claim *c, int64_t now_us) {
        bool stopped = c->state == CONTAINER_STOPPED;
        struct lease lease = { LEASE_ACTIVE, LIMIT_UNLIMITED };

        if (c->ndevices == 0)
                return (struct lease){ LEASE_NONE, LIMIT_UNLIMITED };
        if (!stopped && c->state != CONTAINER_CREATED) {
                /* A container that goes away may still run until it has gone. */
                if (c->state == CONTAINER_REMOVING && c->released)
                        lease.state = LEASE_ENDED;
                return lease;
        }
        lease.deadline_us = add_time(c->since_us, stopped ? c->hold_us : c->unstarted_us);
        lease.state = stopped ? LEASE_HELD : LEASE_ACTIVE;
        if (c->released || (lease.deadline_us != LIMIT_UNLIMITED && now_us >= lease.deadline_us))
                lease.state = LEASE_ENDED;
        return lease;
}

bool claim_holds(const struct claim *c, int64_t now_us) {
        enum lease_state state = claim_lease(c, now_us).state;

        return state == LEASE_ACTIVE || state == LEASE_HELD;
}

/* What one walk over all claims finds out. */
struct survey {
        struct usage usage;              /* of the caller, without @except's GPUs */
        const struct claim *named;       /* the caller's claim with the name asked for */
        uint8_t taken[GPU_DEVICES_MAX];  /* held by a claim other than @except, or kept */
        uint8_t kept[GPU_DEVICES_MAX];   /* held by nobody, but kept for somebody who waits */
};

/* What is kept for those who wait is as good as taken; but nobody is kept from what they hold. */
static void withhold(const struct snapshot *s, ssize_t except, struct survey *v) {
        const struct claim *own = except >= 0 ? &s->claims[except] : NULL;
        bool holds = own && claim_holds(own, s->now_us);

        for (size_t i = 0; i < GPU_DEVICES_MAX; i++) {
                bool mine = false;

                for (int k = 0; holds && k < own->ndevices; k++)
                        mine |= own->devices[k] == (int16_t)i;
                if (s->withheld[i] && !mine && !v->taken[i])
                        v->taken[i] = v->kept[i] = 1;
        }
}

static void survey(const struct snapshot *s, const char *name, ssize_t except, struct survey *ret) {
        *ret = (struct survey){ 0 };
        for (size_t i = 0; i < s->nclaims; i++) {
                const struct claim *c = &s->claims[i];
                bool mine = c->uid == s->uid;

                if (mine) {
                        ret->usage.containers += c->state != CONTAINER_REMOVING;
                        if (name && strcmp(c->name, name) == 0)
                                ret->named = c;
                }
                if (c->ndevices == 0 || (ssize_t)i == except || !claim_holds(c, s->now_us))
                        continue;
                if (mine)
                        ret->usage.gpu_units += c->units;
                for (int k = 0; k < c->ndevices; k++)
                        if (c->devices[k] >= 0 && c->devices[k] < GPU_DEVICES_MAX)
                                ret->taken[c->devices[k]] = 1;
        }
        if (s->withheld)
                withhold(s, except, ret);
}

static size_t device_count(const struct snapshot *s) {
        size_t n = s->inventory->ndevices;

        return n < GPU_DEVICES_MAX ? n : GPU_DEVICES_MAX;
}

static bool is_usable(const struct gpu_device *d) {
        return d->health == GPU_OK && d->foreign_pid == 0;
}

static int64_t left_of(int64_t max, int64_t used) {
        return max == LIMIT_UNLIMITED ? LIMIT_UNLIMITED : max > used ? max - used : 0;
}

/* The fewest units that @n of the devices marked in @mask come to, the devices into @ret; false
 * when fewer are marked. */
static bool choose_smallest(const struct snapshot *s, const uint8_t *mask, size_t n,
                            struct grant *ret) {
        size_t count = device_count(s);
        uint8_t marked[GPU_DEVICES_MAX];
        struct grant g = { 0 };

        memcpy(marked, mask, count);
        while (g.n < n) {
                const struct gpu_device *devices = s->inventory->devices;
                ssize_t best = -1;

                for (size_t i = 0; i < count; i++)
                        if (marked[i] && (best < 0 || devices[i].units < devices[best].units))
                                best = (ssize_t)i;
                if (best < 0)
                        return false;
                marked[best] = 0;
                g.devices[g.n++] = (int16_t)best;
                g.units += devices[best].units;
        }
        for (size_t i = 0, k = 0; i < count && k < n; i++) /* ascending */
                if (mask[i] && !marked[i])
                        g.devices[k++] = (int16_t)i;
        *ret = g;
        return true;
}

/* The devices that a request may have: by the limits of the person and by what was asked. */
struct field {
        uint8_t eligible[GPU_DEVICES_MAX]; /* of the right kind, free or not */
        uint8_t free[GPU_DEVICES_MAX];
        size_t neligible, nfree;
        size_t nkept; /* eligible, not held, but kept for somebody who waits */
        size_t nfree_whole; /* free whole GPUs that are not eligible */
        int64_t units_min;  /* the smallest of the eligible */
};

static void field_fill(const struct snapshot *s, const struct survey *v,
                       const struct create_wish *w, struct field *f) {
        size_t count = device_count(s);

        f->neligible = f->nfree = f->nfree_whole = f->nkept = 0;
        f->units_min = LIMIT_UNLIMITED;
        for (size_t i = 0; i < count; i++) {
                const struct gpu_device *d = &s->inventory->devices[i];
                bool whole = d->instance < 0, open = !v->taken[i] && is_usable(d);

                f->eligible[i] = whole ? s->limits->allow_full_gpu
                                       : !(w->prefer_full && s->limits->allow_full_gpu);
                f->free[i] = f->eligible[i] && open;
                f->neligible += f->eligible[i];
                f->nfree += f->free[i];
                f->nkept += f->eligible[i] && v->kept[i] && is_usable(d);
                f->nfree_whole += whole && open && !f->eligible[i];
                if (f->eligible[i] && d->units < f->units_min)
                        f->units_min = d->units;
        }
}

/* Devices for @n within @left units: as the allocator likes it; if that is too much, MIG instances
 * only; if that is too much, the smallest ones. False when nothing that is free fits. */
static bool choose_within(const struct snapshot *s, const struct field *f, size_t n, int64_t left,
                          struct grant *ret) {
        size_t count = device_count(s);
        uint8_t mask[GPU_DEVICES_MAX];
        bool full = s->limits->allow_full_gpu;

        for (size_t i = 0; i < count; i++)
                mask[i] = f->free[i] && s->inventory->devices[i].units <= left;
        if (allocator_choose(s->inventory, mask, n, false, full, ret) < 0)
                return false;
        if (ret->units <= left)
                return true;
        if (allocator_choose(s->inventory, mask, n, false, false, ret) == 0 && ret->units <= left)
                return true;
        return choose_smallest(s, mask, n, ret) && ret->units <= left;
}

static int refuse_quota(const struct snapshot *s, int64_t asked, int64_t used, ssize_t except,
                        const char *name, struct refusal *r) {
        bool hopeless = asked > s->limits->gpu_units;

        refuse(r, hopeless ? REFUSAL_GPU_QUOTA_TOO_SMALL : REFUSAL_GPU_QUOTA, name);
        r->asked = asked;
        r->used = used;
        r->max = s->limits->gpu_units;
        if (!hopeless)
                explain_own_gpus(s, except, r->detail, sizeof(r->detail), r->extra,
                                 sizeof(r->extra));
        return r->reason;
}

/* Why no @n devices of @f can be had. */
static int refuse_no_device(const struct snapshot *s, const struct field *f, size_t n,
                            ssize_t except, const char *name, struct refusal *r) {
        enum refusal_reason reason = REFUSAL_GPU_NONE_FREE;
        uint8_t busy[GPU_DEVICES_MAX];

        if (!s->limits->allow_full_gpu && (f->neligible == 0 || f->nfree + f->nfree_whole >= n))
                reason = REFUSAL_GPU_FULL_NOT_ALLOWED;
        else if (f->neligible < n)
                reason = REFUSAL_GPU_NOT_ENOUGH;
        refuse(r, reason, name);
        r->asked = (int64_t)n;
        r->used = (int64_t)f->nfree;
        r->total = (int64_t)f->neligible;
        for (size_t i = 0; i < device_count(s); i++)
                busy[i] = f->eligible[i] && !f->free[i];
        explain_devices(s, busy, except, r->detail, sizeof(r->detail));
        if (f->nkept > 0) {
                size_t end = strlen(r->detail);

                (void)snprintf(r->detail + end, sizeof(r->detail) - end,
                               "%s%zu kept for others (ds01 queue, ds01 reserve)",
                               end ? "; " : "",
                               f->nkept);
        }
        return r->reason;
}

static int choose_gpus(const struct snapshot *s, const struct create_wish *w,
                       const struct survey *v, size_t n, struct grant *ret, struct refusal *r) {
        int64_t used = v->usage.gpu_units, left = left_of(s->limits->gpu_units, used), least;
        struct grant smallest;
        struct field f;

        field_fill(s, v, w, &f);
        /* Not even the smallest devices there are would fit: nothing to do with who has them. The
         * exact sum is only needed when the bound does not say yes already. */
        if (f.neligible >= n) {
                least = f.units_min * (int64_t)n;
                if (least > left || left < GPU_UNITS_PER_GPU * (int64_t)n) {
                        (void)choose_smallest(s, f.eligible, n, &smallest);
                        least = smallest.units;
                }
                if (least > left)
                        return refuse_quota(s, least, used, -1, w->name, r);
        }
        if (f.nfree < n)
                return refuse_no_device(s, &f, n, -1, w->name, r);
        if (choose_within(s, &f, n, left, ret))
                return 0;
        (void)choose_smallest(s, f.free, n, &smallest);
        if (smallest.units > left) /* free, but what is free is too big for this person */
                return refuse_quota(s, smallest.units, used, -1, w->name, r);
        return refuse_no_device(s, &f, n, -1, w->name, r);
}

static int refuse_name_taken(const struct claim *c, struct refusal *r) {
        if (c->state == CONTAINER_REMOVING)
                return refuse(r, REFUSAL_BUSY, c->name);
        refuse_detail(r, REFUSAL_NAME_TAKEN, c->name, "%s", container_state_word(c->state));
        if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED)
                (void)str_copy(r->extra, sizeof(r->extra), " --stop");
        return r->reason;
}

static int refuse_containers(const struct snapshot *s, int64_t used, const char *name,
                             struct refusal *r) {
        bool any = s->limits->containers > 0;

        refuse(r, any ? REFUSAL_CONTAINER_QUOTA : REFUSAL_CONTAINERS_NOT_ALLOWED, name);
        r->used = used;
        r->max = s->limits->containers;
        explain_own_containers(s, r->detail, sizeof(r->detail), r->extra, sizeof(r->extra));
        return r->reason;
}

static int refuse_per_container(const struct snapshot *s, int64_t asked, const char *name,
                                struct refusal *r) {
        refuse(r, REFUSAL_GPU_PER_CONTAINER, name);
        r->asked = asked;
        r->max = s->limits->gpus_per_container;
        return r->reason;
}

int policy_create(const struct snapshot *s, const struct create_wish *w, struct grant *ret,
                  struct refusal *r) {
        int64_t n = w->gpus == -1 ? 1 : w->gpus;
        struct grant g = { 0 };
        struct survey v;

        if (n < 0 || n > GPU_PER_CONTAINER_MAX) {
                refuse(r, REFUSAL_GPU_COUNT_INVALID, w->name);
                r->asked = n;
                r->max = GPU_PER_CONTAINER_MAX;
                return r->reason;
        }
        survey(s, w->name, -1, &v);
        if (v.named)
                return refuse_name_taken(v.named, r);
        if (v.usage.containers >= s->limits->containers)
                return refuse_containers(s, v.usage.containers, w->name, r);
        if (n > 0 && s->inventory->ndevices == 0)
                return refuse(r, REFUSAL_GPU_NONE_HERE, w->name);
        if (n > s->limits->gpus_per_container)
                return refuse_per_container(s, n, w->name, r);
        if (n > 0 && choose_gpus(s, w, &v, (size_t)n, &g, r))
                return r->reason;
        *ret = g;
        return 0;
}

/* One container that is to be started: its devices against what is true now. */
struct restart {
        const struct claim *claim;
        ssize_t which;
        struct survey survey;
        bool good[GPU_PER_CONTAINER_MAX];  /* devices[i] may be used again */
        int64_t units[GPU_PER_CONTAINER_MAX];
        bool gone; /* one of them is lost, failed or used from outside */
};

static void restart_judge(const struct snapshot *s, struct restart *t) {
        const struct claim *c = t->claim;
        int64_t known = 0;
        int lost = 0;

        for (int i = 0; i < c->ndevices; i++) {
                const struct gpu_device *d;

                if (c->devices[i] < 0 || (size_t)c->devices[i] >= device_count(s)) {
                        t->units[i] = -1;
                        t->gone = true;
                        lost++;
                        continue;
                }
                d = &s->inventory->devices[c->devices[i]];
                t->units[i] = d->units;
                known += d->units;
                t->gone = t->gone || !is_usable(d);
                t->good[i] = is_usable(d) && !t->survey.taken[c->devices[i]] &&
                             (d->instance >= 0 || s->limits->allow_full_gpu);
        }
        /* The lost ones share what is left of the claim's units; they were alike or it won't be
         * a size that any device has. */
        for (int i = 0; i < c->ndevices; i++)
                if (t->units[i] < 0)
                        t->units[i] = (c->units - known) / lost;
}

/* Devices instead of those of @units that can't be used again: a new best set of that size out of
 * the good old ones and the free ones. @done[i] is set for what this answers for. */
static bool replace_size(const struct snapshot *s, struct restart *t, int64_t units, bool *done,
                         struct grant *g) {
        uint8_t mask[GPU_DEVICES_MAX];
        struct grant part;
        size_t n = 0, bad = 0;

        for (int i = 0; i < t->claim->ndevices; i++)
                if (t->units[i] == units) {
                        n++;
                        bad += !t->good[i];
                        done[i] = true;
                }
        if (bad == 0) {
                for (int i = 0; i < t->claim->ndevices; i++)
                        if (t->units[i] == units)
                                g->devices[g->n++] = t->claim->devices[i];
                g->units += (int64_t)n * units;
                return true;
        }
        for (size_t i = 0; i < device_count(s); i++) {
                const struct gpu_device *d = &s->inventory->devices[i];

                mask[i] = d->units == units && is_usable(d) && !t->survey.taken[i];
        }
        if (allocator_choose(s->inventory, mask, n, false, s->limits->allow_full_gpu, &part) < 0)
                return false;
        memcpy(g->devices + g->n, part.devices, part.n * sizeof(part.devices[0]));
        g->n += part.n;
        g->units += part.units;
        return true;
}

static void sort_devices(struct grant *g) {
        for (size_t i = 1; i < g->n; i++)
                for (size_t j = i; j > 0 && g->devices[j - 1] > g->devices[j]; j--) {
                        int16_t swap = g->devices[j];

                        g->devices[j] = g->devices[j - 1];
                        g->devices[j - 1] = swap;
                }
}

static bool same_devices(const struct claim *c, const struct grant *g) {
        if ((size_t)c->ndevices != g->n)
                return false;
        for (size_t i = 0; i < g->n; i++) {
                bool found = false;

                for (int k = 0; k < c->ndevices && !found; k++)
                        found = c->devices[k] == g->devices[i];
                if (!found)
                        return false;
        }
        return true;
}

static int refuse_gone(const struct snapshot *s, const struct restart *t, struct refusal *r) {
        refuse(r, REFUSAL_GPU_GONE, t->claim->name);
        r->asked = t->claim->ndevices;
        for (int i = 0; i < t->claim->ndevices; i++) {
                int16_t index = t->claim->devices[i];
                char fault[176] = "no longer in this machine";

                if (index >= 0 && (size_t)index < device_count(s))
                        explain_fault(&s->inventory->devices[index], fault, sizeof(fault));
                if (!fault[0])
                        continue;
                (void)snprintf(r->detail, sizeof(r->detail), "%s%s%s",
                               index >= 0 ? s->inventory->devices[index].name : "",
                               index >= 0 ? " " : "", fault);
                break;
        }
        return r->reason;
}

static int refuse_start(const struct snapshot *s, const struct restart *t, struct refusal *r) {
        const struct create_wish wish = { .name = t->claim->name };
        struct field f;

        if (t->gone)
                return refuse_gone(s, t, r);
        /* Only devices of a size that it had could take their place. */
        field_fill(s, &t->survey, &wish, &f);
        for (size_t i = 0; i < device_count(s); i++) {
                bool same_size = false;

                for (int k = 0; k < t->claim->ndevices && !same_size; k++)
                        same_size = s->inventory->devices[i].units == t->units[k];
                if (same_size || !f.eligible[i])
                        continue;
                f.neligible--;
                f.nfree -= f.free[i];
                f.eligible[i] = f.free[i] = 0;
        }
        return refuse_no_device(s, &f, (size_t)t->claim->ndevices, t->which, t->claim->name, r);
}

int policy_start(const struct snapshot *s, size_t which, struct grant *ret, bool *ret_moved,
                 struct refusal *r) {
        struct restart t = { .claim = &s->claims[which], .which = (ssize_t)which };
        bool done[GPU_PER_CONTAINER_MAX] = { false };
        const struct claim *c = t.claim;
        struct grant g = { 0 };

        if (c->ndevices > 0) {
                survey(s, NULL, t.which, &t.survey);
                if (c->ndevices > GPU_PER_CONTAINER_MAX ||
                    (!claim_holds(c, s->now_us) && c->ndevices > s->limits->gpus_per_container))
                        return refuse_per_container(s, c->ndevices, c->name, r);
                if (!claim_holds(c, s->now_us) &&
                    c->units > left_of(s->limits->gpu_units, t.survey.usage.gpu_units))
                        return refuse_quota(s, c->units, t.survey.usage.gpu_units, t.which, c->name,
                                            r);
                restart_judge(s, &t);
        }
        for (int i = 0; i < c->ndevices; i++)
                if (!done[i] && !replace_size(s, &t, t.units[i], done, &g))
                        return refuse_start(s, &t, r);
        sort_devices(&g);
        *ret_moved = !same_devices(c, &g);
        *ret = g;
        return 0;
}

void policy_usage(const struct snapshot *s, struct usage *ret) {
        struct survey v;

        survey(s, NULL, -1, &v);
        *ret = v.usage;
}

int policy_holder(const struct snapshot *s, int16_t device) {
        int holder = -1;

        for (size_t i = 0; i < s->nclaims; i++) {
                const struct claim *c = &s->claims[i];

                if (!claim_holds(c, s->now_us))
                        continue;
                for (int k = 0; k < c->ndevices; k++)
                        if (c->devices[k] == device) {
                                if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED)
                                        return (int)i;
                                holder = holder < 0 ? (int)i : holder;
                        }
        }
        return holder;
}

enum { DEVICE_FREE, DEVICE_ALLOCATED, DEVICE_HELD, DEVICE_RESERVED, DEVICE_FOREIGN, DEVICE_FAILED };
const char *const device_words[DEVICE_WORDS + 1] = { "free",     "allocated", "held", "reserved",
                                     "foreign", "failed",    NULL };

const char *policy_device_word(const struct snapshot *s, int16_t device, bool reserved) {
        const struct gpu_device *d = &s->inventory->devices[device];
        int holder = policy_holder(s, device), word = DEVICE_FREE;
        struct lease lease = { LEASE_NONE, LIMIT_UNLIMITED };

        if (holder >= 0)
                lease = claim_lease(&s->claims[holder], s->now_us);
        if (d->health != GPU_OK)
                word = DEVICE_FAILED;
        else if (lease.state == LEASE_HELD || lease.deadline_us != LIMIT_UNLIMITED)
                word = DEVICE_HELD;
        else if (holder >= 0)
                word = DEVICE_ALLOCATED;
        else if (d->foreign_pid)
                word = DEVICE_FOREIGN;
        else if (reserved)
                word = DEVICE_RESERVED;
        return device_words[word];
}
