/*
 * What can be done to one container, told to the person while it is done: the atomic commands are
 * these and their options, and the commands that do several steps call them one after the other.
 * All return an exit code after saying what was done or why not.
 */
#pragma once

#include "client/container.h"

struct create_options {
        const char *image, *project, *workspace, *data, *wait;
        bool restore; /* from the bin */
        int64_t gpus;
        int format;
        bool has_gpus, cpu_only, prefer_full, background, dry_run;
};

/* Options that exclude each other: EXIT_USAGE, said, or EXIT_DONE. */
int create_check(struct cli *c, const struct create_options *o);
/* Pulls the image first if it is not there and the site allows that. */
int create_container(struct cli *c, const char *name, const struct create_options *o);

/* The rest have the form that for_each_name() calls; @options is the struct above each. */
struct start_options {
        const char *wait; /* as waiting_put() takes it; NULL: not */
};

int start_container(struct cli *c, const char *name, const void *options);

struct stop_options {
        int64_t timeout;
        bool has_timeout, force, release, all, verbose, keep_container;
};

int stop_container(struct cli *c, const char *name, const void *options);

struct remove_options {
        bool stop, no_keep, force, all, images, volumes, dry_run, skip_confirm, skip_save;
};

int remove_container(struct cli *c, const char *name, const void *options);
