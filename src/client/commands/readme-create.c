/* readme-create: README.md of a project, as project-init makes it. */
#include "client/command.h"
#include "client/skeleton.h"

static int run(struct cli *c, const void *options, const struct operands *operands) {
        struct project p;
        const struct skeleton s = { .project = &p };
        int r = project_find(c, operands->items[0], &p);

        if (r == EXIT_DONE && !p.exists)
                r = skeleton_begin(c, &p);
        return r == EXIT_DONE ? skeleton_readme(c, &s) : r;
}

const struct command command_readme_create = {
        .name = "readme-create",
        .usage = "PROJECT",
        .min = 1,
        .max = 1,
        .names = NAMES_PROJECTS,
        .offers = OFFERS_PROJECTS,
        .missing = "the name of a project",
        .summary = "Write the README.md of a project",
        .more = "What is there already stays as it is.",
        .examples = "readme-create my-thesis",
        .run = run,
};
