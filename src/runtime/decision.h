/*
 * What ds01d has decided about a container: a file that only root can read, named by the engine's
 * id of the container, below DECISION_DIR in ds01d's run directory. ds01d writes it
 * (daemon/decision.c) when it has made the container and before each start.
 */
#pragma once

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECISION_DIR "decided"
enum {
        DECISION_GROUPS_MAX = 64,
        DECISION_MOUNTS_MAX = 32,
        DECISION_GPUS_SIZE = 8192,
        DECISION_FILE_MAX = 1 << 18,
};

struct decided_mount {
        char source[PATH_MAX]; /* "*" in it stands for one part of the path */
        char target[PATH_MAX];
        bool read_only;
};

struct decision {
        int64_t uid, gid;
        int64_t groups[DECISION_GROUPS_MAX]; /* besides gid */
        size_t ngroups;
        char cgroup[256];              /* the parent; "": the engine's own choice */
        char engine_root[PATH_MAX];    /* where the engine keeps its files */
        char gpus[DECISION_GPUS_SIZE]; /* the value of NVIDIA_VISIBLE_DEVICES */
        bool cdi;                      /* devices come by the site's CDI specification */
        bool cgroup_namespace;         /* of its own; podman gives none with cgroup v1 */
        int64_t memory_bytes, pids, cpus_milli; /* 0: not limited */
        struct decided_mount mounts[DECISION_MOUNTS_MAX];
        size_t nmounts;
};

/* 0, or -EINVAL with @err. */
int decision_parse(const char *text, size_t n, struct decision *ret, struct err *err);

/* True when @source is the one that @mount names. */
bool decided_source_fits(const struct decided_mount *mount, const char *source);
