/* The reader of the management library, against the simulator. */
#include "gpu/nvml.h"

#include "base/buf.h"
#include "base/str.h"
#include "sim-file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world {
        struct nvml *n;
        struct gpu_inventory inv;
        struct gpu_processes processes;
};

static int setup(void **state) {
        sim_file_setup();
        *state = calloc(1, sizeof(struct world));
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        struct world *w = *state;

        nvml_close(w->n);
        gpu_inventory_release(&w->inv);
        gpu_processes_release(&w->processes);
        free(w);
        sim_file_remove();
        return 0;
}

/* Reads the inventory of what @text describes. */
static void read_text(struct world *w, const char *text) {
        struct err e = { 0 };

        sim_file_write(text);
        if (!w->n)
                assert_int_equal(nvml_open(sim_library(), &w->n, &e), 0);
        gpu_inventory_release(&w->inv);
        gpu_processes_release(&w->processes);
        assert_int_equal(nvml_read_inventory(w->n, &w->inv, &w->processes, &e), 0);
}

static void four_a100(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 4\nnvlink 0-3 0-3 4\ngpu 2 numa=1 model=\"NVIDIA A100 80GB PCIe\"\n");
        assert_int_equal(w->inv.ndevices, 4);
        assert_int_equal(w->inv.ngpus, 4);
        for (int i = 0; i < 4; i++) {
                const struct gpu_device *d = &w->inv.devices[i];
                char name[8];

                snprintf(name, sizeof(name), "GPU-%d", i);
                assert_string_equal(d->name, name);
                assert_true(str_starts(d->uuid, "GPU-"));
                assert_int_equal(strlen(d->uuid), 40);
                assert_int_equal(d->units, GPU_UNITS_PER_GPU);
                assert_int_equal(d->memory_bytes, 40LL << 30);
                assert_int_equal(d->gpu, i);
                assert_int_equal(d->instance, -1);
                assert_int_equal(d->minor, i);
                assert_int_equal(d->numa_node, i == 2);
                assert_int_equal(d->health, GPU_OK);
                assert_string_equal(d->health_detail, "");
                for (int k = 0; k < 4; k++)
                        assert_int_equal(gpu_inventory_link(&w->inv, i, k),
                                         i == k ? GPU_LINK_SELF : GPU_LINK_NVLINK + 3);
        }
        assert_string_equal(w->inv.devices[0].model, "NVIDIA A100-SXM4-40GB");
        assert_string_equal(w->inv.devices[2].model, "NVIDIA A100 80GB PCIe");
        assert_string_not_equal(w->inv.devices[0].uuid, w->inv.devices[1].uuid);
}

static void eight_h100_behind_switches(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 8 model=\"NVIDIA H100 80GB HBM3\" memory=80GiB\nnvswitch 0-7 18\n"
                     "nvswitch 7 16\n");
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 1), GPU_LINK_NVLINK + 17);
        assert_int_equal(gpu_inventory_link(&w->inv, 3, 6), GPU_LINK_NVLINK + 17);
        /* The lesser end counts. */
        assert_int_equal(gpu_inventory_link(&w->inv, 7, 0), GPU_LINK_NVLINK + 15);
}

static void hidden_link_ends(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 2\n");
        w->n->api.DeviceGetNvLinkRemotePciInfo_v2 = NULL;
        w->n->api.DeviceGetNvLinkRemoteDeviceType = NULL;
        read_text(w, "gpus 2\nnvlink 0 1 6\n");
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 1), GPU_LINK_NVLINK);
        w->n->api.DeviceGetP2PStatus = NULL;
        read_text(w, "gpus 2\nnvlink 0 1 5\n");
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 1), GPU_LINK_NODE);
}

static void pcie_only(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 8\ngpu 7 numa=1\npcie 0 1 pix\npcie 0 2 pxb\npcie 0 3 phb\n"
                     "pcie 0 4 node\npcie 0 5 sys\n");
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 1), GPU_LINK_SINGLE);
        assert_int_equal(gpu_inventory_link(&w->inv, 1, 0), GPU_LINK_SINGLE);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 2), GPU_LINK_MULTIPLE);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 3), GPU_LINK_HOSTBRIDGE);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 4), GPU_LINK_NODE);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 5), GPU_LINK_SYSTEM);
        /* Not said: by NUMA node. */
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 6), GPU_LINK_NODE);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 7), GPU_LINK_SYSTEM);
}

