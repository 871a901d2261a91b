/*
 * The images that a Dockerfile names in FROM and COPY --from: which ones the caller may use, and
 * pulling those that are missing.
 */
#pragma once

#include "core/recipe.h"
#include "daemon/lines.h"

/* For each step of @recipe the full name of its image, NULL without; all of them are there when
 * this returns. The list has one item a step. Nonzero with @r, whose `line` is the step's. */
int bases_find(struct lines *lines, const struct recipe *recipe, char ***ret, struct refusal *r);
void bases_free(char **images, size_t n);
