/* Making containers anew from an image that has changed. */
#pragma once

#include "client/cli.h"

/* The names of the caller's containers that use @image, joined by ", "; "" for none. */
int recreate_find(struct cli *c, const char *image, char *dst, size_t size);

/* Removes each of them and creates it again under its name, with its GPUs and directories; those
 * that ran are started. The first failure's exit code. */
int recreate_all(struct cli *c, const char *image);
