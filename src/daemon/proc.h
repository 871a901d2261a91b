/* What /proc says about the first process of a container, and about ourselves. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* When it began: CLOCK_BOOTTIME, whatever the wall clock was set to since. 0 or -errno. */
int proc_started_us(pid_t pid, int64_t *ret);
/* Bytes sent and received since by all interfaces of its network but the loopback. 0 or -errno. */
int proc_network_bytes(pid_t pid, int64_t *ret);
/* The same from the text of /proc/PID/net/dev, whose lines can be anything. */
int64_t proc_network_sum(const char *text);

/* What this process has of each. 0 or -errno. */
struct proc_size {
        int64_t descriptors, threads, memory_bytes; /* resident */
};
int proc_size(struct proc_size *ret);
