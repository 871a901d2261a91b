/*
 * Connections to the engine's socket: sending a call, reading its answer under a deadline, and a
 * few idle connections kept for the next calls.
 *
 * A call is sent a second time in two cases only, both on a connection that had been idle: nothing
 * of it could be sent, or the connection ended before any byte of an answer and the call only
 * reads. Anything else might be done twice.
 */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "http/write.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { READ_SIZE = 32768, STREAM_BUFFER = 131072 };

struct engine *engine_new(const char *socket_path, int64_t timeout_us) {
        struct engine *e = calloc(1, sizeof(*e));

        if (!e)
                return NULL;
        e->timeout_us = timeout_us;
        e->socket_path = strdup(socket_path);
        if (!e->socket_path || pthread_mutex_init(&e->lock, NULL) != 0) {
                free(e->socket_path);
                free(e);
                return NULL;
        }
        return e;
}

void engine_free(struct engine *e) {
        if (!e)
                return;
        for (size_t i = 0; i < e->n_idle; i++)
                close(e->idle[i]);
        pthread_mutex_destroy(&e->lock);
        free(e->socket_path);
        free(e);
}

int engine_fail(struct engine_error *err, int status, bool definite, const char *fmt, ...) {
        char text[sizeof(err->message)];
        va_list ap;

        if (!err)
                return -1;
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        err->status = status;
        err->definite = definite;
        str_printable(err->message, sizeof(err->message), text);
        return -1;
}

int engine_no_memory(struct engine_error *err) {
        return engine_fail(err, 0, false, "out of memory");
}

/* Never by the text: its wording changes between versions, the status does not. */
static bool status_definite(int status) {
        return status >= 300 && status < 500;
}

int engine_fail_answer(struct engine_error *err, int status, const struct buf *body) {
        _cleanup_json_ json_t *root = NULL;
        const char *text = NULL;

        if (body->len > 0 && json_parse(body->data, body->len, &root, NULL) == 0)
                text = json_str(root, "message");
        if (!text)
                text = buf_str(body);
        if (!*text)
                return engine_fail(err, status, status_definite(status),
                                   "the engine answered %d %s", status, http_status_text(status));
        return engine_fail(err, status, status_definite(status), "%s", text);
}

void engine_call_release(struct engine_call *call) {
        buf_release(&call->target);
        buf_release(&call->body);
}

void engine_call_path(struct engine_call *call, const char *kind, const char *id,
                      const char *action) {
        http_target_segment(&call->target, kind);
        if (id)
                http_target_segment(&call->target, id);
        if (action)
                http_target_segment(&call->target, action);
}

void engine_call_param(struct engine_call *call, const char *key, const char *value) {
        http_target_param(&call->target, key, value);
}

void engine_call_param_int(struct engine_call *call, const char *key, int64_t value) {
        char text[24];

        snprintf(text, sizeof(text), "%lld", (long long)value);
        http_target_param(&call->target, key, text);
}

void engine_call_filter(struct engine_call *call, const char *key, const char *value,
                        const char *key2, const char *value2) {
        _cleanup_buf_ struct buf json = BUF_INIT(ENGINE_TARGET_MAX);
        struct json_writer w = JSON_WRITER(&json);

        json_write_object(&w);
        json_write_key(&w, key);
        json_write_array(&w);
        json_write_str(&w, value);
        json_write_array_end(&w);
        if (key2) {
                json_write_key(&w, key2);
                json_write_array(&w);
                json_write_str(&w, value2);
                json_write_array_end(&w);
        }
        json_write_object_end(&w);
        if (json.failed)
                call->target.failed = true;
        else
                http_target_param(&call->target, "filters", buf_str(&json));
}

/* A blocking connect() waits for ever on a listener whose queue is full (a hanging engine);
 * SO_SNDTIMEO bounds that wait on Unix sockets. */
static int connect_within(const char *path, int64_t deadline_us) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int64_t left = deadline_us - clock_mono_us();
        struct timeval wait = { .tv_sec = left / US_PER_S, .tv_usec = left % US_PER_S };
        _cleanup_close_ int fd = -1;

        if (!str_copy(address.sun_path, sizeof(address.sun_path), path))
                return -ENAMETOOLONG;
        if (left <= 0)
                return -ETIMEDOUT;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        wait = (struct timeval){ 0 };
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
        return TAKE_FD(fd);
}

