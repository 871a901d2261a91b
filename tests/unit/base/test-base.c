/* Buffers, vectors, times and error words. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

static void test_buf(void **state) {
        _cleanup_buf_ struct buf b = BUF_INIT(10);

        assert_string_equal(buf_str(&b), "");
        assert_int_equal(buf_add(&b, NULL, 0), 0);
        assert_int_equal(buf_adds(&b, "0123"), 0);
        assert_int_equal(buf_addf(&b, "%d%s", 45, "67"), 0);
        assert_int_equal(buf_addc(&b, '8'), 0);
        assert_string_equal(b.data, "012345678");
        assert_int_equal(buf_adds(&b, "9a"), -ENOBUFS);
        assert_int_equal(buf_addf(&b, "%d", 99), -ENOBUFS);
        assert_true(b.failed);
        assert_string_equal(b.data, "012345678"); /* nothing of it was added */
        assert_int_equal(buf_addc(&b, '9'), 0);
        assert_int_equal(b.len, 10);
        assert_null(buf_reserve(&b, 1));
        assert_null(buf_reserve(&b, SIZE_MAX));
        buf_consume(&b, 3);
        assert_string_equal(b.data, "3456789");
        buf_consume(&b, 7);
        assert_string_equal(b.data, "");
        assert_true(b.failed);
        buf_reset(&b);
        assert_false(b.failed);
        memcpy(buf_reserve(&b, 3), "xyz", 3);
        buf_commit(&b, 3);
        assert_string_equal(b.data, "xyz");
        buf_release(&b);
        assert_null(b.data);
        assert_int_equal(b.max, 10);
        buf_consume(&b, 0);
}

/* Growth in small and large steps meets the ceiling and never passes it. */
static void test_buf_growth(void **state) {
        for (size_t max = 0; max < 300; max += 7) {
                _cleanup_buf_ struct buf b = BUF_INIT(max);

                while (buf_addc(&b, 'x') == 0)
                        ;
                assert_int_equal(b.len, max);
        }
}

static void test_vec(void **state) {
        VEC(int) v = { 0 };

        for (int i = 0; i < 1000; i++)
                assert_int_equal(VEC_PUSH(&v, i), 0);
        VEC_REMOVE(&v, 0);
        VEC_REMOVE(&v, 998);
        VEC_REMOVE(&v, 500);
        assert_int_equal(v.len, 997);
        assert_int_equal(v.items[0], 1);
        assert_int_equal(v.items[499], 500);
        assert_int_equal(v.items[500], 502);
        assert_int_equal(v.items[996], 998);
        VEC_RELEASE(&v);
        assert_null(v.items);
        assert_int_equal(vec_grow((void **)&v.items, &v.cap, SIZE_MAX / 4, 8), -ENOMEM);
        assert_null(v.items);
}

static void test_time(void **state) {
        static const struct {
                const char *text;
                int r;
                int64_t us;
        } rows[] = {
                { "1970-01-01T00:00:00Z", 0, 0 },
                { "1970-01-01T00:00:00.000001Z", 0, 1 },
                { "1970-01-01T00:00:00.123456789Z", 0, 123456 },
                { "1970-01-01T01:00:00+01:00", 0, 0 },
                { "1969-12-31T23:00:00-01:00", 0, 0 },
                { "2026-11-23T22:51:00Z", 0, 1795474260LL * US_PER_S },
                { "2024-02-29T12:00:00Z", 0, 1709208000LL * US_PER_S },
                { "2000-03-01T00:00:00Z", 0, 951868800LL * US_PER_S },
                { "1969-12-31T23:59:59Z", 0, -US_PER_S },
                { "0001-01-01T00:00:00Z", 0, 0 },
                { "", -EINVAL, 0 },
                { "2026-11-23", -EINVAL, 0 },
                { "2026-11-23T22:51:00", -EINVAL, 0 },
                { "2026-11-23 22:51:00Z", -EINVAL, 0 },
                { "2026-11-23T22:51:00.Z", -EINVAL, 0 },
                { "2026-13-23T22:51:00Z", -EINVAL, 0 },
                { "2026-11-00T22:51:00Z", -EINVAL, 0 },
                { "2026-11-23T24:00:00Z", -EINVAL, 0 },
                { "2026-11-23T22:51:00Zx", -EINVAL, 0 },
                { "2026-11-23T22:51:00+0100", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int64_t us = 77;

                if (time_parse(rows[i].text, &us) != rows[i].r ||
                    us != (rows[i].r < 0 ? 77 : rows[i].us))
                        fail_msg("'%s' gives %lld", rows[i].text, (long long)us);
        }
        for (int64_t s = -100000000; s < 4000000000; s += 7654321) { /* there and back */
                char text[32];
                int64_t us;

                time_format(s * US_PER_S, text, sizeof(text));
                assert_int_equal(time_parse(text, &us), 0);
                assert_int_equal(us, s * US_PER_S);
        }
}

static void test_duration(void **state) {
        static const struct {
                int64_t seconds;
                const char *text;
        } rows[] = {
                { -5, "0s" },        { 0, "0s" },         { 59, "59s" },
                { 60, "1m" },        { 3599, "59m" },     { 3600, "1h 0m" },
                { 8100, "2h 15m" },  { 86399, "23h 59m" }, { 86400, "1d 0h" },
                { 273600, "3d 4h" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char text[32];

                duration_format(rows[i].seconds * US_PER_S, text, sizeof(text));
                assert_string_equal(text, rows[i].text);
        }
}

static void test_clocks(void **state) {
        int64_t a = clock_mono_us(), b = clock_boot_us();

        assert_true(clock_mono_us() >= a);
        assert_true(clock_boot_us() >= b);
        assert_true(clock_real_us() > 1700000000LL * US_PER_S);
}

static void test_err(void **state) {
        struct err e = { 0 };
        char text[600];

        assert_int_equal(err_set(NULL, EINVAL, "x"), -EINVAL);
        assert_int_equal(err_set(&e, ENOENT, "no file '%s'", "a"), -ENOENT);
        assert_string_equal(e.msg, "no file 'a'");
        assert_int_equal(err_wrap(&e, "cannot read '%s'", "b"), -ENOENT);
        assert_string_equal(e.msg, "cannot read 'b': no file 'a'");
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        err_wrap(&e, "%s", text);
        assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_buf),  cmocka_unit_test(test_buf_growth),
                cmocka_unit_test(test_vec),  cmocka_unit_test(test_time),
                cmocka_unit_test(test_duration), cmocka_unit_test(test_clocks),
                cmocka_unit_test(test_err),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
