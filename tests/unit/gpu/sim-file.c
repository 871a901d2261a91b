/* A simulator file of a test's own; see the header. */
#include "sim-file.h"

#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char path[64];

void sim_file_setup(void) {
        int fd;

        snprintf(path, sizeof(path), "/tmp/ds01-test-sim-XXXXXX");
        fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        setenv("DS01_NVML_SIM", path, 1);
}

void sim_file_write(const char *text) {
        assert_int_equal(file_write_atomic(path, 0644, text, strlen(text)), 0);
}

void sim_file_remove(void) {
        unlink(path);
}

const char *sim_file_path(void) {
        return path;
}

const char *sim_library(void) {
        const char *library = getenv("DS01_TEST_NVML_SIM_LIBRARY");

        assert_non_null(library);
        return library;
}
