/*
 * Which devices a container gets. Devices are exclusive, and the same free devices give the same
 * answer. The rule:
 *
 * Kinds. Whole GPUs are tried first and, when too few are free, MIG instances, then both together;
 * with @prefer_full whole GPUs only; without @allow_full MIG instances only.
 *
 * One whole GPU: the one that the other free ones miss least, that is, whose links to them are the
 * slowest in sum. A GPU whose partners are taken goes before one of an untouched pair or switch.
 * Ties (every GPU of an NVSwitch machine) go to the NUMA node with the fewest free GPUs, then to
 * the lowest index. With more than ONE_EXACT_MAX free, sums are left out.
 *
 * Several whole GPUs: the set whose slowest link is fastest (the slowest one sets the pace of
 * collective operations), among those the one with the largest sum of links, then the lowest
 * indices. Exact up to SET_EXACT_MAX free GPUs; above that, grown link by link from evenly spread
 * seeds, as many as a fixed amount of work allows.
 *
 * MIG instances are packed: all on one GPU where that is possible, on the GPU with the fewest free
 * instances, so that other GPUs stay whole; ties by index.
 */
#include "core/policy.h"

#include <errno.h>
#include <string.h>

enum {
        ONE_EXACT_MAX = 64,
        SET_EXACT_MAX = 16,
        GROW_WORK = 8192, /* at most so many times a device is looked at, but one seed at least */
        NODES = 64,
};

/* The free devices of one kind, ascending. */
struct pool {
        const struct gpu_inventory *inv;
        size_t n;
        int16_t devices[GPU_DEVICES_MAX];
};

static bool is_whole(const struct gpu_device *d) {
        return d->instance < 0;
}

static void pool_fill(struct pool *p, const struct gpu_inventory *inv, const uint8_t *free,
                      bool whole) {
        size_t n = inv->ndevices < GPU_DEVICES_MAX ? inv->ndevices : GPU_DEVICES_MAX;

        p->inv = inv;
        p->n = 0;
        for (size_t i = 0; i < n; i++)
                if (free[i] && is_whole(&inv->devices[i]) == whole)
                        p->devices[p->n++] = (int16_t)i;
}

static unsigned link_of(const struct pool *p, size_t a, size_t b) {
        const struct gpu_device *devices = p->inv->devices;

        return gpu_inventory_link(p->inv, devices[p->devices[a]].gpu, devices[p->devices[b]].gpu);
}

static size_t node_of(const struct pool *p, size_t i) {
        int node = p->inv->devices[p->devices[i]].numa_node;

        return node < 0 ? 0 : (size_t)node % NODES;
}

static size_t choose_one(const struct pool *p) {
        unsigned per_node[NODES] = { 0 }, best_sum = 0, best_node = 0;
        size_t best = 0;

        for (size_t i = 0; i < p->n; i++)
                per_node[node_of(p, i)]++;
        for (size_t i = 0; i < p->n; i++) {
                unsigned sum = 0, node = per_node[node_of(p, i)];

                for (size_t j = 0; j < p->n && p->n <= ONE_EXACT_MAX; j++)
                        sum += j == i ? 0 : link_of(p, i, j);
                if (i == 0 || sum < best_sum || (sum == best_sum && node < best_node)) {
                        best = i;
                        best_sum = sum;
                        best_node = node;
                }
        }
        return best;
}

/* How good a set is: its slowest link, then the sum of all. */
struct quality {
        unsigned slowest, sum;
};

static bool better(struct quality a, struct quality b) {
        return a.slowest != b.slowest ? a.slowest > b.slowest : a.sum > b.sum;
}

/* A search through all sets of @want of at most SET_EXACT_MAX devices, in lexicographic order, so
 * that the first of equals stays. A branch is left when even the fastest link that there is, for
 * every pair still to come, would not make it better than the best so far. */
struct search {
        unsigned links[SET_EXACT_MAX][SET_EXACT_MAX], fastest;
        size_t n, want;
        size_t chosen[SET_EXACT_MAX], best[SET_EXACT_MAX];
        struct quality best_quality;
        bool found;
};

