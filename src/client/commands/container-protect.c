/* container-protect: a container that is not to be removed, by anybody's mistake. */
#include "client/container.h"
#include "json/json_write.h"

#include <stdio.h>

struct protect_options {
        bool off;
};

static const struct option_row rows[] = {
        OPTION_FLAG(0, "off", struct protect_options, off, "allow its removal again"),
};

static int protect_one(struct cli *c, const char *name, const void *options) {
        const struct protect_options *o = options;
        _cleanup_action_ struct action_result result = { 0 };
        _cleanup_buf_ struct buf body = BUF_INIT(64);
        struct json_writer w = JSON_WRITER(&body);
        int r;

        json_write_object(&w);
        json_put_bool(&w, "off", o->off);
        json_write_object_end(&w);
        r = container_act(c, name, "protect", &body, NULL, &result);
        if (r != EXIT_DONE)
                return r;
        fprintf(c->out, "Container '%s' is %s%s\n", result.container.name,
                result.changed ? "" : "already ", o->off ? "not protected" : "protected");
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        return for_each_name(c, operands, protect_one, options);
}

const struct command command_container_protect = {
        .name = "container-protect",
        .usage = "NAME...",
        .min = 1,
        .max = OPERANDS_ANY,
        .missing = "the name of a container",
        .summary = "Refuse the removal of a container",
        .more = "Its GPU is held no longer for that: only the container stays.",
        .examples = "container-protect my-thesis\n"
                    "container-protect my-thesis --off",
        COMMAND_OPTIONS(rows, struct protect_options),
        .statuses = STATUS_ANY,
        .picks = STATUS_ANY,
        .run = run,
};
