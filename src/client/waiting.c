/* See waiting.h. */
#include "client/waiting.h"

#include "base/clock.h"
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "json/json_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
        ANSWER_MAX = 64 << 10,
        WAIT_MAX_S = 30 * 24 * 3600,
        SAY_EVERY_S = 600, /* where nothing is redrawn and the place stays the same */
};

struct waiting {
        struct cli *cli;
        struct buf answer; /* the last line that is no news of the queue */
        int64_t began_us;  /* CLOCK_MONOTONIC */
        char text[2048];   /* of the line that is shown */
        int64_t next_us;   /* wall clock: when the next lease ends; 0 = it is not known */
        int64_t position, of;
        int64_t said_us; /* CLOCK_MONOTONIC; 0: nothing yet */
        bool waits, shown, failed;
};

int waiting_put(struct cli *c, struct json_writer *w, const char *time) {
        int64_t seconds = -1; /* for as long as it takes */

        if (*time && duration_parse(time, WAIT_MAX_S, &seconds) < 0) {
                cli_error(c,
                          "--wait takes a time of at most 30 days, such as 90s, 10m or 2h, "
                          "not '%s'",
                          time);
                return EXIT_USAGE;
        }
        json_put_int(w, "wait_seconds", seconds);
        return EXIT_DONE;
}

static void clear(struct waiting *w) {
        if (w->shown)
                cli_redraw(w->cli, "");
        w->shown = false;
}

/* "waiting 12s, place 2 of 3: ..." */
static void draw(struct waiting *w) {
        char time[32], left[32] = "", line[2300];

        if (!w->cli->redraws || !w->waits)
                return;
        duration_format(clock_mono_us() - w->began_us, time, sizeof(time));
        if (w->next_us) {
                int64_t us = w->next_us - clock_real_us();

                duration_format(us > 0 ? us : 0, left, sizeof(left));
        }
        snprintf(line, sizeof(line), "waiting %s%s%s, %s", time, *left ? ", next change in " : "",
                 left, w->text);
        cli_redraw(w->cli, line);
        w->shown = true;
}

/* A line for a log: not for every second that a time in it has changed. */
static void say(struct waiting *w, bool moved) {
        int64_t now = clock_mono_us();

        if (!moved && w->said_us && now - w->said_us < SAY_EVERY_S * US_PER_S)
                return;
        w->said_us = now;
        fputs("waiting, ", w->cli->err);
        put_safe(w->cli->err, w->text);
        fputc('\n', w->cli->err);
        fflush(w->cli->err);
}

static void take_news(struct waiting *w, struct json_scan *s) {
        char reason[1800] = "", next[40] = "";
        int64_t position = 0, of = 0;
        bool moved;

        if (json_scan_next(s) != JSON_SCAN_OBJECT)
                return;
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "position"))
                        json_scan_get_int(s, &position);
                else if (json_scan_is(s, "waiting"))
                        json_scan_get_int(s, &of);
                else if (json_scan_is(s, "reason"))
                        json_scan_get_str(s, reason, sizeof(reason));
                else if (json_scan_is(s, "next_free_at"))
                        json_scan_get_str(s, next, sizeof(next));
                else
                        json_scan_skip(s);
        if (time_parse(next, &w->next_us) < 0)
                w->next_us = 0;
        snprintf(w->text, sizeof(w->text), "place %" PRId64 " of %" PRId64 ": %s", position, of,
                 reason);
        moved = position != w->position || of != w->of;
        w->position = position;
        w->of = of;
        w->waits = true;
        if (w->cli->redraws)
                draw(w);
        else
                say(w, moved);
}

static void on_line(void *arg, const char *line, size_t n) {
        struct json_scan s = JSON_SCAN(line, n);
        struct waiting *w = arg;

        if (n == 0)
                return;
        if (json_scan_next(&s) == JSON_SCAN_OBJECT && json_scan_next(&s) == JSON_SCAN_KEY) {
                if (json_scan_is(&s, "waiting")) {
                        take_news(w, &s);
                        return;
                }
                w->failed = json_scan_is(&s, "error");
        }
        buf_reset(&w->answer);
        buf_add(&w->answer, line, n);
}

static void on_tick(void *arg) {
        struct waiting *w = arg;

        draw(w);
}

int waiting_send(struct cli *c, const struct call *call, struct reply *ret) {
        struct waiting w = { .cli = c,
                             .answer = BUF_INIT(ANSWER_MAX),
                             .began_us = clock_mono_us() };
        struct call waits = *call;
        int r;

        waits.on_line = on_line;
        waits.on_tick = on_tick;
        waits.arg = &w;
        waits.doing = NULL;
        r = call_send(c, &waits, ret);
        clear(&w);
        if (r == EXIT_DONE && ret->status == 200) {
                buf_release(&ret->body);
                ret->body = w.answer;
                w.answer = (struct buf){ 0 };
                if (w.failed) {
                        ret->status = 400;
                        reply_parse_error(ret);
                }
        }
        buf_release(&w.answer);
        return r;
}