static void search_from(struct search *s, size_t depth, size_t first, struct quality so_far) {
        size_t pairs = (s->want * (s->want - 1) - depth * (depth - 1)) / 2;
        struct quality bound = { so_far.slowest, so_far.sum + (unsigned)pairs * s->fastest };

        if (depth < s->want && s->fastest < bound.slowest)
                bound.slowest = s->fastest;
        if (s->found && !better(bound, s->best_quality))
                return;
        if (depth == s->want) {
                memcpy(s->best, s->chosen, sizeof(s->best));
                s->best_quality = so_far;
                s->found = true;
                return;
        }
        for (size_t i = first; i + (s->want - depth) <= s->n; i++) {
                struct quality q = so_far;

                for (size_t k = 0; k < depth; k++) {
                        unsigned link = s->links[s->chosen[k]][i];

                        q.sum += link;
                        if (link < q.slowest)
                                q.slowest = link;
                }
                s->chosen[depth] = i;
                search_from(s, depth + 1, i + 1, q);
        }
}

static void choose_set_exact(const struct pool *p, size_t want, int16_t *ret) {
        struct search s = { .n = p->n, .want = want };

        for (size_t i = 0; i < p->n; i++)
                for (size_t j = 0; j < p->n; j++) {
                        s.links[i][j] = i == j ? 0 : link_of(p, i, j);
                        if (s.links[i][j] > s.fastest)
                                s.fastest = s.links[i][j];
                }
        search_from(&s, 0, 0, (struct quality){ GPU_LINK_SELF, 0 });
        for (size_t i = 0; i < want; i++)
                ret[i] = p->devices[s.best[i]];
}

/* State of a growing set, an entry a free device: the slowest link to the set and the sum of
 * links; both flat arrays, so that the compiler works on many entries at once. */
struct growth {
        uint8_t slowest[GPU_DEVICES_MAX];
        uint16_t sum[GPU_DEVICES_MAX];
        uint8_t row[GPU_DEVICES_MAX];
};

/* Links of device @i to all of the pool. Rows of a machine whose every GPU is free are used as
 * they are. */
static const uint8_t *growth_row(struct growth *g, const struct pool *p, size_t i) {
        const struct gpu_device *devices = p->inv->devices;
        size_t first = (size_t)devices[p->devices[0]].gpu;
        size_t last = (size_t)devices[p->devices[p->n - 1]].gpu;
        const uint8_t *links;

        if (!p->inv->links) {
                memset(g->row, GPU_LINK_SYSTEM, p->n);
                return g->row;
        }
        links = p->inv->links + (size_t)devices[p->devices[i]].gpu * p->inv->ngpus;
        if (last - first + 1 == p->n)
                return links + first;
        for (size_t j = 0; j < p->n; j++)
                g->row[j] = links[devices[p->devices[j]].gpu];
        return g->row;
}

static struct quality grow(struct growth *g, const struct pool *p, size_t seed, size_t want,
                           size_t *ret) {
        struct quality q = { GPU_LINK_SELF, 0 };
        size_t next = seed;

        memset(g->slowest, 255, p->n);
        memset(g->sum, 0, p->n * sizeof(g->sum[0]));
        for (size_t step = 0;; step++) {
                const uint8_t *row;
                uint32_t best = 0;

                ret[step] = next;
                if (step + 1 == want)
                        return q;
                row = growth_row(g, p, next);
                for (size_t j = 0; j < p->n; j++) {
                        g->slowest[j] = row[j] < g->slowest[j] ? row[j] : g->slowest[j];
                        g->sum[j] = (uint16_t)(g->sum[j] + row[j]);
                }
                for (size_t k = 0; k <= step; k++) { /* those in the set are out of the race */
                        g->slowest[ret[k]] = 0;
                        g->sum[ret[k]] = 0;
                }
                /* One key in which the larger is the better; 1 more, so that a device without any
                 * good link still beats none. */
                for (size_t j = 0; j < p->n; j++) {
                        uint32_t key = ((uint32_t)g->slowest[j] << 16 | g->sum[j]) + 1;

                        best = key > best ? key : best;
                }
                for (next = 0; next < p->n; next++) {
                        bool taken = false;

                        if (((uint32_t)g->slowest[next] << 16 | g->sum[next]) + 1 != best)
                                continue;
                        for (size_t k = 0; k <= step && !taken; k++)
                                taken = ret[k] == next;
                        if (!taken)
                                break;
                }
                if (g->slowest[next] < q.slowest)
                        q.slowest = g->slowest[next];
                q.sum += g->sum[next];
        }
}

