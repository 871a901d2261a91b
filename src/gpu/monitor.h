/*
 * The daemon's view of the GPUs. One thread asks a helper process (helper.h), the only process
 * that ever calls the driver, and keeps the last answer; a driver call that never returns costs
 * the helper, not the daemon. Nobody who calls in here waits longer than the configured deadline.
 *
 * All functions may be called from any thread. Times are microseconds.
 */
#pragma once

#include "base/err.h"
#include "core/inventory.h"

#include <stddef.h>
#include <stdint.h>

/* A process that holds memory on a device, by its pid on the host. */
struct gpu_process {
        int32_t pid;
        uint64_t memory; /* bytes; 0 when the driver does not say */
        size_t device;   /* index into the devices of the answer it came with */
};

struct gpu_processes {
        struct gpu_process *items; /* ordered by device, pid; a pid is there once per device */
        size_t n;
};

struct gpu_device_sample {
        char uuid[96];
        int utilization_percent; /* -1 unknown (always so for MIG instances) */
        int temperature_c;       /* -1 unknown */
        int64_t power_mw;        /* -1 unknown */
        uint64_t memory_used;    /* bytes */
        uint64_t memory_total;   /* bytes; 0 unknown */
};

struct gpu_sample {
        struct gpu_device_sample *devices; /* ordered by gpu, instance */
        size_t ndevices;
        struct gpu_processes processes; /* .device: index into devices above */
        int64_t taken_us;               /* CLOCK_MONOTONIC */
};

struct gpu_monitor_config {
        const char *library;        /* NULL: libnvidia-ml.so.1 */
        const char *simulator_file; /* NULL, or what the helper gets as DS01_NVML_SIM */
        const char *executable; /* run as `EXECUTABLE --gpu-helper LIBRARY`; NULL: /proc/self/exe */
        int64_t deadline_us;        /* for one answer of the helper; 0: 3 s */
        int64_t interval_us;        /* between two inventories; 0: 5 s */
        /* Called from the monitor's thread, no lock held, after the inventory changed: the set of
         * devices, a device's health, the links, or which pids are on which device. May call
         * gpu_monitor_inventory() and gpu_monitor_status(), not the functions that wait. */
        void (*changed)(void *ctx);
        void *ctx;
};

struct gpu_monitor;

/* Starts the thread and waits for the first inventory, at most the deadline. A machine without
 * driver, or one whose driver hangs, is no failure: see gpu_monitor_status(). The strings of @cfg
 * are copied. 0 or -errno (no thread, no memory). Not to be called before a fork() of the caller.
 */
int gpu_monitor_start(const struct gpu_monitor_config *cfg, struct gpu_monitor **ret,
                      struct err *e);

/* Ends the helper and the thread; NULL is fine. Not to be called from `changed`. */
void gpu_monitor_stop(struct gpu_monitor *m);

/* A deep copy of the last inventory and of the processes seen with it; never waits. Devices that
 * the driver stopped answering for are GPU_UNRESPONSIVE, a device that is gone is not listed.
 * foreign_pid is 0 everywhere: which processes are foreign is for the caller to find out.
 * @ret_processes may be NULL. 0 or -ENOMEM; release with gpu_inventory_release() and
 * gpu_processes_release(). */
int gpu_monitor_inventory(struct gpu_monitor *m, struct gpu_inventory *ret,
                          struct gpu_processes *ret_processes);

/* A deep copy of the last sample when it is at most 2 s old, else of a new one. 0, -ETIMEDOUT
 * (the driver does not answer), -ENODEV (there is none), -EIO (the helper died), -EDEADLK (called
 * from `changed`), -ENOMEM. Release with gpu_sample_release(). */
int gpu_monitor_sample(struct gpu_monitor *m, struct gpu_sample *ret);

/* Reads the inventory now and waits for it; errors as gpu_monitor_sample(). */
int gpu_monitor_refresh(struct gpu_monitor *m);

/* One line for people: "" when all is well, else for example
 * "no NVIDIA driver: libnvidia-ml.so.1 not found" or "the GPU driver does not answer". */
void gpu_monitor_status(struct gpu_monitor *m, char *dst, size_t size);

void gpu_processes_release(struct gpu_processes *p);
void gpu_sample_release(struct gpu_sample *s);
