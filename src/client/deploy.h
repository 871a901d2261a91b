/* Creating and starting a container in one go, and entering it. */
#pragma once

#include "client/lifecycle.h"

struct deploy_options {
        struct create_options create;
        const char *framework; /* of the catalogue: its base is the image; NULL: not */
        bool open, background, keep;
};

/* Creates and starts; when it can't be started, or on Ctrl-C, the fresh container is removed again
 * (unless `keep`). With `open` a shell follows, whose exit code is the answer. */
int deploy_container(struct cli *c, const char *name, const struct deploy_options *o);

/* Options that exclude each other: EXIT_USAGE, said, or EXIT_DONE. */
int deploy_check(struct cli *c, const struct deploy_options *o);
