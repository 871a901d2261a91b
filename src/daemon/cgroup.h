/*
 * Control groups: where a container's is and what it uses. Works with cgroup v1 and v2 and with
 * both drivers of the engine. Where all containers of one person live is in aggregate.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup_usage {
        int64_t cpu_us;             /* CPU time used so far */
        int64_t memory_bytes;       /* used, without inactive page cache, as docker stats counts */
        int64_t memory_limit_bytes; /* INT64_MAX = none */
};

/* Reads the usage of the control groups that @pid is in. 0 or -errno; -ESRCH when it is gone, or
 * is not of the container with this 64-digit id (the number was used again). */
int cgroup_read(pid_t pid, const char *container_id, struct cgroup_usage *ret);

/* True when @pid is in a control group of the container with this 64-digit id. */
bool cgroup_holds(pid_t pid, const char *container_id);

/* The container id that @pid's control group names (64 hex digits): 0, or -ESRCH. -EPERM with @id:
 * it is named so, but not by root, and so perhaps by somebody who would like to be in it (people
 * have groups of their own where systemd delegates them). */
int cgroup_container_of(pid_t pid, char id[65]);

/* The path of @pid's group: with v1 in @controller's tree, with v2 in the one that there is. 0,
 * -ENOENT, or -ESRCH when it is gone. */
int cgroup_group(pid_t pid, const char *controller, char *dst, size_t size);
/* Opens @file of the group that @pid is in, for writing; with v1 that of @controller. -errno;
 * -ESRCH when it is gone or not of the container with this 64-digit id. */
int cgroup_open(pid_t pid, const char *container_id, const char *controller, const char *file);

/* cgroupfs only: kills all processes in the group at @path ("/ds01/u1001/..."). */
void cgroup_kill(int version, const char *path);
/* The same for every group that @pattern fits, in which '*' stands for a part of the path. */
void cgroup_kill_matching(int version, const char *pattern);

/* The path of @pid's group for @controller in the text of a /proc/PID/cgroup ("" is v2's). 0 or
 * -ENOENT. */
int cgroup_path(const char *text, const char *controller, char *dst, size_t size);
