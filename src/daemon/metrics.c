/* See metrics.h. The format: https://prometheus.io/docs/specs/om/open_metrics_spec/ */
#include "daemon/metrics.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/call.h"
#include "http/write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT_MAX = 4 << 20, SCRAPE_TIMEOUT_S = 2, LOOK_MS = 200 };

static const char media[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
static const int64_t bounds_us[METRICS_BUCKETS] = { 500,    1000,    5000,    20000,
                                                    100000, 500000, 2000000, 10000000 };
static const char *const bound_texts[METRICS_BUCKETS] = { "0.0005", "0.001", "0.005", "0.02",
                                                          "0.1",    "0.5",   "2.0",   "10.0" };

void metrics_count(struct metrics *m, int route, int status, int64_t took_us) {
        int row = route >= 0 && route < METRICS_ROUTES_MAX - 1 ? route : METRICS_ROUTES_MAX - 1;
        int class = status / 100, bucket = 0;

        m->requests[row][class >= 0 && class < METRICS_CLASSES ? class : 5]++;
        if (took_us < 0)
                return;
        while (bucket < METRICS_BUCKETS && took_us > bounds_us[bucket])
                bucket++;
        m->latency[bucket]++;
        m->latency_sum_us += (uint64_t)took_us;
}

static void describe(struct buf *out, const char *name, const char *type, const char *help) {
        buf_addf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

/* A label's value, with what the format would take for its own escaped. */
static void put_label(struct buf *out, const char *text) {
        for (; *text; text++)
                if (*text == '"' || *text == '\\')
                        buf_addf(out, "\\%c", *text);
                else if (*text == '\n')
                        buf_adds(out, "\\n");
                else
                        buf_addc(out, *text);
}

static void write_devices(struct daemon *d, struct buf *out) {
        static const struct limits nobody = { 0 };
        uint8_t reserved[GPU_DEVICES_MAX] = { 0 };
        size_t counts[DEVICE_WORDS] = { 0 };
        struct snapshot s;

        describe(out, "ds01_gpu_state", "stateset", "What each device is doing.");
        ledger_lock(&d->ledger);
        ledger_snapshot(&d->ledger, &nobody, 0, &s);
        ledger_reserved(&d->ledger, "", 0, &s, reserved);
        for (size_t i = 0; i < s.inventory->ndevices; i++) {
                const char *word = policy_device_word(&s, (int16_t)i, reserved[i]);

                for (size_t k = 0; device_words[k]; k++) {
                        bool is = device_words[k] == word;

                        counts[k] += is;
                        buf_adds(out, "ds01_gpu_state{gpu=\"");
                        put_label(out, s.inventory->devices[i].name);
                        buf_adds(out, "\",uuid=\"");
                        put_label(out, s.inventory->devices[i].uuid);
                        buf_addf(out, "\",ds01_gpu_state=\"%s\"} %d\n", device_words[k], is);
                }
        }
        ledger_unlock(&d->ledger);
        describe(out, "ds01_gpus", "gauge", "Devices by what they are doing.");
        for (size_t k = 0; device_words[k]; k++)
                buf_addf(out, "ds01_gpus{state=\"%s\"} %zu\n", device_words[k], counts[k]);
}

static void write_use(struct daemon *d, struct buf *out) {
        struct gpu_sample sample = { 0 };

        if (!d->gpus || gpu_monitor_sample(d->gpus, &sample) < 0)
                return;
        describe(out, "ds01_gpu_utilization_ratio", "gauge", "Load of each device that tells.");
        for (size_t i = 0; i < sample.ndevices; i++)
                if (sample.devices[i].utilization_percent >= 0)
                        buf_addf(out, "ds01_gpu_utilization_ratio{uuid=\"%s\"} %.2f\n",
                                 sample.devices[i].uuid,
                                 sample.devices[i].utilization_percent / 100.0);
        describe(out, "ds01_gpu_memory_used_bytes", "gauge", "Memory in use on each device.");
        for (size_t i = 0; i < sample.ndevices; i++)
                buf_addf(out, "ds01_gpu_memory_used_bytes{uuid=\"%s\"} %" PRIu64 "\n",
                         sample.devices[i].uuid, sample.devices[i].memory_used);
        gpu_sample_release(&sample);
}

static void write_ledger(struct daemon *d, struct buf *out) {
        size_t states[CONTAINER_REMOVING + 1] = { 0 }, leases = 0, waiting;
        int64_t now;

        ledger_lock(&d->ledger);
        now = ledger_now(&d->ledger);
        for (size_t i = 0; i < d->ledger.records.len; i++) {
                states[d->ledger.records.items[i]->state]++;
                leases += d->ledger.claims.items[i].ndevices > 0 &&
                          claim_holds(&d->ledger.claims.items[i], now);
        }
        waiting = d->ledger.waiters.len;
        ledger_unlock(&d->ledger);
        describe(out, "ds01_containers", "gauge", "Containers by state.");
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                buf_addf(out, "ds01_containers{state=\"%s\"} %zu\n",
                         container_state_word((enum container_state)i), states[i]);
        describe(out, "ds01_leases", "gauge", "Containers that have devices now.");
        buf_addf(out, "ds01_leases %zu\n", leases);
        describe(out, "ds01_queue_length", "gauge", "How many wait for a device or for quota.");
        buf_addf(out, "ds01_queue_length %zu\n", waiting);
}

static void write_requests(struct daemon *d, struct buf *out) {
        const struct metrics *m = &d->metrics;
        uint64_t so_far = 0;
        size_t n;
        const struct route *routes = route_table(&n);

        describe(out, "ds01_requests", "counter", "Requests by call and class of status.");
        for (size_t i = 0; i < METRICS_ROUTES_MAX; i++)
                for (int k = 1; k < METRICS_CLASSES; k++)
                        if (m->requests[i][k])
                                buf_addf(out,
                                         "ds01_requests_total{method=\"%s\",route=\"%s\","
                                         "status=\"%dxx\"} %" PRIu64 "\n",
                                         i < n ? http_method_names[routes[i].method] : "",
                                         i < n ? routes[i].pattern : "", k, m->requests[i][k]);
        describe(out, "ds01_request_seconds", "histogram", "How long requests took.");
        for (size_t i = 0; i < METRICS_BUCKETS; i++) {
                so_far += m->latency[i];
                buf_addf(out, "ds01_request_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                         bound_texts[i], so_far);
        }
        so_far += m->latency[METRICS_BUCKETS];
        buf_addf(out,
                 "ds01_request_seconds_bucket{le=\"+Inf\"} %" PRIu64
                 "\nds01_request_seconds_count %" PRIu64 "\nds01_request_seconds_sum %.6f\n",
                 so_far, so_far, (double)m->latency_sum_us / US_PER_S);
}

void metrics_write(struct daemon *d, struct buf *out) {
        struct engine_info info;

        daemon_engine_info(d, &info);
        describe(out, "ds01_build", "info", "The version of ds01d.");
        buf_addf(out, "ds01_build_info{version=\"%s\"} 1\n", DS01_VERSION);
        describe(out, "ds01_ready", "gauge", "1 when the engine's state has been read.");
        buf_addf(out, "ds01_ready %d\n", d->ready ? 1 : 0);
        write_devices(d, out);
        write_use(d, out);
        write_ledger(d, out);
        write_requests(d, out);
        buf_adds(out, "# EOF\n");
}

void handle_metrics(struct call *c) {
        c->content_type = media;
        metrics_write(c->daemon, &c->answer);
}

/* --- on the loopback ------------------------------------------------------------------------ */

/* One scrape: a request without a body, an answer, the end. */
static void serve(struct daemon *d, int fd) {
        int64_t deadline = clock_mono_us() + SCRAPE_TIMEOUT_S * US_PER_S;
        _cleanup_buf_ struct buf in = BUF_INIT(HTTP_HEAD_MAX), body = BUF_INIT(1024),
                                 text = BUF_INIT(TEXT_MAX), out = BUF_INIT(TEXT_MAX + 4096);
        _cleanup_free_ struct http_request_reader *reader = calloc(1, sizeof(*reader));
        struct http_response_out head = { .status = 404, .content_type = "text/plain",
                                          .close = true };
        enum http_event event = HTTP_MORE;

        if (!reader)
                return;
        http_request_init(reader);
        while (event == HTTP_MORE || event == HTTP_HEAD_DONE) {
                event = http_request_feed(reader, &in, &body);
                if (event == HTTP_MORE && fd_read_some(fd, &in, 4096, deadline) <= 0)
                        return;
        }
        if (event != HTTP_DONE) {
                head.status = 400;
        } else if (reader->head.method == HTTP_GET && reader->head.n_segments == 1 &&
                   strcmp(reader->head.segments[0], "metrics") == 0) {
                head.status = 200;
                head.content_type = media;
                metrics_write(d, &text);
        }
        head.length = (int64_t)text.len;
        if (!text.failed && http_write_response(&out, &head) == 0 &&
            buf_add(&out, buf_str(&text), text.len) == 0)
                fd_write_all(fd, out.data, out.len, deadline);
}

static int open_port(int64_t port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

        if (fd < 0)
                return -errno;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0) {
                int e = errno;

                close(fd);
                return -e;
        }
        return fd;
}

void metrics_run(struct daemon *d) {
        int fd = d->config.metrics_port ? open_port(d->config.metrics_port) : -1;

        if (d->config.metrics_port && fd < 0)
                log_text(LOG_ERROR, "metrics", "can't listen on 127.0.0.1:%lld: %s",
                         (long long)d->config.metrics_port, strerror(-fd));
        while (fd >= 0 && !d->stopping) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int one;

                if (poll(&p, 1, LOOK_MS) <= 0)
                        continue;
                one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                if (one >= 0) {
                        serve(d, one);
                        close(one);
                }
        }
        if (fd >= 0)
                close(fd);
}
