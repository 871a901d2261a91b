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
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOUR US_PER_H
#define DAY (24 * US_PER_H)

static char dir[] = "/tmp/ds01-test-history-XXXXXX";
static struct history *h;
static struct err err;

static int enter(void **state) {
        setenv("TZ", "UTC", 1);
        tzset();
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

static void busy(const char *nonce, const char *uuid, int64_t busy_us, int64_t at_us) {
        if (history_busy(h, nonce, uuid, busy_us, at_us, &err) < 0)
                fail_msg("%s", err.msg);
}

static void put_lease(void *arg, const struct lease_row *r) {
        buf_addf(arg, "%s %s %s %lld-%lld busy %.0f %s\n", r->user, r->container, r->gpu,
                 (long long)(r->begin_us / HOUR), (long long)(r->end_us / HOUR),
                 r->busy_us < 0 ? -1 : (double)r->busy_us / HOUR, r->why);
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
        buf_addf(arg, "%s held %.2f told %.2f busy %.2f of %lld\n", r->name,
                 (double)r->held_us / HOUR, (double)r->told_us / HOUR,
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
        busy("a", "uuid-0", HOUR, 13 * HOUR);
        busy("a", "uuid-0", HOUR, 14 * HOUR);
        add(EVENT_LEASE_END, 15 * HOUR, "a", 1, 0, "removed");
        add(EVENT_LEASE_END, 16 * HOUR, "a", 1, 0, "again"); /* nothing is open */
        busy("a", "uuid-0", HOUR, 16 * HOUR);                /* nor in use */
        expect_leases(0, 100 * HOUR, false, 0, 100,
                      "u1 a GPU-0 10-15 busy 2 removed\nu1 a GPU-1 10-15 busy -1 removed\n"
                      "u2 b GPU-0 12-0 busy -1 \n");
        expect_leases(0, 100 * HOUR, true, 2, 100, "u2 b GPU-0 12-0 busy -1 \n");
        expect_leases(0, 100 * HOUR, false, 0, 1, "u2 b GPU-0 12-0 busy -1 \n");
        expect_leases(0, 12 * HOUR, false, 0, 100,
                      "u1 a GPU-0 10-15 busy 2 removed\nu1 a GPU-1 10-15 busy -1 removed\n");
        expect_leases(16 * HOUR, 20 * HOUR, false, 0, 100, "u2 b GPU-0 12-0 busy -1 \n");
        /* The same name again is another lease. */
        add(EVENT_LEASE_BEGIN, 20 * HOUR, "a", 1, 1, "");
        expect_leases(19 * HOUR, 30 * HOUR, true, 1, 100, "u1 a GPU-0 20-0 busy -1 \n");
}

/* What says something new, and what does not. */
static void test_news(void **state) {
        struct event *e = event_new(EVENT_LEASE_BEGIN, 2 * HOUR, 1);
        int64_t newest = -1;

        assert_int_equal(history_newest(h, &newest, &err), 0);
        assert_int_equal(newest, 0);
        str_copy(e->nonce, sizeof(e->nonce), "a");
        e->seen_us = 5 * HOUR;
        assert_int_equal(history_add(h, e, &err), 1);
        assert_int_equal(history_add(h, e, &err), 0);
        assert_int_equal(history_newest(h, &newest, &err), 0);
        assert_int_equal(newest, 5 * HOUR);
        assert_int_equal(history_seen(h, 6 * HOUR, &err), 0);
        assert_int_equal(history_newest(h, &newest, &err), 0);
        assert_int_equal(newest, 6 * HOUR);
        e->kind = EVENT_LEASE_END;
        assert_int_equal(history_add(h, e, &err), 1);
        assert_int_equal(history_add(h, e, &err), 0);
        e->kind = EVENT_PAUSE;
        e->at_us = 7 * HOUR;
        assert_int_equal(history_add(h, e, &err), 1);
        assert_int_equal(history_newest(h, &newest, &err), 0);
        assert_int_equal(newest, 7 * HOUR);
        event_free(e);
}

/* Also when the clock has been set back meanwhile. */
static void test_reconcile(void **state) {
        _cleanup_buf_ struct buf ended = BUF_INIT(65536);

        add(EVENT_LEASE_BEGIN, 1 * HOUR, "gone", 1, 1, "");
        busy("gone", "uuid-0", 0, 3 * HOUR);
        add(EVENT_LEASE_BEGIN, 2 * HOUR, "there", 1, 1, "");
        busy("there", "uuid-0", 0, 3 * HOUR);
        add(EVENT_LEASE_BEGIN, 1 * HOUR, "there", 1, 1, ""); /* seen at the new start */
        assert_int_equal(history_reconcile(h, 1 * HOUR, put_lease, &ended, &err), 0);
        assert_string_equal(buf_str(&ended),
                            "u1 gone GPU-0 1-3 busy 0 ended while ds01d was away\n");
        expect_leases(0, 20 * HOUR, false, 0, 100,
                      "u1 gone GPU-0 1-3 busy 0 ended while ds01d was away\n"
                      "u1 there GPU-0 2-0 busy 0 \n");
}

static void test_report(void **state) {
        add(EVENT_LEASE_BEGIN, 0, "a", 1, 2, "");
        for (int i = 0; i < 4; i++)
                busy("a", "uuid-0", HOUR, (2 * i + 1) * HOUR);
        add(EVENT_LEASE_END, 8 * HOUR, "a", 1, 0, "stopped");
        add(EVENT_LEASE_BEGIN, 6 * HOUR, "b", 2, 1, "");
        busy("b", "uuid-0", HOUR / 2, 6 * HOUR);
        /* The slice counts a seventh, and does not tell of its use; what is open counts until
         * now. */
        expect_report(0, 100 * HOUR, false, REPORT_USER, 16 * HOUR,
                      "u2 held 10.00 told 10.00 busy 0.50 of 1\n"
                      "u1 held 9.14 told 8.00 busy 4.00 of 2\n");
        /* Within a time only what was in it: the use of the hours 5 and 7, not of 1 and 3. */
        expect_report(4 * HOUR, 100 * HOUR, true, REPORT_GPU, 16 * HOUR,
                      "GPU-0 held 4.00 told 4.00 busy 2.00 of 0\n"
                      "GPU-1 held 0.57 told 0.00 busy 0.00 of 0\n");
        /* A quarter of an hour's use, where a quarter of the hour lies within. */
        expect_report(5 * HOUR + 3 * HOUR / 4, 6 * HOUR, true, REPORT_GPU, 16 * HOUR,
                      "GPU-0 held 0.25 told 0.25 busy 0.25 of 0\n"
                      "GPU-1 held 0.04 told 0.00 busy 0.00 of 0\n");
        expect_report(0, 100 * HOUR, true, REPORT_PROJECT, 16 * HOUR,
                      "p held 9.14 told 8.00 busy 4.00 of 2\n");
        /* What is to come is empty, also where something goes on. */
        expect_report(20 * HOUR, 100 * HOUR, false, REPORT_USER, 16 * HOUR, "");
}

static void test_compact(void **state) {
        static const char sums[] = "u1 held 34.29 told 30.00 busy 12.00 of 2\n";
        static const char day[] = "u1 held 6.86 told 6.00 busy 4.00 of 2\n";

        add(EVENT_LEASE_BEGIN, 18 * HOUR, "a", 1, 2, "");
        for (int i = 20; i < 32; i++)
                busy("a", "uuid-0", HOUR, i * HOUR);
        add(EVENT_LEASE_END, 48 * HOUR, "a", 1, 0, "removed");
        add(EVENT_STOP, 48 * HOUR, "a", 1, 0, "");
        add(EVENT_LEASE_BEGIN, 40 * HOUR, "open", 2, 1, "");
        expect_report(0, 3 * DAY, true, REPORT_USER, 50 * HOUR, sums);
        expect_report(0, DAY, true, REPORT_USER, 50 * HOUR, day);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(history_compact(h, 49 * HOUR, 1000, &err), 0);
                /* What reports say does not change by it, day by day. */
                expect_report(0, 3 * DAY, true, REPORT_USER, 50 * HOUR, sums);
                expect_report(0, DAY, true, REPORT_USER, 50 * HOUR, day);
                expect_leases(0, 100 * HOUR, false, 0, 100, "u2 open GPU-0 40-0 busy -1 \n");
        }
}

/* Too many rows are compacted, however new they are; open leases stay. */
static void test_too_many(void **state) {
        char nonce[16];

        add(EVENT_LEASE_BEGIN, HOUR, "open", 1, 1, "");
        for (int i = 0; i < 20; i++) {
                snprintf(nonce, sizeof(nonce), "n%d", i);
                add(EVENT_LEASE_BEGIN, (2 + i) * HOUR, nonce, 1, 1, "");
                add(EVENT_LEASE_END, (3 + i) * HOUR, nonce, 1, 0, "x");
        }
        assert_int_equal(history_compact(h, 0, 2, &err), 0);
        expect_leases(0, 100 * HOUR, false, 0, 100,
                      "u1 open GPU-0 1-0 busy -1 \nu1 n18 GPU-0 20-21 busy -1 x\n"
                      "u1 n19 GPU-0 21-22 busy -1 x\n");
        expect_report(0, 100 * HOUR, true, REPORT_USER, 2 * HOUR,
                      "u1 held 21.00 told 0.00 busy 0.00 of 21\n");
}

static void put_event(void *arg, const struct event_row *r) {
        buf_addf(arg, "%s %s %s [%s] %s\n", r->kind, r->user, r->container, r->gpus, r->why);
}

/* Nobody pushes out what others did. */
static void test_too_many_of_one(void **state) {
        const struct history_filter f = { .to_us = 99 * HOUR, .max = 100 };
        _cleanup_buf_ struct buf out = BUF_INIT(65536);

        add(EVENT_START, HOUR, "mine", 2, 0, "");
        for (int i = 0; i < 15; i++)
                add(EVENT_PAUSE, (2 + i) * HOUR, "theirs", 1, 0, i < 13 ? "old" : "new");
        assert_int_equal(history_compact(h, 0, 20, &err), 0);
        assert_int_equal(history_events(h, &f, put_event, &out, &err), 0);
        assert_string_equal(buf_str(&out),
                            "start u2 mine [] \npause u1 theirs [] new\npause u1 theirs [] new\n");
}

/* Very many are done in several goes. */
static void test_several_goes(void **state) {
        char nonce[16];

        assert_int_equal(history_begin(h, &err), 0);
        for (int i = 0; i < 2500; i++) {
                snprintf(nonce, sizeof(nonce), "n%d", i);
                add(EVENT_LEASE_BEGIN, HOUR, nonce, 1, 1, "");
                add(EVENT_LEASE_END, 2 * HOUR, nonce, 1, 0, "x");
        }
        assert_int_equal(history_compact(h, DAY, 10000, &err), 1);
        assert_int_equal(history_compact(h, DAY, 10000, &err), 0);
        assert_int_equal(history_commit(h, &err), 0);
        expect_leases(0, DAY, false, 0, 100, "");
        expect_report(0, DAY, true, REPORT_USER, DAY,
                      "u1 held 2500.00 told 0.00 busy 0.00 of 2500\n");
}

static int64_t local(int year, int month, int day, int hour) {
        struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
                         .tm_hour = hour, .tm_isdst = -1 };

        return mktime(&tm) * US_PER_S;
}