static void mig_mix(void **state) {
        static const struct {
                const char *name, *model;
                int gpu, instance;
                int64_t units;
                uint64_t gib;
        } want[] = {
                { "GPU-0.0", "NVIDIA A100-SXM4-40GB 3g.20gb", 0, 0, 3000, 20 },
                { "GPU-0.1", "NVIDIA A100-SXM4-40GB 1g.5gb", 0, 1, 1000, 5 },
                { "GPU-0.2", "NVIDIA A100-SXM4-40GB 1c.3g.20gb", 0, 2, 1000, 20 },
                { "GPU-1", "NVIDIA A100-SXM4-40GB", 1, -1, 7000, 40 },
                { "GPU-3.0", "NVIDIA A100-SXM4-40GB 7g.40gb", 3, 0, 7000, 40 },
        };
        struct world *w = *state;

        /* Slots with gaps; GPU 2 is partitioned without instances: no device at all. */
        read_text(w, "gpus 4\nmig 0 0 profile=3g.20gb\nmig 0 4 profile=1g.5gb\n"
                     "mig 0 6 profile=1c.3g.20gb\nmig 2\nmig 3 1 profile=7g.40gb\n");
        assert_int_equal(w->inv.ndevices, ARRAY_SIZE(want));
        assert_int_equal(w->inv.ngpus, 4);
        for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
                const struct gpu_device *d = &w->inv.devices[i];

                assert_string_equal(d->name, want[i].name);
                assert_string_equal(d->model, want[i].model);
                assert_int_equal(d->gpu, want[i].gpu);
                assert_int_equal(d->instance, want[i].instance);
                assert_int_equal(d->units, want[i].units);
                assert_int_equal(d->memory_bytes, want[i].gib << 30);
                assert_true(str_starts(d->uuid, want[i].instance < 0 ? "GPU-" : "MIG-"));
        }
}

/* Older drivers do not put the profile into the instance's name. */
static void mig_profile_from_attributes(void **state) {
        static const struct {
                const char *text, *model;
        } cases[] = {
                { "gpu 0 memory=40536MiB\nmig 0 0 profile=1g.5gb memory=4864MiB\n", "1g.5gb" },
                { "gpu 0 memory=40536MiB\nmig 0 0 profile=3g.20gb memory=19968MiB\n", "3g.20gb" },
                { "gpu 0 memory=81920MiB\nmig 0 0 profile=1g.10gb memory=9728MiB\n", "1g.10gb" },
                { "gpu 0 memory=143771MiB\nmig 0 0 profile=1g.18gb memory=16384MiB\n", "1g.18gb" },
                { "gpu 0 memory=40GiB\nmig 0 0 profile=2c.3g.20gb\n", "2c.3g.20gb" },
        };
        struct world *w = *state;

        read_text(w, "gpus 1\n");
        w->n->api.DeviceGetName = NULL;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char want[64];

                read_text(w, cases[i].text);
                snprintf(want, sizeof(want), "NVIDIA GPU %s", cases[i].model);
                assert_string_equal(w->inv.devices[0].model, want);
        }
}

/* A library that has only what nothing works without. */
static void old_library(void **state) {
        struct world *w = *state;
        struct nvml_api *api;
        struct gpu_sample s;
        struct err e;

        read_text(w, "gpus 2\n");
        api = &w->n->api;
        *api = (struct nvml_api){ .Init_v2 = api->Init_v2,
                                  .Shutdown = api->Shutdown,
                                  .DeviceGetCount_v2 = api->DeviceGetCount_v2,
                                  .DeviceGetHandleByIndex_v2 = api->DeviceGetHandleByIndex_v2,
                                  .DeviceGetUUID = api->DeviceGetUUID };
        read_text(w, "gpus 2\nmig 0 0\nprocess 1 pid=5\nfault 0 ecc\n");
        assert_int_equal(w->inv.ndevices, 2);
        assert_string_equal(w->inv.devices[0].model, "NVIDIA GPU");
        assert_int_equal(w->inv.devices[0].memory_bytes, 0);
        assert_int_equal(w->inv.devices[0].minor, -1);
        assert_int_equal(w->inv.devices[0].numa_node, -1);
        assert_int_equal(w->inv.devices[0].health, GPU_OK);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 1), GPU_LINK_SYSTEM);
        assert_int_equal(w->processes.n, 0);
        assert_int_equal(nvml_read_sample(w->n, &s, &e), 0);
        assert_int_equal(s.devices[0].utilization_percent, -1);
        assert_int_equal(s.devices[0].temperature_c, -1);
        assert_int_equal(s.devices[0].power_mw, -1);
        assert_int_equal(s.devices[0].memory_total, 0);
        gpu_sample_release(&s);
}

