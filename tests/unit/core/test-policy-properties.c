/*
 * Random histories of a machine, judged by invariants. Each history makes a random inventory and
 * random limits, then creates, starts, pauses, stops and removes containers, lets time pass, lets
 * devices fail and come back, and renumbers the inventory. The seed is printed; DS01_TEST_SEED
 * repeats a run.
 */
#include "core/policy.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#include "cmocka-setup.h"

#include <stdio.h>
#include <string.h>

enum { HISTORIES = 3000, STEPS = 40, DEVICES = 12, CLAIMS = 16, PEOPLE = 3 };

struct box { /* a claim and what it points to; devices by uuid number, so that renumbering is easy
              */
        char name[8];
        int ids[GPU_PER_CONTAINER_MAX];
        int16_t devices[GPU_PER_CONTAINER_MAX];
};

struct machine {
        struct gpu_device devices[DEVICES];
        int ids[DEVICES]; /* what uuid the device at this index has */
        uint8_t links[DEVICES * DEVICES];
        struct gpu_inventory inventory;
        struct limits limits[PEOPLE];
        struct claim claims[CLAIMS];
        struct box boxes[CLAIMS];
        size_t nclaims;
        int64_t now_us;
        unsigned next_name;
};

static uint64_t seed, random_state;

static unsigned random_below(unsigned n) { /* xorshift64 */
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (unsigned)(random_state >> 33) % n;
}

static void machine_make(struct machine *m) {
        size_t n = 0;
        int gpus = 1 + (int)random_below(4);

        *m = (struct machine){ .now_us = 1000000 * US_PER_S };
        for (int g = 0; g < gpus; g++) {
                int parts = random_below(3) ? 1 : 2 + (int)random_below(2);

                for (int i = 0; i < parts; i++, n++) {
                        m->ids[n] = (int)n;
                        m->devices[n] = (struct gpu_device){
                                .gpu = g,
                                .instance = parts == 1 ? -1 : i,
                                .numa_node = g / 2,
                                .units = parts == 1 ? GPU_UNITS_PER_GPU
                                                    : 1000 * (1 + (int)random_below(3)),
                        };
                        snprintf(m->devices[n].name, sizeof(m->devices[n].name), "GPU-%u.%u",
                                 (unsigned)g % 10, (unsigned)i % 10);
                }
        }
        for (int a = 0; a < gpus; a++)
                for (int b = a; b < gpus; b++)
                        m->links[a * gpus + b] = m->links[b * gpus + a] =
                                a == b ? GPU_LINK_SELF : (uint8_t)random_below(8);
        m->inventory = (struct gpu_inventory){ m->devices, n, (size_t)gpus, m->links };
        for (int p = 0; p < PEOPLE; p++) {
                limits_defaults(&m->limits[p]);
                m->limits[p].gpu_units =
                        random_below(5) ? 500 * (int64_t)random_below(40) : LIMIT_UNLIMITED;
                m->limits[p].gpus_per_container = 1 + random_below(4);
                m->limits[p].containers = 1 + random_below(5);
                m->limits[p].allow_full_gpu = random_below(4) > 0;
        }
}

static struct snapshot snapshot_of(const struct machine *m, uid_t uid) {
        return (struct snapshot){ &m->inventory,   m->claims, m->nclaims,
                                  &m->limits[uid], uid, NULL,  m->now_us };
}

static void set_grant(struct machine *m, size_t which, const struct grant *g) {
        struct claim *c = &m->claims[which];

        c->ndevices = (int16_t)g->n;
        c->nlost = 0;
        c->units = g->units;
        for (size_t i = 0; i < g->n; i++) {
                m->boxes[which].devices[i] = g->devices[i];
                m->boxes[which].ids[i] = m->ids[g->devices[i]];
        }
}

static int64_t held_units(const struct machine *m, uid_t uid, ssize_t except) {
        int64_t units = 0;

        for (size_t i = 0; i < m->nclaims; i++)
                if (m->claims[i].uid == uid && (ssize_t)i != except &&
                    claim_holds(&m->claims[i], m->now_us))
                        units += m->claims[i].units;
        return units;
}

/* What must be true of every grant, whoever asked. */
static void check_grant(const struct machine *m, uid_t uid, const struct grant *g, ssize_t except,
                        bool was_held) {
        const struct limits *l = &m->limits[uid];
        int64_t units = 0;

        for (size_t i = 0; i < g->n; i++) {
                const struct gpu_device *d = &m->devices[g->devices[i]];

                assert_in_range(g->devices[i], 0, m->inventory.ndevices - 1);
                assert_true(i == 0 || g->devices[i - 1] < g->devices[i]);
                assert_int_equal(d->health, GPU_OK);
                assert_int_equal(d->foreign_pid, 0);
                assert_true(l->allow_full_gpu || d->instance >= 0);
                units += d->units;
                for (size_t k = 0; k < m->nclaims; k++)
                        for (int j = 0; j < m->claims[k].ndevices; j++)
                                if ((ssize_t)k != except &&
                                    m->claims[k].devices[j] == g->devices[i])
                                        assert_false(claim_holds(&m->claims[k], m->now_us));
        }
        assert_int_equal(units, g->units);
        if (g->n == 0 || was_held)
                return;
        assert_true((int64_t)g->n <= l->gpus_per_container);
        assert_true(l->gpu_units == LIMIT_UNLIMITED ||
                    held_units(m, uid, except) + units <= l->gpu_units);
}

