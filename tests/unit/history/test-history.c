/* The history in SQLite: leases, events, reports, old rows, damaged files. The clock is ours. */
#include "history/history.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR US_PER_H
#define DAY (24 * US_PER_H)

static char dir[] = "/tmp/ds01-test-history-XXXXXX";
static struct history *h;
static struct err err;

static int enter(void **state) {
        return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave(void **state) {
        return chdir("/") == 0 && tree_remove(dir) == 0 ? 0 : -1;
}

static int set_up(void **state) {
        if (history_open("h.db", true, &h, &err) < 0)
                fail_msg("%s", err.msg);
        return 0;
}

static int tear_down(void **state) {
        history_close(h);
        unlink("h.db");
        unlink("h.db-wal");
        unlink("h.db-shm");
        return 0;
}

static void add(enum event_kind kind, int64_t at_us, const char *nonce, uid_t uid, int gpus,
                const char *why) {
        struct event *e = event_new(kind, at_us, (size_t)gpus);

        e->uid = uid;
        snprintf(e->user, sizeof(e->user), "u%u", uid);
        str_copy(e->nonce, sizeof(e->nonce), nonce);
        str_copy(e->container, sizeof(e->container), nonce);
        str_copy(e->project, sizeof(e->project), "p");
        str_copy(e->why, sizeof(e->why), why);
        for (int i = 0; i < gpus; i++) {
                snprintf(e->devices[i].uuid, sizeof(e->devices[i].uuid), "uuid-%d", i);
                snprintf(e->devices[i].name, sizeof(e->devices[i].name), "GPU-%d", i);
                e->devices[i].units = i == 1 ? 1000 : 7000; /* the second is a slice */
        }
        if (history_add(h, e, &err) < 0)
                fail_msg("%s", err.msg);
        event_free(e);
}

static void put_lease(void *arg, const struct lease_row *r) {
        buf_addf(arg, "%s %s %s %lld-%lld busy %lld %s\n", r->user, r->container, r->gpu,
                 (long long)(r->begin_us / HOUR), (long long)(r->end_us / HOUR),
                 (long long)(r->busy_us / HOUR), r->why);
}

static void expect_leases(int64_t from, int64_t to, bool one, uid_t uid, size_t max,
                          const char *wanted) {
        const struct history_filter f = { from, to, one, uid, max };
        _cleanup_buf_ struct buf out = BUF_INIT(65536);

        if (history_leases(h, &f, put_lease, &out, &err) < 0)
                fail_msg("%s", err.msg);
        assert_string_equal(buf_str(&out), wanted);
}

static void put_report(void *arg, const struct report_row *r) {
        buf_addf(arg, "%s held %.2f busy %.2f of %lld\n", r->name, (double)r->held_us / HOUR,
                 (double)r->busy_us / HOUR, (long long)r->leases);
}

static void expect_report(int64_t from, int64_t to, bool one, enum report_by by, int64_t now,
                          const char *wanted) {
        const struct history_filter f = { from, to, one, 1, 0 };
        _cleanup_buf_ struct buf out = BUF_INIT(65536);

        if (history_report(h, &f, by, now, put_report, &out, &err) < 0)
                fail_msg("%s", err.msg);
        assert_string_equal(buf_str(&out), wanted);
}

static void test_leases(void **state) {
        add(EVENT_LEASE_BEGIN, 10 * HOUR, "a", 1, 2, "");
        add(EVENT_LEASE_BEGIN, 11 * HOUR, "a", 1, 2, ""); /* ds01d was started anew */
        add(EVENT_LEASE_BEGIN, 12 * HOUR, "b", 2, 1, "");
        assert_int_equal(history_busy(h, "a", "uuid-0", HOUR, 13 * HOUR, &err), 0);
        assert_int_equal(history_busy(h, "a", "uuid-0", HOUR, 14 * HOUR, &err), 0);
        add(EVENT_LEASE_END, 15 * HOUR, "a", 1, 0, "removed");
        add(EVENT_LEASE_END, 16 * HOUR, "a", 1, 0, "again"); /* nothing is open */
        expect_leases(0, 100 * HOUR, false, 0, 100,
                      "u1 a GPU-0 10-15 busy 2 removed\nu1 a GPU-1 10-15 busy 0 removed\n"
                      "u2 b GPU-0 12-0 busy 0 \n");
        expect_leases(0, 100 * HOUR, true, 2, 100, "u2 b GPU-0 12-0 busy 0 \n");
        expect_leases(0, 100 * HOUR, false, 0, 1, "u2 b GPU-0 12-0 busy 0 \n");
        expect_leases(0, 12 * HOUR, false, 0, 100,
                      "u1 a GPU-0 10-15 busy 2 removed\nu1 a GPU-1 10-15 busy 0 removed\n");
        expect_leases(16 * HOUR, 20 * HOUR, false, 0, 100, "u2 b GPU-0 12-0 busy 0 \n");
        /* The same name again is another lease. */
        add(EVENT_LEASE_BEGIN, 20 * HOUR, "a", 1, 1, "");
        expect_leases(19 * HOUR, 30 * HOUR, true, 1, 100, "u1 a GPU-0 20-0 busy 0 \n");
}

static void test_reconcile(void **state) {
        add(EVENT_LEASE_BEGIN, 1 * HOUR, "gone", 1, 1, "");
        assert_int_equal(history_busy(h, "gone", "uuid-0", 0, 3 * HOUR, &err), 0);
        add(EVENT_LEASE_BEGIN, 2 * HOUR, "there", 1, 1, "");
        add(EVENT_LEASE_BEGIN, 10 * HOUR, "there", 1, 1, ""); /* seen at the new start */
        assert_int_equal(history_reconcile(h, 9 * HOUR, &err), 0);
        expect_leases(0, 20 * HOUR, false, 0, 100,
                      "u1 gone GPU-0 1-3 busy 0 ended while ds01d was away\n"
                      "u1 there GPU-0 2-0 busy 0 \n");
}

static void test_report(void **state) {
        add(EVENT_LEASE_BEGIN, 0, "a", 1, 2, "");
        assert_int_equal(history_busy(h, "a", "uuid-0", 4 * HOUR, 8 * HOUR, &err), 0);
        assert_int_equal(history_busy(h, "a", "uuid-1", 7 * HOUR, 8 * HOUR, &err), 0);
        add(EVENT_LEASE_END, 8 * HOUR, "a", 1, 0, "stopped");
        add(EVENT_LEASE_BEGIN, 6 * HOUR, "b", 2, 1, "");
        /* The slice counts a seventh; what is open counts until now. */
        expect_report(0, 100 * HOUR, false, REPORT_USER, 16 * HOUR,
                      "u2 held 10.00 busy 0.00 of 1\nu1 held 9.14 busy 5.00 of 2\n");
        /* Half of the time, half of the work. */
        expect_report(4 * HOUR, 100 * HOUR, true, REPORT_GPU, 16 * HOUR,
                      "GPU-0 held 4.00 busy 2.00 of 1\nGPU-1 held 0.57 busy 0.50 of 1\n");
        expect_report(0, 100 * HOUR, true, REPORT_PROJECT, 16 * HOUR,
                      "p held 9.14 busy 5.00 of 2\n");
}

static void test_compact(void **state) {
        static const char sums[] = "u1 held 34.29 busy 12.00 of 2\n";

        add(EVENT_LEASE_BEGIN, 18 * HOUR, "a", 1, 2, "");
        assert_int_equal(history_busy(h, "a", "uuid-0", 12 * HOUR, 20 * HOUR, &err), 0);
        add(EVENT_LEASE_END, 48 * HOUR, "a", 1, 0, "removed");
        add(EVENT_STOP, 48 * HOUR, "a", 1, 0, "");
        add(EVENT_LEASE_BEGIN, 40 * HOUR, "open", 2, 1, "");
        expect_report(0, 3 * DAY, true, REPORT_USER, 50 * HOUR, sums);
        expect_report(0, DAY, true, REPORT_USER, 50 * HOUR, "u1 held 6.86 busy 2.40 of 2\n");
        assert_int_equal(history_compact(h, 49 * HOUR, &err), 0);
        /* What reports say does not change by it, day by day. */
        expect_report(0, 3 * DAY, true, REPORT_USER, 50 * HOUR, sums);
        expect_report(0, DAY, true, REPORT_USER, 50 * HOUR, "u1 held 6.86 busy 2.40 of 2\n");
        expect_leases(0, 100 * HOUR, false, 0, 100, "u2 open GPU-0 40-0 busy 0 \n");
        assert_int_equal(history_compact(h, 49 * HOUR, &err), 0);
        expect_report(0, 3 * DAY, true, REPORT_USER, 50 * HOUR, sums);
}

static void put_event(void *arg, const struct event_row *r) {
        buf_addf(arg, "%s %s %s [%s] %s\n", r->kind, r->user, r->container, r->gpus, r->why);
}

static void test_events(void **state) {
        const struct history_filter f = { 0, 9 * HOUR, true, 1, 2 };
        _cleanup_buf_ struct buf out = BUF_INIT(65536);

        add(EVENT_CREATE, 1 * HOUR, "a", 1, 2, "");
        add(EVENT_START, 2 * HOUR, "a", 1, 2, "");
        add(EVENT_START, 2 * HOUR, "b", 2, 0, "");
        add(EVENT_STOP, 3 * HOUR, "a", 1, 0, "it's \"idle\"'; DROP TABLE event; --");
        assert_int_equal(history_events(h, &f, put_event, &out, &err), 0);
        assert_string_equal(buf_str(&out),
                            "start u1 a [GPU-0,GPU-1] \n"
                            "stop u1 a [] it's \"idle\"'; DROP TABLE event; --\n");
}

/* What is in a transaction that was not ended is not there. */
static void test_crash(void **state) {
        assert_int_equal(history_begin(h, &err), 0);
        add(EVENT_LEASE_BEGIN, HOUR, "a", 1, 1, "");
        history_close(h);
        assert_int_equal(history_open("h.db", true, &h, &err), 0);
        expect_leases(0, 9 * HOUR, false, 0, 100, "");
        assert_int_equal(history_begin(h, &err), 0);
        add(EVENT_LEASE_BEGIN, HOUR, "a", 1, 1, "");
        assert_int_equal(history_commit(h, &err), 0);
        history_close(h);
        assert_int_equal(history_open("h.db", false, &h, &err), 0);
        expect_leases(0, 9 * HOUR, false, 0, 100, "u1 a GPU-0 1-0 busy 0 \n");
}

static void test_damaged(void **state) {
        struct history *other = NULL;
        int fd = open("bad.db", O_WRONLY | O_CREAT, 0600);

        assert_int_equal(write(fd, "this is no database at all, but it is long enough", 49), 49);
        close(fd);
        assert_int_equal(history_open("bad.db", true, &other, &err), -EBADMSG);
        assert_null(other);
        assert_int_equal(history_open("none.db", false, &other, &err), -EIO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_leases, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_reconcile, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_report, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_compact, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_crash, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("history", tests, enter, leave);
}
