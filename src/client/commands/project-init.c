/* project-init: a project's directory with what a project begins with. */
#include "client/command.h"
#include "client/skeleton.h"

#include <stdio.h>
#include <string.h>

struct init_options {
        const char *type, *description;
        bool quick, no_git, blank, lfs;
};

static const struct option_row rows[] = {
        OPTION_STRING(0, "type", "NAME", struct init_options, type,
                      "ml, cv, nlp, rl, audio, ts, llm or custom", .names = NAMES_TYPES),
        OPTION_STRING(0, "desc", "TEXT", struct init_options, description,
                      "what it is about, in a line"),
        OPTION_FLAG(0, "blank", struct init_options, blank, "no folders for data, models, ..."),
        OPTION_FLAG(0, "no-git", struct init_options, no_git, "no git repository"),
        OPTION_FLAG(0, "lfs", struct init_options, lfs, "patterns of large files for git-lfs"),
        OPTION_FLAG(0, "quick", struct init_options, quick, "accepted: nothing is asked"),
};

static int check(struct cli *c, const struct init_options *o) {
        _cleanup_catalogue_ struct catalogue catalogue = { 0 };
        struct err err = { 0 };
        int r = EXIT_DONE;

        if (o->description && o->description[strcspn(o->description, "\r\n\"\\")]) {
                cli_error(c, "--desc takes one line, without '\"' and '\\'");
                return EXIT_USAGE;
        }
        if (o->type)
                r = project_catalogue(c, &catalogue);
        if (r == EXIT_DONE && o->type && !catalogue_type(&catalogue, o->type, &err)) {
                cli_error(c, "%s", err.msg);
                r = EXIT_USAGE;
        }
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct init_options *o = options;
        struct project p;
        struct skeleton s = { .project = &p, .description = o->description, .type = o->type };
        int r = check(c, o);

        if (r == EXIT_DONE)
                r = project_find(c, operands->items[0], &p);
        if (r == EXIT_DONE)
                r = skeleton_begin(c, &p);
        if (r != EXIT_DONE)
                return r;
        fprintf(c->out, "Project '%s' in %s\n", p.name, p.dir);
        if (!o->blank)
                r = skeleton_directories(c, &s);
        if (r == EXIT_DONE)
                r = skeleton_readme(c, &s);
        if (r == EXIT_DONE)
                r = skeleton_requirements(c, &s);
        if (r == EXIT_DONE)
                r = skeleton_pyproject(c, &s);
        if (r == EXIT_DONE && !o->no_git)
                r = skeleton_git(c, &s, o->lfs);
        if (r == EXIT_DONE)
                cli_hint(c, "Next: project-launch %s --open", p.name);
        return r;
}

const struct command command_project_init = {
        .name = "project-init",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .names = NAMES_PROJECTS,
        .missing = "the name of the project",
        .summary = "Make the directory of a project, with what it begins with",
        .more = "Folders, README, requirements, pyproject.toml and git in ~/workspace/NAME.\n"
                "What is there already stays as it is.",
        .examples = "project-init my-thesis --type=cv --desc='Seeing in the dark'\n"
                    "project-init my-thesis --blank --no-git",
        COMMAND_OPTIONS(rows, struct init_options),
        .run = run,
};
