/*
 * Pulling an image with its progress on stderr: on a terminal a line a layer, redrawn in place;
 * elsewhere a plain line whenever a layer enters another state.
 */
#pragma once

#include "client/cli.h"

/* EXIT_DONE once the image is there, else an exit code after saying why. */
int pull_image(struct cli *c, const char *image);