/* A refusal must be true as well: none of its texts is empty, and it is one of those that can be.
 */
static void check_refusal(const struct refusal *r) {
        _cleanup_buf_ struct buf b = BUF_INIT(4096);

        assert_in_range(r->reason, REFUSAL_NONE + 1, REFUSAL_COUNT - 1);
        refusal_message(r, &b);
        assert_true(b.len > 0);
        assert_null(strstr(b.data, ": ;"));
}

/* No GPU refused to someone who could have one by all rules: asked for one, any kind. */
static void check_needless_refusal(const struct machine *m, uid_t uid,
                                   const struct create_wish *w) {
        const struct limits *l = &m->limits[uid];
        int64_t left =
                l->gpu_units == LIMIT_UNLIMITED ? INT64_MAX : l->gpu_units - held_units(m, uid, -1);
        int64_t containers = 0;

        for (size_t i = 0; i < m->nclaims; i++)
                containers += m->claims[i].uid == uid && m->claims[i].state != CONTAINER_REMOVING;
        if (containers >= l->containers || w->gpus > 1 || w->prefer_full)
                return;
        for (size_t d = 0; d < m->inventory.ndevices; d++) {
                bool taken = false;

                for (size_t k = 0; k < m->nclaims; k++)
                        for (int j = 0; j < m->claims[k].ndevices; j++)
                                taken = taken || (m->claims[k].devices[j] == (int16_t)d &&
                                                  claim_holds(&m->claims[k], m->now_us));
                if (!taken && m->devices[d].health == GPU_OK && m->devices[d].foreign_pid == 0 &&
                    (l->allow_full_gpu || m->devices[d].instance >= 0) &&
                    m->devices[d].units <= left)
                        fail_msg("%s was free and refused", m->devices[d].name);
        }
}

static void step_create(struct machine *m) {
        uid_t uid = random_below(PEOPLE);
        struct snapshot s = snapshot_of(m, uid);
        struct claim *c = &m->claims[m->nclaims];
        struct box *box = &m->boxes[m->nclaims];
        struct create_wish w = { .gpus = (int64_t)random_below(5) - 1,
                                 .prefer_full = random_below(4) == 0 };
        struct grant g, again;
        struct refusal r;
        char name[8];

        if (m->nclaims == CLAIMS)
                return;
        snprintf(name, sizeof(name), "c%u", m->next_name++ % 1000);
        w.name = name;
        if (policy_create(&s, &w, &g, &r)) {
                check_refusal(&r);
                if (w.gpus != 0)
                        check_needless_refusal(m, uid, &w);
                return;
        }
        assert_int_equal(policy_create(&s, &w, &again, &r),
                         0); /* the same question, the same answer */
        assert_int_equal(again.n, g.n);
        assert_memory_equal(again.devices, g.devices, g.n * sizeof(g.devices[0]));
        check_grant(m, uid, &g, -1, false);
        assert_int_equal(g.n, w.gpus == -1 ? 1 : w.gpus);
        str_copy(box->name, sizeof(box->name), name);
        *c = (struct claim){ .uid = uid, .state = CONTAINER_RESERVED, .since_us = m->now_us,
                             .hold_us = 900 * US_PER_S, .unstarted_us = 1800 * US_PER_S,
                             .devices = box->devices, .name = box->name, .user = "somebody" };
        set_grant(m, m->nclaims, &g);
        m->nclaims++;
}

static void step_start(struct machine *m, size_t which) {
        struct claim *c = &m->claims[which];
        struct snapshot s = snapshot_of(m, c->uid);
        bool held = claim_holds(c, m->now_us), moved;
        struct grant g;
        struct refusal r;

        if (c->state != CONTAINER_STOPPED && c->state != CONTAINER_CREATED)
                return;
        if (policy_start(&s, which, &g, &moved, &r)) {
                check_refusal(&r);
                assert_true(c->ndevices > 0);
                return;
        }
        check_grant(m, c->uid, &g, (ssize_t)which, held);
        assert_int_equal(g.n, c->ndevices);
        assert_int_equal(g.units, c->units);
        if (!moved)
                for (size_t i = 0; i < g.n; i++) {
                        bool found = false;

                        for (int k = 0; k < c->ndevices; k++)
                                found = found || c->devices[k] == g.devices[i];
                        assert_true(found);
                }
        set_grant(m, which, &g);
        c->state = CONTAINER_RUNNING;
        c->since_us = m->now_us;
        c->released = false;
}

