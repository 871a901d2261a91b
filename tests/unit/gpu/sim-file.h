/* A simulator file of a test's own, and the library that reads it. */
#pragma once

#include <stddef.h>

/* Makes a temporary file and points DS01_NVML_SIM at it. */
void sim_file_setup(void);
/* Replaces its contents by rename(2), as one does under a reader. */
void sim_file_write(const char *text);
void sim_file_remove(void);
const char *sim_file_path(void);
const char *sim_library(void);