/* An idle connection that is still quiet: one that has become readable was closed by the engine
 * (or carries bytes that nobody asked for). */
static int take_idle(struct engine *e) {
        for (;;) {
                struct pollfd p = { .fd = -1, .events = POLLIN };

                pthread_mutex_lock(&e->lock);
                if (e->n_idle > 0)
                        p.fd = e->idle[--e->n_idle];
                pthread_mutex_unlock(&e->lock);
                if (p.fd < 0 || poll(&p, 1, 0) == 0)
                        return p.fd;
                close(p.fd);
        }
}

static void give_idle(struct engine *e, int fd) {
        pthread_mutex_lock(&e->lock);
        if (e->n_idle < ENGINE_IDLE_MAX) {
                e->idle[e->n_idle++] = fd;
                fd = -1;
        }
        pthread_mutex_unlock(&e->lock);
        if (fd >= 0)
                close(fd);
}

/* As fd_write_all(), but says how much went out: what was never sent was certainly not done. */
static int send_counted(int fd, const struct buf *out, int64_t deadline_us, size_t *ret_sent) {
        size_t sent = 0;
        int r = 0;

        while (sent < out->len && r >= 0) {
                ssize_t n = send(fd, out->data + sent, out->len - sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n >= 0)
                        sent += (size_t)n;
                else if (errno == EAGAIN)
                        r = fd_wait(fd, POLLOUT, deadline_us);
                else if (errno != EINTR)
                        r = -errno;
        }
        *ret_sent = sent;
        return r < 0 ? r : 0;
}

static int write_call(const struct engine_call *call, int minor, struct buf *out) {
        _cleanup_buf_ struct buf target = BUF_INIT(ENGINE_TARGET_MAX);
        bool has_body = call->body.len > 0;
        struct http_request_out q = {
                .method = call->method,
                .host = "docker",
                .content_type = has_body    ? "application/json"
                                : call->tar ? "application/x-tar"
                                            : NULL,
                .length = has_body                  ? (int64_t)call->body.len :
                          call->tar                 ? HTTP_CHUNKED :
                          call->method == HTTP_POST ? 0 :
                                                      HTTP_NO_LENGTH,
                .upgrade = call->upgrade ? "tcp" : NULL,
        };
        int r;

        if (call->target.failed || call->body.failed)
                return -ENOBUFS;
        if (!call->unversioned)
                buf_addf(&target, "/v1.%d", minor);
        buf_adds(&target, buf_str(&call->target));
        if (target.failed)
                return -ENOBUFS;
        q.target = buf_str(&target);
        r = http_write_request(out, &q);
        if (r == 0 && has_body)
                r = buf_add(out, call->body.data, call->body.len);
        return r;
}

/* What is known when reading the head of an answer has failed. */
struct attempt {
        bool nothing_sent;
        bool nothing_answered;
        int error;
};

static int read_head(struct engine_stream *s, int64_t deadline_us, struct attempt *a) {
        struct buf nothing = BUF_INIT(0);

        for (;;) {
                ssize_t n;

                switch (http_response_feed(&s->reader, &s->in, &nothing)) {
                case HTTP_HEAD_DONE:
                case HTTP_UPGRADED:
                        return 0;
                case HTTP_DONE:
                        s->done = true;
                        return 0;
                case HTTP_FULL:
                case HTTP_BAD:
                        return -EPROTO;
                case HTTP_MORE:
                        break;
                }
                n = fd_read_some(s->fd, &s->in, READ_SIZE, deadline_us);
                if (n <= 0)
                        return n < 0 ? (int)n : -ECONNRESET;
                a->nothing_answered = false;
        }
}

static int try_once(struct engine *e, const struct engine_call *call, const struct buf *out,
                    int64_t deadline_us, struct engine_stream *s, struct attempt *a) {
        size_t sent = 0;
        int r;

        *a = (struct attempt){ .nothing_sent = true, .nothing_answered = true };
        s->fd = take_idle(e);
        s->reused = s->fd >= 0;
        if (s->fd < 0)
                s->fd = connect_within(e->socket_path, deadline_us);
        if (s->fd < 0)
                return s->fd;
        http_response_init(&s->reader, call->method);
        r = send_counted(s->fd, out, deadline_us, &sent);
        a->nothing_sent = sent == 0;
        /* An engine may refuse and close before it has read everything: its answer counts then. */
        if (r == 0 || (r == -EPIPE && sent > 0))
                r = read_head(s, deadline_us, a);
        return r;
}

