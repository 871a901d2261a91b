/*
 * The monitor with a real helper process: this program run again, as ds01d is. What a bad driver or
 * a killed helper may cost is checked by the clock too.
 */
#include "gpu/monitor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "gpu/helper.h"
#include "gpu/merge.h"
#include "gpu/protocol.h"
#include "sim-file.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Long for what answers, short for what hangs; a busy machine is late by up to LATE_US. */
enum { DEADLINE_US = 20000000, SHORT_US = 1500000, LATE_US = 10000000 };

static struct gpu_monitor *_Atomic monitor; /* of the running test */
static atomic_int changes;

static void count_change(void *ctx) {
        struct gpu_monitor *_Atomic *at = ctx, *m = atomic_load(at);

        if (m && gpu_monitor_refresh(m) != -EDEADLK)
                abort(); /* it would wait for itself */
        atomic_fetch_add(&changes, 1);
}

static void start_with(const struct gpu_monitor_config *cfg) {
        struct gpu_monitor *m = NULL;
        struct err e = { 0 };

        assert_int_equal(gpu_monitor_start(cfg, &m, &e), 0);
        monitor = m;
}

static int64_t deadline_us = DEADLINE_US;

static void start(const char *text, int64_t interval_us) {
        struct gpu_monitor_config cfg = {
                .library = sim_library(),
                .simulator_file = sim_file_path(),
                .deadline_us = deadline_us,
                .interval_us = interval_us,
                .changed = count_change,
                .ctx = &monitor,
        };

        sim_file_write(text);
        atomic_store(&changes, 0);
        start_with(&cfg);
}

static int setup(void **state) {
        sim_file_setup();
        unsetenv("DS01_NVML_SIM"); /* the monitor gives it to the helper */
        return 0;
}

static int teardown(void **state) {
        gpu_monitor_stop(monitor);
        monitor = NULL;
        deadline_us = DEADLINE_US;
        sim_file_remove();
        return 0;
}

static void sleep_ms(int ms) {
        nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

/* The pid of our helper: our only child. */
static pid_t helper_pid(void) {
        _cleanup_buf_ struct buf b = BUF_INIT(4096);
        char path[64];
        DIR *tasks = opendir("/proc/self/task");
        struct dirent *d;
        int64_t pid = 0;

        assert_non_null(tasks);
        while ((d = readdir(tasks))) {
                buf_reset(&b);
                snprintf(path, sizeof(path), "/proc/self/task/%.16s/children", d->d_name);
                if (d->d_name[0] != '.' && file_read(path, &b) == 0 && b.len > 1) {
                        b.data[strcspn(b.data, " ")] = '\0';
                        assert_int_equal(str_to_i64(b.data, 1, INT32_MAX, &pid), 0);
                }
        }
        closedir(tasks);
        return (pid_t)pid;
}

/* How many devices there are with health @health; the words of the last go to @detail. */
static size_t count(enum gpu_health health, char detail[96]) {
        struct gpu_inventory inv = { 0 };
        size_t n = 0;

        assert_int_equal(gpu_monitor_inventory(monitor, &inv, NULL), 0);
        for (size_t i = 0; i < inv.ndevices; i++)
                if (inv.devices[i].health == health) {
                        n++;
                        if (detail)
                                str_copy(detail, 96, inv.devices[i].health_detail);
                }
        gpu_inventory_release(&inv);
        return n;
}

static void check_status(const char *want) {
        char status[256];

        gpu_monitor_status(monitor, status, sizeof(status));
        assert_string_equal(status, want);
}

static void good_day(void **state) {
        struct gpu_inventory inv = { 0 };
        struct gpu_processes processes = { 0 };
        struct gpu_sample s = { 0 };
        int64_t first;

        start("gpus 4\ngpu 1 util=33\nprocess 2 pid=77 memory=1GiB\nnvlink 0 1 2\n", 60 * US_PER_S);
        check_status("");
        assert_int_equal(gpu_monitor_inventory(monitor, &inv, &processes), 0);
        assert_int_equal(inv.ndevices, 4);
        assert_int_equal(gpu_inventory_link(&inv, 0, 1), GPU_LINK_NVLINK + 1);
        assert_int_equal(processes.n, 1);
        assert_int_equal(processes.items[0].pid, 77);
        assert_int_equal(processes.items[0].device, 2);
        assert_int_equal(gpu_monitor_sample(monitor, &s), 0);
        assert_int_equal(s.ndevices, 4);
        assert_string_equal(s.devices[3].uuid, inv.devices[3].uuid);
        assert_int_equal(s.devices[1].utilization_percent, 33);
        assert_int_equal(s.devices[2].memory_used, 1LL << 30);
        /* Young enough to be given twice; on a busy machine not at the first try. */
        for (int tries = 0; tries < 50; tries++) {
                first = s.taken_us;
                gpu_sample_release(&s);
                assert_int_equal(gpu_monitor_sample(monitor, &s), 0);
                if (s.taken_us == first)
                        break;
        }
        assert_int_equal(s.taken_us, first);
        gpu_sample_release(&s);
        gpu_inventory_release(&inv);
        gpu_processes_release(&processes);
}

static void changes_are_told(void **state) {
        static const char *const steps[] = {
                "gpus 3\n",
                "gpus 3\nfault 1 ecc\n",
                "gpus 3\nmig 1 0\n",
                "gpus 3\nmig 1 0\nprocess 0 pid=5\n",
                "gpus 3\nmig 1 0\nprocess 0 pid=5\nnvlink 0 2 4\n",
                "gpus 2\n",
        };

        start("gpus 2\n", 60 * US_PER_S);
        assert_int_equal(atomic_load(&changes), 1);
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(atomic_load(&changes), 1);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                sim_file_write(steps[i]);
                assert_int_equal(gpu_monitor_refresh(monitor), 0);
                for (int k = 0; k < 100 && atomic_load(&changes) < (int)i + 2; k++)
                        sleep_ms(5);
                assert_int_equal(atomic_load(&changes), (int)i + 2);
        }
        assert_int_equal(count(GPU_OK, NULL), 2);
}

