/*
 * The catalogue: what image-create can begin with and put in. Read from YAML files, later ones
 * over earlier ones; errors say file:line:column.
 */
#pragma once

#include "image/package.h"

struct catalogue_framework {
        char name[32], title[128];
        char base[512]; /* "" = the person names one */
};

struct catalogue_type {
        char name[32], title[128];
        struct packages pip, apt;
};

struct catalogue {
        VEC(struct catalogue_framework) frameworks;
        VEC(struct catalogue_type) types;
        struct packages system, common;
};
void catalogue_release(struct catalogue *c);
#define _cleanup_catalogue_ _cleanup_(catalogue_release)

/* Adds what the file at @path says to @c. 0, -ENOENT when there is no file, or another error;
 * both with @err. @c stays usable. */
int catalogue_load(struct catalogue *c, const char *path, struct err *err);

/* The entry, or NULL with @err naming what there is, and what may have been meant. */
const struct catalogue_framework *catalogue_framework(const struct catalogue *c, const char *name,
                                                      struct err *err);
const struct catalogue_type *catalogue_type(const struct catalogue *c, const char *name,
                                            struct err *err);
