/* Removing a directory tree that a stranger has filled, and may still be changing. */
#pragma once

/*
 * Removes @path with all that is below it. Each step goes through the descriptor of the directory
 * it is in, so a symbolic link put in the place of a directory meanwhile leads nowhere; file
 * systems mounted below stay as they are. However deep the tree is, a fixed number of descriptors
 * is used. 0 (also when there is no @path), -EXDEV (something is mounted there), or -errno; what
 * could be removed is gone in each case.
 */
int tree_remove(const char *path);
