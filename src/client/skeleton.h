/*
 * The parts that a new project is made of: directories, git, README, requirements, pyproject. What
 * is there already stays as it is; each part says what it has made. The texts are files in
 * /usr/share/ds01/project.
 */
#pragma once

#include "client/project.h"

struct skeleton {
        const struct project *project;
        const char *description; /* NULL: a line to fill in */
        const char *type;        /* NULL: "ml" */
};

/* Each returns EXIT_DONE, or an exit code after saying why not. */
int skeleton_directories(struct cli *c, const struct skeleton *s);
int skeleton_readme(struct cli *c, const struct skeleton *s);
int skeleton_requirements(struct cli *c, const struct skeleton *s);
/* A pyproject.toml that is there keeps every line; [tool.ds01] is added at its end if missing. */
int skeleton_pyproject(struct cli *c, const struct skeleton *s);
/* git init, .gitignore, and with @lfs the patterns of large files. */
int skeleton_git(struct cli *c, const struct skeleton *s, bool lfs);

/* The project's own directory (and ~/workspace), when it is not there. */
int skeleton_begin(struct cli *c, struct project *p);

/* What is added to a pyproject.toml with @text: @addition, unless a [tool.ds01] is there. Every
 * byte of @text stays in its place. 0 or -ENOBUFS. */
int skeleton_merge(const char *text, const char *addition, struct buf *out);
