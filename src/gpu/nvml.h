/*
 * NVIDIA's management library, opened at run time, read into plain values. Every call in here may
 * block for ever in the kernel, so only the helper process (helper.h) and tests use it. One thread
 * at a time.
 */
#pragma once

#include "base/err.h"
#include "gpu/monitor.h"
#include "gpu/nvml_abi.h"

#define NVML_LIBRARY "libnvidia-ml.so.1"
#define NVML_GPUS_MAX 256 /* physical GPUs looked at */

struct nvml_api {
#define NVML_MEMBER(need, name, parameters) int(*name) parameters;
        NVML_FUNCTIONS(NVML_MEMBER)
#undef NVML_MEMBER
        const char *(*ErrorString)(int result);
};

/* Calls an optional function: FUNCTION_NOT_FOUND where the library has none. */
#define NVML_CALL(api, name, ...) \
        ((api)->name ? (api)->name(__VA_ARGS__) : (int)NVML_FUNCTION_NOT_FOUND)

/* A critical Xid that was reported, remembered for as long as the library is open. */
struct nvml_xid {
        char uuid[NVML_UUID_SIZE]; /* of the physical GPU; "" is every GPU */
        uint32_t gi, ci;           /* NVML_ID_NONE, or the MIG instance concerned */
        uint32_t xid;
};

struct nvml {
        void *library;
        struct nvml_api api;
        nvml_event_set events;               /* NULL where not supported */
        bool registered[NVML_GPUS_MAX];      /* events of this index are asked for */
        struct nvml_xid xids[NVML_GPUS_MAX]; /* the first ones; one is enough to fail a GPU */
        size_t nxids;
};

/* Opens @library (a name for the loader, or a path) and initialises it. -ENODEV when there is no
 * library or no driver behind it, with words for people in @e; -EINVAL when a function without
 * which nothing works is missing. */
int nvml_open(const char *library, struct nvml **ret, struct err *e);
void nvml_close(struct nvml *n);

/* All devices with their health, the links and the processes, processes ordered by device and pid.
 * A GPU that does not answer has one row with uuid "", its index and GPU_FAILED: only a reader with
 * a memory knows what it was. @ret and @ret_processes are released by their functions. */
int nvml_read_inventory(struct nvml *n, struct gpu_inventory *ret,
                        struct gpu_processes *ret_processes, struct err *e);

/* Load and processes of all devices that answer. */
int nvml_read_sample(struct nvml *n, struct gpu_sample *ret, struct err *e);

/* --- for the files of the reader --- */

/* A device together with what is needed to ask for it. */
struct nvml_row {
        nvml_device handle; /* NULL: it does not answer */
        nvml_device gpu_handle;
        uint32_t gi, ci; /* MIG; else NVML_ID_NONE */
        struct gpu_device device;
};

struct nvml_rows {
        struct nvml_row *items;
        size_t len, cap;
        nvml_device gpus[NVML_GPUS_MAX]; /* handle by index, NULL: does not answer */
        bool partitioned[NVML_GPUS_MAX]; /* MIG mode on */
        size_t ngpus;
};

/* Finds all devices: handles, names, sizes. */
int nvml_find_devices(struct nvml *n, struct nvml_rows *ret, struct err *e);
/* ngpus * ngpus of enum gpu_link, or NULL without memory. */
uint8_t *nvml_read_links(struct nvml *n, const struct nvml_rows *rows);
int nvml_read_processes(struct nvml *n, const struct nvml_rows *rows, struct gpu_processes *ret);
/* Sets health and health_detail of all rows; collects events. */
void nvml_read_health(struct nvml *n, struct nvml_rows *rows);
/* Words for a result: "GPU is lost (15)". */
void nvml_result_text(const struct nvml *n, int result, char *dst, size_t size);
