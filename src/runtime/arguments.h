/* The command line of an OCI runtime, as engines write it: runc's and crun's. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct arguments {
        /* Ours, in front of everything else; engines pass them on as "runtimeArgs". */
        const char *run_dir; /* --ds01-run=DIRECTORY: of ds01d (paths.run) */
        const char *backend; /* --ds01-backend=PROGRAM */
        char **rest;         /* for the backend: rest[0] is to become its name */
        /* Its. */
        const char *log, *log_format;
        const char *command; /* NULL: none */
        const char *bundle;  /* of create and run; "." unless said */
        const char *process; /* of exec: the file; NULL: none */
        const char *id;      /* of the container; NULL: none */
};

/* 0, or -EINVAL with @err: an option that is not known could hide the command. */
int arguments_parse(int argc, char **argv, struct arguments *ret, struct err *err);
