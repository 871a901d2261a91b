/*
 * A project as a directory of the caller's: ~/workspace/PROJECT, its Dockerfile, and the image
 * that is built from it.
 */
#pragma once

#include "client/build.h"
#include "image/catalogue.h"
#include "image/dockerfile.h"

#include <limits.h>

struct project {
        char name[128];      /* as the image is called: in lower case */
        char dir[PATH_MAX];  /* the directory, whether it is there or not */
        char dockerfile[PATH_MAX];
        bool exists;         /* the directory */
        bool has_dockerfile;
};

/* Finds it. The directory may have capitals; two that differ only in those would have one image,
 * and are refused. EXIT_DONE, or an exit code after saying what is wrong. */
int project_find(struct cli *c, const char *typed, struct project *ret);
/* Calls @each for every directory of ~/workspace that can be a project, in order, until it returns
 * something else than EXIT_DONE, which is returned. */
int project_each(struct cli *c,
                 int (*each)(struct cli *c, const char *name, bool has_dockerfile, void *data),
                 void *data);
/* Is that the project in whose directory the command was typed? */
bool project_is_here(const char *name);
/* Asks whether a project with a similar name was meant, when there is one. */
void project_suggest(struct cli *c, const char *typed);
/* Says that there is no such directory, and what to do. EXIT_NOT_FOUND. */
int project_missing(struct cli *c, const struct project *p);

/* What the site says about images; "" and 0 where it says nothing, or ds01d is away: then it is
 * ds01d that refuses later. */
struct project_site {
        char apt_mirror[600];
        int64_t context_max_gb;
};
void project_site(struct cli *c, struct project_site *ret);

/* The catalogue of this machine: /usr/share/ds01/catalogue.yaml ($DS01_DATA names another
 * directory), and the site's /etc/ds01/catalogue.yaml over it. */
int project_catalogue(struct cli *c, struct catalogue *ret);

/* Where a requirements file is, as seen from the project's directory: what is outside is copied in,
 * unless that would take the place of another file. Checked. @dst holds PATH_MAX bytes. */
int project_requirements(struct cli *c, const struct project *p, const char *typed, char *dst);

/* Reads the Dockerfile and its regions. */
int project_read(struct cli *c, const struct project *p, struct dockerfile *ret);

/* The Dockerfile of the last image that was built stays as Dockerfile.before-update beside the one
 * that is being tried, until one is built (a name that nobody else gives to a copy of their own): a
 * backup that is there already is of an attempt that has failed, and stays as it is.
 * project_write() keeps it and writes the file, if @d is another. */
void project_backup_path(const struct project *p, char *dst, size_t size);
int project_keep_backup(struct cli *c, const struct project *p);
int project_write(struct cli *c, const struct project *p, const struct dockerfile *d);

/* Builds the image from the project's directory and tells the person. @path: a Dockerfile
 * elsewhere, or NULL for the project's own. */
int project_build(struct cli *c, const struct project *p, const char *path, bool no_cache);
