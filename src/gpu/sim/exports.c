/*
 * The functions of the management library, answered from the simulator's file (DS01_NVML_SIM, else
 * /etc/ds01/nvml-sim.conf). The file is looked at again whenever a reading begins (Init,
 * DeviceGetCount) and read again when it changed; one that does not parse is complained about on
 * stderr and, after the first time, leaves the last good state in force. One thread at a time.
 */
#include "gpu/sim/sim.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DEFAULT_FILE "/etc/ds01/nvml-sim.conf"
#define HANDLE_BASE 0x10000u /* a handle is this + 16 * GPU + slot + 1 */
#define SWITCH_DOMAIN 0xd502u

/* Declares an export of the list in nvml_abi.h before it is defined. */
#define SIM_DECLARE(need, name, parameters) \
        __attribute__((visibility("default"))) int nvml##name parameters;
NVML_FUNCTIONS(SIM_DECLARE)
__attribute__((visibility("default"))) const char *nvmlErrorString(int result);

static struct {
        struct sim_state *s;
        struct stat seen;
        bool initialised;
        bool registered[SIM_GPUS_MAX], pending[SIM_GPUS_MAX]; /* events */
} sim;

static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* NVML_OK, DRIVER_NOT_LOADED (no file) or UNKNOWN (a bad file and none before it). */
static int load(void) {
        const char *file = getenv("DS01_NVML_SIM");
        _cleanup_buf_ struct buf text = BUF_INIT(SIM_FILE_MAX);
        struct sim_state *fresh = NULL;
        struct stat now;
        char message[512];
        int r;

        if (!file || !*file)
                file = DEFAULT_FILE;
        if (stat(file, &now) < 0)
                return NVML_DRIVER_NOT_LOADED;
        if (sim.s && same_file(&now, &sim.seen))
                return NVML_OK;
        snprintf(message, sizeof(message), "%s: cannot be read", file);
        r = file_read(file, &text);
        if (r == 0)
                r = sim_parse(file, buf_str(&text), text.len, &fresh, message, sizeof(message));
        sim.seen = now;
        if (r < 0) {
                fprintf(stderr, "%s\n", message);
                return sim.s ? NVML_OK : NVML_UNKNOWN;
        }
        for (size_t i = 0; i < SIM_GPUS_MAX; i++)
                sim.pending[i] = fresh->gpus[i].xid && (!sim.s || sim.s->gpus[i].xid !=
                                                                         fresh->gpus[i].xid);
        sim_free(sim.s);
        sim.s = fresh;
        return NVML_OK;
}

static void sleep_ms(int64_t ms) {
        struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

        while (nanosleep(&left, &left) < 0 && errno == EINTR)
                ;
}

/* What the file makes of the call @name: NVML_OK, an error, or no return at all. */
static int enter(const char *name) {
        if (!sim.initialised)
                return NVML_UNINITIALIZED;
        for (size_t i = 0; i < sim.s->ncalls; i++) {
                const struct sim_call *c = &sim.s->calls[i];

                if (!str_equal(c->name, name))
                        continue;
                while (c->hang)
                        sleep_ms(3600 * 1000);
                return (int)c->result;
        }
        return NVML_OK;
}

static nvml_device make_handle(size_t gpu, int slot) {
        return (nvml_device)(uintptr_t)(HANDLE_BASE + 16 * gpu + (size_t)(slot + 1));
}

/* The GPU (and slot, -1 for the GPU itself) of a handle. */
static int find(nvml_device handle, struct sim_gpu **ret_gpu, int *ret_slot) {
        uintptr_t value = (uintptr_t)handle - HANDLE_BASE;
        size_t gpu = value / 16;
        int slot = (int)(value % 16) - 1;

        if ((uintptr_t)handle < HANDLE_BASE || gpu >= sim.s->ngpus || slot >= SIM_MIG_MAX ||
            (slot >= 0 && !sim.s->gpus[gpu].migs[slot].present))
                return NVML_INVALID_ARGUMENT;
        if (sim.s->gpus[gpu].lost)
                return NVML_GPU_IS_LOST;
        *ret_gpu = &sim.s->gpus[gpu];
        *ret_slot = slot;
        return NVML_OK;
}

static size_t index_of(const struct sim_gpu *g) {
        return (size_t)(g - sim.s->gpus);
}

