/*
 * Which processes are on which device. Compute, graphics and MPS processes come from three lists
 * that overlap, each in up to three versions of the function and three sizes of item.
 */
#include "gpu/nvml.h"

#include "base/vec.h"

#include <errno.h>
#include <string.h>

#define PROCESSES_START 64
#define PROCESSES_MAX 4096 /* of one GPU and list */
#define UNTOUCHED 0xAB     /* fills the buffer before the call */

struct found {
        uint32_t pid, gi, ci;
        uint64_t memory;
};

struct found_list {
        struct found *items;
        size_t len, cap;
};

struct list_call {
        int (*call)(nvml_device device, uint32_t *count, void *infos);
        size_t item; /* its size; 0: find out */
};

/* The newest function of a list that the library has. */
static struct list_call choose(int (*v3)(nvml_device, uint32_t *, void *),
                               int (*v2)(nvml_device, uint32_t *, void *),
                               int (*v1)(nvml_device, uint32_t *, void *)) {
        if (v3)
                return (struct list_call){ v3, 0 };
        if (v2)
                return (struct list_call){ v2, sizeof(struct nvml_process) };
        return (struct list_call){ v1, sizeof(struct nvml_process_v1) };
}

/* Drivers 535.43 to 535.8x write items of 32 bytes where all others write 24. The items end where
 * the fill pattern begins. */
static size_t item_size(const unsigned char *buffer, size_t count) {
        for (size_t i = count * sizeof(struct nvml_process); i < count * NVML_PROCESS_SIZE_MAX; i++)
                if (buffer[i] != UNTOUCHED)
                        return NVML_PROCESS_SIZE_MAX;
        return sizeof(struct nvml_process);
}

static int take_items(const unsigned char *buffer, size_t count, size_t item,
                      struct found_list *list) {
        if (item == 0)
                item = item_size(buffer, count);
        for (size_t i = 0; i < count; i++) {
                struct nvml_process p = { .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };
                struct found f;

                memcpy(&p, buffer + i * item, item < sizeof(p) ? item : sizeof(p));
                if (p.pid == 0 || p.pid > INT32_MAX)
                        continue;
                f = (struct found){ p.pid, p.gi, p.ci, p.memory == NVML_VALUE_NONE ? 0 : p.memory };
                if (VEC_PUSH(list, f) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_list(struct list_call list, nvml_device gpu, struct found_list *ret) {
        uint32_t room = PROCESSES_START;

        if (!list.call)
                return 0;
        for (int attempt = 0; attempt < 4; attempt++) {
                size_t bytes = (size_t)room * NVML_PROCESS_SIZE_MAX;
                _cleanup_free_ unsigned char *buffer = malloc(bytes);
                uint32_t count = room;
                int r;

                if (!buffer)
                        return -ENOMEM;
                memset(buffer, UNTOUCHED, bytes);
                r = list.call(gpu, &count, buffer);
                if (r == NVML_OK)
                        return take_items(buffer, count < room ? count : room, list.item, ret);
                if (r != NVML_INSUFFICIENT_SIZE || room >= PROCESSES_MAX)
                        return 0; /* not supported, or not for us: no processes known */
                room = count > room ? count + 16 : room * 2; /* more may start meanwhile */
                if (room > PROCESSES_MAX)
                        room = PROCESSES_MAX;
        }
        return 0;
}

/* The device of a process: the GPU itself or the MIG instance that its ids name. A process of a
 * partitioned GPU without ids has none. */
static long device_of(const struct nvml_rows *rows, nvml_device gpu, const struct found *f) {
        for (size_t i = 0; i < rows->len; i++) {
                const struct nvml_row *row = &rows->items[i];

                if (row->gpu_handle != gpu || !row->handle)
                        continue;
                if (row->device.instance < 0 || (row->gi == f->gi && row->ci == f->ci))
                        return (long)i;
        }
        return -1;
}

static int compare(const void *a, const void *b) {
        const struct gpu_process *x = a, *y = b;

        if (x->device != y->device)
                return x->device < y->device ? -1 : 1;
        return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* One row for a pid and device, with the larger memory: the lists repeat each other. */
static size_t merge(struct gpu_process *items, size_t n) {
        size_t kept = 0;

        if (n == 0)
                return 0;
        qsort(items, n, sizeof(*items), compare);
        for (size_t i = 1; i < n; i++)
                if (compare(&items[kept], &items[i]) != 0)
                        items[++kept] = items[i];
                else if (items[i].memory > items[kept].memory)
                        items[kept].memory = items[i].memory;
        return kept + 1;
}

int nvml_read_processes(struct nvml *n, const struct nvml_rows *rows, struct gpu_processes *ret) {
        const struct nvml_api *api = &n->api;
        const struct list_call lists[] = {
                choose(api->DeviceGetComputeRunningProcesses_v3,
                       api->DeviceGetComputeRunningProcesses_v2,
                       api->DeviceGetComputeRunningProcesses),
                choose(api->DeviceGetGraphicsRunningProcesses_v3,
                       api->DeviceGetGraphicsRunningProcesses_v2,
                       api->DeviceGetGraphicsRunningProcesses),
                choose(api->DeviceGetMPSComputeRunningProcesses_v3,
                       api->DeviceGetMPSComputeRunningProcesses_v2,
                       api->DeviceGetMPSComputeRunningProcesses),
        };
        VEC(struct gpu_process) all = { 0 };
        struct found_list found = { 0 };
        int r = 0;

        for (size_t gpu = 0; gpu < rows->ngpus && r == 0; gpu++) {
                if (!rows->gpus[gpu])
                        continue;
                found.len = 0;
                for (size_t i = 0; i < ARRAY_SIZE(lists) && r == 0; i++)
                        r = read_list(lists[i], rows->gpus[gpu], &found);
                for (size_t i = 0; i < found.len && r == 0; i++) {
                        long device = device_of(rows, rows->gpus[gpu], &found.items[i]);
                        struct gpu_process p = { (int32_t)found.items[i].pid,
                                                 found.items[i].memory, (size_t)device };

                        if (device >= 0)
                                r = VEC_PUSH(&all, p);
                }
        }
        VEC_RELEASE(&found);
        if (r < 0) {
                VEC_RELEASE(&all);
                return r;
        }
        *ret = (struct gpu_processes){ all.items, merge(all.items, all.len) };
        return 0;
}
