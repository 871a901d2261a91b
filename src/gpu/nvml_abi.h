/*
 * The part of the binary interface of NVIDIA's management library (libnvidia-ml.so.1) that is used
 * here, declared anew from its documentation: there is no SDK at build time, the library is opened
 * at run time, and the simulator (sim/) exports the same functions. Sizes are those of x86-64 and
 * aarch64. In every versioned struct the version is sizeof | number << 24.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct nvml_device_opaque *nvml_device; /* opaque handle, as in the ABI */
typedef struct nvml_event_set_opaque *nvml_event_set;

enum nvml_result {
        NVML_OK = 0,
        NVML_UNINITIALIZED = 1,
        NVML_INVALID_ARGUMENT = 2,
        NVML_NOT_SUPPORTED = 3,
        NVML_NO_PERMISSION = 4,
        NVML_NOT_FOUND = 6,
        NVML_INSUFFICIENT_SIZE = 7,
        NVML_DRIVER_NOT_LOADED = 9,
        NVML_TIMEOUT = 10,
        NVML_LIBRARY_NOT_FOUND = 12,
        NVML_FUNCTION_NOT_FOUND = 13, /* also what an absent symbol answers here */
        NVML_GPU_IS_LOST = 15,
        NVML_RESET_REQUIRED = 16,
        NVML_OPERATING_SYSTEM = 17,
        NVML_LIB_RM_VERSION_MISMATCH = 18,
        NVML_GPU_NOT_FOUND = 28,
        NVML_UNKNOWN = 999,
};

#define NVML_NAME_SIZE 96
#define NVML_UUID_SIZE 96
#define NVML_LINKS_MAX 36 /* 18 in older headers; asking beyond is INVALID_ARGUMENT */
#define NVML_ID_NONE 0xFFFFFFFFu
#define NVML_VALUE_NONE UINT64_MAX /* "not available" in 64-bit fields */

enum nvml_topology {
        NVML_TOPOLOGY_INTERNAL = 0,
        NVML_TOPOLOGY_SINGLE = 10,
        NVML_TOPOLOGY_MULTIPLE = 20,
        NVML_TOPOLOGY_HOSTBRIDGE = 30,
        NVML_TOPOLOGY_NODE = 40,
        NVML_TOPOLOGY_SYSTEM = 50,
};

enum nvml_link_remote { /* nvmlIntNvLinkDeviceType_t */
        NVML_REMOTE_GPU = 0x00,
        NVML_REMOTE_IBMNPU = 0x01,
        NVML_REMOTE_SWITCH = 0x02,
        NVML_REMOTE_UNKNOWN = 0xFF,
};

#define NVML_TEMPERATURE_GPU 0
#define NVML_P2P_NVLINK 2
#define NVML_P2P_OK 0
#define NVML_ECC_UNCORRECTED 1
#define NVML_ECC_VOLATILE 0
#define NVML_EVENT_XID 8ULL /* eventData is the Xid, 999 for unknown */

struct nvml_pci_info {
        char bus_id_legacy[16];
        uint32_t domain, bus, device;
        uint32_t pci_device_id, pci_subsystem_id;
        char bus_id[32]; /* "00000000:07:00.0" */
};
_Static_assert(sizeof(struct nvml_pci_info) == 68, "nvmlPciInfo_t");
_Static_assert(offsetof(struct nvml_pci_info, bus_id) == 36, "nvmlPciInfo_t.busId");

struct nvml_memory {
        uint64_t total, free, used;
};
_Static_assert(sizeof(struct nvml_memory) == 24, "nvmlMemory_t");

struct nvml_memory_v2 {
        uint32_t version;
        uint64_t total, reserved, free, used;
};
_Static_assert(sizeof(struct nvml_memory_v2) == 40, "nvmlMemory_v2_t");
#define NVML_MEMORY_V2 ((uint32_t)(sizeof(struct nvml_memory_v2) | 2u << 24))

struct nvml_utilization {
        uint32_t gpu, memory; /* percent */
};
_Static_assert(sizeof(struct nvml_utilization) == 8, "nvmlUtilization_t");

struct nvml_process_v1 {
        uint32_t pid;
        uint64_t memory;
};
_Static_assert(sizeof(struct nvml_process_v1) == 16, "nvmlProcessInfo_v1_t");

/* For the functions _v2 and _v3. Drivers 535.43 to 535.8x write another uint64_t after each item
 * through the same symbol _v3 (nvitop issue 79); readers have to find out. */
struct nvml_process {
        uint32_t pid;
        uint64_t memory;
        uint32_t gi, ci; /* NVML_ID_NONE when there is no MIG */
};
_Static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_v2_t");
#define NVML_PROCESS_SIZE_MAX 32

struct nvml_attributes {
        uint32_t multiprocessors, copy_engines, decoders, encoders, jpegs, ofas;
        uint32_t gi_slices, ci_slices;
        uint64_t memory_mb;
};
_Static_assert(sizeof(struct nvml_attributes) == 40, "nvmlDeviceAttributes_t");

