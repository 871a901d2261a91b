/*
 * Counters, and all that is known in the OpenMetrics text format, which Prometheus and others
 * scrape: over the socket (GET /v1/metrics) and, when the site gives a port, on the loopback.
 */
#pragma once

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

enum { METRICS_ROUTES_MAX = 64, METRICS_CLASSES = 6, METRICS_BUCKETS = 8 };

struct daemon;

struct metrics {
        _Atomic uint64_t requests[METRICS_ROUTES_MAX][METRICS_CLASSES]; /* by status / 100 */
        _Atomic uint64_t latency[METRICS_BUCKETS + 1]; /* how many took so long */
        _Atomic uint64_t latency_sum_us;
};

/* @route: the row of routes.c, or -1 when there was none. Waiting and attaching do not count as
 * latency: @took_us is -1. */
void metrics_count(struct metrics *m, int route, int status, int64_t took_us);

void metrics_write(struct daemon *d, struct buf *out);

/* Answers GET /metrics on 127.0.0.1 until daemon.stopping; returns at once without a port. */
void metrics_run(struct daemon *d);
