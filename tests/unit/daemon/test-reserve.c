/* Reservations: the file that keeps them, and when a weekly one is next. */
#include "cmocka-headers.h"

#include "daemon/reserve.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void test_round_trip(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(RESERVE_FILE_MAX);
        static struct own_reservation list[2], back[RESERVATIONS_MAX];
        size_t n = 0;

        (void)state;
        list[0] = (struct own_reservation){ .id = 3, .r = { .gpus = 2, .start_us = 10, .end_us = 20,
                                                            .users = "alice bob" } };
        list[1] = (struct own_reservation){ .id = 4, .r = { .gpus = 1, .start_us = 30, .end_us = 40,
                                                            .users = "carol" } };
        assert_int_equal(reserve_write(list, 2, &text), 0);
        assert_int_equal(reserve_read(text.data, text.len, back, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(back[0].id, 3);
        assert_int_equal(back[0].r.gpus, 2);
        assert_int_equal(back[0].r.end_us, 20);
        assert_string_equal(back[0].r.users, "alice bob");
        assert_string_equal(back[1].r.users, "carol");
}

static void test_damage(void **state) {
        static const char *const bad[] = {
                "", "{}", "[]", "{\"reservations\":[\"\"]}", "{\"reservations\":[\"1 2 3 4\"]}",
                "{\"reservations\":[\"1 2 3 4 \"]}", "{\"reservations\":[\"1 2 x 4 alice\"]}",
                "{\"reservations\":[\"1 2 3 99999999999999999999 alice\"]}",
        };
        static struct own_reservation back[RESERVATIONS_MAX];
        size_t n = 7;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(reserve_read(bad[i], strlen(bad[i]), back, &n), -EBADMSG);
        assert_int_equal(n, 7);
}

static int64_t at(const char *text) {
        int64_t us = 0;

        assert_int_equal(moment_parse(text, &us), 0);
        return us;
}

/* Where the clock is set at the end of October: 2026-10-25 is a Sunday, 2026-11-25 a Wednesday. */
static void test_weekly(void **state) {
        static const struct {
                const char *now, *start, *end;
                unsigned days;
                int64_t from, to;
        } rows[] = {
                { "2026-11-25 08:00", "2026-11-25 09:00", "2026-11-25 12:00", 1 << 3, 540, 720 },
                { "2026-11-25 11:59", "2026-11-25 09:00", "2026-11-25 12:00", 1 << 3, 540, 720 },
                { "2026-11-25 12:00", "2026-12-02 09:00", "2026-12-02 12:00", 1 << 3, 540, 720 },
                { "2026-11-25 12:00", "2026-11-26 09:00", "2026-11-26 12:00", 3 << 3, 540, 720 },
                /* over midnight */
                { "2026-11-26 01:00", "2026-11-25 22:00", "2026-11-26 02:00", 1 << 3, 1320, 120 },
                /* the whole day, every day */
                { "2026-12-31 23:59", "2026-12-31 00:00", "2027-01-01 00:00", 127, 0, 1440 },
                { "2026-10-24 10:00", "2026-10-25 09:00", "2026-10-25 12:00", 1, 540, 720 },
                /* over the night in which the clock is set, back and forth */
                { "2026-10-24 23:00", "2026-10-24 22:00", "2026-10-25 04:00", 1 << 6, 1320, 240 },
                { "2026-03-29 05:00", "2026-04-04 22:00", "2026-04-05 04:00", 1 << 6, 1320, 240 },
                { "2026-03-29 03:30", "2026-03-28 22:00", "2026-03-29 04:00", 1 << 6, 1320, 240 },
                /* from one year into the next */
                { "2026-12-31 23:00", "2026-12-31 22:00", "2027-01-01 02:00", 1 << 4, 1320, 120 },
        };

        (void)state;
        setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
        tzset();
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct reservation r = { .days = rows[i].days, .from_min = rows[i].from,
                                         .to_min = rows[i].to };

                reserve_occurrence(&r, at(rows[i].now));
                assert_int_equal(r.start_us, at(rows[i].start));
                assert_int_equal(r.end_us, at(rows[i].end));
        }
}

static void test_peak(void **state) {
        static const struct {
                int64_t start, end, gpus, wanted, at;
        } rows[] = {
                { 0, 10, 1, 1, 0 },   { 0, 11, 1, 3, 10 }, { 12, 14, 1, 3, 12 },
                { 15, 40, 1, 6, 20 }, { 30, 40, 4, 4, 30 }, { 25, 26, 1, 4, 25 },
        };
        static const struct reservation list[] = {
                { .gpus = 2, .start_us = 10, .end_us = 25 },
                { .gpus = 3, .start_us = 20, .end_us = 30 },
        };
        const struct reservation *const others[] = { &list[0], &list[1] };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct reservation r = { .gpus = rows[i].gpus, .start_us = rows[i].start,
                                               .end_us = rows[i].end };
                int64_t most = 0;

                assert_int_equal(reservation_peak(others, 2, &r, &most), rows[i].at);
                assert_int_equal(most, rows[i].wanted);
        }
}

static void test_moments(void **state) {
        static const char *const bad[] = { "", "tomorrow", "2026-13-01 09:00", "2026-02-30 09:00",
                                           "2026-12-01", "2026-12-01 25:00", "2026-12-01 9" };
        int64_t value = 5;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(moment_parse(bad[i], &value), -EINVAL);
        assert_int_equal(value, 5);
        assert_int_equal(moment_parse("2026-12-01T08:00:00Z", &value), 0);
        assert_int_equal(value, at("2026-12-01 9:00"));
        assert_int_equal(minutes_parse("24:00", &value), 0);
        assert_int_equal(value, 1440);
        assert_int_equal(minutes_parse("24:01", &value), -EINVAL);
        assert_int_equal(minutes_parse("9:5", &value), -EINVAL);
        assert_int_equal(minutes_parse("9:05x", &value), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_damage),
                cmocka_unit_test(test_weekly),
                cmocka_unit_test(test_peak),
                cmocka_unit_test(test_moments),
        };

        return cmocka_run_group_tests_name("daemon-reserve", tests, NULL, NULL);
}
