/*
 * What the files of the engine client share: one request and its answer, and streams whose answer
 * is read piece by piece (pulls, events, the upgrade of an exec).
 */
#pragma once

#include "engine/engine.h"
#include "http/response.h"
#include "json/json.h"

#include <pthread.h>

enum {
        ENGINE_IDLE_MAX = 4,                /* connections kept open between calls */
        ENGINE_ANSWER_MAX = 64 << 20,       /* bytes of one answer (a list of 10,000 containers) */
        ENGINE_LINE_MAX = 1 << 20,          /* bytes of one line of an event or pull stream */
        ENGINE_FILE_MAX = 4 << 20,          /* bytes of a file read out of a container */
        ENGINE_TARGET_MAX = 65536,
        ENGINE_BODY_MAX = 4 << 20,
};

struct engine {
        char *socket_path;
        int64_t timeout_us;
        pthread_mutex_t lock; /* guards what is below */
        int idle[ENGINE_IDLE_MAX];
        size_t n_idle;
        int minor;  /* N of the API version 1.N that is spoken; 0 before the first ping */
        bool podman;
        int podman_version; /* 504 for 5.4 */
};

/* Fills @err (NULL allowed) and returns -1. */
int engine_fail(struct engine_error *err, int status, bool definite, const char *fmt, ...)
        _printf_(4, 5);
int engine_no_memory(struct engine_error *err);
/* Fails with the words of an engine's error body: JSON's "message", else the text itself. */
int engine_fail_answer(struct engine_error *err, int status, const struct buf *body);

struct engine_call {
        enum http_method method;
        struct buf target; /* behind the version; add to it with http_target_segment() and such */
        struct buf body;   /* JSON, sent when it has bytes */
        int64_t timeout_us; /* 0: the engine's ordinary one */
        size_t answer_max;   /* 0: ENGINE_ANSWER_MAX */
        bool upgrade;
        bool unversioned;    /* /_ping only */
        bool tar;            /* the body is a tar that follows the head in chunks */
};

