/* ds01 report: GPU hours held and in use, by person, project or device, with bars. */
#include "base/clock.h"
#include "base/vec.h"
#include "client/call.h"
#include "client/command.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/period.h"
#include "client/record.h"
#include "http/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct report_options {
        int format, by;
        const char *month;
};

static const char *const by_words[] = { "user", "project", "gpu", NULL };
static const char *const by_titles[] = { "USER", "PROJECT", "GPU" };

static const struct option_row rows[] = {
        OPTION_STRING(0, "month", "YYYY-MM", struct report_options, month,
                      "that month (default: this one)"),
        OPTION_CHOICE(0, "by", "user|project|gpu", struct report_options, by, by_words,
                      "what to sum up by"),
        OPTION_CHOICE(0, "format", "table|json", struct report_options, format,
                      record_format_choices, "how to print it"),
};

struct row {
        char name[160];
        double held, told, busy; /* hours: held, where the GPU tells of its use, in use */
        int64_t leases;
};

static void scan_row(struct json_scan *s, void *ret) {
        struct row *r = ret;

        *r = (struct row){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "name"))
                        json_scan_get_str(s, r->name, sizeof(r->name));
                else if (json_scan_is(s, "held_hours"))
                        json_scan_get_double(s, &r->held);
                else if (json_scan_is(s, "told_hours"))
                        json_scan_get_double(s, &r->told);
                else if (json_scan_is(s, "busy_hours"))
                        json_scan_get_double(s, &r->busy);
                else if (json_scan_is(s, "leases"))
                        json_scan_get_int(s, &r->leases);
                else
                        json_scan_skip(s);
}

static const struct row_kind kind = { "the report", sizeof(struct row), scan_row };

struct sums {
        VEC(struct row) rows;
        struct row total;
};

static int collect(struct cli *c, const void *row, void *data) {
        const struct row *r = row;
        struct sums *s = data;

        s->total.held += r->held;
        s->total.told += r->told;
        s->total.busy += r->busy;
        s->total.leases += r->leases;
        return VEC_PUSH(&s->rows, *r) == 0 ? EXIT_DONE : EXIT_FAILED;
}

enum { BAR_WIDTH = 20, BAR_NARROW = 12, NARROW = 60 };

/* What was held as a bar beside the longest one, the part in use filled. */
static void bar(const struct cli *c, const struct row *r, double longest, char *dst, size_t size) {
        const char *full = c->utf8 ? "█" : "#", *light = c->utf8 ? "░" : ".";
        int width = c->columns > 0 && c->columns < NARROW ? BAR_NARROW : BAR_WIDTH;
        int held = longest > 0 ? (int)(r->held / longest * width + 0.5) : 0;
        int busy = r->told > 0 ? (int)(r->busy / r->told * held + 0.5) : 0;
        size_t n = 0;

        dst[0] = '\0';
        for (int i = 0; i < held && n < size; i++)
                n += (size_t)snprintf(dst + n, size - n, "%s", i < busy ? full : light);
}

static void add_row(const struct cli *c, struct table *t, const struct row *r, double longest) {
        char text[BAR_WIDTH * 4 + 1];

        table_add(t, r->name);
        snprintf(text, sizeof(text), "%.1f", r->held);
        table_add(t, text);
        snprintf(text, sizeof(text), "%.1f", r->busy);
        table_add(t, r->told > 0 ? text : "-");
        snprintf(text, sizeof(text), "%.0f%%", r->told > 0 ? 100 * r->busy / r->told : 0.0);
        table_add(t, r->told > 0 ? text : "-");
        snprintf(text, sizeof(text), "%" PRId64, r->leases);
        table_add(t, text);
        bar(c, r, longest, text, sizeof(text));
        table_add(t, longest > 0 ? text : " ");
}

static void print_table(struct cli *c, const struct report_options *o, struct sums *s) {
        const struct table_column columns[] = {
                { by_titles[o->by], TABLE_LEAST }, { "GPU HOURS" },
                { "BUSY", .goes = 2 },             { "USED" },
                { "LEASES", .goes = 1 },           { "HELD AND BUSY", .goes = 3 },
        };
        _cleanup_table_ struct table table = TABLE(columns);

        for (size_t i = 0; i < s->rows.len; i++)
                add_row(c, &table, &s->rows.items[i], s->rows.items[0].held);
        snprintf(s->total.name, sizeof(s->total.name), "all");
        add_row(c, &table, &s->total, 0);
        table_print(&table, c->out, c->columns, c->utf8);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct report_options *o = options;
        _cleanup_buf_ struct buf target = BUF_INIT(2048);
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_GET };
        struct sums sums = { 0 };
        char number[32];
        int64_t from, to;
        int r = period_month(c, "--month", o->month ? o->month : "", &from, &to);

        if (r != EXIT_DONE)
                return r;
        buf_adds(&target, "/v1/report");
        http_target_param(&target, "by", by_words[o->by]);
        snprintf(number, sizeof(number), "%" PRId64, from);
        http_target_param(&target, "from", number);
        snprintf(number, sizeof(number), "%" PRId64, to);
        http_target_param(&target, "to", number);
        call.target = target.data;
        r = call_do(c, &call, &reply);
        if (r == EXIT_DONE && o->format == FORMAT_JSON)
                return print_json(c->out, &reply.body) < 0 ? call_garbled(c, kind.what) : EXIT_DONE;
        if (r == EXIT_DONE)
                r = rows_read(c, &reply.body, &kind, collect, &sums);
        if (r == EXIT_DONE && sums.rows.len == 0)
                fputs("No GPU was held in that month\n", c->err);
        else if (r == EXIT_DONE)
                print_table(c, o, &sums);
        VEC_RELEASE(&sums.rows);
        return r;
}

const struct command command_report = {
        .name = "report",
        .usage = "",
        .summary = "Sum up GPU hours, held and in use",
        .more = "Hours of a full GPU; a MIG instance counts as its share. USED: the busy ones, of\n"
                "those on GPUs that tell (MIG instances don't). You see what was yours;\n"
                "administrators see everybody's.",
        .examples = "ds01 report\n"
                    "ds01 report --month=2026-10 --by=project",
        COMMAND_OPTIONS(rows, struct report_options),
        .run = run,
};
