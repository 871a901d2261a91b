/* container-extend: puts off the stop that a rule of time has in store for a container. */
#include "base/clock.h"
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "json/json_write.h"

#include <stdio.h>

enum { EXTENSION_MAX_S = 366 * 86400 };

struct extend_options {
        bool off;
};

static const struct option_row rows[] = {
        OPTION_FLAG(0, "off", struct extend_options, off,
                    "take it back: what the limits say applies again"),
};

/* What is asked for, in words of the API. EXIT_DONE, or after saying why EXIT_USAGE. */
static int put_request(struct cli *c, const struct extend_options *o, const char *time,
                       struct json_writer *w) {
        int64_t seconds;

        if (o->off && time) {
                cli_error(c, "either a time or --off");
                return EXIT_USAGE;
        }
        if (o->off)
                json_put_bool(w, "off", true);
        else if (time && str_equal(time, "never"))
                json_put_bool(w, "never", true);
        else if (time && (duration_parse(time, EXTENSION_MAX_S, &seconds) < 0 || seconds < 1)) {
                cli_error(c, "'%s' is not a time such as 90m, 4h or 1d", time);
                return EXIT_USAGE;
        } else if (time)
                json_put_int(w, "seconds", seconds);
        return EXIT_DONE;
}

static void print_result(struct cli *c, const struct action_result *result) {
        const struct container *k = &result->container;
        char until[40];

        format_moment_text(k->extended_until, c->now_us, until, sizeof(until));
        if (!result->changed)
                fprintf(c->out, "Container '%s' is as it was\n", k->name);
        else if (k->exempt)
                fprintf(c->out, "Container '%s' is never stopped by itself\n", k->name);
        else if (k->extended_until[0])
                fprintf(c->out, "Container '%s' is not stopped before %s\n", k->name, until);
        else
                fprintf(c->out, "Container '%s' is stopped when its limits say so\n", k->name);
        action_print_notes(c->out, &result->notes);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        _cleanup_action_ struct action_result result = { 0 };
        _cleanup_buf_ struct buf body = BUF_INIT(64);
        struct json_writer w = JSON_WRITER(&body);
        int r;

        json_write_object(&w);
        r = put_request(c, options, operands->n > 1 ? operands->items[1] : NULL, &w);
        if (r != EXIT_DONE)
                return r;
        json_write_object_end(&w);
        r = container_act(c, operands->items[0], "extend", &body, NULL, &result);
        if (r == EXIT_DONE)
                print_result(c, &result);
        return r;
}

const struct command command_container_extend = {
        .name = "container-extend",
        .usage = "NAME [TIME]",
        .min = 1,
        .max = 2,
        .missing = "the name of a container",
        .summary = "Put off the stop of a container that is idle, or has run for long",
        .more = "TIME counts from now: 90m, 4h, 1d; without it 2h, or what your limits allow.\n"
                "A new file .keep-alive in its workspace keeps an idle container, too.\n"
                "An administrator's TIME can be 'never', with --user=WHOSE.",
        .examples = "container-extend my-thesis\n"
                    "container-extend my-thesis 6h\n"
                    "sudo container-extend my-thesis never --user=alice",
        COMMAND_OPTIONS(rows, struct extend_options),
        .statuses = STATUS_RUNNING | STATUS_PAUSED,
        .picks = STATUS_RUNNING | STATUS_PAUSED,
        .run = run,
};