/* Months are the calendar's, on days of 23 and 25 hours too, before and after compaction. */
static void test_months(void **state) {
        int64_t march, april, november, late;

        setenv("TZ", "Europe/Berlin", 1);
        tzset();
        march = local(2024, 3, 31, 0); /* the day on which summer time began */
        april = local(2024, 4, 1, 0);
        november = local(2024, 11, 1, 0);
        late = local(2024, 12, 1, 0);
        assert_int_equal(april - march, 23 * HOUR);
        add(EVENT_LEASE_BEGIN, march - HOUR, "a", 1, 1, "");
        busy("a", "uuid-0", HOUR, april - HOUR);
        busy("a", "uuid-0", HOUR / 2, april);
        add(EVENT_LEASE_END, april + 2 * HOUR, "a", 1, 0, "x");
        add(EVENT_LEASE_BEGIN, local(2024, 10, 27, 0), "b", 1, 1, ""); /* a day of 25 hours */
        busy("b", "uuid-0", HOUR, local(2024, 10, 27, 23));
        add(EVENT_LEASE_END, local(2024, 10, 28, 0), "b", 1, 0, "x");
        for (int i = 0; i < 2; i++) {
                expect_report(local(2024, 3, 1, 0), april, true, REPORT_USER, late,
                              "u1 held 24.00 told 24.00 busy 1.00 of 1\n");
                expect_report(march, april, true, REPORT_USER, late,
                              "u1 held 23.00 told 23.00 busy 1.00 of 0\n");
                expect_report(april, local(2024, 5, 1, 0), true, REPORT_USER, late,
                              "u1 held 2.00 told 2.00 busy 0.50 of 0\n");
                expect_report(local(2024, 10, 1, 0), november, true, REPORT_USER, late,
                              "u1 held 25.00 told 25.00 busy 1.00 of 1\n");
                assert_int_equal(history_compact(h, late, 1000, &err), 0);
                expect_leases(0, late, false, 0, 100, "");
        }
        setenv("TZ", "UTC", 1);
        tzset();
}