struct nvml_event {
        nvml_device device;
        uint64_t type, data;
        uint32_t gi, ci;
};
_Static_assert(sizeof(struct nvml_event) == 32, "nvmlEventData_t");

struct nvml_temperature {
        uint32_t version, sensor;
        int32_t celsius;
};
_Static_assert(sizeof(struct nvml_temperature) == 12, "nvmlTemperature_v1_t");
#define NVML_TEMPERATURE_V1 ((uint32_t)(sizeof(struct nvml_temperature) | 1u << 24))

/*
 * Every function used: X(need, Name, parameters). The symbol is "nvml" #Name. `need` is 1 where
 * nothing works without it; all others may be absent in an older library. The struct of function
 * pointers, the table for dlsym() and the simulator's exports all come from this list.
 */
#define NVML_FUNCTIONS(X)                                                                          \
        X(1, Init_v2, (void))                                                                      \
        X(0, Shutdown, (void))                                                                     \
        X(1, DeviceGetCount_v2, (uint32_t *count))                                                 \
        X(1, DeviceGetHandleByIndex_v2, (uint32_t index, nvml_device *device))                     \
        X(1, DeviceGetUUID, (nvml_device device, char *uuid, uint32_t size))                       \
        X(0, DeviceGetName, (nvml_device device, char *name, uint32_t size))                       \
        X(0, DeviceGetMinorNumber, (nvml_device device, uint32_t *minor))                          \
        X(0, DeviceGetPciInfo_v3, (nvml_device device, struct nvml_pci_info *pci))                 \
        X(0, DeviceGetNumaNodeId, (nvml_device device, uint32_t *node))                            \
        X(0, DeviceGetMemoryInfo_v2, (nvml_device device, struct nvml_memory_v2 *memory))          \
        X(0, DeviceGetMemoryInfo, (nvml_device device, struct nvml_memory *memory))                \
        X(0, DeviceGetUtilizationRates, (nvml_device device, struct nvml_utilization *rates))      \
        X(0, DeviceGetTemperatureV, (nvml_device device, struct nvml_temperature *temperature))    \
        X(0, DeviceGetTemperature, (nvml_device device, uint32_t sensor, uint32_t *celsius))       \
        X(0, DeviceGetPowerUsage, (nvml_device device, uint32_t *milliwatts))                      \
        X(0, DeviceGetComputeRunningProcesses_v3,                                                  \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetComputeRunningProcesses_v2,                                                  \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetComputeRunningProcesses,                                                     \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetGraphicsRunningProcesses_v3,                                                 \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetGraphicsRunningProcesses_v2,                                                 \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetGraphicsRunningProcesses,                                                    \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetMPSComputeRunningProcesses_v3,                                               \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetMPSComputeRunningProcesses_v2,                                               \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetMPSComputeRunningProcesses,                                                  \
          (nvml_device device, uint32_t *count, void *infos))                                      \
        X(0, DeviceGetMigMode, (nvml_device device, uint32_t *current, uint32_t *pending))         \
        X(0, DeviceGetMaxMigDeviceCount, (nvml_device device, uint32_t *count))                    \
        X(0, DeviceGetMigDeviceHandleByIndex,                                                      \
          (nvml_device device, uint32_t index, nvml_device *mig))                                  \
        X(0, DeviceGetGpuInstanceId, (nvml_device mig, uint32_t *id))                              \
        X(0, DeviceGetComputeInstanceId, (nvml_device mig, uint32_t *id))                          \
        X(0, DeviceGetAttributes_v2, (nvml_device mig, struct nvml_attributes *attributes))        \
        X(0, DeviceGetTopologyCommonAncestor, (nvml_device a, nvml_device b, int *level))          \
        X(0, DeviceGetP2PStatus, (nvml_device a, nvml_device b, int index, int *status))           \
        X(0, DeviceGetNvLinkState, (nvml_device device, uint32_t link, int *active))               \
        X(0, DeviceGetNvLinkRemotePciInfo_v2,                                                      \
          (nvml_device device, uint32_t link, struct nvml_pci_info *pci))                          \
        X(0, DeviceGetNvLinkRemoteDeviceType, (nvml_device device, uint32_t link, int *type))      \
        X(0, DeviceGetRemappedRows,                                                                \
          (nvml_device device, uint32_t *corrected, uint32_t *uncorrected, uint32_t *pending,      \
           uint32_t *failed))                                                                      \
        X(0, DeviceGetRetiredPagesPendingStatus, (nvml_device device, int *pending))               \
        X(0, DeviceGetTotalEccErrors,                                                              \
          (nvml_device device, int type, int counter, uint64_t *count))                            \
        X(0, EventSetCreate, (nvml_event_set *set))                                                \
        X(0, EventSetFree, (nvml_event_set set))                                                   \
        X(0, DeviceGetSupportedEventTypes, (nvml_device device, uint64_t *types))                  \
        X(0, DeviceRegisterEvents, (nvml_device device, uint64_t types, nvml_event_set set))       \
        X(0, EventSetWait_v2, (nvml_event_set set, struct nvml_event *event, uint32_t ms))
/* nvmlErrorString returns a string and is looked up apart. */
