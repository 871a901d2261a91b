/* ds01 history: who had which GPU, from when to when; or everything that happened. */
#include "base/clock.h"
#include "base/str.h"
#include "client/call.h"
#include "client/command.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/period.h"
#include "http/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct history_options {
        int format;
        const char *since, *until;
        bool events;
};

enum {
        HISTORY_CSV = FORMAT_SIMPLE,
        ROWS_MAX = 10000, /* ds01d's: the newest of more */
};
static const char *const formats[] = { "table", "json", "csv", NULL };

static const struct option_row rows[] = {
        OPTION_STRING(0, "since", "TIME", struct history_options, since,
                      "2026-11-24, or 12h, 7d ago (default: 7d)"),
        OPTION_STRING(0, "until", "TIME", struct history_options, until,
                      "the same, for the end (default: now)"),
        OPTION_FLAG(0, "events", struct history_options, events,
                    "all that happened, not only GPUs"),
        OPTION_CHOICE(0, "format", "table|json|csv", struct history_options, format, formats,
                      "how to print it"),
};

struct row {
        char user[128], container[128], project[128], gpu[512], from[40], to[40], why[512];
        char event[32], code[64], time[40];
        int64_t seconds, busy; /* busy: -1 = the GPU does not tell */
};

static void scan_row(struct json_scan *s, void *ret) {
        struct row *r = ret;
        const struct json_text texts[] = {
                { "user", r->user, sizeof(r->user) },
                { "container", r->container, sizeof(r->container) },
                { "project", r->project, sizeof(r->project) },
                { "gpu", r->gpu, sizeof(r->gpu) },
                { "from", r->from, sizeof(r->from) },
                { "to", r->to, sizeof(r->to) },
                { "why", r->why, sizeof(r->why) },
                { "event", r->event, sizeof(r->event) },
                { "code", r->code, sizeof(r->code) },
                { "time", r->time, sizeof(r->time) },
        };

        *r = (struct row){ .busy = -1 };
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                if (json_scan_text(s, texts, ARRAY_SIZE(texts)))
                        continue;
                if (json_scan_is(s, "seconds"))
                        json_scan_get_int(s, &r->seconds);
                else if (json_scan_is(s, "busy_seconds"))
                        json_scan_get_int(s, &r->busy);
                else
                        json_scan_skip(s);
        }
}

static const struct table_column lease_columns[] = {
        { "USER", TABLE_LEAST, .goes = 3 }, { "CONTAINER", TABLE_LEAST },
        { "GPU", TABLE_LEAST },             { "FROM", TABLE_LEAST },
        { "TO", TABLE_LEAST, .goes = 4 },   { "HELD" },
        { "BUSY", .goes = 2 },              { "ENDED", TABLE_LEAST, .goes = 1 },
};

static void add_lease(struct cli *c, struct table *t, const void *row) {
        const struct row *r = row;
        char text[64];

        table_add(t, r->user);
        table_add(t, r->container);
        table_add(t, r->gpu);
        format_moment_text(r->from, c->now_us, text, sizeof(text));
        table_add(t, text);
        format_moment_text(r->to, c->now_us, text, sizeof(text));
        table_add(t, r->to[0] ? text : "");
        duration_format(r->seconds * US_PER_S, text, sizeof(text));
        table_add(t, text);
        snprintf(text, sizeof(text), "%" PRId64 "%%",
                 r->seconds > 0 ? r->busy * 100 / r->seconds : 0);
        table_add(t, r->busy < 0 ? "-" : text);
        table_add(t, r->to[0] ? r->why : "");
}

static const struct table_column event_columns[] = {
        { "TIME", TABLE_LEAST },      { "USER", TABLE_LEAST, .goes = 2 },
        { "EVENT" },                  { "CONTAINER", TABLE_LEAST },
        { "GPU", TABLE_LEAST, .goes = 1 }, { "WHY", TABLE_LEAST, .goes = 3 },
};

static void add_event(struct cli *c, struct table *t, const void *row) {
        const struct row *r = row;
        char text[64];

        format_moment_text(r->time, c->now_us, text, sizeof(text));
        table_add(t, text);
        table_add(t, r->user);
        table_add(t, r->event);
        table_add(t, r->container);
        table_add(t, r->gpu);
        table_add(t, r->why);
}

static const struct row_kind kind = { "the history", sizeof(struct row), scan_row };

