/* ds01 history: who had which GPU, from when to when; or everything that happened. */
#include "base/clock.h"
#include "base/str.h"
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
        const char *since;
        bool events;
};

enum { HISTORY_CSV = FORMAT_SIMPLE };
static const char *const formats[] = { "table", "json", "csv", NULL };

static const struct option_row rows[] = {
        OPTION_STRING(0, "since", "TIME", struct history_options, since,
                      "2026-11-24, or 12h, 7d ago (default: 7d)"),
        OPTION_FLAG(0, "events", struct history_options, events,
                    "all that happened, not only GPUs"),
        OPTION_CHOICE(0, "format", "table|json|csv", struct history_options, format, formats,
                      "how to print it"),
};

struct row {
        char user[128], container[128], project[128], gpu[512], from[40], to[40], why[512];
        char event[32], code[64], time[40];
        int64_t seconds, busy;
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

        *r = (struct row){ 0 };
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
        table_add(t, text);
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
        fprintf(c->out, "%" PRId64 ",%" PRId64 ",", r->seconds, r->busy);
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

static int print_csv(struct cli *c, const char *target, bool events) {
        fputs(events ? "time,user,event,container,gpu,code,why\n"
                     : "user,container,project,gpu,from,to,seconds,busy_seconds,why\n",
              c->out);
        return rows_get(c, target, &kind, events ? put_event_csv : put_lease_csv, NULL);
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
        char number[32];
        int64_t since;
        int r = EXIT_DONE;

        buf_adds(&target, "/v1/history");
        if (o->events)
                http_target_param(&target, "events", "true");
        if (o->since)
                r = period_moment(c, "--since", o->since, &since);
        if (r != EXIT_DONE)
                return r;
        if (o->since) {
                snprintf(number, sizeof(number), "%" PRId64, since);
                http_target_param(&target, "from", number);
        }
        if (o->format == HISTORY_CSV)
                return print_csv(c, target.data, o->events);
        return listing_get(c, o->events ? &events : &leases, target.data, o->format);
}

const struct command command_history = {
        .name = "history",
        .usage = "",
        .summary = "Show who had which GPU, and when",
        .more = "BUSY: the share of that time in which the GPU was in use. You see what was\n"
                "yours; administrators see everybody's.",
        .examples = "ds01 history\n"
                    "ds01 history --since=2026-11-01 --format=csv\n"
                    "ds01 history --events",
        COMMAND_OPTIONS(rows, struct history_options),
        .run = run,
};