static void stream_release(struct engine_stream *s) {
        if (s->fd >= 0)
                close(s->fd);
        s->fd = -1;
        buf_release(&s->in);
}

static int fail_transport(const struct engine *e, const struct attempt *a, int r,
                          const struct http_response_reader *reader, struct engine_error *err) {
        bool definite = a->nothing_sent;

        if (r == -ETIMEDOUT)
                return engine_fail(err, 0, definite, "the engine at '%s' does not answer",
                                   e->socket_path);
        if (r == -EPROTO)
                return engine_fail(err, 0, definite, "the engine's answer is not HTTP: %s",
                                   reader->error ? reader->error : "unexpected body");
        if (definite)
                return engine_fail(err, 0, true, "cannot reach the engine at '%s': %s",
                                   e->socket_path, strerror(-r));
        return engine_fail(err, 0, false, "the connection to the engine broke: %s", strerror(-r));
}

int engine_stream_open(struct engine *e, const struct engine_call *call, int64_t deadline_us,
                       struct engine_stream *ret, struct engine_error *err) {
        _cleanup_buf_ struct buf out = BUF_INIT(ENGINE_TARGET_MAX + ENGINE_BODY_MAX + 4096);
        struct engine_stream s = { .fd = -1, .in = BUF_INIT(STREAM_BUFFER) };
        bool reads_only = call->method == HTTP_GET || call->method == HTTP_HEAD;
        struct attempt a;
        int minor = 0, r;

        if (!call->unversioned) {
                minor = engine_negotiate(e, err);
                if (minor < 0)
                        return -1;
        }
        r = write_call(call, minor, &out);
        if (r < 0)
                return engine_fail(err, 0, true, "cannot write the request: %s", strerror(-r));
        for (;;) {
                r = try_once(e, call, &out, deadline_us, &s, &a);
                if (r == 0)
                        break;
                if (!(s.reused && (r == -EPIPE || r == -ECONNRESET) && a.nothing_answered &&
                      (a.nothing_sent || reads_only))) {
                        fail_transport(e, &a, r, &s.reader, err);
                        stream_release(&s);
                        return -1;
                }
                /* Each round uses up one idle connection, so this ends. */
                stream_release(&s);
        }
        *ret = s;
        return 0;
}

int engine_stream_begin(struct engine *e, const struct engine_call *call, int64_t deadline_us,
                        struct engine_stream *ret, struct engine_error *err) {
        _cleanup_buf_ struct buf out = BUF_INIT(ENGINE_TARGET_MAX + 4096);
        struct engine_stream s = { .in = BUF_INIT(STREAM_BUFFER) };
        struct attempt a = { .nothing_sent = true };
        int minor = engine_negotiate(e, err), r;
        size_t sent;

        if (minor < 0)
                return -1;
        r = write_call(call, minor, &out);
        if (r < 0)
                return engine_fail(err, 0, true, "cannot write the request: %s", strerror(-r));
        r = s.fd = connect_within(e->socket_path, deadline_us);
        http_response_init(&s.reader, call->method);
        if (r >= 0)
                r = send_counted(s.fd, &out, deadline_us, &sent);
        if (r < 0) {
                fail_transport(e, &a, r, &s.reader, err);
                stream_release(&s);
                return -1;
        }
        *ret = s;
        return 0;
}

int engine_stream_head(struct engine_stream *s, int64_t deadline_us) {
        struct attempt a;

        return read_head(s, deadline_us, &a);
}

