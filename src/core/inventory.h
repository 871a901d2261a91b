/*
 * What GPUs the machine has, as plain values. Filled by gpu/ (from NVML, in a helper process),
 * read by the allocator. A device is what a container can be given: a whole GPU or a MIG
 * instance; a physical GPU that is partitioned by MIG is not a device itself but still has a
 * row in `links`, so that its instances have a place in the topology.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shares of a GPU are counted in integers: a whole GPU is 7000 units, a MIG instance 1000 for each
 * of its compute slices. Limits such as 1.5 GPUs are exact (10500). */
#define GPU_UNITS_PER_GPU 7000
#define GPU_UNITS_UNLIMITED INT64_MAX

#define GPU_DEVICES_MAX 1024      /* devices of one machine */
#define GPU_PER_CONTAINER_MAX 64  /* devices of one container */

enum gpu_link { /* how two physical GPUs reach each other; larger is better */
        GPU_LINK_SYSTEM,     /* across NUMA nodes (NVML: SYS) */
        GPU_LINK_NODE,       /* within a NUMA node */
        GPU_LINK_HOSTBRIDGE, /* same PCIe host bridge (PHB) */
        GPU_LINK_MULTIPLE,   /* several PCIe switches (PXB) */
        GPU_LINK_SINGLE,     /* one PCIe switch (PIX) */
        GPU_LINK_NVLINK,     /* direct NVLink; more links add up to GPU_LINK_NVLINK + count - 1 */
        GPU_LINK_SELF = 255,
};

enum gpu_health {
        GPU_OK,
        GPU_FAILED,       /* lost, unrecoverable errors, rows that cannot be remapped */
        GPU_UNRESPONSIVE, /* the driver did not answer in time */
};

struct gpu_device {
        char uuid[96];      /* "GPU-..." or "MIG-..." */
        char name[24];      /* "GPU-0"; a MIG instance "GPU-0.1" (GPU 0, second instance) */
        char model[96];     /* "NVIDIA A100-SXM4-40GB", for MIG with its profile: "... 1g.5gb" */
        int gpu;            /* index of the physical GPU, NVML's order */
        int instance;       /* MIG: position among the GPU's instances; -1 for a whole GPU */
        int numa_node;      /* -1 unknown */
        int minor;          /* /dev/nvidiaN */
        int64_t units;      /* GPU_UNITS_PER_GPU or 1000 a slice */
        uint64_t memory_bytes;
        enum gpu_health health;
        char health_detail[96]; /* "Xid 79: fallen off the bus" */
        /* A process on the device that belongs to no container of ours, found by the monitor's
         * owner; 0 when there is none. Such a device is not given away. */
        int32_t foreign_pid;
        char foreign_user[33];
};

struct gpu_inventory {
        struct gpu_device *devices; /* ordered by gpu, instance */
        size_t ndevices;
        size_t ngpus;               /* physical GPUs */
        uint8_t *links; /* ngpus * ngpus of enum gpu_link (or more for several NVLinks) */
};

static inline uint8_t gpu_inventory_link(const struct gpu_inventory *inv, int a, int b) {
        return inv->links ? inv->links[(size_t)a * inv->ngpus + (size_t)b] : GPU_LINK_SYSTEM;
}

/* Index of the device with @uuid, or -1. */
int gpu_inventory_find(const struct gpu_inventory *inv, const char *uuid);
/* Deep copy: 0 or -ENOMEM; *ret is released with gpu_inventory_release(). */
int gpu_inventory_copy(const struct gpu_inventory *inv, struct gpu_inventory *ret);
void gpu_inventory_release(struct gpu_inventory *inv);
