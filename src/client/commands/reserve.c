/* ds01 reserve: GPUs that are kept for somebody for a time; lists them for everybody. */
#include "base/clock.h"
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/listing.h"
#include "http/write.h"
#include "json/json_write.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define DURATION_MAX_S (366 * 86400LL)

struct reserve_options {
        int format;
        const char *people, *cancel;
        bool list;
};

static const struct option_row rows[] = {
        OPTION_STRING(0, "for", "USER,...", struct reserve_options, people,
                      "whom they are reserved for"),
        OPTION_STRING(0, "cancel", "ID", struct reserve_options, cancel,
                      "end a reservation, by the list's ID"),
        OPTION_FLAG('l', "list", struct reserve_options, list,
                    "list them, as without any operand"),
        OPTION_CHOICE(0, "format", "table|json|simple", struct reserve_options, format,
                      format_choices, "how to print the list (simple: the users)"),
};

static const struct table_column columns[] = {
        { "ID" },   { "GPUS", .goes = 2 },  { "FOR", TABLE_LEAST },
        { "FROM" }, { "UNTIL", .goes = 3 }, { "STATE", .goes = 1 },
};

struct row {
        char users[512], start[40], end[40];
        int64_t id, gpus;
        bool weekly, active;
};

static void scan_row(struct json_scan *s, void *ret) {
        struct row *r = ret;

        *r = (struct row){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "users"))
                        json_scan_get_str(s, r->users, sizeof(r->users));
                else if (json_scan_is(s, "start"))
                        json_scan_get_str(s, r->start, sizeof(r->start));
                else if (json_scan_is(s, "end"))
                        json_scan_get_str(s, r->end, sizeof(r->end));
                else if (json_scan_is(s, "id"))
                        json_scan_get_int(s, &r->id);
                else if (json_scan_is(s, "gpus"))
                        json_scan_get_int(s, &r->gpus);
                else if (json_scan_is(s, "weekly"))
                        json_scan_get_bool(s, &r->weekly);
                else if (json_scan_is(s, "active"))
                        json_scan_get_bool(s, &r->active);
                else
                        json_scan_skip(s);
}

static void add_row(struct cli *c, struct table *t, const void *row) {
        const struct row *r = row;
        char text[64] = "";

        if (r->id)
                snprintf(text, sizeof(text), "%" PRId64, r->id);
        table_add(t, text);
        snprintf(text, sizeof(text), "%" PRId64, r->gpus);
        table_add(t, text);
        table_add(t, r->users);
        format_moment_text(r->start, c->now_us, text, sizeof(text));
        table_add(t, text);
        format_moment_text(r->end, c->now_us, text, sizeof(text));
        table_add(t, text);
        snprintf(text, sizeof(text), "%s%s", r->active ? "now" : "to come",
                 r->weekly ? ", weekly" : "");
        table_add(t, text);
}

static const struct row_kind kind = { "the reservations", sizeof(struct row), scan_row };
static const struct listing listing = {
        .kind = &kind,
        LISTING_COLUMNS(columns),
        .name_offset = offsetof(struct row, users),
        .none = "Nothing is reserved",
        .add = add_row,
};

/* "2026-12-01 09:00", "9:00" (the next time that it is), "now", and for an end "3h" after @from. */
static bool moment(const char *typed, int64_t now_us, int64_t from_us, int64_t *ret_us) {
        time_t now = (time_t)(now_us / US_PER_S);
        int64_t value;
        struct tm tm;

        if (str_equal(typed, "now"))
                *ret_us = now_us;
        else if (minutes_parse(typed, &value) == 0 && localtime_r(&now, &tm)) {
                tm.tm_hour = tm.tm_sec = 0;
                tm.tm_min = (int)value;
                tm.tm_isdst = -1;
                *ret_us = mktime(&tm) * US_PER_S;
                if (*ret_us <= (from_us ? from_us : now_us)) {
                        tm.tm_mday++;
                        *ret_us = mktime(&tm) * US_PER_S;
                }
        } else if (from_us && duration_parse(typed, DURATION_MAX_S, &value) == 0) {
                *ret_us = from_us + value * US_PER_S;
        } else {
                return moment_parse(typed, ret_us) == 0;
        }
        return true;
}

