/*
 * Running containers that have lost their GPU: the driver's devices stand in the container's /dev,
 * and its control group has come to deny them. A systemctl daemon-reload does that where systemd
 * doesn't know of devices that NVIDIA's hook has let in; programs then say "Failed to initialize
 * NVML: Unknown Error". The kernel itself is asked: a helper enters the container's control group
 * and asks for access, which opens no device. That works alike with cgroup v1 and v2.
 *
 * Mended is what can be: with v1 by the group's devices.allow, with systemd's driver by telling
 * systemd over D-Bus, which also lasts. With v2 and cgroupfs the rule is a program of the runtime's
 * that nobody can add to; then the person is told what to do.
 */
#pragma once

#include "daemon/daemon.h"

enum { GPU_NODES_MAX = 96 };

struct gpu_node {
        char name[48]; /* below /dev: "nvidia0", "nvidia-caps/nvidia-cap21" */
        unsigned major, minor;
        bool denied;
};

struct gpu_nodes {
        struct gpu_node items[GPU_NODES_MAX];
        size_t n;
};

/* The driver's devices in the /dev of the container whose first process is @pid, and which of them
 * it may not use. 0, or -errno: -ESRCH when @pid is not of the container @id (any more). */
int gpu_access_look(pid_t pid, const char *id, struct gpu_nodes *ret);
/* Keeps what @minors (whole GPUs' /dev/nvidiaN) give and the devices that all GPUs have in common;
 * what is left are those that a container with these GPUs is to have. */
void gpu_access_keep(struct gpu_nodes *nodes, const int *minors, size_t n);
/* "nvidia0, nvidiactl": those that are denied. Their number. */
size_t gpu_access_denied(const struct gpu_nodes *nodes, char *dst, size_t size);

/* The thread: looks every ten seconds at all running containers that have GPUs; mends, tells, and
 * notes in the ledger what could not be mended. On its own, because a container in which too much
 * runs may make its helper wait. */
void gpu_access_run(struct daemon *d);
