/*
 * Opening a directory as the person who asks for it. A child process takes on the caller's uid,
 * gid and groups, opens the path without magic links and checks that it may be read and entered;
 * the parent gets the descriptor, and from it the resolved path. A hanging network or FUSE file
 * system costs the child its life and its person a few of these, not the daemon a thread.
 */
#pragma once

#include "daemon/daemon.h"

#include <stdbool.h>

struct caller_dir {
        const char *path;    /* in: absolute */
        bool make;           /* in: make a missing last component (mode 0755), as the caller */
        bool file;           /* in: not a directory but something to be dated: not followed when it
                                is a link, need not be readable */
        int64_t changed_us;  /* out: wall clock of its last change (ctime) */
        uid_t owner;         /* out */
        gid_t group;         /* out */
        int fd;              /* out: O_PATH descriptor, or -1 */
        int error;           /* out: 0, or the errno of the failure; ETIMEDOUT */
        char resolved[4096]; /* out: where it really is */
};

enum { CALLER_DIR_TIMEOUT_S = 3 };

/* Opens all @n paths in one child; each has its own outcome. A private daemon is the caller already
 * and changes no identity. 0, or -errno when no child could be started: -EBUSY when too many of
 * this person's hang. */
int caller_dirs_open(struct daemon *d, const struct person_entry *who, struct caller_dir *dirs,
                     size_t n);
void caller_dirs_close(struct caller_dir *dirs, size_t n);
