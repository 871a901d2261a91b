/* slice-tool NAME CPUS_MILLI MEMORY TASKS: makes the slice; a negative number is "no limit".
 * slice-tool UNIT DEVICE: allows the device. */
#include "daemon/slice.h"

#include "base/str.h"

#include <stdint.h>
#include <stdio.h>

static int64_t number(const char *text) {
        int64_t value = LIMIT_UNLIMITED;

        return str_to_i64(text, 0, INT64_MAX, &value) == 0 ? value : LIMIT_UNLIMITED;
}

int main(int argc, char **argv) {
        struct limits limits = { 0 };
        struct err err = { 0 };

        if (argc == 3) {
                if (slice_allow_device(argv[1], argv[2], &err) < 0)
                        printf("%s\n", err.msg);
                return err.msg[0] != '\0';
        }
        if (argc != 5)
                return 2;
        limits.aggregate_cpus_milli = number(argv[2]);
        limits.aggregate_memory_bytes = number(argv[3]);
        limits.aggregate_tasks = number(argv[4]);
        if (slice_prepare(argv[1], &limits, &err) < 0) {
                printf("%s\n", err.msg);
                return 1;
        }
        return 0;
}
