/* check-limits: what the caller may use, uses, and has on hold. */
#include "base/clock.h"
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/record.h"
#include "client/table.h"

#include <inttypes.h>

struct limits_options {
        int format;
        bool verbose;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json", struct limits_options, format,
                      record_format_choices, "how to print them"),
        /* the predecessor's; everything is always shown */
        OPTION_FLAG('v', "verbose", struct limits_options, verbose, NULL, .hidden = true),
};

static const struct table_column hold_columns[] = {
        { "CONTAINER", TABLE_LEAST },
        { "GPU", TABLE_LEAST },
        { "HELD UNTIL", .goes = 1 },
        { "LEFT" },
};

/* Numbers are -1 without a limit. */
struct limits {
        char user[128], group[128];
        double containers_used, containers_max, gpus_used, gpus_max, gpus_each;
        double cpus, total_cpus;
        int64_t memory, shm, pids, total_memory;
        int64_t idle, runtime, hold, created;
};

/* The numbers used, max and max_per_container of one object. */
static void scan_use(struct json_scan *s, double *used, double *max, double *each) {
        if (json_scan_next(s) != JSON_SCAN_OBJECT) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "used"))
                        json_scan_get_double(s, used);
                else if (json_scan_is(s, "max"))
                        json_scan_get_double(s, max);
                else if (json_scan_is(s, "max_per_container"))
                        json_scan_get_double(s, each);
                else
                        json_scan_skip(s);
}

static void scan_holds(struct cli *c, struct json_scan *s, struct table *t) {
        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_OBJECT) {
                char container[128] = "", gpu[64] = "", until[40] = "", text[40];
                int64_t left = 0;

                while (json_scan_next(s) == JSON_SCAN_KEY)
                        if (json_scan_is(s, "container"))
                                json_scan_get_str(s, container, sizeof(container));
                        else if (json_scan_is(s, "gpu"))
                                json_scan_get_str(s, gpu, sizeof(gpu));
                        else if (json_scan_is(s, "held_until"))
                                json_scan_get_str(s, until, sizeof(until));
                        else if (json_scan_is(s, "seconds_left"))
                                json_scan_get_int(s, &left);
                        else
                                json_scan_skip(s);
                table_add(t, container);
                table_add(t, gpu);
                format_moment_text(until, c->now_us, text, sizeof(text));
                table_add(t, text);
                format_left(left * US_PER_S, text, sizeof(text));
                table_add(t, until[0] ? text : "-");
        }
}

static int scan_limits(struct cli *c, const struct buf *body, struct limits *l, struct table *t) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);
        const struct {
                const char *key;
                int64_t *number;
        } numbers[] = {
                { "memory_bytes_per_container", &l->memory },
                { "shm_bytes_per_container", &l->shm },
                { "pids_per_container", &l->pids },
                { "total_memory_bytes", &l->total_memory },
                { "idle_timeout_seconds", &l->idle },
                { "max_runtime_seconds", &l->runtime },
                { "gpu_hold_after_stop_seconds", &l->hold },
                { "created_container_timeout_seconds", &l->created },
        };
        double none = -1;

        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return -1;
        while (json_scan_next(&s) == JSON_SCAN_KEY) {
                size_t i;

                for (i = 0; i < ARRAY_SIZE(numbers); i++)
                        if (json_scan_is(&s, numbers[i].key))
                                break;
                if (i < ARRAY_SIZE(numbers))
                        json_scan_get_int(&s, numbers[i].number);
                else if (json_scan_is(&s, "user"))
                        json_scan_get_str(&s, l->user, sizeof(l->user));
                else if (json_scan_is(&s, "group"))
                        json_scan_get_str(&s, l->group, sizeof(l->group));
                else if (json_scan_is(&s, "containers"))
                        scan_use(&s, &l->containers_used, &l->containers_max, &none);
                else if (json_scan_is(&s, "gpus"))
                        scan_use(&s, &l->gpus_used, &l->gpus_max, &l->gpus_each);
                else if (json_scan_is(&s, "cpus_per_container"))
                        json_scan_get_double(&s, &l->cpus);
                else if (json_scan_is(&s, "total_cpus"))
                        json_scan_get_double(&s, &l->total_cpus);
                else if (json_scan_is(&s, "holds"))
                        scan_holds(c, &s, t);
                else
                        json_scan_skip(&s);
        }
        return s.failed ? -1 : 0;
}

