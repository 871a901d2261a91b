/*
 * One person's share of the machine: a control group in which all of that person's containers live,
 * with limits of its own (aggregate_* of the limits file). With the engine's cgroupfs driver it is
 * made and written here, on cgroup v1 and v2; with the systemd driver it is a slice (slice.h).
 */
#pragma once

#include "daemon/daemon.h"

/* Makes @uid's group, or brings its limits up to date. @parent becomes the CgroupParent for that
 * person's containers, "" when the engine is to choose. A failure is logged: containers have their
 * own limits besides. */
void aggregate_prepare_person(const struct daemon *d, const struct engine_info *engine, uid_t uid,
                              const struct limits *limits, char *parent, size_t size);

/* The same for any group, by the name that the engine knows it by. */
void aggregate_prepare(const struct engine_info *engine, const char *parent,
                       const struct limits *limits);

/* The name alone: "/ds01/u1001" for cgroupfs, "ds01-u1001.slice" for systemd. @parent is
 * engine.cgroup_parent ("ds01"); with "" the answer is "". */
void aggregate_parent(const char *driver, const char *parent, uid_t uid, char *dst, size_t size);

/* For tests: makes @path below @root (where the control groups are mounted) and writes the limits.
 * A controller that is not there is left out. 0 or -errno. */
int aggregate_write(const char *root, int version, const char *path, const struct limits *limits);