/* The start of every function with a device: declares g and slot, or returns the error. */
#define ENTER(name, handle)                            \
        struct sim_gpu *g = NULL;                      \
        int slot = -1, entered = enter(name);          \
        if (entered == NVML_OK)                        \
                entered = find(handle, &g, &slot);     \
        if (entered != NVML_OK)                        \
        return entered

/* The same for what is asked of physical GPUs only. */
#define ENTER_GPU(name, handle) \
        ENTER(name, handle);    \
        if (slot >= 0)          \
        return NVML_NOT_SUPPORTED

static int give_text(const char *text, char *dst, uint32_t size) {
        if (!dst)
                return NVML_INVALID_ARGUMENT;
        if (strlen(text) >= size)
                return NVML_INSUFFICIENT_SIZE;
        str_copy(dst, size, text);
        return NVML_OK;
}

const char *nvmlErrorString(int result) {
        static const struct {
                int result;
                const char *text;
        } texts[] = {
                { NVML_OK, "Success" },
                { NVML_UNINITIALIZED, "Uninitialized" },
                { NVML_INVALID_ARGUMENT, "Invalid Argument" },
                { NVML_NOT_SUPPORTED, "Not Supported" },
                { NVML_NO_PERMISSION, "Insufficient Permissions" },
                { NVML_NOT_FOUND, "Not Found" },
                { NVML_INSUFFICIENT_SIZE, "Insufficient Size" },
                { NVML_DRIVER_NOT_LOADED, "Driver Not Loaded" },
                { NVML_TIMEOUT, "Timeout" },
                { NVML_GPU_IS_LOST, "GPU is lost" },
                { NVML_RESET_REQUIRED, "GPU requires reset" },
                { NVML_LIB_RM_VERSION_MISMATCH, "Driver/library version mismatch" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (texts[i].result == result)
                        return texts[i].text;
        return "Unknown Error";
}

int nvmlInit_v2(void) {
        int r = load();

        sim.initialised = r == NVML_OK;
        if (r == NVML_OK)
                r = enter("Init_v2");
        if (r != NVML_OK)
                (void)nvmlShutdown();
        return r;
}

int nvmlShutdown(void) {
        sim_free(sim.s);
        memset(&sim, 0, sizeof(sim));
        return NVML_OK;
}

int nvmlDeviceGetCount_v2(uint32_t *count) {
        int r = sim.initialised ? load() : (int)NVML_UNINITIALIZED;

        if (r == NVML_OK)
                r = enter("DeviceGetCount_v2");
        if (r != NVML_OK)
                return r;
        sleep_ms(sim.s->slow_ms);
        *count = (uint32_t)sim.s->ngpus;
        return NVML_OK;
}

int nvmlDeviceGetHandleByIndex_v2(uint32_t index, nvml_device *device) {
        int r = enter("DeviceGetHandleByIndex_v2");

        if (r != NVML_OK)
                return r;
        if (index >= sim.s->ngpus)
                return NVML_INVALID_ARGUMENT;
        if (sim.s->gpus[index].lost)
                return NVML_GPU_IS_LOST;
        *device = make_handle(index, -1);
        return NVML_OK;
}

int nvmlDeviceGetUUID(nvml_device device, char *uuid, uint32_t size) {
        ENTER("DeviceGetUUID", device);
        return give_text(slot < 0 ? g->uuid : g->migs[slot].uuid, uuid, size);
}

int nvmlDeviceGetName(nvml_device device, char *name, uint32_t size) {
        char text[2 * NVML_NAME_SIZE];

        ENTER("DeviceGetName", device);
        if (slot < 0)
                return give_text(g->model, name, size);
        snprintf(text, sizeof(text), "%s MIG %s", g->model, g->migs[slot].profile);
        return give_text(text, name, size);
}

int nvmlDeviceGetMinorNumber(nvml_device device, uint32_t *minor) {
        ENTER_GPU("DeviceGetMinorNumber", device);
        *minor = (uint32_t)g->minor;
        return NVML_OK;
}

static void give_pci(uint32_t domain, uint32_t bus, uint32_t device, struct nvml_pci_info *pci) {
        *pci = (struct nvml_pci_info){ .domain = domain, .bus = bus, .device = device };
        snprintf(pci->bus_id, sizeof(pci->bus_id), "%08X:%02X:%02X.0", domain, bus & 0xFF,
                 device & 0xFF);
        snprintf(pci->bus_id_legacy, sizeof(pci->bus_id_legacy), "%04X:%02X:%02X.0",
                 domain & 0xFFFF, bus & 0xFF, device & 0xFF);
}

int nvmlDeviceGetPciInfo_v3(nvml_device device, struct nvml_pci_info *pci) {
        ENTER_GPU("DeviceGetPciInfo_v3", device);
        give_pci(g->domain, g->bus, g->device, pci);
        return NVML_OK;
}

int nvmlDeviceGetNumaNodeId(nvml_device device, uint32_t *node) {
        ENTER_GPU("DeviceGetNumaNodeId", device);
        if (g->numa < 0)
                return NVML_NOT_SUPPORTED;
        *node = (uint32_t)g->numa;
        return NVML_OK;
}

int nvmlDeviceGetMemoryInfo(nvml_device device, struct nvml_memory *memory) {
        ENTER("DeviceGetMemoryInfo", device);
        memory->total = (uint64_t)(slot < 0 ? g->memory : g->migs[slot].memory);
        memory->used = sim_memory_used(sim.s, index_of(g), slot);
        memory->free = memory->total > memory->used ? memory->total - memory->used : 0;
        return NVML_OK;
}

int nvmlDeviceGetMemoryInfo_v2(nvml_device device, struct nvml_memory_v2 *memory) {
        struct nvml_memory v1 = { 0 };
        int r = enter("DeviceGetMemoryInfo_v2");

        if (r == NVML_OK && memory->version != NVML_MEMORY_V2)
                return 25; /* ARGUMENT_VERSION_MISMATCH */
        if (r == NVML_OK)
                r = nvmlDeviceGetMemoryInfo(device, &v1);
        if (r != NVML_OK)
                return r;
        memory->total = v1.total;
        memory->free = v1.free;
        memory->used = v1.used;
        memory->reserved = 0;
        return NVML_OK;
}

int nvmlDeviceGetUtilizationRates(nvml_device device, struct nvml_utilization *rates) {
        ENTER_GPU("DeviceGetUtilizationRates", device);
        if (g->partitioned)
                return NVML_NOT_SUPPORTED;
        *rates = (struct nvml_utilization){ .gpu = (uint32_t)g->util };
        return NVML_OK;
}

int nvmlDeviceGetTemperatureV(nvml_device device, struct nvml_temperature *temperature) {
        ENTER_GPU("DeviceGetTemperatureV", device);
        temperature->celsius = (int32_t)g->temp;
        return NVML_OK;
}

int nvmlDeviceGetTemperature(nvml_device device, uint32_t sensor, uint32_t *celsius) {
        ENTER_GPU("DeviceGetTemperature", device);
        *celsius = (uint32_t)g->temp;
        return NVML_OK;
}

int nvmlDeviceGetPowerUsage(nvml_device device, uint32_t *milliwatts) {
        ENTER_GPU("DeviceGetPowerUsage", device);
        *milliwatts = (uint32_t)(g->power * 1000);
        return NVML_OK;
}

/* Fills items of @item bytes; processes of an instance name it by its ids. */
static int give_processes(const char *name, nvml_device device, uint32_t *count, void *infos,
                          size_t item) {
        uint32_t room = *count, n = 0;

        ENTER(name, device);
        for (size_t i = 0; i < sim.s->nprocesses; i++) {
                const struct sim_process *p = &sim.s->processes[i];
                struct nvml_process out = { .pid = (uint32_t)p->pid, .memory = (uint64_t)p->memory,
                                            .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };
                unsigned char bytes[NVML_PROCESS_SIZE_MAX] = { 0 };

                if (p->gpu != index_of(g) || (slot >= 0 && p->slot != slot))
                        continue;
                if (p->slot >= 0) {
                        out.gi = (uint32_t)p->slot + 1;
                        out.ci = 0;
                }
                memcpy(bytes, &out, sizeof(out));
                if (n < room)
                        memcpy((char *)infos + n * item, bytes, item);
                n++;
        }
        *count = n;
        return n > room ? NVML_INSUFFICIENT_SIZE : NVML_OK;
}

static size_t item_size(void) {
        return sim.s && sim.s->stride_32 ? NVML_PROCESS_SIZE_MAX : sizeof(struct nvml_process);
}

/* The lists of graphics and MPS processes are those of compute, as overlapping as in life. */
#define PROCESS_LIST(name, item)                                                    \
        int nvml##name(nvml_device device, uint32_t *count, void *infos) {          \
                return give_processes(#name, device, count, infos, item);           \
        }
PROCESS_LIST(DeviceGetComputeRunningProcesses_v3, item_size())
PROCESS_LIST(DeviceGetComputeRunningProcesses_v2, sizeof(struct nvml_process))
PROCESS_LIST(DeviceGetComputeRunningProcesses, sizeof(struct nvml_process_v1))
PROCESS_LIST(DeviceGetGraphicsRunningProcesses_v3, item_size())
PROCESS_LIST(DeviceGetGraphicsRunningProcesses_v2, sizeof(struct nvml_process))
PROCESS_LIST(DeviceGetGraphicsRunningProcesses, sizeof(struct nvml_process_v1))
PROCESS_LIST(DeviceGetMPSComputeRunningProcesses_v3, item_size())
PROCESS_LIST(DeviceGetMPSComputeRunningProcesses_v2, sizeof(struct nvml_process))
PROCESS_LIST(DeviceGetMPSComputeRunningProcesses, sizeof(struct nvml_process_v1))

int nvmlDeviceGetMigMode(nvml_device device, uint32_t *current, uint32_t *pending) {
        ENTER_GPU("DeviceGetMigMode", device);
        *current = *pending = g->partitioned;
        return NVML_OK;
}

int nvmlDeviceGetMaxMigDeviceCount(nvml_device device, uint32_t *count) {
        ENTER_GPU("DeviceGetMaxMigDeviceCount", device);
        *count = SIM_MIG_MAX;
        return NVML_OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(nvml_device device, uint32_t index, nvml_device *mig) {
        ENTER_GPU("DeviceGetMigDeviceHandleByIndex", device);
        if (!g->partitioned || index >= SIM_MIG_MAX || !g->migs[index].present)
                return NVML_NOT_FOUND;
        *mig = make_handle(index_of(g), (int)index);
        return NVML_OK;
}

int nvmlDeviceGetGpuInstanceId(nvml_device mig, uint32_t *id) {
        ENTER("DeviceGetGpuInstanceId", mig);
        *id = (uint32_t)slot + 1;
        return slot < 0 ? NVML_NOT_SUPPORTED : NVML_OK;
}

int nvmlDeviceGetComputeInstanceId(nvml_device mig, uint32_t *id) {
        ENTER("DeviceGetComputeInstanceId", mig);
        *id = 0;
        return slot < 0 ? NVML_NOT_SUPPORTED : NVML_OK;
}

int nvmlDeviceGetAttributes_v2(nvml_device mig, struct nvml_attributes *attributes) {
        ENTER("DeviceGetAttributes_v2", mig);
        if (slot < 0)
                return NVML_NOT_SUPPORTED;
        *attributes = (struct nvml_attributes){
                .gi_slices = (uint32_t)g->migs[slot].gi_slices,
                .ci_slices = (uint32_t)g->migs[slot].slices,
                .memory_mb = (uint64_t)g->migs[slot].memory >> 20,
        };
        return NVML_OK;
}

int nvmlDeviceGetTopologyCommonAncestor(nvml_device a, nvml_device b, int *level) {
        struct sim_gpu *other = NULL;
        int other_slot, r;

        ENTER_GPU("DeviceGetTopologyCommonAncestor", a);
        r = find(b, &other, &other_slot);
        if (r != NVML_OK)
                return r;
        *level = sim.s->pcie[index_of(g)][index_of(other)];
        if (*level > NVML_TOPOLOGY_SYSTEM) /* the file does not say */
                *level = g->numa == other->numa ? NVML_TOPOLOGY_NODE : NVML_TOPOLOGY_SYSTEM;
        return NVML_OK;
}

/* What is at the end of link @link: a GPU's index, -1 a switch, -2 no such link. */
static int link_end(const struct sim_gpu *g, uint32_t link) {
        uint32_t at = 0;

        for (size_t i = 0; i < sim.s->ngpus; i++) {
                at += sim.s->nvlinks[index_of(g)][i];
                if (link < at)
                        return (int)i;
        }
        return link < at + sim.s->switch_links[index_of(g)] ? -1 : -2;
}

int nvmlDeviceGetP2PStatus(nvml_device a, nvml_device b, int index, int *status) {
        struct sim_gpu *other = NULL;
        int other_slot, r;

        ENTER_GPU("DeviceGetP2PStatus", a);
        r = find(b, &other, &other_slot);
        if (r != NVML_OK)
                return r;
        *status = 5; /* NOT_SUPPORTED */
        if (index == NVML_P2P_NVLINK && (sim.s->nvlinks[index_of(g)][index_of(other)] ||
                                         (sim.s->switch_links[index_of(g)] &&
                                          sim.s->switch_links[index_of(other)])))
                *status = NVML_P2P_OK;
        return NVML_OK;
}

int nvmlDeviceGetNvLinkState(nvml_device device, uint32_t link, int *active) {
        ENTER_GPU("DeviceGetNvLinkState", device);
        if (link >= NVML_LINKS_MAX)
                return NVML_INVALID_ARGUMENT;
        *active = link_end(g, link) >= -1;
        return NVML_OK;
}

int nvmlDeviceGetNvLinkRemotePciInfo_v2(nvml_device device, uint32_t link,
                                        struct nvml_pci_info *pci) {
        int end;

        ENTER_GPU("DeviceGetNvLinkRemotePciInfo_v2", device);
        end = link_end(g, link);
        if (end < -1)
                return NVML_INVALID_ARGUMENT;
        if (end < 0)
                give_pci(SWITCH_DOMAIN, link & 7, 0, pci);
        else
                give_pci(sim.s->gpus[end].domain, sim.s->gpus[end].bus, sim.s->gpus[end].device,
                         pci);
        return NVML_OK;
}

int nvmlDeviceGetNvLinkRemoteDeviceType(nvml_device device, uint32_t link, int *type) {
        int end;

        ENTER_GPU("DeviceGetNvLinkRemoteDeviceType", device);
        end = link_end(g, link);
        *type = end < 0 ? NVML_REMOTE_SWITCH : NVML_REMOTE_GPU;
        return end < -1 ? NVML_INVALID_ARGUMENT : NVML_OK;
}

int nvmlDeviceGetRemappedRows(nvml_device device, uint32_t *corrected, uint32_t *uncorrected,
                              uint32_t *pending, uint32_t *failed) {
        ENTER_GPU("DeviceGetRemappedRows", device);
        *corrected = *pending = 0;
        *uncorrected = *failed = g->remap;
        return NVML_OK;
}

int nvmlDeviceGetRetiredPagesPendingStatus(nvml_device device, int *pending) {
        ENTER_GPU("DeviceGetRetiredPagesPendingStatus", device);
        return NVML_NOT_SUPPORTED; /* as on every GPU that remaps rows */
}

int nvmlDeviceGetTotalEccErrors(nvml_device device, int type, int counter, uint64_t *count) {
        ENTER_GPU("DeviceGetTotalEccErrors", device);
        *count = g->ecc && type == NVML_ECC_UNCORRECTED ? 2 : 0;
        return NVML_OK;
}

int nvmlEventSetCreate(nvml_event_set *set) {
        int r = enter("EventSetCreate");

        *set = r == NVML_OK ? (nvml_event_set)&sim : NULL;
        return r;
}

int nvmlEventSetFree(nvml_event_set set) {
        return enter("EventSetFree");
}

int nvmlDeviceGetSupportedEventTypes(nvml_device device, uint64_t *types) {
        ENTER_GPU("DeviceGetSupportedEventTypes", device);
        *types = NVML_EVENT_XID;
        return NVML_OK;
}

int nvmlDeviceRegisterEvents(nvml_device device, uint64_t types, nvml_event_set set) {
        ENTER_GPU("DeviceRegisterEvents", device);
        sim.registered[index_of(g)] = true;
        return NVML_OK;
}

int nvmlEventSetWait_v2(nvml_event_set set, struct nvml_event *event, uint32_t ms) {
        int r = enter("EventSetWait_v2");

        if (r != NVML_OK)
                return r;
        for (size_t i = 0; i < sim.s->ngpus; i++) {
                if (!sim.registered[i] || !sim.pending[i])
                        continue;
                sim.pending[i] = false;
                *event = (struct nvml_event){ .device = make_handle(i, -1), .type = NVML_EVENT_XID,
                                              .data = (uint64_t)sim.s->gpus[i].xid,
                                              .gi = NVML_ID_NONE, .ci = NVML_ID_NONE };
                return NVML_OK;
        }
        sleep_ms(ms);
        return NVML_TIMEOUT;
}