/* A field as RFC 4180 has it; one that a spreadsheet would take for a formula is none. */
static void put_field(struct cli *c, const char *text, bool last) {
        char safe[512];

        str_printable(safe, sizeof(safe), text);
        fputs(*safe && strchr("=+-@", *safe) ? "\"'" : "\"", c->out);
        for (const char *p = safe; *p; p++) {
                if (*p == '"')
                        fputc('"', c->out);
                fputc(*p, c->out);
        }
        fputs(last ? "\"\n" : "\",", c->out);
}

static int put_lease_csv(struct cli *c, const void *row, void *data) {
        const struct row *r = row;

        put_field(c, r->user, false);
        put_field(c, r->container, false);
        put_field(c, r->project, false);
        put_field(c, r->gpu, false);
        put_field(c, r->from, false);
        put_field(c, r->to, false);
        fprintf(c->out, "%" PRId64 ",", r->seconds);
        if (r->busy >= 0)
                fprintf(c->out, "%" PRId64, r->busy);
        fputc(',', c->out);
        put_field(c, r->why, true);
        return EXIT_DONE;
}

static int put_event_csv(struct cli *c, const void *row, void *data) {
        const struct row *r = row;

        put_field(c, r->time, false);
        put_field(c, r->user, false);
        put_field(c, r->event, false);
        put_field(c, r->container, false);
        put_field(c, r->gpu, false);
        put_field(c, r->code, false);
        put_field(c, r->why, true);
        return EXIT_DONE;
}

static int print_csv(struct cli *c, const struct buf *body, bool events) {
        fputs(events ? "time,user,event,container,gpu,code,why\n"
                     : "user,container,project,gpu,from,to,seconds,busy_seconds,why\n",
              c->out);
        return rows_read(c, body, &kind, events ? put_event_csv : put_lease_csv, NULL);
}

static int count(struct cli *c, const void *row, void *data) {
        ++*(size_t *)data;
        return EXIT_DONE;
}

/* @ret_s is left alone when nothing was typed. */
static int put_moment(struct cli *c, const char *option, const char *typed, const char *key,
                      struct buf *target, int64_t *ret_s) {
        char number[32];
        int r = typed ? period_moment(c, option, typed, ret_s) : EXIT_DONE;

        if (!typed || r != EXIT_DONE)
                return r;
        snprintf(number, sizeof(number), "%" PRId64, *ret_s);
        http_target_param(target, key, number);
        return EXIT_DONE;
}

static int put_period(struct cli *c, const struct history_options *o, struct buf *target) {
        int64_t from = 0, to = INT64_MAX;
        int r = put_moment(c, "--since", o->since, "from", target, &from);

        if (r == EXIT_DONE)
                r = put_moment(c, "--until", o->until, "to", target, &to);
        if (r != EXIT_DONE || from < to)
                return r;
        cli_error(c, "--until=%s is not after --since=%s", o->until, o->since);
        return EXIT_USAGE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        static const struct listing leases = {
                .kind = &kind,
                LISTING_COLUMNS(lease_columns),
                .none = "No GPU was held in that time (--since=30d looks further back)",
                .add = add_lease,
        };
        static const struct listing events = {
                .kind = &kind,
                LISTING_COLUMNS(event_columns),
                .none = "Nothing happened in that time (--since=30d looks further back)",
                .add = add_event,
        };
        const struct history_options *o = options;
        _cleanup_buf_ struct buf target = BUF_INIT(2048);
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_GET };
        size_t n = 0;
        int r;

        buf_adds(&target, "/v1/history");
        if (o->events)
                http_target_param(&target, "events", "true");
        r = put_period(c, o, &target);
        call.target = buf_str(&target);
        if (r == EXIT_DONE)
                r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        if (o->format == HISTORY_CSV)
                r = print_csv(c, &reply.body, o->events);
        else
                r = listing_print(c, o->events ? &events : &leases, &reply.body, o->format);
        if (r == EXIT_DONE)
                r = rows_read(c, &reply.body, &kind, count, &n);
        if (r == EXIT_DONE && n >= ROWS_MAX)
                fprintf(c->err, "These are the newest %d; --until=TIME shows those before\n",
                        ROWS_MAX);
        return r;
}

const struct command command_history = {
        .name = "history",
        .usage = "",
        .summary = "Show who had which GPU, and when",
        .more = "BUSY: the share of that time in which the GPU was in use; MIG instances don't\n"
                "tell. You see what was yours; administrators see everybody's.",
        .examples = "ds01 history\n"
                    "ds01 history --since=2026-11-01 --format=csv\n"
                    "ds01 history --events",
        COMMAND_OPTIONS(rows, struct history_options),
        .run = run,
};