static void put_moment(struct json_writer *w, const char *key, int64_t us) {
        char text[32];

        time_format(us, text, sizeof(text));
        json_put_str(w, key, text);
}

static void put_people(struct json_writer *w, const char *people) {
        json_write_key(w, "users");
        json_write_array(w);
        for (const char *p = people; *p; p += strcspn(p, ","), p += *p == ',') {
                char name[64];

                snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, ","), p);
                json_write_str(w, name);
        }
        json_write_array_end(w);
}

static void print_notes(struct cli *c, const struct buf *body) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);
        _cleanup_buf_ struct buf notes = BUF_INIT(4096);
        bool is_object = json_scan_next(&s) == JSON_SCAN_OBJECT;

        while (is_object && json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "notes"))
                        scan_notes(&s, &notes);
                else
                        json_scan_skip(&s);
        action_print_notes(c->out, &notes);
}

static int make(struct cli *c, const struct reserve_options *o, const struct operands *operands) {
        _cleanup_buf_ struct buf body = BUF_INIT(4096);
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_POST, .target = "/v1/reservations", .body = &body };
        struct json_writer w = JSON_WRITER(&body);
        int64_t gpus, start, end;
        char from[40], until[40];
        int r;

        if (str_to_i64(operands->items[0], 1, INT32_MAX, &gpus) < 0) {
                cli_error(c, "'%s' is not a number of GPUs", operands->items[0]);
                return EXIT_USAGE;
        }
        for (int i = 1; i < 3; i++)
                if (!moment(operands->items[i], c->now_us, i == 2 ? start : 0,
                            i == 2 ? &end : &start)) {
                        cli_error(c, "'%s' is not a time", operands->items[i]);
                        cli_error_next(c, "9:00, '2026-12-01 09:00' or now; for the end also 3h");
                        return EXIT_USAGE;
                }
        json_write_object(&w);
        json_put_int(&w, "gpus", gpus);
        put_moment(&w, "start", start);
        put_moment(&w, "end", end);
        put_people(&w, o->people);
        json_write_object_end(&w);
        r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        format_moment(start, c->now_us, from, sizeof(from));
        format_moment(end, c->now_us, until, sizeof(until));
        fprintf(c->out, "Reserved %" PRId64 " GPU%s from %s until %s for %s\n", gpus,
                gpus == 1 ? "" : "s", from, until, o->people);
        print_notes(c, &reply.body);
        return EXIT_DONE;
}

static int cancel(struct cli *c, const char *id) {
        _cleanup_buf_ struct buf target = BUF_INIT(1024);
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_DELETE };
        int r;

        if (buf_adds(&target, "/v1/reservations") < 0 || http_target_segment(&target, id) < 0) {
                cli_error(c, "'%s' is no ID of a reservation", id);
                return EXIT_USAGE;
        }
        call.target = buf_str(&target);
        r = call_do(c, &call, &reply);
        if (r == EXIT_DONE)
                fprintf(c->out, "Cancelled reservation %s\n", id);
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct reserve_options *o = options;

        if (o->cancel && !o->list && operands->n == 0 && !o->people)
                return cancel(c, o->cancel);
        if (operands->n == 0 && !o->cancel && !o->people)
                return listing_get(c, &listing, "/v1/reservations", o->format);
        if (operands->n == 3 && !o->list && !o->cancel && o->people)
                return make(c, o, operands);
        cli_error(c, "GPUs, start, end and --for=USER make a reservation");
        cli_error_next(c, "ds01 reserve 2 '2026-12-01 09:00' 8h --for=alice; or --cancel=ID, "
                          "or nothing for the list");
        return EXIT_USAGE;
}

const struct command command_reserve = {
        .name = "reserve",
        .usage = "[GPUS START END]",
        .max = 3,
        .summary = "List reserved GPUs; reserve some (administrators)",
        .more = "START: 9:00, '2026-12-01 09:00' or now; END: the same, or a length such as 3h.\n"
                "While a reservation lasts, GPUs that are or become free are kept for its people;\n"
                "nobody loses what they have. Weekly ones stand in resource-limits.yaml.",
        .examples = "ds01 reserve\n"
                    "ds01 reserve 2 9:00 8h --for=alice,bob\n"
                    "ds01 reserve --cancel=3",
        COMMAND_OPTIONS(rows, struct reserve_options),
        .run = run,
};
