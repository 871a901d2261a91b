/*
 * --guided: before each step what will happen and what one would type with docker alone, then a
 * pause on a terminal; afterwards what has happened. All of it goes to stderr. Without --guided
 * these do nothing.
 */
#pragma once

#include "client/cli.h"

/* @command: whose text it is ("container-start" for the second step of container-run). @name: of
 * the container, image or project, or NULL. */
void guide_before(struct cli *c, const char *command, const char *name);
void guide_after(struct cli *c, const char *command, const char *name);
