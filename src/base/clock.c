/* Clocks, RFC 3339 and durations. */
#include "base/clock.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now_us(clockid_t id) {
        struct timespec ts;

        clock_gettime(id, &ts);
        return ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_real_us(void) {
        return now_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void) {
        return now_us(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void) {
        return now_us(CLOCK_BOOTTIME);
}

void time_format(int64_t real_us, char *dst, size_t size) {
        time_t seconds = (time_t)(real_us / US_PER_S);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(dst, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant's
 * days_from_civil, https://howardhinnant.github.io/date_algorithms.html). */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
        int64_t era, yoe, doy, doe;

        y -= m <= 2;
        era = (y >= 0 ? y : y - 399) / 400;
        yoe = y - era * 400;
        doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
        doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        return era * 146097 + doe - 719468;
}

static int digits(const char **s, int count, int64_t *ret) {
        *ret = 0;
        for (int i = 0; i < count; i++, (*s)++) {
                if (**s < '0' || **s > '9')
                        return -EINVAL;
                *ret = *ret * 10 + (**s - '0');
        }
        return 0;
}

static int literal(const char **s, char c) {
        if (**s != c)
                return -EINVAL;
        (*s)++;
        return 0;
}

int time_parse(const char *s, int64_t *ret_us) {
        int64_t year, month, day, hour, minute, second, us = 0, scale = 100000, offset = 0;

        if (digits(&s, 4, &year) || literal(&s, '-') || digits(&s, 2, &month) || literal(&s, '-') ||
            digits(&s, 2, &day) || literal(&s, 'T') || digits(&s, 2, &hour) || literal(&s, ':') ||
            digits(&s, 2, &minute) || literal(&s, ':') || digits(&s, 2, &second))
                return -EINVAL;
        if (*s == '.') {
                s++;
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                for (; *s >= '0' && *s <= '9'; s++, scale /= 10)
                        us += (*s - '0') * scale;
        }
        if (*s == '+' || *s == '-') {
                int64_t sign = *s++ == '-' ? -1 : 1, h, m;

                if (digits(&s, 2, &h) || literal(&s, ':') || digits(&s, 2, &m))
                        return -EINVAL;
                offset = sign * (h * 60 + m) * 60;
        } else if (literal(&s, 'Z')) {
                return -EINVAL;
        }
        if (*s || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
            second > 60)
                return -EINVAL;
        if (year <= 1) {
                *ret_us = 0;
                return 0;
        }
        *ret_us = (((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second -
                   offset) * US_PER_S + us;
        return 0;
}

int minutes_parse(const char *s, int64_t *ret) {
        int64_t hours = *s >= '0' && *s <= '9' ? *s++ - '0' : -1, minutes;

        if (hours >= 0 && *s >= '0' && *s <= '9')
                hours = hours * 10 + (*s++ - '0');
        if (hours < 0 || literal(&s, ':') || digits(&s, 2, &minutes) || *s || minutes > 59 ||
            hours * 60 + minutes > 24 * 60)
                return -EINVAL;
        *ret = hours * 60 + minutes;
        return 0;
}

int moment_parse(const char *s, int64_t *ret_us) {
        int64_t year, month, day, minutes;
        const char *p = s;
        struct tm tm = { .tm_isdst = -1 };
        time_t t;

        if (time_parse(s, ret_us) == 0)
                return 0;
        if (digits(&p, 4, &year) || literal(&p, '-') || digits(&p, 2, &month) ||
            literal(&p, '-') || digits(&p, 2, &day) || literal(&p, ' ') ||
            minutes_parse(p, &minutes) || month < 1 || month > 12 || day < 1 || day > 31 ||
            year < 1970)
                return -EINVAL;
        tm.tm_year = (int)year - 1900;
        tm.tm_mon = (int)month - 1;
        tm.tm_mday = (int)day;
        tm.tm_min = (int)minutes;
        t = mktime(&tm);
        if (t == (time_t)-1 || tm.tm_mon != (int)month - 1)
                return -EINVAL;
        *ret_us = t * US_PER_S;
        return 0;
}

int duration_parse(const char *s, int64_t max_s, int64_t *ret_s) {
        static const struct {
                char unit;
                int64_t seconds;
        } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
        int64_t number, seconds = 1;
        char digits[24];
        size_t n = strlen(s);
        int r;

        if (n == 0 || !str_copy(digits, sizeof(digits), s))
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (s[n - 1] == units[i].unit) {
                        digits[n - 1] = '\0';
                        seconds = units[i].seconds;
                }
        r = str_to_i64(digits, 0, max_s / seconds, &number);
        if (r == 0)
                *ret_s = number * seconds;
        return r;
}

void duration_format(int64_t us, char *dst, size_t size) {
        long long s = us < 0 ? 0 : (long long)(us / US_PER_S);

        if (s < 60)
                snprintf(dst, size, "%llds", s);
        else if (s < 3600)
                snprintf(dst, size, "%lldm", s / 60);
        else if (s < 86400)
                snprintf(dst, size, "%lldh %lldm", s / 3600, s / 60 % 60);
        else
                snprintf(dst, size, "%lldd %lldh", s / 86400, s / 3600 % 24);
}