static void health(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 6\nmig 4 0\nmig 4 2\nfault 0 remap\nfault 1 ecc\nfault 2 xid=79\n"
                     "fault 3 xid=13\nfault 4 xid=48\n");
        assert_int_equal(w->inv.ndevices, 7);
        assert_int_equal(w->inv.devices[0].health, GPU_FAILED);
        assert_non_null(strstr(w->inv.devices[0].health_detail, "remapped"));
        assert_int_equal(w->inv.devices[1].health, GPU_FAILED);
        assert_non_null(strstr(w->inv.devices[1].health_detail, "2 uncorrectable"));
        assert_int_equal(w->inv.devices[2].health, GPU_FAILED);
        assert_string_equal(w->inv.devices[2].health_detail, "Xid 79: fallen off the bus");
        assert_int_equal(w->inv.devices[3].health, GPU_OK); /* a program's own fault */
        assert_int_equal(w->inv.devices[4].health, GPU_FAILED); /* both instances */
        assert_int_equal(w->inv.devices[5].health, GPU_FAILED);
        assert_int_equal(w->inv.devices[6].health, GPU_OK);
        /* The driver reports an Xid once; it stays. The rest is as it is now. */
        read_text(w, "gpus 6\n");
        assert_int_equal(w->inv.devices[0].health, GPU_OK);
        assert_int_equal(w->inv.devices[2].health, GPU_FAILED);
}

static void lost(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 3\nnvlink 0-2 0-2 4\nfault 1 lost\n");
        assert_int_equal(w->inv.ndevices, 3);
        assert_string_equal(w->inv.devices[1].uuid, "");
        assert_int_equal(w->inv.devices[1].health, GPU_FAILED);
        assert_int_equal(w->inv.devices[1].gpu, 1);
        assert_non_null(strstr(w->inv.devices[1].health_detail, "lost"));
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 1), GPU_LINK_SYSTEM);
        assert_int_equal(gpu_inventory_link(&w->inv, 0, 2), GPU_LINK_NVLINK + 3);
}

static void errors_of_functions(void **state) {
        struct world *w = *state;
        struct err e = { 0 };

        read_text(w, "gpus 2\nfault error=DeviceGetName:3\nfault error=DeviceGetMemoryInfo_v2:3\n");
        assert_string_equal(w->inv.devices[0].model, "NVIDIA GPU");
        assert_int_equal(w->inv.devices[0].memory_bytes, 40LL << 30); /* by the older function */
        read_text(w, "gpus 2\nfault error=DeviceGetUUID:17\n");
        assert_int_equal(w->inv.devices[0].health, GPU_FAILED);
        sim_file_write("gpus 2\nfault error=DeviceGetCount_v2:999\n");
        assert_int_equal(nvml_read_inventory(w->n, &w->inv, &w->processes, &e), -EIO);
        assert_string_equal(e.msg, "the NVIDIA driver cannot be read: Unknown Error (999)");
}

static void file_change_noticed(void **state) {
        struct world *w = *state;

        read_text(w, "gpus 2\n");
        assert_int_equal(w->inv.ndevices, 2);
        read_text(w, "gpus 5\n");
        assert_int_equal(w->inv.ndevices, 5);
        read_text(w, "gpus five\n"); /* the last good one stays */
        assert_int_equal(w->inv.ndevices, 5);
        read_text(w, "");
        assert_int_equal(w->inv.ndevices, 0);
}

static void check_process(const struct gpu_process *p, int32_t pid, uint64_t mib, size_t device) {
        assert_int_equal(p->pid, pid);
        assert_int_equal(p->memory, mib << 20);
        assert_int_equal(p->device, device);
}

static void processes(void **state) {
        static const char text[] = "gpus 2\nmig 1 0\nmig 1 3\n"
                                   "process 0 pid=30 memory=1GiB\nprocess 0 pid=20 memory=2GiB\n"
                                   "process 1.3 pid=40 memory=3MiB\n";
        static const char *const variants[] = { "", "stride 32\n" };
        struct world *w = *state;

        for (int version = 3; version >= 1; version--)
                for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
                        char whole[512];

                        snprintf(whole, sizeof(whole), "%s%s", text, variants[i]);
                        read_text(w, whole);
                        if (version < 3)
                                w->n->api.DeviceGetComputeRunningProcesses_v3 = NULL;
                        if (version < 2)
                                w->n->api.DeviceGetComputeRunningProcesses_v2 = NULL;
                        w->n->api.DeviceGetGraphicsRunningProcesses_v3 =
                                version == 3 ? w->n->api.DeviceGetComputeRunningProcesses_v3 : NULL;
                        w->n->api.DeviceGetGraphicsRunningProcesses_v2 = NULL;
                        w->n->api.DeviceGetGraphicsRunningProcesses = NULL;
                        w->n->api.DeviceGetMPSComputeRunningProcesses_v3 = NULL;
                        w->n->api.DeviceGetMPSComputeRunningProcesses_v2 = NULL;
                        w->n->api.DeviceGetMPSComputeRunningProcesses = NULL;
                        read_text(w, whole);
                        /* The first version of the struct does not know MIG. */
                        assert_int_equal(w->processes.n, version > 1 ? 3 : 2);
                        check_process(&w->processes.items[0], 20, 2048, 0);
                        check_process(&w->processes.items[1], 30, 1024, 0);
                        if (version > 1)
                                check_process(&w->processes.items[2], 40, 3, 2);
                }
}