static void reads_by_itself(void **state) {
        start("gpus 1\n", 100 * 1000);
        sim_file_write("gpus 6\n");
        for (int i = 0; i < 100 && count(GPU_OK, NULL) != 6; i++)
                sleep_ms(20);
        assert_int_equal(count(GPU_OK, NULL), 6);
}

static void no_driver(void **state) {
        struct gpu_monitor_config cfg = { .library = "libnvidia-ml-none.so.1" };
        struct gpu_inventory inv = { 0 };
        struct gpu_sample s;

        start_with(&cfg);
        check_status("no NVIDIA driver: libnvidia-ml-none.so.1 not found");
        assert_int_equal(gpu_monitor_inventory(monitor, &inv, NULL), 0);
        assert_int_equal(inv.ndevices, 0);
        assert_int_equal(gpu_monitor_sample(monitor, &s), -ENODEV);
        gpu_inventory_release(&inv);
}

static void driver_comes_and_goes(void **state) {
        start("gpus 2\n", 60 * US_PER_S);
        sim_file_remove();
        (void)gpu_monitor_refresh(monitor);
        assert_int_equal(gpu_monitor_refresh(monitor), -ENODEV);
        check_status("no NVIDIA driver: its kernel module is not loaded");
        assert_int_equal(count(GPU_OK, NULL), 0);
        sim_file_write("gpus 2\n");
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(count(GPU_OK, NULL), 2);
        check_status("");
}

static void hang(void **state) {
        struct gpu_sample s;
        char detail[96];
        int64_t before;

        deadline_us = SHORT_US;
        start("gpus 3\nfault 2 ecc\n", 60 * US_PER_S);
        sim_file_write("gpus 3\nfault hang=DeviceGetCount_v2\n");
        before = clock_mono_us();
        assert_int_equal(gpu_monitor_refresh(monitor), -ETIMEDOUT);
        assert_in_range(clock_mono_us() - before, SHORT_US - 1000, SHORT_US + LATE_US);
        for (int i = 0; i < 100 && count(GPU_UNRESPONSIVE, detail) != 2; i++)
                sleep_ms(10);
        assert_int_equal(count(GPU_UNRESPONSIVE, detail), 2); /* the known set is kept */
        assert_string_equal(detail, "the GPU driver does not answer");
        assert_int_equal(count(GPU_FAILED, NULL), 1);
        check_status("the GPU driver does not answer");
        before = clock_mono_us();
        assert_int_equal(gpu_monitor_sample(monitor, &s), -ETIMEDOUT); /* at once */
        assert_in_range(clock_mono_us() - before, 0, SHORT_US - 1000);
        sim_file_write("gpus 3\n");
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(count(GPU_OK, NULL), 3);
        check_status("");
}

