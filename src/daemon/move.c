/* See move.h. */
#include "daemon/move.h"

#include "base/log.h"
#include "base/str.h"
#include "daemon/bin.h"
#include "daemon/call.h"
#include "daemon/decision.h"
#include "daemon/failpoint.h"
#include "daemon/image_cache.h"
#include "daemon/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char suffix[] = ".moving";

static void image_reference(const struct record *r, char dst[IMAGE_REF_SIZE]) {
        snprintf(dst, IMAGE_REF_SIZE, "ds01-moved/%s:latest", r->nonce);
}

/* The image of the new one: the old one's own, unless something was changed in it. */
static int keep_layer(struct daemon *d, struct record *r, char ret_id[ENGINE_IMAGE_ID_SIZE],
                      struct engine_error *error) {
        struct engine_container old;
        char reference[IMAGE_REF_SIZE];

        if (!bin_has_changes(d, r, error)) {
                if (engine_container_inspect(d->engine, r->id, &old, error) < 0)
                        return -1;
                str_copy(ret_id, ENGINE_IMAGE_ID_SIZE, old.image_id);
                engine_container_release(&old);
                return 0;
        }
        image_reference(r, reference);
        if (engine_container_commit(d->engine, r->id, reference, NULL, ret_id, error) < 0)
                return -1;
        image_cache_changed(d);
        r->facts.moved = true;
        facts_save(d, r->nonce, &r->facts);
        return 0;
}

static int create_new(struct daemon *d, const struct record *r, const struct person_entry *who,
                      const char *image_id, char ret_id[ENGINE_ID_SIZE], struct refusal *refusal) {
        char name[ENGINE_NAME_SIZE + sizeof(suffix)];
        struct engine_image image = { 0 };
        struct engine_error error = { 0 };
        struct identity_files names;
        struct engine_info info;
        struct limits limits;
        struct err err = { 0 };
        int e = -1;

        daemon_engine_info(d, &info);
        daemon_limits(d, who, &limits);
        snprintf(name, sizeof(name), "%s%s", r->engine_name, suffix);
        if (engine_image_inspect(d->engine, image_id, &image, &error) < 0)
                refusal_from_engine(refusal, &error);
        else if (identity_prepare(d->engine, d->config.state_dir, image.id, who, &names, &error,
                                  &err) < 0)
                refuse_detail(refusal, REFUSAL_INTERNAL, NULL, "%s",
                              error.message[0] ? error.message : err.msg);
        else if (spec_create(d, r, name, &image, who, &info, &limits, &names, ret_id, &error) < 0)
                refusal_from_engine(refusal, &error);
        else
                e = 0;
        engine_image_release(&image);
        return e;
}

int move_container(struct daemon *d, struct record *r, const struct person_entry *who,
                   struct refusal *refusal) {
        char image_id[ENGINE_IMAGE_ID_SIZE], id[ENGINE_ID_SIZE];
        struct engine_error error = { 0 }, ignored;

        if (keep_layer(d, r, image_id, &error) < 0) {
                refusal_from_engine(refusal, &error);
                return refusal->reason;
        }
        FAILPOINT("move.kept");
        if (create_new(d, r, who, image_id, id, refusal) < 0)
                return refusal->reason;
        FAILPOINT("move.created");
        if (engine_container_remove(d->engine, r->id, false, &error) < 0) {
                engine_container_remove(d->engine, id, true, &ignored);
                refusal_from_engine(refusal, &error);
                return refusal->reason;
        }
        FAILPOINT("move.removed");
        decision_remove(d, r->id);
        ledger_lock(&d->ledger);
        str_copy(r->id, sizeof(r->id), id);
        ledger_unlock(&d->ledger);
        if (engine_container_rename(d->engine, id, r->engine_name, &error) < 0) {
                /* It has everything but its name; the sweep at the next start gives it that. */
                log_line(LOG_ERROR, "move", "container", r->engine_name, "error", error.message,
                         NULL);
        }
        FAILPOINT("move.renamed");
        log_line(LOG_INFO, "moved", "container", r->engine_name, "id", id, NULL);
        return 0;
}

void move_sweep(struct daemon *d) {
        struct engine_container *list = NULL, there;
        struct engine_error error = { 0 };
        size_t n = 0;

        if (engine_container_list(d->engine, "ds01.version", &list, &n, &error) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                char name[ENGINE_NAME_SIZE + sizeof(suffix)];

                if (!str_ends(list[i].name, suffix) || !str_copy(name, sizeof(name), list[i].name))
                        continue;
                name[strlen(name) - strlen(suffix)] = '\0';
                if (engine_container_inspect(d->engine, name, &there, &error) == 0) {
                        engine_container_release(&there);
                        engine_container_remove(d->engine, list[i].id, true, &error);
                        log_line(LOG_INFO, "move", "container", name, "action", "given-up", NULL);
                } else if (error.status == 404) {
                        engine_container_rename(d->engine, list[i].id, name, &error);
                        log_line(LOG_INFO, "move", "container", name, "action", "ended", NULL);
                }
        }
        engine_containers_free(list, n);
}

void move_forget(struct daemon *d, const struct record *r) {
        char reference[IMAGE_REF_SIZE];
        struct engine_error ignored;

        if (!r->facts.moved)
                return;
        image_reference(r, reference);
        engine_image_remove(d->engine, reference, &ignored);
        image_cache_changed(d);
}
