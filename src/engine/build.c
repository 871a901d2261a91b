/* Builds: the context goes out in chunks, then a stream comes back (build_stream.c reads it). */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "http/write.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
        OPEN_S = 30,
        STALL_S = 120,         /* an engine that takes no more of the context */
        SEND_MAX = 64 << 10,
        CPU_PERIOD_US = 100000,
};

struct engine_build {
        struct engine *engine;
        struct engine_stream stream;
        struct engine_build_stream lines;
        bool head; /* the answer's head is there */
        bool read_all;
};

static void write_param_list(struct engine_call *call, const char *key, const char *const *list) {
        _cleanup_buf_ struct buf json = BUF_INIT(ENGINE_TARGET_MAX);
        struct json_writer w = JSON_WRITER(&json);

        json_write_array(&w);
        for (; *list; list++)
                json_write_str(&w, *list);
        json_write_array_end(&w);
        if (json.failed)
                call->target.failed = true;
        else
                engine_call_param(call, key, buf_str(&json));
}

static void write_params(struct engine_call *call, const struct engine_build_spec *s, bool podman) {
        engine_call_path(call, "build", NULL, NULL);
        engine_call_param(call, "t", s->tag);
        engine_call_param(call, "dockerfile", s->dockerfile);
        engine_call_param(call, "rm", "1");
        engine_call_param(call, "forcerm", "1");
        if (podman)
                engine_call_param(call, "layers", "0"); /* leaves no images between */
        if (!podman && s->cache_from && *s->cache_from)
                write_param_list(call, "cachefrom", s->cache_from);
        else
                engine_call_param(call, "nocache", "1");
        if (!str_equal(s->network, "default"))
                engine_call_param(call, "networkmode", s->network);
        if (s->cgroup_parent)
                engine_call_param(call, "cgroupparent", s->cgroup_parent);
        if (s->memory_bytes > 0) {
                engine_call_param_int(call, "memory", s->memory_bytes);
                engine_call_param_int(call, "memswap", s->memory_bytes);
        }
        if (s->shm_bytes > 0)
                engine_call_param_int(call, "shmsize", s->shm_bytes);
        if (s->cpus_milli > 0) {
                engine_call_param_int(call, "cpuperiod", CPU_PERIOD_US);
                engine_call_param_int(call, "cpuquota", s->cpus_milli * (CPU_PERIOD_US / 1000));
        }
}

int engine_build_open(struct engine *e, const struct engine_build_spec *spec,
                      struct engine_build **ret, struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_POST, .tar = true);
        struct engine_build *b;

        if (engine_negotiate(e, err) < 0)
                return -1;
        write_params(&call, spec, engine_is_podman(e));
        b = calloc(1, sizeof(*b));
        if (!b)
                return engine_no_memory(err);
        b->engine = e;
        engine_build_stream_init(&b->lines);
        if (engine_stream_begin(e, &call, clock_mono_us() + OPEN_S * US_PER_S, &b->stream, err)) {
                free(b);
                return -1;
        }
        *ret = b;
        return 0;
}

void engine_build_close(struct engine_build *b) {
        if (!b)
                return;
        engine_stream_close(b->engine, &b->stream);
        engine_build_stream_release(&b->lines);
        free(b);
}

/* --- sending ------------------------------------------------------------------------------- */

/* An answer before the end is a refusal: its words, or that the connection has broken. */
static int fail_early(struct engine_build *b, struct engine_error *err) {
        _cleanup_buf_ struct buf body = BUF_INIT(65536);
        int64_t deadline = clock_mono_us() + OPEN_S * US_PER_S;
        int r = engine_stream_head(&b->stream, deadline);

        if (r < 0)
                return engine_fail(err, 0, false, "the connection broke: %s", strerror(-r));
        while (engine_stream_read(&b->stream, &body, deadline) > 0)
                ;
        if (b->stream.reader.head.status < 300)
                return engine_fail(err, 0, false, "the engine answered before it had everything");
        return engine_fail_answer(err, b->stream.reader.head.status, &body);
}

static int send_chunk(struct engine_build *b, const struct buf *out, struct engine_error *err) {
        size_t sent = 0;

        while (sent < out->len) {
                struct pollfd p = { .fd = b->stream.fd, .events = POLLIN | POLLOUT };
                int r = poll(&p, 1, STALL_S * 1000);
                ssize_t n;

                if (r == 0)
                        return engine_fail(err, 0, false, "it takes no more of the context");
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0 || p.revents & (POLLIN | POLLHUP | POLLERR))
                        return fail_early(b, err);
                n = send(b->stream.fd, out->data + sent, out->len - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return fail_early(b, err);
                sent += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

int engine_build_send(struct engine_build *b, const void *bytes, size_t n,
                      struct engine_error *err) {
        const char *at = bytes;

        while (n > 0) {
                _cleanup_buf_ struct buf out = BUF_INIT(SEND_MAX + 64);
                size_t count = n < SEND_MAX ? n : SEND_MAX;

                if (http_write_chunk(&out, at, count) < 0)
                        return engine_no_memory(err);
                if (send_chunk(b, &out, err) < 0)
                        return -1;
                at += count;
                n -= count;
        }
        return 0;
}

int engine_build_end(struct engine_build *b, struct engine_error *err) {
        _cleanup_buf_ struct buf out = BUF_INIT(64);

        if (http_write_chunk_end(&out) < 0)
                return engine_no_memory(err);
        return send_chunk(b, &out, err);
}

/* --- reading ------------------------------------------------------------------------------- */

/* The head of the answer: 0 when it is not there yet. */
static int read_head(struct engine_build *b, int64_t deadline_us, struct engine_error *err) {
        int r = engine_stream_head(&b->stream, deadline_us), status;

        if (r == -ETIMEDOUT)
                return 0;
        if (r < 0)
                return engine_fail(err, 0, false, "the connection to the engine broke: %s",
                                   strerror(-r));
        b->head = true;
        status = b->stream.reader.head.status;
        if (status < 300)
                return 1;
        deadline_us = clock_mono_us() + OPEN_S * US_PER_S;
        while (engine_stream_read(&b->stream, &b->lines.in, deadline_us) > 0)
                ;
        return engine_fail_answer(err, status, &b->lines.in);
}

static int read_more(struct engine_build *b, int64_t deadline_us, struct engine_error *err) {
        int r = engine_stream_read(&b->stream, &b->lines.in, deadline_us);

        if (r == -ETIMEDOUT)
                return 0;
        if (r < 0)
                return engine_fail(err, 0, false, "the build broke off: %s", strerror(-r));
        if (r == 0) {
                b->read_all = true;
                if (b->lines.in.len > 0)
                        buf_addc(&b->lines.in, '\n');
        }
        return 1;
}

int engine_build_next(struct engine_build *b, int64_t timeout_us, struct engine_build_event *ret,
                      int *ret_code, struct engine_error *err) {
        int64_t deadline = clock_mono_us() + timeout_us;

        *ret_code = 0;
        for (;;) {
                int r = b->head ? 1 : read_head(b, deadline, err);

                if (r > 0)
                        r = engine_build_stream_next(&b->lines, ret, ret_code, err);
                else if (r == 0)
                        return 0;
                if (r != 0)
                        return r;
                if (b->read_all && !b->lines.built)
                        return engine_fail(err, 0, false, "the build ended without an image");
                if (b->read_all)
                        return ENGINE_BUILD_DONE;
                r = read_more(b, deadline, err);
                if (r <= 0)
                        return r;
        }
}