static void hang_from_the_start(void **state) {
        int64_t before = clock_mono_us();

        deadline_us = SHORT_US;
        start("gpus 3\nfault hang=DeviceGetUUID\n", 60 * US_PER_S);
        assert_in_range(clock_mono_us() - before, 0, SHORT_US + LATE_US);
        assert_int_equal(count(GPU_OK, NULL), 0);
        /* Ending does not wait for the driver. */
        before = clock_mono_us();
        gpu_monitor_stop(monitor);
        monitor = NULL;
        assert_in_range(clock_mono_us() - before, 0, LATE_US);
}

static void helper_killed(void **state) {
        pid_t pid;

        start("gpus 3\n", 60 * US_PER_S);
        for (int i = 0; i < 3; i++) {
                pid = helper_pid();
                assert_true(pid > 0);
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_int_equal(gpu_monitor_refresh(monitor), 0); /* nobody notices */
                assert_int_not_equal(helper_pid(), pid);
        }
        assert_int_equal(count(GPU_OK, NULL), 3);
        assert_int_equal(atomic_load(&changes), 1);
}

static void helper_stopped(void **state) {
        deadline_us = SHORT_US;
        start("gpus 3\n", 60 * US_PER_S);
        assert_int_equal(kill(helper_pid(), SIGSTOP), 0);
        assert_int_equal(gpu_monitor_refresh(monitor), -ETIMEDOUT);
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(count(GPU_OK, NULL), 3);
}

static void helper_cannot_start(void **state) {
        struct gpu_monitor_config cfg = { .executable = "/nonexistent/ds01d",
                                          .interval_us = 60 * US_PER_S };

        start_with(&cfg);
        check_status("'/nonexistent/ds01d' cannot be started: No such file or directory");
        assert_int_equal(gpu_monitor_refresh(monitor), -EIO);
}

static void helper_is_no_helper(void **state) {
        struct gpu_monitor_config cfg = { .executable = "/bin/true", .interval_us = 60 * US_PER_S };

        start_with(&cfg);
        check_status("the GPU helper died: Broken pipe");
}

static void lost_gpu_keeps_its_name(void **state) {
        struct gpu_inventory before = { 0 }, after = { 0 };
        struct gpu_processes processes = { 0 };

        start("gpus 3\nmig 1 0\nmig 1 4\nprocess 2 pid=8\n", 60 * US_PER_S);
        assert_int_equal(gpu_monitor_inventory(monitor, &before, NULL), 0);
        sim_file_write("gpus 3\nmig 1 0\nmig 1 4\nprocess 2 pid=8\nfault 1 lost\n");
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(gpu_monitor_inventory(monitor, &after, &processes), 0);
        assert_int_equal(after.ndevices, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_string_equal(after.devices[i].uuid, before.devices[i].uuid);
                assert_int_equal(after.devices[i].health,
                                 after.devices[i].gpu == 1 ? GPU_FAILED : GPU_OK);
        }
        assert_int_equal(processes.n, 1);
        assert_int_equal(processes.items[0].device, 3); /* renumbered with the devices */
        check_status("");
        gpu_inventory_release(&before);
        gpu_inventory_release(&after);
        gpu_processes_release(&processes);
}

static void lost_from_the_start(void **state) {
        start("gpus 3\nfault 1 lost\nprocess 2 pid=8\n", 60 * US_PER_S);
        assert_int_equal(count(GPU_OK, NULL), 2);
        check_status("GPU-1: the GPU is lost (fallen off the bus)");
}

static void xid_outlives_the_helper(void **state) {
        char detail[96];

        start("gpus 2\nfault 0 xid=79\n", 60 * US_PER_S);
        assert_int_equal(count(GPU_FAILED, detail), 1);
        sim_file_write("gpus 2\n");
        assert_int_equal(kill(helper_pid(), SIGKILL), 0);
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(count(GPU_FAILED, detail), 1);
        assert_string_equal(detail, "Xid 79: fallen off the bus");
}

static void *hammer(void *arg) {
        for (int i = 0; i < 50; i++) {
                struct gpu_sample s;
                struct gpu_inventory inv;
                struct gpu_processes processes;
                char status[64];

                if (gpu_monitor_inventory(monitor, &inv, &processes) == 0) {
                        gpu_inventory_release(&inv);
                        gpu_processes_release(&processes);
                }
                if (gpu_monitor_sample(monitor, &s) == 0)
                        gpu_sample_release(&s);
                gpu_monitor_status(monitor, status, sizeof(status));
                if (i % 10 == 0)
                        (void)gpu_monitor_refresh(monitor);
        }
        return NULL;
}

