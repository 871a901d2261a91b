/* The ledger's arrays: claims follow their records through additions, removals and inventories. */
#include "cmocka-headers.h"

#include "daemon/ledger.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static struct record *make(const char *name, uid_t uid, const char *uuid) {
        struct record *r = record_new();

        str_copy(r->name, sizeof(r->name), name);
        str_copy(r->id, sizeof(r->id), name);
        str_copy(r->nonce, sizeof(r->nonce), name);
        r->uid = uid;
        r->state = CONTAINER_CREATED;
        if (uuid) {
                r->uuids = calloc(2, sizeof(*r->uuids));
                r->uuids[0] = strdup(uuid);
                r->units = GPU_UNITS_PER_GPU;
        }
        return r;
}

static void inventory_of(const char *const *uuids, size_t n, struct gpu_inventory *ret) {
        *ret = (struct gpu_inventory){ .devices = calloc(n, sizeof(struct gpu_device)),
                                       .ndevices = n,
                                       .ngpus = n };
        for (size_t i = 0; i < n; i++) {
                str_copy(ret->devices[i].uuid, sizeof(ret->devices[i].uuid), uuids[i]);
                ret->devices[i].gpu = (int)i;
                ret->devices[i].instance = -1;
                ret->devices[i].units = GPU_UNITS_PER_GPU;
        }
}

static void test_claims_follow(void **state) {
        static const char *const first[] = { "GPU-a", "GPU-b" },
                                 *const swapped[] = { "GPU-b", "GPU-a" },
                                 *const lost[] = { "GPU-b" };
        struct record *a = make("a", 1, "GPU-a"), *b = make("b", 2, "GPU-b"),
                      *c = make("c", 1, NULL);
        struct gpu_inventory inventory;
        struct ledger l;

        (void)state;
        ledger_init(&l);
        inventory_of(first, 2, &inventory);
        ledger_set_inventory(&l, &inventory);
        assert_int_equal(ledger_add(&l, a), 0);
        assert_int_equal(ledger_add(&l, b), 0);
        assert_int_equal(ledger_add(&l, c), 0);
        assert_int_equal(l.claims.items[0].devices[0], 0);
        assert_int_equal(l.claims.items[1].devices[0], 1);
        inventory_of(swapped, 2, &inventory); /* indices were renumbered by the driver */
        ledger_set_inventory(&l, &inventory);
        assert_int_equal(l.claims.items[0].devices[0], 1);
        assert_int_equal(l.claims.items[1].devices[0], 0);
        inventory_of(lost, 1, &inventory);
        ledger_set_inventory(&l, &inventory);
        assert_int_equal(l.claims.items[0].devices[0], -1);
        assert_int_equal(l.claims.items[0].nlost, 1);
        ledger_remove(&l, a);
        assert_int_equal(l.records.len, 2);
        assert_ptr_equal(l.records.items[0], b);
        assert_int_equal(l.claims.items[0].uid, 2);
        assert_int_equal(ledger_find(&l, 1, "c"), 1);
        assert_int_equal(ledger_find(&l, 2, "c"), -1);
        assert_int_equal(ledger_find_id(&l, "b"), 0);
        ledger_release(&l);
}

static void test_acquire(void **state) {
        struct record *a = make("a", 1, NULL), *got = NULL;
        struct refusal r = { 0 };
        struct ledger l;

        (void)state;
        ledger_init(&l);
        assert_int_equal(ledger_add(&l, a), 0);
        assert_int_equal(ledger_acquire(&l, 2, "a", &got, &r), REFUSAL_NO_SUCH_CONTAINER);
        assert_int_equal(ledger_acquire(&l, 1, "a", &got, &r), 0);
        assert_ptr_equal(got, a);
        assert_true(a->busy);
        ledger_lock(&l);
        ledger_release_record(&l, a);
        ledger_unlock(&l);
        assert_int_equal(ledger_acquire(&l, 1, "a", &got, &r), 0);
        ledger_release(&l);
}

/* A removal under way holds what the container held, and nothing that it had lost before. */
static void test_removal_holds(void **state) {
        struct record *held = make("a", 1, "GPU-a"), *ended = make("b", 1, "GPU-b");
        int64_t now = clock_real_us();
        struct ledger l;

        (void)state;
        ledger_init(&l);
        assert_int_equal(ledger_add(&l, held), 0);
        assert_int_equal(ledger_add(&l, ended), 0);
        held->state = ended->state = CONTAINER_STOPPED;
        held->finished_us = ended->finished_us = now - 60 * US_PER_S;
        ledger_refresh_claim(&l, held, 3600 * US_PER_S, 0);
        ledger_refresh_claim(&l, ended, US_PER_S, 0);
        held->state = ended->state = CONTAINER_REMOVING;
        ledger_refresh_claim(&l, held, -1, -1);
        ledger_refresh_claim(&l, ended, -1, -1);
        assert_true(claim_holds(&l.claims.items[0], now));
        assert_false(claim_holds(&l.claims.items[1], now));
        ledger_release(&l);
}

/* The wall clock is set while something is held: the lease ends when it would have ended. */
static void test_clock_set(void **state) {
        struct record *r = make("a", 1, "GPU-a");
        struct lease before, after;
        struct ledger l;

        (void)state;
        ledger_init(&l);
        r->state = CONTAINER_STOPPED;
        r->finished_us = clock_real_us() - 60 * US_PER_S;
        assert_int_equal(ledger_add(&l, r), 0);
        ledger_refresh_claim(&l, r, 3600 * US_PER_S, 0);
        before = claim_lease(&l.claims.items[0], ledger_now(&l));
        l.timeline.spans[0].ahead_us -= 7200 * US_PER_S; /* as if it had been behind */
        r->looked_us = 1;
        ledger_look(&l);
        assert_true(l.clock_set);
        assert_int_equal(r->looked_us, 0);
        ledger_refresh_claim(&l, r, 3600 * US_PER_S, 0);
        after = claim_lease(&l.claims.items[0], ledger_now(&l));
        assert_int_equal(after.state, LEASE_HELD);
        assert_int_equal(after.deadline_us, before.deadline_us);
        ledger_release(&l);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_claims_follow),
                cmocka_unit_test(test_acquire),
                cmocka_unit_test(test_removal_holds),
                cmocka_unit_test(test_clock_set),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
