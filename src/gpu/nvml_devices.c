/*
 * Which devices there are: whole GPUs and MIG instances, with names, sizes and places. Everything
 * but the handle and the UUID may be NOT_SUPPORTED on some product or in some container, and then
 * the field keeps its "unknown".
 */
#include "gpu/nvml.h"

#include "base/fd.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIG_PER_GPU_MAX 64 /* MaxMigDeviceCount is 7 today */
#define MIB (1024ULL * 1024)

/* The NUMA node of the CPU side, which sysfs knows. DeviceGetNumaNodeId is asked second: where GPUs
 * are NUMA nodes themselves (Grace Hopper) it names the node of the GPU's own memory. */
static int numa_node(struct nvml *n, nvml_device gpu) {
        struct nvml_pci_info pci = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT(32);
        char path[96];
        int64_t node = -1;
        uint32_t own = 0;

        if (NVML_CALL(&n->api, DeviceGetPciInfo_v3, gpu, &pci) == NVML_OK) {
                snprintf(path, sizeof(path), "/sys/bus/pci/devices/%04x:%02x:%02x.0/numa_node",
                         pci.domain, pci.bus, pci.device);
                if (file_read(path, &text) == 0 && text.len > 0) {
                        text.data[strcspn(text.data, "\n")] = '\0';
                        (void)str_to_i64(text.data, 0, 65535, &node);
                }
        }
        if (node < 0 && NVML_CALL(&n->api, DeviceGetNumaNodeId, gpu, &own) == NVML_OK &&
            own < 65536)
                node = own;
        return (int)node;
}

static uint64_t memory_total(struct nvml *n, nvml_device handle) {
        struct nvml_memory_v2 v2 = { .version = NVML_MEMORY_V2 };
        struct nvml_memory v1 = { 0 };

        if (NVML_CALL(&n->api, DeviceGetMemoryInfo_v2, handle, &v2) == NVML_OK)
                return v2.total;
        if (NVML_CALL(&n->api, DeviceGetMemoryInfo, handle, &v1) == NVML_OK)
                return v1.total;
        return 0;
}

static int get_uuid(struct nvml *n, nvml_device handle, char dst[NVML_UUID_SIZE]) {
        char raw[NVML_UUID_SIZE] = "";
        int r = n->api.DeviceGetUUID(handle, raw, sizeof(raw));

        raw[sizeof(raw) - 1] = '\0';
        if (r != NVML_OK)
                return r;
        /* It becomes part of names of files and labels. */
        for (const char *c = raw; *c; c++)
                if (!isalnum((unsigned char)*c) && *c != '-' && *c != '/')
                        return NVML_UNKNOWN;
        if (*raw == '\0')
                return NVML_UNKNOWN;
        str_copy(dst, NVML_UUID_SIZE, raw);
        return NVML_OK;
}

static void get_model(struct nvml *n, nvml_device handle, char dst[NVML_NAME_SIZE]) {
        char raw[NVML_NAME_SIZE] = "";

        if (NVML_CALL(&n->api, DeviceGetName, handle, raw, sizeof(raw)) != NVML_OK)
                str_copy(raw, sizeof(raw), "NVIDIA GPU");
        raw[sizeof(raw) - 1] = '\0';
        str_printable(dst, NVML_NAME_SIZE, raw);
}

/* "1g.5gb", or "1c.3g.20gb" for a compute instance that is part of its GPU instance. The gigabytes
 * are not the instance's size but its eighths of the GPU's, rounded, as NVIDIA's tools name them.
 */
static void profile_name(const struct nvml_attributes *a, uint64_t gpu_bytes, char *dst,
                         size_t size) {
        uint64_t total = gpu_bytes / MIB, gb = (total + 1023) / 1024, eighths;

        eighths = total ? (a->memory_mb * 8 + total / 2) / total : 0;
        gb = total ? (eighths * gb * 2 + 8) / 16 : (a->memory_mb + 512) / 1024;
        if (a->ci_slices == a->gi_slices || a->gi_slices == 0)
                snprintf(dst, size, "%ug.%llugb", a->ci_slices, (unsigned long long)gb);
        else
                snprintf(dst, size, "%uc.%ug.%llugb", a->ci_slices, a->gi_slices,
                         (unsigned long long)gb);
}

/* Model and profile: recent drivers say "NVIDIA A100-SXM4-40GB MIG 1g.5gb" for the instance. */
static void mig_model(struct nvml *n, nvml_device mig, const struct nvml_attributes *attributes,
                      const struct nvml_row *gpu, char dst[NVML_NAME_SIZE]) {
        char name[NVML_NAME_SIZE], profile[48] = "";
        const char *at;

        get_model(n, mig, name);
        at = strstr(name, " MIG ");
        if (at)
                str_copy(profile, sizeof(profile), at + strlen(" MIG "));
        else if (attributes->ci_slices)
                profile_name(attributes, gpu->device.memory_bytes, profile, sizeof(profile));
        else
                str_copy(profile, sizeof(profile), "MIG");
        if (snprintf(name, sizeof(name), "%.50s %s", gpu->device.model, profile) > 0)
                str_copy(dst, NVML_NAME_SIZE, name);
}

/* Compute slices where the attributes are not to be had: the digits before "g." or "c." */
static uint32_t slices_of_model(const char *model) {
        const char *space = strrchr(model, ' ');

        if (space && isdigit((unsigned char)space[1]) && (space[2] == 'g' || space[2] == 'c'))
                return (uint32_t)(space[1] - '0');
        return 1;
}

