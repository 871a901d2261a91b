/* container-remove: removes containers and frees their devices; workspaces stay. */
#include "base/str.h"
#include "client/container.h"
#include "http/write.h"

#include <string.h>

struct remove_options {
        bool stop, force, all, images, volumes, dry_run, skip_confirm, skip_save;
};

static const struct option_row rows[] = {
        OPTION_FLAG(0, "stop", struct remove_options, stop, "stop it first if it is running"),
        OPTION_FLAG('f', "force", struct remove_options, force, "ask nothing"),
        OPTION_FLAG('a', "all", struct remove_options, all,
                    "all that are not running (with --stop: all)"),
        OPTION_FLAG('i', "images", struct remove_options, images,
                    "your image of it too, unless another one uses it"),
        OPTION_FLAG('v', "volumes", struct remove_options, volumes,
                    "accepted; workspace files are never removed"),
        OPTION_FLAG(0, "dry-run", struct remove_options, dry_run, "say what would be done"),
        OPTION_FLAG(0, "skip-removal-confirm", struct remove_options, skip_confirm, NULL,
                    .hidden = true),
        OPTION_FLAG(0, "skip-save-prompt", struct remove_options, skip_save, NULL, .hidden = true),
};

struct removed {
        char name[128], gpus[512], image[512], workspace[4096];
        struct buf notes;
};

static void scan_gpus(struct json_scan *s, struct removed *ret) {
        char gpu[64];

        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_STRING) {
                size_t n = strlen(ret->gpus);

                json_scan_str(s, gpu, sizeof(gpu));
                snprintf(ret->gpus + n, sizeof(ret->gpus) - n, "%s%s", n ? ", " : "", gpu);
        }
}

static int scan_removed(const struct buf *body, struct removed *ret) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);

        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY) {
                        if (json_scan_is(&s, "name"))
                                json_scan_get_str(&s, ret->name, sizeof(ret->name));
                        else if (json_scan_is(&s, "image_removed"))
                                json_scan_get_str(&s, ret->image, sizeof(ret->image));
                        else if (json_scan_is(&s, "workspace"))
                                json_scan_get_str(&s, ret->workspace, sizeof(ret->workspace));
                        else if (json_scan_is(&s, "notes"))
                                scan_notes(&s, &ret->notes);
                        else if (json_scan_is(&s, "gpus_freed"))
                                scan_gpus(&s, ret);
                        else
                                json_scan_skip(&s);
                }
        return s.failed || !ret->name[0] ? -1 : 0;
}

static void print_line(struct cli *c, const char *before, const char *value, const char *after) {
        fprintf(c->out, "  %s", before);
        put_safe(c->out, value);
        fprintf(c->out, "%s\n", after);
}

static int print_removed(struct cli *c, const struct reply *reply, bool dry_run) {
        struct removed removed = { .notes = BUF_INIT(64 * 1024) };
        int r = EXIT_DONE;

        if (scan_removed(&reply->body, &removed) < 0) {
                r = call_garbled(c, "remove");
        } else {
                fprintf(c->out, dry_run ? "Would remove container '%s'\n"
                                        : "Removed container '%s'\n",
                        removed.name);
                if (removed.gpus[0])
                        print_line(c, "", removed.gpus,
                                   dry_run                        ? " would be free"
                                   : strstr(removed.gpus, ", ") ? " are free again"
                                                                  : " is free again");
                if (removed.image[0])
                        print_line(c, "image ", removed.image,
                                   dry_run ? " would be removed" : " was removed");
                if (removed.workspace[0])
                        print_line(c, "your files stay in ", removed.workspace, "");
                action_print_notes(c->out, &removed.notes);
        }
        buf_release(&removed.notes);
        return r;
}

static int remove_one(struct cli *c, const char *name, const void *options) {
        const struct remove_options *o = options;
        _cleanup_buf_ struct buf target = { 0 };
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_DELETE };
        char doing[128];
        int r;

        if (!*name) {
                cli_error(c, "the name of a container can't be empty");
                return EXIT_USAGE;
        }
        r = container_target(&target, name, NULL);
        if (r == 0 && o->stop)
                r = http_target_param(&target, "stop", "true");
        if (r == 0 && o->images)
                r = http_target_param(&target, "image", "true");
        if (r == 0 && o->dry_run)
                r = http_target_param(&target, "dry_run", "true");
        if (r < 0) {
                cli_error(c, "that name is too long for a container");
                return EXIT_USAGE;
        }
        snprintf(doing, sizeof(doing), "removing '%.64s'", name);
        call.target = target.data;
        call.doing = doing;
        r = call_do(c, &call, &reply);
        return r == EXIT_DONE ? print_removed(c, &reply, o->dry_run) : r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct remove_options *o = options;
        unsigned statuses = STATUS_CREATED | STATUS_STOPPED;
        int r = check_names_or_all(c, operands, o->all);

        if (r != EXIT_DONE)
                return r;
        if (!o->all)
                return for_each_name(c, operands, remove_one, o);
        if (o->stop)
                statuses = STATUS_ANY;
        return for_all(c, statuses, o->force || o->skip_confirm || o->dry_run ? NULL : "Remove",
                       o->stop ? "No containers."
                               : "No stopped containers (--stop removes running ones too).",
                       remove_one, o);
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
        .run = run,
};