/* A file of the first version. */
static void test_upgrade(void **state) {
        static const char sql[] =
                "CREATE TABLE lease(id INTEGER PRIMARY KEY, nonce TEXT NOT NULL, uuid TEXT NOT "
                "NULL, gpu TEXT NOT NULL, units INTEGER NOT NULL, uid INTEGER NOT NULL, user TEXT "
                "NOT NULL, container TEXT NOT NULL, project TEXT NOT NULL, begin_us INTEGER NOT "
                "NULL, seen_us INTEGER NOT NULL, end_us INTEGER, why TEXT NOT NULL DEFAULT '', "
                "busy_us INTEGER NOT NULL DEFAULT 0);"
                "CREATE TABLE event(id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL);"
                "CREATE TABLE day(day INTEGER NOT NULL, uid INTEGER NOT NULL, user TEXT NOT NULL, "
                "project TEXT NOT NULL, gpu TEXT NOT NULL, held_us INTEGER NOT NULL, busy_us "
                "INTEGER NOT NULL, leases INTEGER NOT NULL, PRIMARY KEY(day, uid, project, gpu)) "
                "WITHOUT ROWID;"
                "INSERT INTO lease VALUES(1, 'a', 'uuid-0', 'GPU-0', 7000, 1, 'u1', 'a', 'p', "
                "180000000000, 0, 187200000000, 'x', 3600000000);"
                "INSERT INTO day VALUES(1, 1, 'u1', 'p', 'GPU-0', 7200000000, 3600000000, 1);"
                "PRAGMA user_version = 1;";
        sqlite3 *db = NULL;

        history_close(h);
        unlink("h.db");
        assert_int_equal(sqlite3_open("h.db", &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        if (history_open("h.db", true, &h, &err) < 0)
                fail_msg("%s", err.msg);
        expect_leases(0, 100 * HOUR, false, 0, 100, "u1 a GPU-0 50-52 busy 1 x\n");
        expect_report(0, 100 * HOUR, false, REPORT_USER, 90 * HOUR,
                      "u1 held 4.00 told 4.00 busy 2.00 of 2\n");
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
        expect_leases(0, 9 * HOUR, false, 0, 100, "u1 a GPU-0 1-0 busy -1 \n");
}

/* Everybody's history is nobody's to read, also beside ds01d. */
static void test_modes(void **state) {
        static const char *const names[] = { "h.db", "h.db-wal", "h.db-shm" };
        struct stat st;

        history_close(h);
        assert_int_equal(chmod("h.db", 0644), 0);
        for (int round = 0; round < 2; round++) {
                if (round)
                        unlink("h.db");
                assert_int_equal(history_open("h.db", true, &h, &err), 0);
                add(EVENT_LEASE_BEGIN, HOUR, "a", 1, 1, "");
                for (size_t i = 0; i < 3; i++) {
                        assert_int_equal(stat(names[i], &st), 0);
                        assert_int_equal(st.st_mode & 07777, 0600);
                }
                if (round == 0)
                        history_close(h);
        }
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
                cmocka_unit_test_setup_teardown(test_news, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_too_many_of_one, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_several_goes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_months, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_upgrade, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_crash, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_modes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("history", tests, enter, leave);
}
