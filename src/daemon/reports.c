/*
 * What the history says: GET /v1/history and /v1/report. People see what is theirs; an
 * administrator sees everybody's, or one person's.
 */
#include "daemon/call.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
        ROWS_MAX = 10000,
        SPAN_DEFAULT_H = 7 * 24, /* without "from" */
};

/* "?from=SECONDS": wall clock since 1970. */
static int read_moment(struct call *c, const char *key, int64_t fallback_us, int64_t *ret_us) {
        const char *value = http_request_param(c->request, key);
        int64_t s;

        if (!value) {
                *ret_us = fallback_us;
                return 0;
        }
        if (str_to_i64(value, 0, INT64_MAX / US_PER_S / 2, &s) < 0) {
                call_fail(c, REFUSAL_BAD_REQUEST, "%s is a number of seconds since 1970, not '%s'",
                          key, value);
                return -1;
        }
        *ret_us = s * US_PER_S;
        return 0;
}

static int read_filter(struct call *c, struct history_filter *f) {
        int64_t now = clock_real_us();

        *f = (struct history_filter){ .max = ROWS_MAX };
        if (read_moment(c, "from", now - SPAN_DEFAULT_H * US_PER_H, &f->from_us) < 0 ||
            read_moment(c, "to", now + US_PER_S, &f->to_us) < 0)
                return -1;
        /* Whose rows: the caller's own, or those of the person an administrator names. */
        f->one = !c->everybody;
        f->uid = c->who->uid;
        return 0;
}

/* A handle of this request's own; NULL when refused (answered). */
static struct history *open_history(struct call *c) {
        struct history *h = NULL;
        struct err err = { 0 };
        char path[PATH_MAX];

        journal_history_path(c->daemon, path, sizeof(path));
        if (history_open(path, false, &h, &err) < 0)
                call_fail(c, REFUSAL_INTERNAL, "the history can't be read: %s", err.msg);
        return h;
}

static void put_moment(struct json_writer *w, const char *key, int64_t us) {
        char text[32];

        time_format(us, text, sizeof(text));
        json_put_str(w, key, us ? text : NULL);
}

static void put_lease(void *arg, const struct lease_row *row) {
        struct json_writer *w = arg;
        int64_t end = row->end_us ? row->end_us : clock_real_us();

        json_write_object(w);
        json_put_str(w, "user", row->user);
        json_put_str(w, "container", row->container);
        json_put_str(w, "project", row->project[0] ? row->project : NULL);
        json_put_str(w, "gpu", row->gpu);
        json_put_str(w, "uuid", row->uuid);
        json_put_double(w, "weight", (double)row->units / GPU_UNITS_PER_GPU, 3);
        put_moment(w, "from", row->begin_us);
        put_moment(w, "to", row->end_us);
        json_put_int(w, "seconds", (end - row->begin_us) / US_PER_S);
        json_write_key(w, "busy_seconds");
        if (row->busy_us < 0)
                json_write_null(w);
        else
                json_write_int(w, row->busy_us / US_PER_S);
        json_put_str(w, "why", row->why[0] ? row->why : NULL);
        json_write_object_end(w);
}

static void put_event(void *arg, const struct event_row *row) {
        struct json_writer *w = arg;

        json_write_object(w);
        put_moment(w, "time", row->at_us);
        json_put_str(w, "event", row->kind);
        json_put_str(w, "user", row->user);
        json_put_str(w, "container", row->container[0] ? row->container : NULL);
        json_put_str(w, "gpu", row->gpus[0] ? row->gpus : NULL);
        json_put_str(w, "code", row->code[0] ? row->code : NULL);
        json_put_str(w, "why", row->why[0] ? row->why : NULL);
        json_write_object_end(w);
}

/* A history that breaks while it is read is no half of an answer. */
static void finish(struct call *c, struct history *h, int r, const struct err *err) {
        history_close(h);
        if (r == 0)
                return;
        buf_reset(&c->answer);
        call_fail(c, REFUSAL_INTERNAL, "the history can't be read: %s", err->msg);
}

void handle_history(struct call *c) {
        struct json_writer w = JSON_WRITER(&c->answer);
        struct history_filter filter;
        struct err err = { 0 };
        struct history *h;
        bool events;
        int r;

        if (call_flag(c, "events", &events) < 0 || read_filter(c, &filter) < 0)
                return;
        h = open_history(c);
        if (!h)
                return;
        json_write_array(&w);
        r = events ? history_events(h, &filter, put_event, &w, &err)
                   : history_leases(h, &filter, put_lease, &w, &err);
        json_write_array_end(&w);
        finish(c, h, r, &err);
}

static void put_sum(void *arg, const struct report_row *row) {
        struct json_writer *w = arg;

        json_write_object(w);
        json_put_str(w, "name", row->name[0] ? row->name : NULL);
        json_put_double(w, "held_hours", (double)row->held_us / US_PER_H, 3);
        json_put_double(w, "told_hours", (double)row->told_us / US_PER_H, 3);
        json_put_double(w, "busy_hours", (double)row->busy_us / US_PER_H, 3);
        json_put_int(w, "leases", row->leases);
        json_write_object_end(w);
}

void handle_report(struct call *c) {
        const char *by = http_request_param(c->request, "by");
        struct json_writer w = JSON_WRITER(&c->answer);
        struct history_filter filter;
        struct err err = { 0 };
        struct history *h;
        int kind = 0, r;

        while (by && report_words[kind] && strcmp(report_words[kind], by) != 0)
                kind++;
        if (!report_words[kind]) {
                call_fail(c, REFUSAL_BAD_REQUEST, "by is user, project or gpu, not '%s'", by);
                return;
        }
        if (read_filter(c, &filter) < 0)
                return;
        h = open_history(c);
        if (!h)
                return;
        json_write_array(&w);
        r = history_report(h, &filter, (enum report_by)kind, clock_real_us(), put_sum, &w, &err);
        json_write_array_end(&w);
        finish(c, h, r, &err);
}
