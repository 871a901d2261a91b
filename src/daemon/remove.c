/* Removing a container; what it held is free at once, the workspace is not touched. */
#include "daemon/lifecycle.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/build.h"
#include "daemon/bin.h"
#include "daemon/failpoint.h"
#include "daemon/move.h"
#include "daemon/images.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct removal {
        struct call *call;
        bool stop, image, dry_run;
        struct record *record;
        char name[NAME_MAX_LEN + 1], reference[IMAGE_REF_SIZE];
        char *workspace;
        struct buf gpus; /* names, joined by commas */
        bool image_removed;
        bool no_keep;          /* nothing of it goes into the bin */
        int64_t kept_until_us; /* 0: nothing was kept */
        char note[640];
};

/* Nobody else's container, and none of the caller's others, uses the image. */
static bool image_is_free(struct removal *m) {
        struct ledger *l = &m->call->daemon->ledger;
        bool used = false;

        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++)
                used |= strcmp(l->records.items[i]->image, m->reference) == 0;
        ledger_unlock(l);
        return !used;
}

static void remove_image(struct removal *m) {
        struct engine_error error = { 0 };
        uid_t owner;

        if (!image_is_personal(m->reference, &owner) || owner != m->call->who->uid)
                snprintf(m->note, sizeof(m->note), "the image %s is not yours alone and stays",
                         m->reference);
        else if (!image_is_free(m))
                snprintf(m->note, sizeof(m->note),
                         "the image %s is used by another container and stays", m->reference);
        else if (engine_image_remove(m->call->daemon->engine, m->reference, &error) < 0)
                snprintf(m->note, sizeof(m->note), "the image %s stays: %s", m->reference,
                         error.message);
        else
                m->image_removed = true;
}

/* What builds have left goes with the image, so none may go on. */
static void remove_with_builds(struct removal *m) {
        struct daemon *d = m->call->daemon;
        char project[NAME_MAX_LEN + 1];
        uid_t uid = m->call->who->uid;
        struct refusal busy = { 0 };

        images_project(m->reference, project);
        if (build_begin(d, uid, project, INT64_MAX, &busy)) {
                snprintf(m->note, sizeof(m->note), "the image %s stays: it is being built",
                         m->reference);
                return;
        }
        remove_image(m);
        if (m->image_removed)
                images_forget(d, uid, m->reference);
        build_end(d, uid, project);
}

static void answer_removed(struct removal *m) {
        struct json_writer w = JSON_WRITER(&m->call->answer);
        char *at = m->gpus.data, until[40];

        json_write_object(&w);
        json_put_bool(&w, "removed", !m->dry_run);
        json_put_str(&w, "name", m->name);
        json_write_key(&w, "gpus_freed");
        json_write_array(&w);
        while (at && *at) {
                size_t n = strcspn(at, ",");

                json_write_strn(&w, at, n);
                at += n + (at[n] == ',');
        }
        json_write_array_end(&w);
        json_put_str(&w, "image_removed", m->image_removed ? m->reference : NULL);
        json_put_str(&w, "workspace", m->workspace);
        time_format(m->kept_until_us, until, sizeof(until));
        json_put_str(&w, "kept_until", m->kept_until_us ? until : NULL);
        json_write_key(&w, "notes");
        json_write_array(&w);
        if (m->note[0])
                json_write_str(&w, m->note);
        json_write_array_end(&w);
        json_write_object_end(&w);
}

/* What the answer tells, before the record goes. */
static void remember(struct removal *m) {
        struct ledger *l = &m->call->daemon->ledger;
        struct container_view view;

        str_copy(m->name, sizeof(m->name), m->record->name);
        str_copy(m->reference, sizeof(m->reference), m->record->image);
        m->workspace = str_dup(m->record->workspace);
        ledger_lock(l);
        ledger_view(l, ledger_index(l, m->record), &view);
        container_gpu_names(&view, &m->gpus);
        ledger_unlock(l);
}