static void many_callers(void **state) {
        pthread_t threads[8];

        start("gpus 4\n", 20 * 1000);
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
        for (int i = 0; i < 5; i++) {
                pid_t pid = helper_pid();

                sim_file_write(i % 2 ? "gpus 4\n" : "gpus 3\nprocess 0 pid=4\n");
                if (pid > 0)
                        kill(pid, SIGKILL);
                sleep_ms(30);
        }
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(gpu_monitor_refresh(monitor), 0);
        assert_int_equal(count(GPU_OK, NULL), 3);
}

/* Whatever a confused helper sends is refused, never believed. */
static void bad_answers(void **state) {
        struct gpu_device device = { .uuid = "GPU-1", .gpu = 0 };
        struct gpu_process process = { .pid = 1, .device = 0 };
        uint8_t link = GPU_LINK_SELF;
        struct protocol_answer a = { .inventory = { &device, 1, 1, &link },
                                     .processes = { &process, 1 } };
        struct protocol_answer back = { 0 };
        _cleanup_buf_ struct buf b = BUF_INIT(65536);
        const size_t head = sizeof(struct protocol_head);

        assert_int_equal(protocol_write_answer(PROTOCOL_INVENTORY, &a, &b), 0);
        assert_int_equal(
                protocol_read_answer(PROTOCOL_INVENTORY, b.data + head, b.len - head, &back), 0);
        assert_int_equal(back.inventory.ndevices, 1);
        protocol_answer_release(&back);
        for (size_t n = 0; n < b.len - head; n += 7)
                assert_int_equal(protocol_read_answer(PROTOCOL_INVENTORY, b.data + head, n, &back),
                                 -EBADMSG);
        assert_int_equal(protocol_read_answer(PROTOCOL_SAMPLE, b.data + head, b.len - head, &back),
                         -EBADMSG);
        buf_reset(&b);
        device.gpu = 1;
        assert_int_equal(protocol_write_answer(PROTOCOL_INVENTORY, &a, &b), 0);
        assert_int_equal(
                protocol_read_answer(PROTOCOL_INVENTORY, b.data + head, b.len - head, &back),
                -EBADMSG);
        buf_reset(&b);
        device.gpu = 0;
        process.device = 1;
        assert_int_equal(protocol_write_answer(PROTOCOL_INVENTORY, &a, &b), 0);
        assert_int_equal(
                protocol_read_answer(PROTOCOL_INVENTORY, b.data + head, b.len - head, &back),
                -EBADMSG);
        buf_reset(&b);
        process.device = 0;
        memset(device.uuid, 'x', sizeof(device.uuid));
        assert_int_equal(protocol_write_answer(PROTOCOL_INVENTORY, &a, &b), 0);
        assert_int_equal(
                protocol_read_answer(PROTOCOL_INVENTORY, b.data + head, b.len - head, &back),
                -EBADMSG);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(good_day, setup, teardown),
                cmocka_unit_test_setup_teardown(changes_are_told, setup, teardown),
                cmocka_unit_test_setup_teardown(reads_by_itself, setup, teardown),
                cmocka_unit_test_setup_teardown(no_driver, setup, teardown),
                cmocka_unit_test_setup_teardown(driver_comes_and_goes, setup, teardown),
                cmocka_unit_test_setup_teardown(hang, setup, teardown),
                cmocka_unit_test_setup_teardown(hang_from_the_start, setup, teardown),
                cmocka_unit_test_setup_teardown(helper_killed, setup, teardown),
                cmocka_unit_test_setup_teardown(helper_stopped, setup, teardown),
                cmocka_unit_test_setup_teardown(helper_cannot_start, setup, teardown),
                cmocka_unit_test_setup_teardown(helper_is_no_helper, setup, teardown),
                cmocka_unit_test_setup_teardown(lost_gpu_keeps_its_name, setup, teardown),
                cmocka_unit_test_setup_teardown(lost_from_the_start, setup, teardown),
                cmocka_unit_test_setup_teardown(xid_outlives_the_helper, setup, teardown),
                cmocka_unit_test_setup_teardown(many_callers, setup, teardown),
                cmocka_unit_test(bad_answers),
        };

        if (argc == 3 && str_equal(argv[1], GPU_HELPER_ARGUMENT))
                return gpu_helper_main(GPU_HELPER_FD, argv[2]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