static void many_processes(void **state) {
        struct world *w = *state;
        _cleanup_buf_ struct buf b = BUF_INIT(65536);

        buf_adds(&b, "gpus 1\nstride 32\n");
        for (int i = 1; i <= 1000; i++)
                buf_addf(&b, "process 0 pid=%d memory=1MiB\n", i);
        read_text(w, buf_str(&b));
        assert_int_equal(w->processes.n, 1000);
        for (int i = 0; i < 1000; i++)
                check_process(&w->processes.items[i], i + 1, 1, 0);
}

static void sample(void **state) {
        struct world *w = *state;
        struct gpu_sample s;
        struct err e = { 0 };

        read_text(w, "gpus 4\ngpu 0 util=85 used=12GiB temp=55 power=250\nmig 1 2 used=1GiB\n"
                     "gpu 1 temp=44\nfault 2 lost\nprocess 3 pid=9 memory=3GiB\n");
        assert_int_equal(nvml_read_sample(w->n, &s, &e), 0);
        assert_int_equal(s.ndevices, 3); /* a lost GPU has no load */
        assert_string_equal(s.devices[0].uuid, w->inv.devices[0].uuid);
        assert_int_equal(s.devices[0].utilization_percent, 85);
        assert_int_equal(s.devices[0].memory_used, 12LL << 30);
        assert_int_equal(s.devices[0].memory_total, 40LL << 30);
        assert_int_equal(s.devices[0].temperature_c, 55);
        assert_int_equal(s.devices[0].power_mw, 250000);
        assert_int_equal(s.devices[1].utilization_percent, -1);
        assert_int_equal(s.devices[1].memory_used, 1LL << 30);
        assert_int_equal(s.devices[1].memory_total, 5LL << 30);
        assert_int_equal(s.devices[1].temperature_c, 44);
        assert_int_equal(s.devices[2].memory_used, 3LL << 30);
        assert_int_equal(s.processes.n, 1);
        assert_int_equal(s.processes.items[0].device, 2);
        gpu_sample_release(&s);
}

static void no_library(void **state) {
        struct nvml *n = NULL;
        struct err e = { 0 };

        assert_int_equal(nvml_open("libnvidia-ml-none.so.1", &n, &e), -ENODEV);
        assert_string_equal(e.msg, "no NVIDIA driver: libnvidia-ml-none.so.1 not found");
        assert_int_equal(nvml_open("libc.so.6", &n, &e), -EINVAL);
        assert_string_equal(e.msg, "libc.so.6 has no function 'nvmlInit_v2'");
        sim_file_remove();
        assert_int_equal(nvml_open(sim_library(), &n, &e), -ENODEV);
        assert_string_equal(e.msg, "no NVIDIA driver: its kernel module is not loaded");
        sim_file_write("gpus 1\nfault error=Init_v2:18\n");
        assert_int_equal(nvml_open(sim_library(), &n, &e), -ENODEV);
        assert_non_null(strstr(e.msg, "was updated"));
        assert_null(n);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(four_a100, setup, teardown),
                cmocka_unit_test_setup_teardown(eight_h100_behind_switches, setup, teardown),
                cmocka_unit_test_setup_teardown(hidden_link_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(pcie_only, setup, teardown),
                cmocka_unit_test_setup_teardown(mig_mix, setup, teardown),
                cmocka_unit_test_setup_teardown(mig_profile_from_attributes, setup, teardown),
                cmocka_unit_test_setup_teardown(old_library, setup, teardown),
                cmocka_unit_test_setup_teardown(health, setup, teardown),
                cmocka_unit_test_setup_teardown(lost, setup, teardown),
                cmocka_unit_test_setup_teardown(errors_of_functions, setup, teardown),
                cmocka_unit_test_setup_teardown(file_change_noticed, setup, teardown),
                cmocka_unit_test_setup_teardown(processes, setup, teardown),
                cmocka_unit_test_setup_teardown(many_processes, setup, teardown),
                cmocka_unit_test_setup_teardown(sample, setup, teardown),
                cmocka_unit_test_setup_teardown(no_library, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
