/*
 * Streams of container and image events. `die` is the change of state (its order to `stop` differs
 * between versions); Type, Action and Actor are read and nothing else, since the older fields are
 * gone in newer APIs.
 */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

struct engine_events {
        struct engine *engine;
        struct engine_stream stream;
        struct buf in;
};

static int open_events(struct engine *e, const char *type, const char *label,
                       struct engine_events **ret, struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        int64_t deadline = clock_mono_us() + e->timeout_us;
        struct engine_events *ev = calloc(1, sizeof(*ev));
        int status;

        if (!ev)
                return engine_no_memory(err);
        ev->engine = e;
        ev->in = BUF_INIT(ENGINE_LINE_MAX);
        engine_call_path(&call, "events", NULL, NULL);
        /* podman's filter knows labels with their values only, and would let nothing through. */
        engine_call_filter(&call, "type", type, label && !engine_is_podman(e) ? "label" : NULL,
                           label);
        if (engine_stream_open(e, &call, deadline, &ev->stream, err) < 0) {
                free(ev);
                return -1;
        }
        status = ev->stream.reader.head.status;
        if (status != 200) {
                while (engine_stream_read(&ev->stream, &ev->in, deadline) > 0)
                        ;
                engine_fail_answer(err, status, &ev->in);
                engine_events_close(ev);
                return -1;
        }
        *ret = ev;
        return 0;
}

int engine_events_open(struct engine *e, const char *label, struct engine_events **ret,
                       struct engine_error *err) {
        return open_events(e, "container", label, ret, err);
}

int engine_image_events_open(struct engine *e, struct engine_events **ret,
                             struct engine_error *err) {
        return open_events(e, "image", NULL, ret, err);
}

void engine_events_close(struct engine_events *ev) {
        if (!ev)
                return;
        engine_stream_close(ev->engine, &ev->stream);
        buf_release(&ev->in);
        free(ev);
}

static enum engine_event_kind kind_from(const char *action) {
        static const struct {
                const char *action;
                enum engine_event_kind kind;
        } kinds[] = {
                { "create", ENGINE_EVENT_CREATE },   { "start", ENGINE_EVENT_START },
                { "die", ENGINE_EVENT_DIE },         { "died", ENGINE_EVENT_DIE },
                { "pause", ENGINE_EVENT_PAUSE },     { "unpause", ENGINE_EVENT_UNPAUSE },
                { "destroy", ENGINE_EVENT_DESTROY }, { "remove", ENGINE_EVENT_DESTROY },
                { "rename", ENGINE_EVENT_RENAME },   { "oom", ENGINE_EVENT_OOM },
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (str_equal(action, kinds[i].action))
                        return kinds[i].kind;
        return ENGINE_EVENT_OTHER;
}

int engine_event_read(const json_t *object, struct engine_event *ret) {
        json_t *actor = json_object_get(object, "Actor");
        json_t *attributes = json_object_get(actor, "Attributes");
        const char *action = json_str(object, "Action"), *id = json_str(actor, "ID"), *code;
        struct engine_event event = { 0 };
        int64_t ns, number;

        if (!str_equal(json_str(object, "Type"), "container") || !action || !id ||
            !str_copy(event.id, sizeof(event.id), id))
                return -EINVAL;
        event.kind = kind_from(action);
        ns = json_int_or(object, "timeNano", 0);
        if (ns > 0)
                event.time_us = ns / 1000;
        else if (!__builtin_mul_overflow(json_int_or(object, "time", 0), US_PER_S, &number))
                event.time_us = number;
        code = json_str(attributes, "exitCode");
        if (!code)
                code = json_str(attributes, "containerExitCode"); /* podman */
        if (event.kind == ENGINE_EVENT_DIE && code && str_to_i64(code, 0, 255, &number) == 0)
                event.exit_code = (int)number;
        *ret = event;
        return 0;
}

/* One object of the stream, whatever it says: results as of engine_events_next(). */
static int next_object(struct engine_events *ev, int64_t deadline_us, json_t **ret) {
        for (;;) {
                int r = engine_next_line(&ev->in, ret);

                if (r != 0)
                        return r < 0 ? -1 : 1;
                r = engine_stream_read(&ev->stream, &ev->in, deadline_us);
                if (r == -ETIMEDOUT)
                        return 0;
                if (r <= 0)
                        return -1;
        }
}

int engine_events_next(struct engine_events *ev, int64_t timeout_us, struct engine_event *ret) {
        int64_t deadline = clock_mono_us() + (timeout_us > 0 ? timeout_us : 1);

        for (;;) {
                _cleanup_json_ json_t *object = NULL;
                int r = next_object(ev, deadline, &object);

                if (r <= 0 || engine_event_read(object, ret) == 0)
                        return r;
        }
}

int engine_events_any(struct engine_events *ev, int64_t timeout_us) {
        _cleanup_json_ json_t *object = NULL;

        return next_object(ev, clock_mono_us() + (timeout_us > 0 ? timeout_us : 1), &object);
}
