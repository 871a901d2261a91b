/*
 * image-update's editor: the packages of a project's Dockerfile on the whole terminal. What it does
 * to the text is done in image/edit.h; this draws it and reads keys.
 */
#pragma once

#include "client/project.h"
#include "image/edit.h"

/* Lets the person change @e, which is the project's Dockerfile, and save it. EXIT_DONE with
 * *@ret_build (shall it be built? then it is saved), or an exit code after saying why not. */
int editor_run(struct cli *c, const struct project *p, const struct catalogue *catalogue,
               struct edit *e, bool *ret_build);
