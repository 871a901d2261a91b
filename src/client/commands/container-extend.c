/* container-extend: puts off the stop that a rule of time has in store for a container. */
#include "base/clock.h"
#include "client/container.h"
#include "client/format.h"
#include "json/json_write.h"

#include <stdio.h>

enum { EXTENSION_MAX_S = 366 * 86400 };

static int run(struct cli *c, const void *options, const struct operands *operands) {
        _cleanup_action_ struct action_result result = { 0 };
        _cleanup_buf_ struct buf body = BUF_INIT(64);
        struct json_writer w = JSON_WRITER(&body);
        char until[40];
        int64_t seconds;
        int r;

        json_write_object(&w);
        if (operands->n > 1) {
                if (duration_parse(operands->items[1], EXTENSION_MAX_S, &seconds) < 0 ||
                    seconds < 1) {
                        cli_error(c, "'%s' is not a time such as 90m, 4h or 1d",
                                  operands->items[1]);
                        return EXIT_USAGE;
                }
                json_put_int(&w, "seconds", seconds);
        }
        json_write_object_end(&w);
        r = container_act(c, operands->items[0], "extend", &body, NULL, &result);
        if (r != EXIT_DONE)
                return r;
        format_moment_text(result.container.extended_until, c->now_us, until, sizeof(until));
        if (result.changed)
                fprintf(c->out, "Container '%s' is not stopped before %s\n", result.container.name,
                        until);
        else
                fprintf(c->out, "Container '%s' is as it was\n", result.container.name);
        action_print_notes(c->out, &result.notes);
        return EXIT_DONE;
}

const struct command command_container_extend = {
        .name = "container-extend",
        .usage = "NAME [TIME]",
        .min = 1,
        .max = 2,
        .missing = "the name of a container",
        .summary = "Put off the stop of a container that is idle, or has run for long",
        .more = "TIME counts from now: 90m, 4h, 1d; without it 2h, or what your limits allow.\n"
                "A new file .keep-alive in its workspace keeps an idle container, too.",
        .examples = "container-extend my-thesis\n"
                    "container-extend my-thesis 6h",
        .statuses = STATUS_RUNNING | STATUS_PAUSED,
        .picks = STATUS_RUNNING | STATUS_PAUSED,
        .run = run,
};
