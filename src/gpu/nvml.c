/* Opening the management library and reading an inventory or a sample; see the header. */
#include "gpu/nvml.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *symbol;
        size_t offset;
        bool need;
} functions[] = {
#define NVML_ROW(need, name, parameters) { "nvml" #name, offsetof(struct nvml_api, name), need },
        NVML_FUNCTIONS(NVML_ROW)
#undef NVML_ROW
        { "nvmlErrorString", offsetof(struct nvml_api, ErrorString), false },
};

void nvml_result_text(const struct nvml *n, int result, char *dst, size_t size) {
        const char *text = n->api.ErrorString ? n->api.ErrorString(result) : NULL;
        char clean[80];

        str_printable(clean, sizeof(clean), text ? text : "NVML error");
        snprintf(dst, size, "%s (%d)", clean, result);
}

static int find_functions(struct nvml *n, const char *library, struct err *e) {
        for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
                void *symbol = dlsym(n->library, functions[i].symbol);

                if (!symbol && functions[i].need)
                        return err_set(e, EINVAL, "%s has no function '%s'", library,
                                       functions[i].symbol);
                /* POSIX lets a void * from dlsym() be a function; C has no cast for it. */
                memcpy((char *)&n->api + functions[i].offset, &symbol, sizeof(symbol));
        }
        return 0;
}

static int load(struct nvml *n, const char *library, struct err *e) {
        const char *why;

        n->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (n->library)
                return find_functions(n, library, e);
        why = dlerror();
        if (!why || strstr(why, "No such file"))
                return err_set(e, ENODEV, "no NVIDIA driver: %s not found", library);
        return err_set(e, ENODEV, "no NVIDIA driver: %s cannot be loaded: %s", library, why);
}

static int initialise(struct nvml *n, struct err *e) {
        int r = n->api.Init_v2();
        char text[128];

        if (r == NVML_OK)
                return 0;
        if (r == NVML_DRIVER_NOT_LOADED)
                return err_set(e, ENODEV, "no NVIDIA driver: its kernel module is not loaded");
        if (r == NVML_LIB_RM_VERSION_MISMATCH)
                return err_set(e, ENODEV,
                               "the NVIDIA driver was updated: reload its kernel modules "
                               "or reboot");
        nvml_result_text(n, r, text, sizeof(text));
        return err_set(e, ENODEV, "the NVIDIA driver cannot be used: %s", text);
}

int nvml_open(const char *library, struct nvml **ret, struct err *e) {
        struct nvml *n = calloc(1, sizeof(*n));
        int r;

        if (!n)
                return err_set(e, ENOMEM, "out of memory");
        r = load(n, library, e);
        if (r == 0)
                r = initialise(n, e);
        if (r < 0) {
                if (n->library)
                        dlclose(n->library);
                free(n);
                return r;
        }
        if (NVML_CALL(&n->api, EventSetCreate, &n->events) != NVML_OK)
                n->events = NULL;
        *ret = n;
        return 0;
}

void nvml_close(struct nvml *n) {
        if (!n)
                return;
        if (n->events)
                (void)NVML_CALL(&n->api, EventSetFree, n->events);
        (void)NVML_CALL(&n->api, Shutdown);
        dlclose(n->library);
        free(n);
}

int nvml_read_inventory(struct nvml *n, struct gpu_inventory *ret,
                        struct gpu_processes *ret_processes, struct err *e) {
        _cleanup_free_ struct nvml_rows *rows = calloc(1, sizeof(*rows));
        struct gpu_inventory inv = { 0 };
        struct gpu_processes processes = { 0 };
        int r;

        if (!rows)
                return err_set(e, ENOMEM, "out of memory");
        r = nvml_find_devices(n, rows, e);
        if (r < 0)
                return r;
        nvml_read_health(n, rows);
        r = nvml_read_processes(n, rows, &processes);
        inv.ngpus = rows->ngpus;
        inv.ndevices = rows->len;
        inv.links = nvml_read_links(n, rows);
        inv.devices = calloc(rows->len ? rows->len : 1, sizeof(*inv.devices));
        if (r < 0 || !inv.links || !inv.devices) {
                free(inv.links);
                free(inv.devices);
                gpu_processes_release(&processes);
                VEC_RELEASE(rows);
                return err_set(e, ENOMEM, "out of memory");
        }
        for (size_t i = 0; i < rows->len; i++)
                inv.devices[i] = rows->items[i].device;
        VEC_RELEASE(rows);
        *ret = inv;
        *ret_processes = processes;
        return 0;
}