static void give_up(struct removal *m, const struct engine_error *error) {
        struct daemon *d = m->call->daemon;
        struct engine_error ignored;
        int e;

        /* Whether it is gone is for the engine to say. The mark stays until that is known. */
        e = operation_refresh(d, m->record, &ignored);
        if (e == 0) {
                leftovers_clear(d, m->record->nonce);
                bin_keep_not(d, m->record->nonce);
        }
        call_engine_error(m->call, error);
        operation_end(d, m->record, e == -ENOENT);
}

static void carry_out(struct removal *m) {
        struct daemon *d = m->call->daemon;
        struct record *r = m->record;
        struct engine_error error = { 0 };

        if (operation_engine_answers(d, &error) < 0) {
                call_engine_error(m->call, &error);
                operation_end(d, r, false);
                return;
        }
        if (container_is_up(r->state) &&
            container_stop(d, r, STOP_TIMEOUT_DEFAULT_S, false, &error) < 0 &&
            error.status != 404) {
                give_up(m, &error);
                return;
        }
        if (!m->no_keep)
                bin_keep(d, r, &m->kept_until_us, m->note, sizeof(m->note));
        operation_set_state(d, r, CONTAINER_REMOVING);
        leftovers_mark(d, r->nonce);
        FAILPOINT("remove.before-engine");
        if (r->id[0] && engine_container_remove(d->engine, r->id, false, &error) < 0) {
                give_up(m, &error);
                return;
        }
        FAILPOINT("remove.after-engine");
        move_forget(d, r);
        operation_end(d, r, true);
        if (m->image)
                remove_with_builds(m);
        answer_removed(m);
}

void handle_container_remove(struct call *c) {
        struct removal m = { .call = c, .gpus = BUF_INIT(4096) };

        if (call_flag(c, "stop", &m.stop) < 0 || call_flag(c, "image", &m.image) < 0 ||
            call_flag(c, "dry_run", &m.dry_run) < 0 || call_flag(c, "no_keep", &m.no_keep) < 0 ||
            call_acquire(c, &m.record) < 0)
                return;
        if (m.record->state == CONTAINER_RESERVED) {
                refuse(&c->refusal, REFUSAL_BUSY, m.record->name);
                call_refuse(c, &c->refusal);
                operation_end(c->daemon, m.record, false);
                return;
        }
        if (container_is_up(m.record->state) && !m.stop) {
                refuse_detail(&c->refusal, REFUSAL_REMOVE_RUNNING, m.record->name, "%s",
                              container_state_word(m.record->state));
                call_refuse(c, &c->refusal);
                operation_end(c->daemon, m.record, false);
                return;
        }
        if (m.record->facts.is_protected) {
                refuse(&c->refusal, REFUSAL_PROTECTED, m.record->name);
                call_refuse(c, &c->refusal);
                operation_end(c->daemon, m.record, false);
                return;
        }
        remember(&m);
        if (m.dry_run) {
                operation_end(c->daemon, m.record, false);
                answer_removed(&m);
        } else {
                carry_out(&m);
        }
        free(m.workspace);
        buf_release(&m.gpus);
}

struct protect_request {
        bool off;
};

static const struct json_field protect_fields[] = {
        JSON_FIELD_BOOL("off", struct protect_request, off),
};
const struct request_body protect_body = REQUEST_BODY(protect_fields, struct protect_request);

void handle_container_protect(struct call *c) {
        struct protect_request request = { 0 };
        struct record *r;
        struct facts facts;
        bool changed;

        if (call_decode(c, protect_fields, ARRAY_SIZE(protect_fields), &request) < 0 ||
            call_acquire(c, &r) < 0)
                return;
        facts = r->facts;
        facts.is_protected = !request.off;
        changed = facts.is_protected != r->facts.is_protected;
        if (changed && facts_save(c->daemon, r->nonce, &facts) < 0) {
                call_fail(c, REFUSAL_STORAGE_FULL, "that can't be written down");
                operation_end(c->daemon, r, false);
                return;
        }
        ledger_lock(&c->daemon->ledger);
        r->facts = facts;
        ledger_unlock(&c->daemon->ledger);
        answer_result(c, r, changed, NULL);
        operation_end(c->daemon, r, false);
}
