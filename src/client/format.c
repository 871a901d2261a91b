/* See format.h. */
#include "client/format.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Cuts "8.20" to "8.2" and "32.0" to "32". */
static void drop_zeros(char *s) {
        char *end = s + strlen(s);

        if (!strchr(s, '.'))
                return;
        while (end[-1] == '0')
                *--end = '\0';
        if (end[-1] == '.')
                *--end = '\0';
}

void format_number(double value, char *dst, size_t size) {
        snprintf(dst, size, "%.2f", value);
        drop_zeros(dst);
}

void format_bytes(int64_t bytes, char *dst, size_t size) {
        static const char units[][3] = { "B", "KB", "MB", "GB", "TB", "PB" };
        double value = bytes > 0 ? (double)bytes : 0;
        unsigned unit = 0;
        char number[40];

        /* 1023.95 would be shown as 1024 */
        while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
                value /= 1024;
                unit++;
        }
        snprintf(number, sizeof(number), "%.*f", value < 99.95 ? 1 : 0, value);
        drop_zeros(number);
        snprintf(dst, size, "%s%s", number, units[unit]);
}

void format_percent(double percent, char *dst, size_t size) {
        char number[40];

        snprintf(number, sizeof(number), "%.*f", percent < 9.95 ? 1 : 0, percent);
        drop_zeros(number);
        snprintf(dst, size, "%s%%", number);
}

void format_moment(int64_t us, int64_t now_us, char *dst, size_t size) {
        time_t t = us / US_PER_S, now = now_us / US_PER_S;
        const char *form = "%Y-%m-%d %H:%M";
        struct tm tm, today;

        if (!localtime_r(&t, &tm) || !localtime_r(&now, &today)) {
                str_copy(dst, size, "-");
                return;
        }
        if (tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday)
                form = "%H:%M";
        else if (us - now_us < 6 * 24 * US_PER_H && now_us - us < 6 * 24 * US_PER_H)
                form = "%a %H:%M";
        if (strftime(dst, size, form, &tm) == 0)
                str_copy(dst, size, "-");
}

void format_moment_text(const char *rfc3339, int64_t now_us, char *dst, size_t size) {
        int64_t us;

        if (time_parse(rfc3339, &us) < 0 || us == 0)
                str_copy(dst, size, "-");
        else
                format_moment(us, now_us, dst, size);
}

void format_left(int64_t us, char *dst, size_t size) {
        duration_format(us < 60 * US_PER_S ? us : us + 30 * US_PER_S, dst, size);
}

bool format_hold_text(const char *rfc3339, int64_t now_us, char *dst, size_t size) {
        char when[40], left[40];
        int64_t until;

        *dst = '\0';
        if (time_parse(rfc3339, &until) < 0 || until == 0)
                return false;
        format_moment(until, now_us, when, sizeof(when));
        format_left(until - now_us, left, sizeof(left));
        snprintf(dst, size, "%s (%s left)", when, left);
        return true;
}

void format_ago_text(const char *rfc3339, int64_t now_us, char *dst, size_t size) {
        static const struct {
                const char *name;
                int64_t seconds;
        } units[] = {
                { "year", 365 * 86400 }, { "month", 30 * 86400 }, { "week", 7 * 86400 },
                { "day", 86400 },        { "hour", 3600 },        { "minute", 60 },
        };
        int64_t us, seconds;

        if (time_parse(rfc3339, &us) < 0 || us == 0) {
                str_copy(dst, size, "-");
                return;
        }
        seconds = (now_us - us) / US_PER_S;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                int64_t n = seconds / units[i].seconds;

                if (n > 0) {
                        snprintf(dst, size, "%lld %s%s ago", (long long)n, units[i].name,
                                 n == 1 ? "" : "s");
                        return;
                }
        }
        str_copy(dst, size, "just now");
}