static void fill_mig(struct nvml *n, nvml_device mig, const struct nvml_row *gpu, int instance,
                     struct nvml_row *ret) {
        struct nvml_attributes attributes = { 0 };
        struct gpu_device *d = &ret->device;
        uint32_t slices;

        *ret = (struct nvml_row){ .handle = mig, .gpu_handle = gpu->handle,
                                  .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };
        if (NVML_CALL(&n->api, DeviceGetAttributes_v2, mig, &attributes) != NVML_OK)
                attributes = (struct nvml_attributes){ 0 };
        (void)NVML_CALL(&n->api, DeviceGetGpuInstanceId, mig, &ret->gi);
        (void)NVML_CALL(&n->api, DeviceGetComputeInstanceId, mig, &ret->ci);
        d->gpu = gpu->device.gpu;
        d->instance = instance;
        d->numa_node = gpu->device.numa_node;
        d->minor = gpu->device.minor;
        snprintf(d->name, sizeof(d->name), "GPU-%d.%d", d->gpu, instance);
        mig_model(n, mig, &attributes, gpu, d->model);
        slices = attributes.ci_slices ? attributes.ci_slices : slices_of_model(d->model);
        d->units = 1000 * (int64_t)(slices < 7 ? slices : 7);
        d->memory_bytes = memory_total(n, mig);
        if (d->memory_bytes == 0)
                d->memory_bytes = attributes.memory_mb * MIB;
}

/* A row for a GPU of which nothing is known but that it does not answer. */
static int add_failed(struct nvml *n, struct nvml_rows *rows, int index, int result) {
        struct nvml_row row = { .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };

        row.device = (struct gpu_device){ .gpu = index, .instance = -1, .numa_node = -1,
                                          .minor = -1, .health = GPU_FAILED };
        snprintf(row.device.name, sizeof(row.device.name), "GPU-%d", index);
        if (result == NVML_GPU_IS_LOST)
                str_copy(row.device.health_detail, sizeof(row.device.health_detail),
                         "the GPU is lost (fallen off the bus)");
        else
                nvml_result_text(n, result, row.device.health_detail,
                                 sizeof(row.device.health_detail));
        return VEC_PUSH(rows, row);
}

/* The instances of a partitioned GPU. Their indices can have gaps: an index without an instance
 * answers NOT_FOUND, and every other answer that is not OK is passed over too. */
static int add_instances(struct nvml *n, struct nvml_rows *rows, const struct nvml_row *gpu) {
        uint32_t max = 0;
        int instance = 0;

        if (NVML_CALL(&n->api, DeviceGetMaxMigDeviceCount, gpu->handle, &max) != NVML_OK)
                return 0;
        for (uint32_t i = 0; i < max && i < MIG_PER_GPU_MAX; i++) {
                nvml_device mig = NULL;
                struct nvml_row row;
                char uuid[NVML_UUID_SIZE];

                if (NVML_CALL(&n->api, DeviceGetMigDeviceHandleByIndex, gpu->handle, i, &mig) !=
                            NVML_OK ||
                    !mig || get_uuid(n, mig, uuid) != NVML_OK || rows->len >= GPU_DEVICES_MAX)
                        continue;
                fill_mig(n, mig, gpu, instance++, &row);
                str_copy(row.device.uuid, sizeof(row.device.uuid), uuid);
                if (VEC_PUSH(rows, row) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_gpu(struct nvml *n, struct nvml_rows *rows, uint32_t index) {
        struct nvml_row row = { .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };
        struct gpu_device *d = &row.device;
        uint32_t minor = 0, current = 0, pending = 0;
        int r = n->api.DeviceGetHandleByIndex_v2(index, &row.handle);

        if (r == NVML_OK)
                r = row.handle ? get_uuid(n, row.handle, d->uuid) : (int)NVML_UNKNOWN;
        if (r != NVML_OK)
                return add_failed(n, rows, (int)index, r);
        row.gpu_handle = rows->gpus[index] = row.handle;
        d->gpu = (int)index;
        d->instance = -1;
        d->minor = NVML_CALL(&n->api, DeviceGetMinorNumber, row.handle, &minor) == NVML_OK
                           ? (int)minor
                           : -1;
        d->numa_node = numa_node(n, row.handle);
        d->units = GPU_UNITS_PER_GPU;
        d->memory_bytes = memory_total(n, row.handle);
        snprintf(d->name, sizeof(d->name), "GPU-%u", index);
        get_model(n, row.handle, d->model);
        if (NVML_CALL(&n->api, DeviceGetMigMode, row.handle, &current, &pending) == NVML_OK &&
            current == 1) {
                rows->partitioned[index] = true;
                return add_instances(n, rows, &row);
        }
        return VEC_PUSH(rows, row);
}

int nvml_find_devices(struct nvml *n, struct nvml_rows *ret, struct err *e) {
        uint32_t count = 0;
        char text[128];
        int r = n->api.DeviceGetCount_v2(&count);

        if (r != NVML_OK) {
                nvml_result_text(n, r, text, sizeof(text));
                return err_set(e, EIO, "the NVIDIA driver cannot be read: %s", text);
        }
        ret->ngpus = count < NVML_GPUS_MAX ? count : NVML_GPUS_MAX;
        for (uint32_t i = 0; i < ret->ngpus && ret->len < GPU_DEVICES_MAX; i++)
                if (add_gpu(n, ret, i) < 0) {
                        VEC_RELEASE(ret);
                        return err_set(e, ENOMEM, "out of memory");
                }
        return 0;
}
