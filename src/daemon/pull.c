/* Pulling an image from a registry that the site allows, with a line of progress a step. */
#include "daemon/pull.h"

#include "base/str.h"
#include "daemon/image_cache.h"
#include "daemon/lines.h"
#include "daemon/operation.h"

#include <string.h>

struct pull_request {
        char *image;
};

static const struct json_field pull_fields[] = {
        JSON_FIELD_STRDUP("image", struct pull_request, image, 512, .required = true),
};
const struct request_body pull_body = REQUEST_BODY(pull_fields, struct pull_request);

int pull_judge(const struct daemon *d, const char *typed, char *dst, size_t size,
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

static bool says(const char *message, const char *const *words) {
        for (; *words; words++)
                if (strstr(message, *words))
                        return true;
        return false;
}

void pull_refuse(struct refusal *r, const char *reference, const struct engine_error *error) {
        static const char *const missing[] = { "manifest unknown", "name unknown",
                                               "repository does not exist", "pull access denied",
                                               "access to the resource is denied", NULL };
        static const char *const away[] = { "connection refused", "no such host", "i/o timeout",
                                            "Client.Timeout", "deadline exceeded",
                                            "network is unreachable", "no route to host",
                                            "TLS handshake timeout", NULL };
        struct image_ref ref;
        const char *registry = "docker.io";

        if (image_ref_parse(reference, &ref, r) == 0 && ref.registry[0])
                registry = ref.registry;
        if (error->status && (error->status == 404 || says(error->message, missing))) {
                refuse_detail(r, REFUSAL_NO_SUCH_IMAGE, reference, " at %s", registry);
                str_copy(r->extra, sizeof(r->extra), "check its name and its tag");
        } else if (error->status && says(error->message, away)) {
                refuse_detail(r, REFUSAL_REGISTRY_UNREACHABLE, reference, "%s", registry);
        } else {
                refusal_from_engine(r, error);
                if (r->reason == REFUSAL_ENGINE_FAILED)
                        str_copy(r->extra, sizeof(r->extra), "see what is here: image-list --all");
        }
}

static void answer_done(struct lines *lines) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINES_MAX);
        struct json_writer w = JSON_WRITER(&line);

        json_write_object(&w);
        json_put_bool(&w, "done", true);
        json_write_object_end(&w);
        lines_end(lines, &line);
}

void handle_image_pull(struct call *c) {
        struct pull_request request = { 0 };
        struct lines lines = { .call = c };
        struct engine_error error = { 0 };
        char reference[IMAGE_REF_SIZE + 256];

        if (!call_ready(c) || call_decode(c, pull_fields, ARRAY_SIZE(pull_fields), &request) < 0)
                return;
        if (pull_judge(c->daemon, request.image, reference, sizeof(reference), &c->refusal)) {
                call_refuse(c, &c->refusal);
        } else if (engine_image_pull(c->daemon->engine, reference, lines_pull_step, &lines,
                                     &error) < 0) {
                pull_refuse(&c->refusal, reference, &error);
                lines_refuse(&lines, &c->refusal);
        } else {
                image_cache_changed(c->daemon);
                answer_done(&lines);
        }
        json_release(pull_fields, ARRAY_SIZE(pull_fields), &request);
}
