/* The limits file: any text is either refused in words or comes to limits that can be resolved. */
#include "config/limits_file.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct person who = { .uid = 1001, .name = "alice" };
        struct limits_config config;
        struct err err = { 0 };
        struct limits limits;
        int r;

        if (size > 65536)
                return 0;
        /* The directory does not exist, so that the text can name no files but absolute ones. */
        r = limits_config_parse("/nonexistent/limits.yaml", (const char *)data, size, &config,
                                &err);
        if (r < 0) {
                if (err.code == 0 || err.msg[0] == '\0')
                        __builtin_trap();
                return 0;
        }
        limits_resolve(&config, &who, &limits);
        if (limits.gpu_units < 0 || limits.containers < 0 || limits.memory_bytes < 0 ||
            limits.cpus_milli < 0 || limits.pids < 0)
                __builtin_trap();
        limits_config_release(&config);
        return 0;
}
