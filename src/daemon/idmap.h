/*
 * Which ids of a file system a pin lets through, and as which. Whoever is not in the map owns files
 * that can be read as their mode says, but nothing can be written, made or removed as them: the
 * engine, which is root, gets an error when it tries.
 *
 * A container has its person's own group only. Where the directory belongs to another group that
 * the person is in, the map exchanges the two, so that the members of that group have the same
 * rights in a container as outside, without a group being given to the container's processes.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Bytes of one map: the kernel takes less than a page (user_namespaces(7)), and 340 lines. */
enum { IDMAP_MAX = 4000, IDMAP_LINES_MAX = 340 };

struct idmap {
        uid_t uid; /* the person */
        gid_t gid;
        const gid_t *groups; /* of the person */
        size_t ngroups;
        uid_t owner; /* of the directory */
        gid_t group;
        bool shared;   /* all people's files are let through, and the owner's of the directory */
        uid_t min_uid; /* people's uids begin here */
};

/* The two maps as user_namespaces(7) wants them: lines "ON-DISK SEEN COUNT". @out has a ceiling of
 * IDMAP_MAX; groups that do not fit are left out. 0 or -ENOBUFS/-ENOMEM. */
int idmap_uids(const struct idmap *m, struct buf *out);
int idmap_gids(const struct idmap *m, struct buf *out);

/* A descriptor of a user namespace with these maps, for mount_setattr(). -errno with @err when the
 * kernel gives none. */
int idmap_open(const struct idmap *m, struct err *err);
