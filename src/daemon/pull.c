/* Pulling an image from a registry that the site allows, with a line of progress a step. */
#include "daemon/operation.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "http/write.h"

#include <string.h>

struct pull_request {
        char *image;
};

static const struct json_field pull_fields[] = {
        JSON_FIELD_STRDUP("image", struct pull_request, image, 512, .required = true),
};

struct pull {
        struct call *call;
        bool begun; /* the head is sent: from now on errors are lines */
};

enum { LINE_MAX_BYTES = 16384, WRITE_STALL_S = 60 };

static int send_bytes(struct pull *p, const struct buf *b) {
        return fd_write_all(p->call->fd, b->data, b->len,
                            clock_mono_us() + WRITE_STALL_S * US_PER_S);
}

static int begin(struct pull *p) {
        _cleanup_buf_ struct buf out = BUF_INIT(4096);
        struct http_response_out head = { .status = 200,
                                          .content_type = "application/x-ndjson",
                                          .length = HTTP_CHUNKED,
                                          .close = true };

        p->begun = true;
        p->call->streamed = true;
        return http_write_response(&out, &head) < 0 ? -1 : send_bytes(p, &out);
}

static int send_line(struct pull *p, struct buf *line) {
        _cleanup_buf_ struct buf out = BUF_INIT(LINE_MAX_BYTES + 64);

        buf_addc(line, '\n');
        if (line->failed || http_write_chunk(&out, line->data, line->len) < 0)
                return -1;
        return send_bytes(p, &out);
}

/* A caller who has gone cancels the pull; the layers that are there stay for the next try. */
static int progress(void *ctx, const struct engine_pull_step *step) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINE_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&line);
        struct pull *p = ctx;

        if (!p->begun && begin(p) < 0)
                return -1;
        json_write_object(&w);
        json_put_str(&w, "id", step->id);
        json_put_str(&w, "status", step->status);
        json_put_int(&w, "current", step->current);
        json_put_int(&w, "total", step->total);
        json_write_object_end(&w);
        return send_line(p, &line);
}

static void finish(struct pull *p, const struct engine_error *error) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINE_MAX_BYTES), end = BUF_INIT(64);
        struct json_writer w = JSON_WRITER(&line);

        if (error) {
                refusal_from_engine(&p->call->refusal, error);
                write_error(&w, &p->call->refusal);
        } else {
                json_write_object(&w);
                json_put_bool(&w, "done", true);
                json_write_object_end(&w);
        }
        if (send_line(p, &line) == 0 && http_write_chunk_end(&end) == 0)
                send_bytes(p, &end);
}

/* The reference in full, from an allowed registry; nonzero with @r. */
static int judge(const struct daemon *d, const char *typed, char *dst, size_t size,
                 struct refusal *r) {
        _cleanup_buf_ struct buf list = BUF_INIT(200);
        struct image_ref ref;
        uid_t owner;

        if (image_ref_parse(typed, &ref, r))
                return r->reason;
        image_ref_format(&ref, dst, size);
        if (image_is_personal(dst, &owner))
                return refuse(r, REFUSAL_IMAGE_FOREIGN, typed);
        if (registry_is_allowed(&ref, (const char *const *)d->config.registries))
                return 0;
        for (char **p = d->config.registries; p && *p; p++)
                buf_addf(&list, "%s%s", list.len ? ", " : "", *p);
        refuse_detail(r, REFUSAL_REGISTRY_NOT_ALLOWED, typed, "%s",
                      ref.registry[0] ? ref.registry : "docker.io");
        str_copy(r->extra, sizeof(r->extra), list.len ? list.data : "none is allowed here");
        return r->reason;
}

void handle_image_pull(struct call *c) {
        struct pull_request request = { 0 };
        struct pull pull = { .call = c };
        struct engine_error error = { 0 };
        char reference[IMAGE_REF_SIZE + 256];
        int e;

        if (!call_ready(c) || call_decode(c, pull_fields, ARRAY_SIZE(pull_fields), &request) < 0)
                return;
        if (judge(c->daemon, request.image, reference, sizeof(reference), &c->refusal)) {
                call_refuse(c, &c->refusal);
        } else {
                e = engine_image_pull(c->daemon->engine, reference, progress, &pull, &error);
                if (e < 0 && !pull.begun)
                        call_engine_error(c, &error);
                else if (pull.begun || begin(&pull) == 0)
                        finish(&pull, e < 0 ? &error : NULL);
        }
        json_release(pull_fields, ARRAY_SIZE(pull_fields), &request);
}