static void line(struct cli *c, const char *label, const char *text) {
        fprintf(c->out, "  %-22s ", label);
        put_safe(c->out, text);
        fputc('\n', c->out);
}

static void use_line(struct cli *c, const char *label, double used, double max, double each) {
        char u[40], m[40], e[40], text[160];
        int n;

        format_number(used, u, sizeof(u));
        format_number(max, m, sizeof(m));
        format_number(each, e, sizeof(e));
        n = snprintf(text, sizeof(text), max < 0 ? "%s (no limit)" : "%s of %s", u, m);
        if (each >= 0)
                snprintf(text + n, sizeof(text) - (size_t)n, ", at most %s in one container", e);
        line(c, label, text);
}

static void count_line(struct cli *c, const char *label, double value) {
        char text[40] = "no limit";

        if (value >= 0)
                format_number(value, text, sizeof(text));
        line(c, label, text);
}

static void bytes_line(struct cli *c, const char *label, int64_t value) {
        char text[40] = "no limit";

        if (value >= 0)
                format_bytes(value, text, sizeof(text));
        line(c, label, text);
}

static void time_line(struct cli *c, const char *label, int64_t seconds) {
        char text[40] = "no limit";

        if (seconds >= 0)
                duration_format(seconds * US_PER_S, text, sizeof(text));
        line(c, label, text);
}

static void print_limits(struct cli *c, const struct limits *l) {
        fputs("Limits of ", c->out);
        put_safe(c->out, l->user);
        if (l->group[0]) {
                fputs(" (group ", c->out);
                put_safe(c->out, l->group);
                fputc(')', c->out);
        }
        fputs("\n\nIn use\n", c->out);
        use_line(c, "Containers", l->containers_used, l->containers_max, -1);
        use_line(c, "GPUs", l->gpus_used, l->gpus_max, l->gpus_each);
        fputs("\nEach container\n", c->out);
        count_line(c, "CPUs", l->cpus);
        bytes_line(c, "Memory", l->memory);
        bytes_line(c, "Shared memory", l->shm);
        count_line(c, "Processes", (double)l->pids);
        if (l->total_cpus >= 0 || l->total_memory >= 0) {
                fputs("\nAll of them together\n", c->out);
                count_line(c, "CPUs", l->total_cpus);
                bytes_line(c, "Memory", l->total_memory);
        }
        fputs("\nTimes\n", c->out);
        time_line(c, "GPU held after stop", l->hold);
        time_line(c, "GPU held before start", l->created);
        time_line(c, "Idle timeout", l->idle);
        time_line(c, "Longest run", l->runtime);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct limits_options *o = options;
        const struct call call = { .method = HTTP_GET, .target = "/v1/limits" };
        _cleanup_table_ struct table holds = TABLE(hold_columns);
        _cleanup_reply_ struct reply reply = { 0 };
        struct limits l = { .containers_max = -1, .gpus_max = -1, .gpus_each = -1, .cpus = -1,
                            .total_cpus = -1, .memory = -1, .shm = -1, .pids = -1,
                            .total_memory = -1, .idle = -1, .runtime = -1, .hold = -1,
                            .created = -1 };
        int r = call_do(c, &call, &reply);

        if (r != EXIT_DONE)
                return r;
        if (o->format == FORMAT_JSON)
                return print_json(c->out, &reply.body) < 0 ? call_garbled(c, "the limits")
                                                           : EXIT_DONE;
        if (scan_limits(c, &reply.body, &l, &holds) < 0)
                return call_garbled(c, "the limits");
        print_limits(c, &l);
        if (holds.cells.len) {
                fputs("\nHeld for you without running (container-remove NAME frees it)\n", c->out);
                table_print(&holds, c->out, c->columns, c->utf8);
        }
        return EXIT_DONE;
}

const struct command command_check_limits = {
        .name = "check-limits",
        .alias = "get-limits",
        .usage = "",
        .summary = "Show your limits, what you use, and GPUs held for you",
        .examples = "check-limits\n"
                    "check-limits --format=json",
        COMMAND_OPTIONS(rows, struct limits_options),
        .run = run,
};
