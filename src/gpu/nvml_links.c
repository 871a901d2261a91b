/*
 * How the GPUs reach each other. NVLinks are counted by what is at their other end: another GPU, or
 * a switch, behind which every GPU with links of its own can be reached at the lesser of the two
 * GPUs' link counts. Without NVLink the common ancestor on PCIe is what counts.
 */
#include "gpu/nvml.h"

#include <string.h>

struct links {
        size_t n;
        uint32_t places[NVML_GPUS_MAX][3]; /* PCI domain, bus, device */
        bool placed[NVML_GPUS_MAX];
        uint8_t to_switch[NVML_GPUS_MAX];
        bool any[NVML_GPUS_MAX]; /* has an active link */
        uint8_t *direct;         /* n * n */
};

static int find_place(const struct links *l, const struct nvml_pci_info *pci) {
        for (size_t i = 0; i < l->n; i++)
                if (l->placed[i] && l->places[i][0] == pci->domain && l->places[i][1] == pci->bus &&
                    l->places[i][2] == pci->device)
                        return (int)i;
        return -1;
}

static void count_links(struct nvml *n, const struct nvml_rows *rows, struct links *l, size_t gpu) {
        for (uint32_t link = 0; link < NVML_LINKS_MAX; link++) {
                struct nvml_pci_info pci = { 0 };
                int active = 0, type = NVML_REMOTE_UNKNOWN, peer = -1;
                int r = NVML_CALL(&n->api, DeviceGetNvLinkState, rows->gpus[gpu], link, &active);

                if (r == NVML_INVALID_ARGUMENT || r == NVML_FUNCTION_NOT_FOUND)
                        break; /* beyond the last link */
                if (r != NVML_OK || active != 1)
                        continue;
                l->any[gpu] = true;
                (void)NVML_CALL(&n->api, DeviceGetNvLinkRemoteDeviceType, rows->gpus[gpu], link,
                                &type);
                if (NVML_CALL(&n->api, DeviceGetNvLinkRemotePciInfo_v2, rows->gpus[gpu], link,
                              &pci) == NVML_OK)
                        peer = find_place(l, &pci);
                if (peer >= 0 && (size_t)peer != gpu)
                        l->direct[gpu * l->n + (size_t)peer]++;
                else if (type == NVML_REMOTE_SWITCH)
                        l->to_switch[gpu]++;
        }
}

static uint8_t pcie_link(struct nvml *n, nvml_device a, nvml_device b) {
        int level = NVML_TOPOLOGY_SYSTEM;

        if (NVML_CALL(&n->api, DeviceGetTopologyCommonAncestor, a, b, &level) != NVML_OK)
                return GPU_LINK_SYSTEM;
        switch (level) {
        case NVML_TOPOLOGY_INTERNAL: /* two GPUs on one board */
        case NVML_TOPOLOGY_SINGLE:
                return GPU_LINK_SINGLE;
        case NVML_TOPOLOGY_MULTIPLE:
                return GPU_LINK_MULTIPLE;
        case NVML_TOPOLOGY_HOSTBRIDGE:
                return GPU_LINK_HOSTBRIDGE;
        case NVML_TOPOLOGY_NODE:
                return GPU_LINK_NODE;
        default:
                return GPU_LINK_SYSTEM;
        }
}

static uint8_t link_between(struct nvml *n, const struct nvml_rows *rows, const struct links *l,
                            size_t a, size_t b) {
        uint8_t ab = l->direct[a * l->n + b], ba = l->direct[b * l->n + a];
        unsigned direct = ab > ba ? ab : ba; /* one side may not say who its peer is */
        unsigned switched = l->to_switch[a] < l->to_switch[b] ? l->to_switch[a] : l->to_switch[b];
        int status = -1;

        if (!rows->gpus[a] || !rows->gpus[b])
                return GPU_LINK_SYSTEM;
        if (direct + switched > 0)
                return (uint8_t)(GPU_LINK_NVLINK + direct + switched - 1);
        /* Links whose other end is hidden, as in some virtual machines. */
        if (l->any[a] && l->any[b] &&
            NVML_CALL(&n->api, DeviceGetP2PStatus, rows->gpus[a], rows->gpus[b], NVML_P2P_NVLINK,
                      &status) == NVML_OK &&
            status == NVML_P2P_OK)
                return GPU_LINK_NVLINK;
        return pcie_link(n, rows->gpus[a], rows->gpus[b]);
}

uint8_t *nvml_read_links(struct nvml *n, const struct nvml_rows *rows) {
        size_t count = rows->ngpus, cells = count ? count * count : 1;
        _cleanup_free_ struct links *l = calloc(1, sizeof(*l));
        _cleanup_free_ uint8_t *direct = calloc(cells, 1);
        uint8_t *ret = calloc(cells, 1);

        if (!l || !direct || !ret) {
                free(ret);
                return NULL;
        }
        l->n = count;
        l->direct = direct;
        for (size_t i = 0; i < count; i++) {
                struct nvml_pci_info pci = { 0 };

                if (!rows->gpus[i] ||
                    NVML_CALL(&n->api, DeviceGetPciInfo_v3, rows->gpus[i], &pci) != NVML_OK)
                        continue;
                l->places[i][0] = pci.domain;
                l->places[i][1] = pci.bus;
                l->places[i][2] = pci.device;
                l->placed[i] = true;
        }
        for (size_t i = 0; i < count; i++)
                if (rows->gpus[i])
                        count_links(n, rows, l, i);
        for (size_t a = 0; a < count; a++) {
                ret[a * count + a] = GPU_LINK_SELF;
                for (size_t b = 0; b < a; b++)
                        ret[a * count + b] = ret[b * count + a] = link_between(n, rows, l, a, b);
        }
        return ret;
}
