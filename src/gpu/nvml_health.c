/*
 * Whether a GPU can be given away: memory rows that could not be remapped, uncorrectable errors,
 * and critical Xid events (the driver's numbers for what went wrong). Losing the GPU altogether
 * shows when it is looked for, see nvml_devices.c.
 */
#include "gpu/nvml.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_PER_READING 256 /* a storm of events must not keep a reading from ending */

/* Xids that a program of a user causes (NVIDIA's catalogue: "user application error"). */
static const uint32_t harmless_xids[] = { 13, 31, 43, 45, 68 };

static const struct {
        uint32_t xid;
        const char *text;
} xid_texts[] = {
        { 48, "uncorrectable memory error" },
        { 62, "internal micro-controller halt" },
        { 64, "row remapping failed" },
        { 74, "NVLink error" },
        { 79, "fallen off the bus" },
        { 94, "contained memory error" },
        { 95, "uncontained memory error" },
        { 119, "GSP does not answer" },
        { 120, "GSP error" },
};

static void xid_detail(uint32_t xid, char *dst, size_t size) {
        for (size_t i = 0; i < ARRAY_SIZE(xid_texts); i++)
                if (xid_texts[i].xid == xid) {
                        snprintf(dst, size, "Xid %u: %s", xid, xid_texts[i].text);
                        return;
                }
        snprintf(dst, size, "Xid %u", xid);
}

static bool harmless(uint64_t xid) {
        for (size_t i = 0; i < ARRAY_SIZE(harmless_xids); i++)
                if (harmless_xids[i] == xid)
                        return true;
        return false;
}

static void register_events(struct nvml *n, const struct nvml_rows *rows) {
        for (size_t i = 0; i < rows->ngpus; i++) {
                uint64_t types = 0;

                if (n->registered[i] || !rows->gpus[i])
                        continue;
                n->registered[i] = true; /* one that cannot be asked now cannot later either */
                if (NVML_CALL(&n->api, DeviceGetSupportedEventTypes, rows->gpus[i], &types) ==
                            NVML_OK &&
                    types & NVML_EVENT_XID)
                        (void)NVML_CALL(&n->api, DeviceRegisterEvents, rows->gpus[i],
                                        NVML_EVENT_XID, n->events);
        }
}

static void remember(struct nvml *n, const struct nvml_event *event) {
        struct nvml_xid x = { .gi = event->gi, .ci = event->ci,
                              .xid = event->data < NVML_UNKNOWN ? (uint32_t)event->data
                                                                : (uint32_t)NVML_UNKNOWN };

        if (n->nxids == ARRAY_SIZE(n->xids))
                return;
        if (event->device &&
            n->api.DeviceGetUUID(event->device, x.uuid, sizeof(x.uuid)) != NVML_OK)
                return; /* a GPU that does not answer is failed without its event */
        x.uuid[sizeof(x.uuid) - 1] = '\0';
        n->xids[n->nxids++] = x;
}

static void collect_events(struct nvml *n) {
        for (int i = 0; i < EVENTS_PER_READING; i++) {
                struct nvml_event event = { .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };

                if (NVML_CALL(&n->api, EventSetWait_v2, n->events, &event, 0) != NVML_OK)
                        return;
                if (event.type & NVML_EVENT_XID && !harmless(event.data))
                        remember(n, &event);
        }
}

/* "" when nothing is wrong with the memory of @gpu. */
static void memory_health(struct nvml *n, nvml_device gpu, char *dst, size_t size) {
        uint32_t corrected = 0, uncorrected = 0, pending = 0, failed = 0;
        uint64_t errors = 0;
        int pages = 0;

        dst[0] = '\0';
        if (NVML_CALL(&n->api, DeviceGetRemappedRows, gpu, &corrected, &uncorrected, &pending,
                      &failed) == NVML_OK) {
                if (failed)
                        str_copy(dst, size, "a memory row could not be remapped");
                else if (pending)
                        str_copy(dst, size, "memory rows wait to be remapped: reset the GPU");
        }
        if (dst[0] == '\0' &&
            NVML_CALL(&n->api, DeviceGetTotalEccErrors, gpu, NVML_ECC_UNCORRECTED,
                      NVML_ECC_VOLATILE, &errors) == NVML_OK &&
            errors > 0 && errors != NVML_VALUE_NONE)
                snprintf(dst, size, "%llu uncorrectable memory errors (ECC)",
                         (unsigned long long)errors);
        if (dst[0] == '\0' &&
            NVML_CALL(&n->api, DeviceGetRetiredPagesPendingStatus, gpu, &pages) == NVML_OK &&
            pages == 1)
                str_copy(dst, size, "memory pages wait to be retired: reset the GPU");
}

static void fail(struct nvml_row *row, const char *detail) {
        row->device.health = GPU_FAILED;
        str_copy(row->device.health_detail, sizeof(row->device.health_detail), detail);
}

/* Does the event concern the row? Its UUID is the GPU's or, by some drivers, the instance's. */
static bool concerns(const struct nvml_xid *x, const struct nvml_row *row,
                     const char *gpu_uuid) {
        if (x->uuid[0] && !str_equal(x->uuid, gpu_uuid) && !str_equal(x->uuid, row->device.uuid))
                return false;
        if (row->device.instance < 0 || x->gi == NVML_ID_NONE)
                return true;
        return row->gi == x->gi && (x->ci == NVML_ID_NONE || row->ci == x->ci);
}

static void row_health(struct nvml *n, struct nvml_row *row) {
        char detail[96], gpu_uuid[NVML_UUID_SIZE] = "";

        memory_health(n, row->gpu_handle, detail, sizeof(detail));
        if (detail[0])
                fail(row, detail);
        if (n->nxids &&
            n->api.DeviceGetUUID(row->gpu_handle, gpu_uuid, sizeof(gpu_uuid)) != NVML_OK)
                return;
        gpu_uuid[sizeof(gpu_uuid) - 1] = '\0';
        for (size_t i = 0; i < n->nxids; i++)
                if (concerns(&n->xids[i], row, gpu_uuid)) {
                        xid_detail(n->xids[i].xid, detail, sizeof(detail));
                        fail(row, detail);
                        return;
                }
}

void nvml_read_health(struct nvml *n, struct nvml_rows *rows) {
        if (n->events) {
                register_events(n, rows);
                collect_events(n);
        }
        for (size_t i = 0; i < rows->len; i++)
                if (rows->items[i].handle)
                        row_health(n, &rows->items[i]);
}
