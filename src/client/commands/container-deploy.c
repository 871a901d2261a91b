/* container-deploy: container-create and container-start in one, and a shell with --open. */
#include "client/ask.h"
#include "client/deploy.h"

static const struct option_row rows[] = {
        OPTION_FLAG(0, "open", struct deploy_options, open, "open a shell in it"),
        OPTION_FLAG(0, "background", struct deploy_options, background, "don't (the default)"),
        OPTION_STRING(0, "image", "IMAGE", struct deploy_options, create.image,
                      "image to use (default: the project's or site's)", .names = NAMES_ALL_IMAGES),
        OPTION_STRING(0, "framework", "NAME", struct deploy_options, framework,
                      "use the image of pytorch, tensorflow or jax", .names = NAMES_FRAMEWORKS),
        OPTION_STRING(0, "project", "NAME", struct deploy_options, create.project,
                      "mount ~/workspace/NAME and use its image", .names = NAMES_PROJECTS),
        OPTION_STRING('w', "workspace", "DIR", struct deploy_options, create.workspace,
                      "directory to mount at /workspace"),
        OPTION_STRING('d', "data", "DIR", struct deploy_options, create.data,
                      "directory to mount at /data"),
        OPTION_INT(0, "gpu", "COUNT", struct deploy_options, create.gpus, 0, INT32_MAX,
                   "number of GPUs (default: 1; 0 for none)",
                   .seen_offset = offsetof(struct deploy_options, create.has_gpus),
                   .names = NAMES_GPUS),
        OPTION_INT(0, "num-gpus", "COUNT", struct deploy_options, create.gpus, 0, INT32_MAX, NULL,
                   .seen_offset = offsetof(struct deploy_options, create.has_gpus), .hidden = true),
        OPTION_FLAG(0, "cpu-only", struct deploy_options, create.cpu_only, "no GPU"),
        OPTION_OPTIONAL(0, "wait", "TIME", struct deploy_options, create.wait,
                        "wait for a GPU, or for room in your limits"),
        OPTION_FLAG(0, "dry-run", struct deploy_options, create.dry_run,
                    "say what would be created"),
        OPTION_FLAG(0, "keep", struct deploy_options, keep, "keep it when it does not start"),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct deploy_options *o = options;
        int r = deploy_check(c, o);

        return r == EXIT_DONE ? deploy_container(c, operands->items[0], o) : r;
}

const struct command command_container_deploy = {
        .name = "container-deploy",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .missing = "the name of the new container",
        .summary = "Create a container and start it",
        .more = "It is removed again when it does not start. Typed without anything, it asks.",
        .examples = "container-deploy my-thesis --open\n"
                    "container-deploy my-thesis --gpu=2",
        COMMAND_OPTIONS(rows, struct deploy_options),
        .ask = ask_container,
        .run = run,
};
