/* container-stop: stops containers, which stay and keep their devices for the hold time. */
#include "base/clock.h"
#include "client/container.h"
#include "client/format.h"
#include "json/json_write.h"

struct stop_options {
        int64_t timeout;
        bool has_timeout, force, all, verbose, keep_container;
};

static const struct option_row rows[] = {
        OPTION_INT('t', "timeout", "SECONDS", struct stop_options, timeout, 0, 3600,
                   "time to end in before being killed (default: 10)",
                   .seen_offset = offsetof(struct stop_options, has_timeout)),
        OPTION_FLAG('f', "force", struct stop_options, force, "kill at once, ask nothing"),
        OPTION_FLAG('a', "all", struct stop_options, all,
                    "all of your running and paused containers"),
        /* the predecessor's: what they asked for is always so here */
        OPTION_FLAG('v', "verbose", struct stop_options, verbose, NULL, .hidden = true),
        OPTION_FLAG(0, "keep-container", struct stop_options, keep_container, NULL, .hidden = true),
};

static void print_hold(struct cli *c, const struct container *k) {
        char when[40], left[40];
        int64_t until;

        if (!k->gpu[0])
                return;
        if (time_parse(k->held_until, &until) < 0 || until == 0) {
                fprintf(c->out, "  %s stays held for you\n", k->gpu);
        } else {
                format_moment(until, c->now_us, when, sizeof(when));
                format_left(until - c->now_us, left, sizeof(left));
                fprintf(c->out, "  %s is held for you until %s (%s)\n", k->gpu, when, left);
        }
        cli_hint(c, "To free it now: container-remove %s", k->name);
}

static int stop_one(struct cli *c, const char *name, const void *options) {
        const struct stop_options *o = options;
        _cleanup_action_ struct action_result result = { 0 };
        _cleanup_buf_ struct buf body = BUF_INIT(256);
        struct json_writer w = JSON_WRITER(&body);
        char doing[128];
        int r;

        json_write_object(&w);
        if (o->has_timeout)
                json_put_int(&w, "timeout", o->timeout);
        if (o->force)
                json_put_bool(&w, "force", true);
        json_write_object_end(&w);
        snprintf(doing, sizeof(doing), "stopping '%.64s'", name);
        r = container_act(c, name, "stop", &body, doing, &result);
        if (r != EXIT_DONE)
                return r;
        fprintf(c->out, result.changed ? "Stopped container '%s'\n"
                                       : "Container '%s' is already stopped\n",
                result.container.name);
        print_hold(c, &result.container);
        if (result.changed)
                action_print_notes(c->out, &result.notes);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct stop_options *o = options;
        int r = check_names_or_all(c, operands, o->all);

        if (r != EXIT_DONE)
                return r;
        if (o->all)
                return for_all(c, STATUS_RUNNING | STATUS_PAUSED, o->force ? NULL : "Stop",
                               "No running containers.", stop_one, o);
        return for_each_name(c, operands, stop_one, o);
}

const struct command command_container_stop = {
        .name = "container-stop",
        .usage = "NAME...",
        .max = OPERANDS_ANY,
        .summary = "Stop a running container; it can be started again",
        .more = "Its GPU is held for you for a while (see check-limits), then becomes free.",
        .examples = "container-stop my-thesis\n"
                    "container-stop my-thesis --force\n"
                    "container-stop --all",
        COMMAND_OPTIONS(rows, struct stop_options),
        .statuses = STATUS_RUNNING | STATUS_PAUSED,
        .run = run,
};
