/* git-init: a git repository in a project, as project-init makes it. */
#include "client/command.h"
#include "client/skeleton.h"

struct git_options {
        bool lfs;
};

static const struct option_row rows[] = {
        OPTION_FLAG(0, "lfs", struct git_options, lfs, "patterns of large files for git-lfs"),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct git_options *o = options;
        struct project p;
        const struct skeleton s = { .project = &p };
        int r = project_find(c, operands->items[0], &p);

        if (r == EXIT_DONE && !p.exists)
                return project_missing(c, &p);
        return r == EXIT_DONE ? skeleton_git(c, &s, o->lfs) : r;
}

const struct command command_git_init = {
        .name = "git-init",
        .usage = "PROJECT",
        .min = 1,
        .max = 1,
        .names = NAMES_PROJECTS,
        .offers = OFFERS_PROJECTS,
        .missing = "the name of a project",
        .summary = "Make a project a git repository",
        .more = "With a .gitignore for data, models and outputs. What is there already stays.",
        .examples = "git-init my-thesis --lfs",
        COMMAND_OPTIONS(rows, struct git_options),
        .run = run,
};