static void choose_set_grown(const struct pool *p, size_t want, int16_t *ret) {
        struct growth g;
        size_t chosen[GPU_PER_CONTAINER_MAX], best[GPU_PER_CONTAINER_MAX];
        size_t seeds = GROW_WORK / (p->n * want);
        struct quality best_quality = { 0, 0 };

        seeds = seeds < 1 ? 1 : seeds > p->n ? p->n : seeds;
        for (size_t i = 0; i < seeds; i++) {
                struct quality q = grow(&g, p, i * p->n / seeds, want, chosen);

                if (i == 0 || better(q, best_quality)) {
                        memcpy(best, chosen, want * sizeof(best[0]));
                        best_quality = q;
                }
        }
        for (size_t i = 0; i < want; i++)
                ret[i] = p->devices[best[i]];
}

static void choose_whole(const struct pool *p, size_t want, int16_t *ret) {
        if (want == p->n)
                memcpy(ret, p->devices, want * sizeof(ret[0]));
        else if (want == 1)
                ret[0] = p->devices[choose_one(p)];
        else if (p->n <= SET_EXACT_MAX)
                choose_set_exact(p, want, ret);
        else
                choose_set_grown(p, want, ret);
}

/* The GPU to take instances from: among those with at least @want free ones the GPU with the
 * fewest, else the fullest that there is; -1 when none has any. */
static int choose_partitioned(const uint16_t *left, size_t ngpus, size_t want) {
        int fits = -1, any = -1;

        for (size_t g = 0; g < ngpus; g++) {
                if (left[g] == 0)
                        continue;
                if (left[g] >= want && (fits < 0 || left[g] < left[fits]))
                        fits = (int)g;
                if (any < 0 || left[g] < left[any])
                        any = (int)g;
        }
        return fits >= 0 ? fits : any;
}

static void choose_instances(const struct pool *p, size_t want, int16_t *ret) {
        uint16_t left[GPU_DEVICES_MAX] = { 0 };
        size_t n = 0, ngpus = 0;

        for (size_t i = 0; i < p->n; i++) {
                size_t gpu = (size_t)p->inv->devices[p->devices[i]].gpu % GPU_DEVICES_MAX;

                left[gpu]++;
                ngpus = gpu + 1 > ngpus ? gpu + 1 : ngpus;
        }
        while (n < want) {
                int gpu = choose_partitioned(left, ngpus, want - n);

                for (size_t i = 0; i < p->n && n < want; i++)
                        if (p->inv->devices[p->devices[i]].gpu % GPU_DEVICES_MAX == gpu)
                                ret[n++] = p->devices[i];
                left[gpu] = 0;
        }
}

static void grant_finish(const struct gpu_inventory *inv, struct grant *g) {
        g->units = 0;
        for (size_t i = 0; i < g->n; i++)
                g->units += inv->devices[g->devices[i]].units;
        for (size_t i = 1; i < g->n; i++) /* insertion sort: at most 64, nearly sorted */
                for (size_t j = i; j > 0 && g->devices[j - 1] > g->devices[j]; j--) {
                        int16_t swap = g->devices[j];

                        g->devices[j] = g->devices[j - 1];
                        g->devices[j - 1] = swap;
                }
}

int allocator_choose(const struct gpu_inventory *inv, const uint8_t *free, size_t n,
                     bool prefer_full, bool allow_full, struct grant *ret) {
        struct grant g = { .n = n };
        struct pool whole = { .inv = inv }, parts = { .inv = inv };

        if (n > GPU_PER_CONTAINER_MAX)
                return -ENOSPC;
        if (n == 0) {
                *ret = g;
                return 0;
        }
        if (allow_full)
                pool_fill(&whole, inv, free, true);
        if (whole.n < n && !(prefer_full && allow_full))
                pool_fill(&parts, inv, free, false);
        if (whole.n >= n) {
                choose_whole(&whole, n, g.devices);
        } else if (parts.n >= n) {
                choose_instances(&parts, n, g.devices);
        } else if (whole.n + parts.n >= n) {
                memcpy(g.devices, whole.devices, whole.n * sizeof(g.devices[0]));
                choose_instances(&parts, n - whole.n, g.devices + whole.n);
        } else {
                return -ENOSPC;
        }
        grant_finish(inv, &g);
        *ret = g;
        return 0;
}
