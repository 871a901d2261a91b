/* container-remove: removes containers and frees their devices; workspaces stay. */
#include "client/lifecycle.h"

static const struct option_row rows[] = {
        OPTION_FLAG(0, "stop", struct remove_options, stop, "stop it first if it is running"),
        OPTION_FLAG('f', "force", struct remove_options, force, "ask nothing"),
        OPTION_FLAG('a', "all", struct remove_options, all,
                    "all that are not running (with --stop: all)"),
        OPTION_FLAG(0, "no-keep", struct remove_options, no_keep,
                    "don't keep what was changed in it"),
        OPTION_FLAG('i', "images", struct remove_options, images,
                    "your image of it too, unless another one uses it"),
        OPTION_FLAG('v', "volumes", struct remove_options, volumes,
                    "accepted; workspace files are never removed"),
        OPTION_FLAG(0, "dry-run", struct remove_options, dry_run, "say what would be done"),
        OPTION_FLAG(0, "skip-removal-confirm", struct remove_options, skip_confirm, NULL,
                    .hidden = true),
        OPTION_FLAG(0, "skip-save-prompt", struct remove_options, skip_save, NULL, .hidden = true),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct remove_options *o = options;
        unsigned statuses = STATUS_CREATED | STATUS_STOPPED;
        int r = check_names_or_all(c, operands, o->all);

        if (r != EXIT_DONE)
                return r;
        if (!o->all)
                return for_each_name(c, operands, remove_container, o);
        if (o->stop)
                statuses = STATUS_ANY;
        return for_all(c, statuses, o->force || o->skip_confirm || o->dry_run ? NULL : "Remove",
                       o->stop ? "No containers."
                               : "No stopped containers (--stop removes running ones too).",
                       remove_container, o);
}

const struct command command_container_remove = {
        .name = "container-remove",
        .usage = "NAME...",
        .max = OPERANDS_ANY,
        .summary = "Remove a stopped or created container and free its GPU",
        .more = "Workspace files are safe: they are on the host and are never touched.",
        .examples = "container-remove my-thesis\n"
                    "container-remove my-thesis --stop\n"
                    "container-remove --all --force",
        COMMAND_OPTIONS(rows, struct remove_options),
        .statuses = STATUS_ANY,
        .picks = STATUS_CREATED | STATUS_STOPPED,
        .run = run,
};
