/*
 * The simulated GPUs of libds01-nvml-sim.so: what the text file says, as a value.
 *
 * The file, one statement a line, '#' starts a comment (docs/GPU-SIMULATOR.md has all of it):
 *
 *     gpus 4 model="NVIDIA A100-SXM4-40GB" memory=40GiB     GPUs 0 to 3
 *     gpu 0 util=85 used=12GiB numa=1                       makes or changes one
 *     mig 0 1 profile=1g.5gb                                GPU 0 is partitioned; its slot 1
 *     nvlink 0 1 12        nvswitch 0-7 18        pcie 0-3 4-7 sys
 *     process 0 pid=4711 memory=1GiB                        also 0.1 or a UUID
 *     fault 3 lost         fault 3 remap|ecc|xid=79         fault hang=DeviceGetCount_v2
 *     fault error=DeviceGetName:3                           slow ms=200       stride 32
 */
#pragma once

#include "gpu/nvml_abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_GPUS_MAX 64
#define SIM_MIG_MAX 7
#define SIM_PROCESSES_MAX 4096
#define SIM_CALLS_MAX 32
#define SIM_FILE_MAX (1024 * 1024)

struct sim_mig {
        bool present;
        char profile[24]; /* "1g.5gb" */
        char uuid[NVML_UUID_SIZE];
        int64_t slices;    /* of compute */
        int64_t gi_slices; /* of the GPU instance it is in */
        int64_t memory, used;
};

struct sim_gpu {
        char model[NVML_NAME_SIZE];
        char uuid[NVML_UUID_SIZE];
        char pci[24]; /* "0000:07:00.0" */
        int64_t memory, used; /* used < 0: what the processes use */
        int64_t numa, minor;
        int64_t util, temp, power; /* percent, degrees, watts */
        bool partitioned;
        struct sim_mig migs[SIM_MIG_MAX];
        uint32_t domain, bus, device; /* of pci */
        bool lost, remap, ecc;
        int64_t xid;
};

struct sim_process {
        size_t gpu;
        int slot; /* -1: the whole GPU */
        int64_t pid, memory;
};

struct sim_call { /* a function that misbehaves */
        char name[48];
        bool hang;
        int64_t result;
};

struct sim_state {
        size_t ngpus;
        struct sim_gpu gpus[SIM_GPUS_MAX];
        uint8_t nvlinks[SIM_GPUS_MAX][SIM_GPUS_MAX]; /* direct links */
        uint8_t switch_links[SIM_GPUS_MAX];
        uint8_t pcie[SIM_GPUS_MAX][SIM_GPUS_MAX]; /* enum nvml_topology; 255: not said */
        struct sim_process *processes;
        size_t nprocesses, processes_cap;
        struct sim_call calls[SIM_CALLS_MAX];
        size_t ncalls;
        int64_t slow_ms;
        bool stride_32; /* process items of 32 bytes, as drivers 535.43 wrote them */
};

/* Reads @n bytes of @text. 0, -EINVAL with "FILE:LINE: what" in @message, or -ENOMEM. */
int sim_parse(const char *file, const char *text, size_t n, struct sim_state **ret, char *message,
              size_t size);
void sim_free(struct sim_state *s);

/* Memory in use: what the file says, else the sum of the processes. */
uint64_t sim_memory_used(const struct sim_state *s, size_t gpu, int slot);
