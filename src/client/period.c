/* See period.h. */
#include "client/period.h"

#include "base/clock.h"
#include "base/str.h"

#include <string.h>
#include <time.h>

enum { AGO_MAX_S = 100 * 366 * 86400LL / 1 };

/* All of @typed in one of strptime's forms, in the local time zone; no 31st of November, which
 * strptime takes. */
static bool parse(const char *typed, const char *form, struct tm *tm) {
        const char *end;
        struct tm real;

        memset(tm, 0, sizeof(*tm));
        tm->tm_mday = 1;
        tm->tm_isdst = -1;
        end = strptime(typed, form, tm);
        if (!end || *end || tm->tm_year < 70)
                return false;
        real = *tm;
        return mktime(&real) >= 0 && real.tm_mday == tm->tm_mday && real.tm_mon == tm->tm_mon;
}

int period_moment(struct cli *c, const char *option, const char *typed, int64_t *ret_s) {
        struct tm tm;
        int64_t ago;

        if (parse(typed, "%Y-%m-%d %H:%M", &tm) || parse(typed, "%Y-%m-%d", &tm)) {
                *ret_s = mktime(&tm);
                return EXIT_DONE;
        }
        if (duration_parse(typed, AGO_MAX_S, &ago) == 0) {
                *ret_s = c->now_us / US_PER_S - ago;
                return EXIT_DONE;
        }
        cli_error(c, "%s takes a day such as 2026-11-24, or a time ago such as 12h or 7d, not '%s'",
                  option, typed);
        return EXIT_USAGE;
}

int period_month(struct cli *c, const char *option, const char *typed, int64_t *ret_from_s,
                 int64_t *ret_to_s) {
        time_t now = (time_t)(c->now_us / US_PER_S);
        struct tm tm;

        if (*typed && !parse(typed, "%Y-%m", &tm)) {
                cli_error(c, "%s takes a month such as 2026-11, not '%s'", option, typed);
                return EXIT_USAGE;
        }
        if (!*typed) {
                localtime_r(&now, &tm);
                tm = (struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = 1,
                                  .tm_isdst = -1 };
        }
        *ret_from_s = mktime(&tm);
        tm.tm_mon++;
        tm.tm_isdst = -1;
        *ret_to_s = mktime(&tm);
        return EXIT_DONE;
}