#define ENGINE_CALL(m, ...)                                                                       \
        ((struct engine_call){ .method = (m),                                                     \
                               .target = BUF_INIT(ENGINE_TARGET_MAX),                             \
                               .body = BUF_INIT(ENGINE_BODY_MAX),                                 \
                               ##__VA_ARGS__ })
void engine_call_release(struct engine_call *call);
#define _cleanup_call_ _cleanup_(engine_call_release)

/* Appends "/containers/ID/action" to the target (the last may be NULL). */
void engine_call_path(struct engine_call *call, const char *kind, const char *id,
                      const char *action);
void engine_call_param(struct engine_call *call, const char *key, const char *value);
void engine_call_param_int(struct engine_call *call, const char *key, int64_t value);

/* A connection on which an answer is being read. */
struct engine_stream {
        int fd;
        bool reused; /* the connection was an idle one */
        bool done;   /* the answer is complete */
        struct buf in;
        struct http_response_reader reader;
};
/* Sends the call and reads the head of the answer, by @deadline_us (CLOCK_MONOTONIC). Any status
 * is success here. @ret is to be closed with engine_stream_close(). */
int engine_stream_open(struct engine *e, const struct engine_call *call, int64_t deadline_us,
                       struct engine_stream *ret, struct engine_error *err);
/* The same in two steps, for a call whose body follows in chunks: connects (always anew) and sends
 * the head; later waits for the head of the answer: 0, -ETIMEDOUT (call again) or -errno. */
int engine_stream_begin(struct engine *e, const struct engine_call *call, int64_t deadline_us,
                        struct engine_stream *ret, struct engine_error *err);
int engine_stream_head(struct engine_stream *s, int64_t deadline_us);
/* Adds what comes next of the body to @body: 1 (more may follow), 0 (complete), -ETIMEDOUT,
 * -ENOBUFS (@body is full), -EPROTO, or what read() says. */
int engine_stream_read(struct engine_stream *s, struct buf *body, int64_t deadline_us);
/* Keeps the connection for other calls where the answer was read to its end. */
void engine_stream_close(struct engine *e, struct engine_stream *s);

struct engine_answer {
        int status;
        struct buf body;
        char api_version[16], libpod_version[16];
};
void engine_answer_release(struct engine_answer *a);
#define _cleanup_answer_ _cleanup_(engine_answer_release)

/* One whole call; negotiates first if that has not been done. 0 with a status of 2xx or 304 ("it is
 * so already"), or -1. */
int engine_do(struct engine *e, const struct engine_call *call, struct engine_answer *ret,
              struct engine_error *err);
/* The same for calls whose answer does not matter. */
int engine_do_plain(struct engine *e, const struct engine_call *call, struct engine_error *err);
/* The same for calls answered by a JSON document; *@ret is a new reference. */
int engine_do_json(struct engine *e, const struct engine_call *call, json_t **ret,
                   struct engine_error *err);
/* Makes sure that the API version is known; returns the minor number, or -1. */
int engine_negotiate(struct engine *e, struct engine_error *err);
/* Since when podman takes requests for CDI devices. */
#define PODMAN_CDI_REQUESTS 504

/* 0 for Docker, else podman's version (504 for 5.4). Valid after a ping. */
int engine_podman_version(struct engine *e);

/* The one line of JSON at the start of @in (1, with *@ret a new reference and the line consumed),
 * 0 when it is not complete, -EPROTO when it is not JSON, -ENOMEM. Empty lines are passed over. */
int engine_next_line(struct buf *in, json_t **ret);

/* The create body (spec.c). 0 or -ENOBUFS. */
int engine_spec_write(const struct engine_container_spec *spec, int podman, struct buf *ret);

/* "key":["a","b"]; NULL writes an empty array. */
void engine_write_strings(struct json_writer *w, const char *key, const char *const *strings);

/* podman answers 500 where Docker answers 404 or 409 (and so does Docker to unpause). What it
 * meant is told by looking: @needed are the states in which the call can be done; in another one
 * @err becomes a 409, with the container gone a 404. Returns -1. */
#define ENGINE_STATE(s) (1u << (s))
int engine_explain_500(struct engine *e, const char *id, unsigned needed,
                       struct engine_error *err);

/* {"label":["x"]}, as the filters parameters want it. */
void engine_call_filter(struct engine_call *call, const char *key, const char *value,
                        const char *key2, const char *value2);

/* "localhost/x" and "docker.io/library/x" as people wrote them: podman puts these in front. */
const char *engine_plain_ref(struct engine *e, const char *ref);

/* The bytes of the one regular file in a tar archive (tar.c), added to @ret. 0, -EINVAL (no
 * archive), -ENOENT (an empty one), -ENOTSUP (its first entry is no regular file), -E2BIG (over the
 * ceiling of @ret), -ENOMEM. */
int engine_tar_file(const char *bytes, size_t n, struct buf *ret);

/* One object of the event stream. 0, or -EINVAL when it is not one (to be passed over). */
int engine_event_read(const json_t *object, struct engine_event *ret);

void engine_set_time(int64_t *ret, const char *text);

/* The lines that come back from a build. */
struct engine_build_stream {
        struct buf in;   /* what is read and not yet looked at */
        struct buf text; /* what the last object says; from @at on not yet taken */
        size_t at;
        struct buf line; /* of output */
        bool line_returned, carriage, step;
        int escape;
        char id[80];
        bool built;
};
void engine_build_stream_init(struct engine_build_stream *b);
void engine_build_stream_release(struct engine_build_stream *b);
/* 1 with an event, 0 when more is to be added to `in`, -1 when the build has failed. */
int engine_build_stream_next(struct engine_build_stream *b, struct engine_build_event *ret,
                             int *ret_code, struct engine_error *err);