static void step_remove(struct machine *m, size_t which) {
        if (m->claims[which].state != CONTAINER_REMOVING) {
                m->claims[which].released = !claim_holds(&m->claims[which], m->now_us);
                m->claims[which].state = CONTAINER_REMOVING;
                return;
        }
        m->nclaims--;
        m->claims[which] = m->claims[m->nclaims];
        m->boxes[which] = m->boxes[m->nclaims];
        m->claims[which].devices = m->boxes[which].devices;
        m->claims[which].name = m->boxes[which].name;
}

/* Another order of the same GPUs, perhaps without the last device; claims follow by uuid. */
static void step_renumber(struct machine *m) {
        size_t n = m->inventory.ndevices;

        if (n > 1 && random_below(4) == 0)
                n--;
        for (size_t i = n - 1; i > 0; i--) {
                size_t j = random_below((unsigned)i + 1);
                struct gpu_device device = m->devices[i];
                int id = m->ids[i];

                m->devices[i] = m->devices[j];
                m->ids[i] = m->ids[j];
                m->devices[j] = device;
                m->ids[j] = id;
        }
        m->inventory.ndevices = n;
        for (size_t i = 0; i < m->nclaims; i++) {
                m->claims[i].nlost = 0;
                for (int k = 0; k < m->claims[i].ndevices; k++) {
                        m->claims[i].devices[k] = -1;
                        for (size_t d = 0; d < n; d++)
                                if (m->ids[d] == m->boxes[i].ids[k])
                                        m->claims[i].devices[k] = (int16_t)d;
                        m->claims[i].nlost += m->claims[i].devices[k] < 0;
                }
        }
}

static void step_device(struct machine *m) {
        struct gpu_device *d = &m->devices[random_below((unsigned)m->inventory.ndevices)];

        d->health = random_below(3) ? GPU_OK : GPU_FAILED;
        d->foreign_pid = random_below(5) ? 0 : 4711;
}

static void step_state(struct machine *m, size_t which) {
        struct claim *c = &m->claims[which];

        if (c->state == CONTAINER_RESERVED)
                c->state = CONTAINER_CREATED;
        else if (c->state == CONTAINER_RUNNING)
                c->state = random_below(3) ? CONTAINER_STOPPED : CONTAINER_PAUSED;
        else if (c->state == CONTAINER_PAUSED)
                c->state = CONTAINER_RUNNING;
        else if (c->state == CONTAINER_STOPPED && random_below(3) == 0)
                c->released = true;
        else
                return;
        c->since_us = m->now_us;
}

/* At no time is a device held by two claims. */
static void check_machine(const struct machine *m) {
        int holders[DEVICES] = { 0 };

        for (size_t i = 0; i < m->nclaims; i++)
                for (int k = 0; k < m->claims[i].ndevices && claim_holds(&m->claims[i], m->now_us);
                     k++)
                        if (m->claims[i].devices[k] >= 0)
                                assert_int_equal(++holders[m->claims[i].devices[k]], 1);
        for (size_t d = 0; d < m->inventory.ndevices; d++) {
                struct snapshot s = snapshot_of(m, 0);
                int holder = policy_holder(&s, (int16_t)d);

                assert_int_equal(holder >= 0, holders[d]);
        }
}

static void step(struct machine *m) {
        size_t which = m->nclaims ? random_below((unsigned)m->nclaims) : 0;

        switch (m->nclaims ? random_below(12) : 0) {
        case 0:
        case 1:
        case 2:
                step_create(m);
                break;
        case 3:
        case 4:
        case 5:
                step_start(m, which);
                break;
        case 6:
        case 7:
                step_state(m, which);
                break;
        case 8:
                step_remove(m, which);
                break;
        case 9:
                m->now_us += (int64_t)random_below(2000) * US_PER_S;
                break;
        case 10:
                step_device(m);
                break;
        default:
                if (random_below(3) == 0)
                        step_renumber(m);
        }
}

static void test_histories(void **state) {
        for (int i = 0; i < HISTORIES; i++) {
                struct machine m;

                machine_make(&m);
                for (int k = 0; k < STEPS; k++) {
                        step(&m);
                        check_machine(&m);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_histories) };
        const char *given = getenv("DS01_TEST_SEED");

        seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_real_us();
        random_state = seed | 1;
        printf("# DS01_TEST_SEED=%llu\n", (unsigned long long)seed);
        return cmocka_run_group_tests_name("policy properties", tests, NULL, NULL);
}