static void sample_memory(struct nvml *n, nvml_device handle, struct gpu_device_sample *s) {
        struct nvml_memory_v2 v2 = { .version = NVML_MEMORY_V2 };
        struct nvml_memory v1 = { 0 };

        if (NVML_CALL(&n->api, DeviceGetMemoryInfo_v2, handle, &v2) == NVML_OK) {
                s->memory_used = v2.used;
                s->memory_total = v2.total;
        } else if (NVML_CALL(&n->api, DeviceGetMemoryInfo, handle, &v1) == NVML_OK) {
                s->memory_used = v1.used;
                s->memory_total = v1.total;
        }
}

static int sample_temperature(struct nvml *n, nvml_device gpu) {
        struct nvml_temperature t = { .version = NVML_TEMPERATURE_V1,
                                      .sensor = NVML_TEMPERATURE_GPU };
        uint32_t celsius = 0;

        if (NVML_CALL(&n->api, DeviceGetTemperatureV, gpu, &t) == NVML_OK)
                return t.celsius;
        if (NVML_CALL(&n->api, DeviceGetTemperature, gpu, NVML_TEMPERATURE_GPU, &celsius) ==
            NVML_OK)
                return (int)celsius;
        return -1;
}

static void sample_device(struct nvml *n, const struct nvml_row *row, struct gpu_device_sample *s) {
        struct nvml_utilization rates = { 0 };
        uint32_t milliwatts = 0;

        *s = (struct gpu_device_sample){ .utilization_percent = -1, .temperature_c = -1,
                                         .power_mw = -1, .memory_total = row->device.memory_bytes };
        str_copy(s->uuid, sizeof(s->uuid), row->device.uuid);
        sample_memory(n, row->handle, s);
        s->temperature_c = sample_temperature(n, row->gpu_handle);
        if (NVML_CALL(&n->api, DeviceGetPowerUsage, row->gpu_handle, &milliwatts) == NVML_OK)
                s->power_mw = milliwatts;
        /* The driver has no utilisation for MIG instances, nor for a GPU that is partitioned. */
        if (row->device.instance < 0 &&
            NVML_CALL(&n->api, DeviceGetUtilizationRates, row->handle, &rates) == NVML_OK)
                s->utilization_percent = rates.gpu <= 100 ? (int)rates.gpu : 100;
}

int nvml_read_sample(struct nvml *n, struct gpu_sample *ret, struct err *e) {
        _cleanup_free_ struct nvml_rows *rows = calloc(1, sizeof(*rows));
        struct gpu_sample s = { 0 };
        size_t kept = 0;
        int r;

        if (!rows)
                return err_set(e, ENOMEM, "out of memory");
        r = nvml_find_devices(n, rows, e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < rows->len; i++) /* the process list counts devices as we do */
                if (rows->items[i].handle)
                        rows->items[kept++] = rows->items[i];
        rows->len = kept;
        s.devices = calloc(kept ? kept : 1, sizeof(*s.devices));
        r = s.devices ? nvml_read_processes(n, rows, &s.processes) : -ENOMEM;
        if (r < 0) {
                gpu_sample_release(&s);
                VEC_RELEASE(rows);
                return err_set(e, -r, "out of memory");
        }
        s.ndevices = kept;
        for (size_t i = 0; i < kept; i++)
                sample_device(n, &rows->items[i], &s.devices[i]);
        s.taken_us = clock_mono_us();
        VEC_RELEASE(rows);
        *ret = s;
        return 0;
}

void gpu_processes_release(struct gpu_processes *p) {
        free(p->items);
        *p = (struct gpu_processes){ 0 };
}

void gpu_sample_release(struct gpu_sample *s) {
        free(s->devices);
        gpu_processes_release(&s->processes);
        *s = (struct gpu_sample){ 0 };
}
