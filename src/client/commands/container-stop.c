/* container-stop: stops containers, which stay and keep their devices for the hold time. */
#include "client/lifecycle.h"

static const struct option_row rows[] = {
        OPTION_INT('t', "timeout", "SECONDS", struct stop_options, timeout, 0, 3600,
                   "time to end in before being killed (default: 10)",
                   .seen_offset = offsetof(struct stop_options, has_timeout)),
        OPTION_FLAG('f', "force", struct stop_options, force, "kill at once, ask nothing"),
        OPTION_FLAG(0, "release", struct stop_options, release, "give its GPU back now"),
        OPTION_FLAG('a', "all", struct stop_options, all,
                    "all of your running and paused containers"),
        /* the predecessor's: what they asked for is always so here */
        OPTION_FLAG('v', "verbose", struct stop_options, verbose, NULL, .hidden = true),
        OPTION_FLAG(0, "keep-container", struct stop_options, keep_container, NULL, .hidden = true),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct stop_options *o = options;
        int r = check_names_or_all(c, operands, o->all);

        if (r != EXIT_DONE)
                return r;
        if (o->all)
                return for_all(c, STATUS_RUNNING | STATUS_PAUSED, o->force ? NULL : "Stop",
                               "No running containers.", stop_container, o);
        return for_each_name(c, operands, stop_container, o);
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
        .picks = STATUS_RUNNING | STATUS_PAUSED,
        .run = run,
};
