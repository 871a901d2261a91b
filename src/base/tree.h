/* Removing a directory tree that a stranger has filled, and may still be changing. */
#pragma once

#include <stdint.h>

/*
 * Removes @path with all that is below it. Each step goes through the descriptor of the directory
 * it is in, so a symbolic link put in the place of a directory meanwhile leads nowhere; file
 * systems mounted below stay as they are. However deep the tree is, a fixed number of descriptors
 * is used. 0 (also when there is no @path), -EXDEV (something is mounted there), or -errno; what
 * could be removed is gone in each case.
 */
int tree_remove(const char *path);

/* How many entries there are below @path, and the bytes of its files; symbolic links and other file
 * systems are not followed. 0 when it is empty or can't be read. At most a million are counted, and
 * none below two hundred levels. */
int64_t tree_measure(const char *path, int64_t *ret_bytes);
