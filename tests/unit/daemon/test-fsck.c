/* The rules of fsck, each broken once. What is read from files and mounts is tested over a real
 * engine (tests/integration/cases/fsck.sh). */
#include "cmocka-headers.h"

#include "daemon/fsck.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

struct world {
        struct daemon d;
        struct fsck f;
};

static char id_a[65], id_b[65];

static struct record *make(const char *name, const char *id, const char *uuid) {
        struct record *r = record_new();

        str_copy(r->name, sizeof(r->name), name);
        snprintf(r->engine_name, sizeof(r->engine_name), "%s._.0", name);
        str_copy(r->id, sizeof(r->id), id);
        str_copy(r->nonce, sizeof(r->nonce), name);
        r->uid = r->gid = *name == 'a' ? 0 : 65534; /* two people, so that no limit is reached */
        r->state = CONTAINER_CREATED;
        r->created_us = clock_real_us();
        r->uuids = calloc(2, sizeof(*r->uuids));
        r->uuids[0] = strdup(uuid);
        r->units = GPU_UNITS_PER_GPU;
        return r;
}

/* What the engine has of it; what the rules find fault with is changed by the caller. */
static struct fsck_container *see(struct world *w, const char *name, const char *id,
                                  const char *uuid) {
        struct fsck_container *s = calloc(1, sizeof(*s));

        str_copy(s->c.id, sizeof(s->c.id), id);
        assert_true(asprintf(&s->c.name, "%s._.0", name) > 0);
        s->c.state = ENGINE_CREATED;
        s->sealed = make(name, id, uuid);
        assert_true(asprintf(&s->setup.user, "%u:%u", s->sealed->uid, s->sealed->gid) > 0);
        s->setup.cgroup_parent = strdup("");
        s->setup.visible = strdup(uuid);
        assert_int_equal(VEC_PUSH(&w->f.seen, s), 0);
        return s;
}

static int setup(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        struct gpu_inventory inventory = { .devices = calloc(2, sizeof(struct gpu_device)),
                                           .ndevices = 2,
                                           .ngpus = 2 };

        memset(id_a, 'a', 64);
        memset(id_b, 'b', 64);
        w->d.private_mode = true;
        pthread_mutex_init(&w->d.engine_info_lock, NULL);
        pthread_rwlock_init(&w->d.limits_lock, NULL);
        people_init(&w->d.people);
        ledger_init(&w->d.ledger);
        for (int i = 0; i < 2; i++) {
                snprintf(inventory.devices[i].uuid, sizeof(inventory.devices[i].uuid), "GPU-%d", i);
                snprintf(inventory.devices[i].name, sizeof(inventory.devices[i].name), "GPU-%d", i);
                inventory.devices[i].gpu = i;
                inventory.devices[i].instance = -1;
                inventory.devices[i].units = GPU_UNITS_PER_GPU;
        }
        ledger_set_inventory(&w->d.ledger, &inventory);
        w->f.daemon = &w->d;
        assert_int_equal(ledger_add(&w->d.ledger, make("a", id_a, "GPU-0")), 0);
        see(w, "a", id_a, "GPU-0");
        *state = w;
        return 0;
}

static int teardown(void **state) {
        struct world *w = *state;

        fsck_forget(&w->f);
        ledger_release(&w->d.ledger);
        people_release(&w->d.people);
        free(w);
        return 0;
}

/* Exactly one thing is found, by this rule, with these words. */
static void expect(struct world *w, enum fsck_rule rule, const char *words) {
        fsck_rules(&w->f);
        for (size_t i = 0; i < w->f.findings.len; i++)
                if (w->f.findings.len != 1 || w->f.findings.items[i]->rule != rule ||
                    !strstr(w->f.findings.items[i]->says, words))
                        fail_msg("%s: %s", w->f.findings.items[i]->about,
                                 w->f.findings.items[i]->says);
        assert_int_equal(w->f.findings.len, 1);
        assert_string_not_equal(w->f.findings.items[0]->mend, "");
}

static void test_sound(void **state) {
        struct world *w = *state;

        fsck_rules(&w->f);
        assert_int_equal(w->f.findings.len, 0);
}

static void test_two_run(void **state) {
        struct world *w = *state;
        struct fsck_container *s = see(w, "b", id_b, "GPU-0");

        record_free(s->sealed); /* somebody's own */
        s->sealed = NULL;
        s->up = true;
        w->f.seen.items[0]->up = true;
        expect(w, FSCK_DEVICE, "two running containers");
}

static void test_two_leases(void **state) {
        struct world *w = *state;

        assert_int_equal(ledger_add(&w->d.ledger, make("b", id_b, "GPU-0")), 0);
        see(w, "b", id_b, "GPU-0");
        expect(w, FSCK_DEVICE, "two leases");
}

static void test_lease_without_container(void **state) {
        struct world *w = *state;

        assert_int_equal(ledger_add(&w->d.ledger, make("b", id_b, "GPU-1")), 0);
        expect(w, FSCK_LEASE, "the engine has it not");
}

static void test_old_reservation(void **state) {
        struct world *w = *state;
        struct record *r = make("b", "", "GPU-1");

        r->state = CONTAINER_RESERVED;
        assert_int_equal(ledger_add(&w->d.ledger, r), 0);
        fsck_rules(&w->f);
        assert_int_equal(w->f.findings.len, 0); /* it may be on its way */
        r->since_us -= 120 * US_PER_S;
        expect(w, FSCK_LEASE, "has no container");
}

static void test_unknown_container(void **state) {
        see(*state, "b", id_b, "GPU-1");
        expect(*state, FSCK_SETUP, "does not know of it");
}

static void test_other_state(void **state) {
        struct world *w = *state;

        w->f.seen.items[0]->sealed->state = CONTAINER_STOPPED;
        expect(w, FSCK_SETUP, "stopped in the engine and created in the ledger");
}

static void test_other_user(void **state) {
        struct world *w = *state;

        free(w->f.seen.items[0]->setup.user);
        w->f.seen.items[0]->setup.user = strdup("root");
        expect(w, FSCK_SETUP, "runs as 'root'");
}

static void test_other_devices(void **state) {
        struct world *w = *state;

        free(w->f.seen.items[0]->setup.visible);
        w->f.seen.items[0]->setup.visible = strdup("GPU-1");
        expect(w, FSCK_SETUP, "which is not what it was given");
}

static void test_asks_for_more(void **state) {
        struct world *w = *state;
        char **asked = calloc(3, sizeof(*asked));

        asked[0] = strdup("GPU-0");
        asked[1] = strdup("GPU-1");
        w->f.seen.items[0]->setup.asked = asked;
        expect(w, FSCK_SETUP, "asks the engine for");
}

static void test_under_way(void **state) {
        struct world *w = *state;

        w->d.ledger.records.items[0]->busy = true;
        w->f.seen.items[0]->sealed->state = CONTAINER_RUNNING;
        fsck_rules(&w->f);
        assert_int_equal(w->f.findings.len, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(sound),           TEST(two_run),
                TEST(two_leases),      TEST(lease_without_container),
                TEST(old_reservation), TEST(unknown_container),
                TEST(other_state),     TEST(other_user),
                TEST(other_devices),   TEST(asks_for_more),
                TEST(under_way),
        };

        return cmocka_run_group_tests_name("daemon-fsck", tests, NULL, NULL);
}
