/* container-create: makes a container with its devices and workspace, without starting it. */
#include "client/ask.h"
#include "client/lifecycle.h"

static const struct option_row rows[] = {
        OPTION_STRING(0, "image", "IMAGE", struct create_options, image,
                      "image to use (default: the project's or site's)", .names = NAMES_ALL_IMAGES),
        OPTION_STRING(0, "project", "NAME", struct create_options, project,
                      "mount ~/workspace/NAME and use its image", .names = NAMES_PROJECTS),
        OPTION_STRING('w', "workspace", "DIR", struct create_options, workspace,
                      "directory to mount at /workspace"),
        OPTION_STRING('d', "data", "DIR", struct create_options, data,
                      "directory to mount at /data"),
        OPTION_INT(0, "gpu", "COUNT", struct create_options, gpus, 0, INT32_MAX,
                   "number of GPUs (default: 1; 0 for none)",
                   .seen_offset = offsetof(struct create_options, has_gpus),
                   .names = NAMES_GPUS),
        OPTION_INT(0, "num-gpus", "COUNT", struct create_options, gpus, 0, INT32_MAX, NULL,
                   .seen_offset = offsetof(struct create_options, has_gpus), .hidden = true),
        OPTION_FLAG(0, "cpu-only", struct create_options, cpu_only, "no GPU"),
        OPTION_FLAG(0, "prefer-full", struct create_options, prefer_full,
                    "a full GPU rather than a MIG instance"),
        OPTION_OPTIONAL(0, "wait", "TIME", struct create_options, wait,
                        "wait for a GPU, or for room in your limits"),
        OPTION_FLAG(0, "dry-run", struct create_options, dry_run, "say what would be done"),
        OPTION_CHOICE(0, "format", "table|json", struct create_options, format,
                      record_format_choices, "how to print the result"),
        /* for scripts: a created container is never in the foreground */
        OPTION_FLAG(0, "background", struct create_options, background, NULL, .hidden = true),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        struct create_options o = *(const struct create_options *)options;

        if (operands->n > 1 && o.image) {
                cli_error(c, "the image is given twice: '%s' and --image=%s", operands->items[1],
                          o.image);
                return EXIT_USAGE;
        }
        if (operands->n > 1)
                o.image = operands->items[1];
        if (create_check(c, &o) != EXIT_DONE)
                return EXIT_USAGE;
        return create_container(c, operands->items[0], &o);
}

const struct command command_container_create = {
        .name = "container-create",
        .usage = "NAME [IMAGE]",
        .min = 1,
        .max = 2,
        .missing = "the name of the new container",
        .summary = "Create a container from an image, without starting it",
        .more = "Typed without anything on a terminal, it asks for project, name and GPUs.",
        .examples = "container-create my-thesis\n"
                    "container-create test --image=aime/pytorch:2.8.0-cuda12.4\n"
                    "container-create training --gpu=2\n"
                    "container-create analysis --workspace=/data/shared/dataset",
        COMMAND_OPTIONS(rows, struct create_options),
        .ask = ask_container,
        .run = run,
};
