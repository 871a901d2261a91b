/* CPU samples for the statistics. */
#pragma once

#include "daemon/daemon.h"

/* Reads the CPU time of every running container; the keeper calls it every few seconds. */
void stats_sample_cpu(struct daemon *d);