int engine_stream_read(struct engine_stream *s, struct buf *body, int64_t deadline_us) {
        size_t before = body->len;

        while (!s->done) {
                enum http_event event = http_response_feed(&s->reader, &s->in, body);
                ssize_t n;

                if (event == HTTP_FULL)
                        return body->len > before ? 1 : -ENOBUFS;
                if (event == HTTP_BAD || event == HTTP_UPGRADED)
                        return body->failed ? -ENOMEM : -EPROTO;
                if (event == HTTP_DONE) {
                        s->done = true;
                        break;
                }
                if (body->len > before)
                        return 1;
                n = fd_read_some(s->fd, &s->in, READ_SIZE, deadline_us);
                if (n < 0)
                        return (int)n;
                if (n == 0) {
                        if (http_response_eof(&s->reader) != HTTP_DONE)
                                return -EPROTO;
                        s->done = true; /* and head.close is set */
                }
        }
        return body->len > before ? 1 : 0;
}

void engine_stream_close(struct engine *e, struct engine_stream *s) {
        if (s->fd >= 0 && s->done && !s->reader.head.close && s->in.len == 0)
                give_idle(e, TAKE_FD(s->fd));
        stream_release(s);
}

void engine_answer_release(struct engine_answer *a) {
        buf_release(&a->body);
}

static int read_answer(struct engine_stream *s, int64_t deadline_us, struct buf *body,
                       struct engine_error *err) {
        int r;

        if (s->reader.head.length > (int64_t)body->max && s->reader.method != HTTP_HEAD)
                return engine_fail(err, 0, false, "the engine's answer is too large");
        do
                r = engine_stream_read(s, body, deadline_us);
        while (r > 0);
        if (r == -ENOBUFS)
                return engine_fail(err, 0, false, "the engine's answer is too large");
        if (r == -ETIMEDOUT)
                return engine_fail(err, 0, false, "the engine stopped in the middle of an answer");
        if (r < 0)
                return engine_fail(err, 0, false, "the engine's answer broke off: %s",
                                   r == -EPROTO && s->reader.error ? s->reader.error :
                                                                     strerror(-r));
        return 0;
}

int engine_do(struct engine *e, const struct engine_call *call, struct engine_answer *ret,
              struct engine_error *err) {
        int64_t timeout = call->timeout_us > 0 ? call->timeout_us : e->timeout_us;
        int64_t deadline = clock_mono_us() + timeout;
        struct buf body = BUF_INIT(call->answer_max > 0 ? call->answer_max : ENGINE_ANSWER_MAX);
        struct engine_stream s;
        int status, r;

        if (engine_stream_open(e, call, deadline, &s, err) < 0)
                return -1;
        status = s.reader.head.status;
        r = read_answer(&s, deadline, &body, err);
        if (r == 0 && status >= 300 && status != 304)
                r = engine_fail_answer(err, status, &body);
        if (r == 0) {
                ret->status = status;
                ret->body = body;
                str_copy(ret->api_version, sizeof(ret->api_version), s.reader.head.api_version);
                str_copy(ret->libpod_version, sizeof(ret->libpod_version),
                         s.reader.head.libpod_version);
        } else {
                buf_release(&body);
        }
        engine_stream_close(e, &s);
        return r;
}

int engine_do_plain(struct engine *e, const struct engine_call *call, struct engine_error *err) {
        _cleanup_answer_ struct engine_answer a = { 0 };

        return engine_do(e, call, &a, err);
}

int engine_do_json(struct engine *e, const struct engine_call *call, json_t **ret,
                   struct engine_error *err) {
        _cleanup_answer_ struct engine_answer a = { 0 };
        struct err why;
        int r;

        if (engine_do(e, call, &a, err) < 0)
                return -1;
        r = json_parse(buf_str(&a.body), a.body.len, ret, &why);
        if (r == -ENOMEM)
                return engine_no_memory(err);
        if (r < 0)
                return engine_fail(err, 0, false, "the engine's answer is not JSON: %s", why.msg);
        return 0;
}

int engine_next_line(struct buf *in, json_t **ret) {
        for (;;) {
                const char *end = in->len > 0 ? memchr(in->data, '\n', in->len) : NULL;
                size_t n = end ? (size_t)(end - in->data) : 0;
                int r;

                if (!end)
                        return 0;
                while (n > 0 && in->data[n - 1] == '\r')
                        n--;
                r = n == 0 ? -EAGAIN : json_parse(in->data, n, ret, NULL);
                buf_consume(in, (size_t)(end - in->data) + 1);
                if (r != -EAGAIN)
                        return r == 0 ? 1 : r == -ENOMEM ? -ENOMEM : -EPROTO;
        }
}
