/*
 * Creating a container. The steps, and what undoes each:
 *
 *   look      limits, directories (as the caller), image        nothing to undo
 *   decide    under the ledger's lock; the record is entered    the record is removed
 *   prepare   name files, home, pins, CDI file                  container_discard()
 *   create    one engine call                                   definite failure: as above;
 *             uncertain: the engine is asked for the nonce; if it cannot say, the record stays
 *             reserved and the keeper finds out
 */
#include "daemon/operation.h"
#include "daemon/queue.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/bin.h"
#include "daemon/cgroup.h"
#include "daemon/failpoint.h"
#include "daemon/identity.h"
#include "daemon/image_cache.h"
#include "daemon/seal.h"
#include "daemon/spec.h"
#include "daemon/workspace.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct create_request {
        char *name, *image, *project, *workspace, *data;
        int64_t gpus, wait_s;
        bool wait, gpus_given, prefer_full, dry_run, restore;
};

static const struct json_field create_fields[] = {
        JSON_FIELD_STRDUP("name", struct create_request, name, 1024, .required = true),
        JSON_FIELD_STRDUP("image", struct create_request, image, 512),
        JSON_FIELD_STRDUP("project", struct create_request, project, 1024),
        JSON_FIELD_STRDUP("workspace", struct create_request, workspace, 4096),
        JSON_FIELD_STRDUP("data", struct create_request, data, 4096),
        JSON_FIELD_INT("gpus", struct create_request, gpus, INT64_MIN, INT64_MAX,
                       .seen_offset = offsetof(struct create_request, gpus_given)),
        JSON_FIELD_BOOL("prefer_full", struct create_request, prefer_full),
        JSON_FIELD_INT("wait_seconds", struct create_request, wait_s, WAIT_FOR_EVER, WAIT_MAX_S,
                       .seen_offset = offsetof(struct create_request, wait)),
        JSON_FIELD_BOOL("dry_run", struct create_request, dry_run),
        JSON_FIELD_BOOL("restore", struct create_request, restore),
};
const struct request_body create_body = REQUEST_BODY(create_fields, struct create_request);

struct creation {
        struct call *call;
        struct create_request request;
        char name[NAME_MAX_LEN + 1], project[NAME_MAX_LEN + 1];
        struct limits limits;
        struct engine_info engine;
        struct workspace workspace;
        bool workspace_open;
        struct image_choice image;
        struct engine_image image_info;
        struct record *record; /* ours until it is in the ledger */
        struct lines lines;    /* for who waits */
        struct place place;
        bool gone;     /* the caller, while waiting */
        bool restored; /* from the bin: */
        struct bin_item kept;
};

/* -1 means "not said" to the policy, so that one that was said is refused here. */
static int check_count(const struct create_request *q, struct refusal *r) {
        if (!q->gpus_given || q->gpus >= 0)
                return 0;
        refuse(r, REFUSAL_GPU_COUNT_INVALID, NULL);
        r->asked = q->gpus;
        r->max = GPU_PER_CONTAINER_MAX;
        return r->reason;
}

static int check_names(struct creation *k, struct refusal *r) {
        if (container_name_check(k->request.name, k->name, r))
                return r->reason;
        return k->request.project ? project_name_check(k->request.project, k->project, r) : 0;
}

/* What the bin has of it: the image is that, all else is as it was unless it is said anew. */
static int find_in_bin(struct creation *k, struct refusal *r) {
        struct create_request *q = &k->request;
        struct daemon *d = k->call->daemon;
        struct engine_error error = { 0 };
        struct record *was = NULL;

        if (bin_find(d, k->call->who->uid, k->name, &k->kept, &was, r))
                return r->reason;
        if (engine_image_inspect(d->engine, k->kept.reference, &k->image_info, &error) < 0)
                refusal_from_engine(r, &error);
        str_copy(k->image.reference, sizeof(k->image.reference), was->image);
        k->restored = true;
        if (!q->project && !q->workspace && was->project[0]) {
                q->project = strdup(was->project);
                str_copy(k->project, sizeof(k->project), was->project);
        } else if (!q->project && !q->workspace && was->workspace) {
                q->workspace = strdup(was->workspace);
        }
        if (!q->data && was->data)
                q->data = strdup(was->data);
        if (!q->gpus_given) {
                q->gpus = 0;
                while (was->uuids && was->uuids[q->gpus])
                        q->gpus++;
        }
        record_free(was);
        return r->reason;
}

/* Which image, and is it here? */
static int find_image(struct creation *k, struct refusal *r) {
        struct daemon *d = k->call->daemon;
        struct engine_error error = { 0 };
        char prefix[32], **own = NULL;
        struct image_ref ref;
        int refused;

        snprintf(prefix, sizeof(prefix), "ds01-%u/", k->call->who->uid);
        if (image_cache_refs(d, prefix, &own, &error) < 0) {
                refusal_from_engine(r, &error);
                return r->reason;
        }
        refused = image_choose(k->request.image, k->request.project ? k->project : NULL, k->name,
                               k->call->who->uid, (const char *const *)own, d->config.default_image,
                               &k->image, r);
        engine_strv_free(own);
        if (refused)
                return refused;
        if (engine_image_inspect(d->engine, k->image.reference, &k->image_info, &error) == 0)
                return 0;
        if (error.status != 404) {
                refusal_from_engine(r, &error);
                return r->reason;
        }
        if (image_is_personal(k->image.reference, NULL) ||
            image_ref_parse(k->image.reference, &ref, r)) {
                refuse(r, REFUSAL_NO_SUCH_IMAGE, k->image.reference);
                str_copy(r->extra, sizeof(r->extra),
                         "image-list shows yours; image-create builds one");
                return r->reason;
        }
        if (!registry_is_allowed(&ref, (const char *const *)d->config.registries)) {
                refuse_detail(r, REFUSAL_NO_SUCH_IMAGE, k->image.reference,
                              " here, and this site doesn't pull from %s",
                              ref.registry[0] ? ref.registry : "docker.io");
                str_copy(r->extra, sizeof(r->extra), "image-list --all shows what there is");
                return r->reason;
        }
        return refuse_detail(r, REFUSAL_IMAGE_NOT_PRESENT, k->image.reference, "%s",
                             ref.registry[0] ? ref.registry : "docker.io");
}

static int64_t smaller(int64_t limit, int64_t there) {
        return there > 0 && there < limit ? there : limit;
}

/* The engine refuses more than the machine has, so a limit above that means "all". */
static void fill_limits(const struct creation *k, struct record *n) {
        n->cpus_milli = smaller(k->limits.cpus_milli, (int64_t)k->engine.ncpu * 1000);
        n->memory_bytes = smaller(k->limits.memory_bytes, k->engine.memory_bytes);
        n->shm_bytes = smaller(k->limits.shm_bytes, n->memory_bytes);
        n->pids = k->limits.pids == LIMIT_UNLIMITED ? 0 : k->limits.pids;
}

/* The record as it will be, without devices and limits. */
static int fill_record(struct creation *k, struct refusal *r) {
        const struct person_entry *who = k->call->who;
        struct record *n = k->record = record_new();

        if (!n || nonce_make(n->nonce) < 0)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        str_copy(n->name, sizeof(n->name), k->name);
        n->uid = who->uid;
        n->gid = who->gid;
        str_copy(n->user, sizeof(n->user), who->name);
        engine_name_make(n->name, n->uid, n->engine_name);
        str_copy(n->image, sizeof(n->image), k->image.reference);
        str_copy(n->project, sizeof(n->project), k->workspace.project);
        n->workspace = strdup(k->workspace.dir.resolved);
        n->data = k->workspace.data.fd >= 0 ? strdup(k->workspace.data.resolved) : NULL;
        if (!n->workspace || (k->workspace.data.fd >= 0 && !n->data))
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        n->state = CONTAINER_RESERVED;
        n->created_us = clock_real_us();
        n->busy = true;
        return 0;
}

static int give_devices(struct record *r, const struct gpu_inventory *inventory,
                        const struct grant *grant) {
        if (grant->n == 0)
                return 0;
        r->uuids = calloc(grant->n + 1, sizeof(*r->uuids));
        if (!r->uuids)
                return -ENOMEM;
        for (size_t i = 0; i < grant->n; i++) {
                r->uuids[i] = strdup(inventory->devices[grant->devices[i]].uuid);
                if (!r->uuids[i])
                        return -ENOMEM;
        }
        r->units = grant->units;
        return 0;
}

/* What the policy says now; the ledger's lock is held. */
static int ask_policy(struct creation *k, struct grant *ret, struct refusal *r) {
        struct ledger *l = &k->call->daemon->ledger;
        struct create_wish wish = { .name = k->name,
                                    .gpus = k->request.gpus,
                                    .prefer_full = k->request.prefer_full };
        uint8_t withheld[GPU_DEVICES_MAX];
        struct snapshot snapshot;

        ledger_snapshot(l, &k->limits, k->call->who->uid, &snapshot);
        queue_withhold(k->call->daemon, &k->place, k->call->who->name, withheld, &snapshot);
        return policy_create(&snapshot, &wish, ret, r);
}

/* The decision, and its reservation, in one breath under the lock; before it, the wait. */
static int decide(struct creation *k, struct refusal *r) {
        struct ledger *l = &k->call->daemon->ledger;
        struct grant grant = { 0 };
        int refused;

        ledger_lock(l);
        do
                refused = ask_policy(k, &grant, r);
        while (refused && k->request.wait && queue_wait(&k->place, r, &k->gone) == 0);
        queue_leave(&k->place);
        fill_limits(k, k->record); /* those of now, after the wait */
        if (!refused && give_devices(k->record, &l->inventory, &grant) < 0)
                refused = refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        if (!refused && !k->request.dry_run) {
                if (ledger_add(l, k->record) < 0)
                        refused = refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
                else
                        ledger_refresh_claim(l, k->record, k->limits.hold_after_stop_us,
                                             k->limits.unstarted_us);
        }
        ledger_unlock(l);
        return refused;
}

static int make_home(struct daemon *d, const struct record *r, struct refusal *refusal) {
        char path[PATH_MAX];

        home_path(d, r->nonce, path, sizeof(path));
        if ((mkdir(path, 0700) < 0 && errno != EEXIST) ||
            (!d->private_mode && chown(path, r->uid, r->gid) < 0))
                return refuse_detail(refusal,
                                     errno == ENOSPC ? REFUSAL_STORAGE_FULL : REFUSAL_INTERNAL,
                                     NULL, "can't make '%s': %s", path, strerror(errno));
        return 0;
}

static int prepare(struct creation *k, struct identity_files *names, struct refusal *r) {
        struct daemon *d = k->call->daemon;
        struct engine_error error = { 0 };
        struct err err = { 0 };
        int e;

        if (identity_prepare(d->engine, d->config.state_dir, k->image_info.id, k->call->who, names,
                             &error, &err) < 0) {
                if (error.message[0])
                        refusal_from_engine(r, &error);
                else
                        refuse_detail(r,
                                      err.code == ENOSPC ? REFUSAL_STORAGE_FULL : REFUSAL_INTERNAL,
                                      NULL, "%s", err.msg);
                return r->reason;
        }
        FAILPOINT("create.identity");
        e = leftovers_mark(d, k->record->nonce);
        if (e < 0)
                return refuse_detail(r, e == -ENOSPC ? REFUSAL_STORAGE_FULL : REFUSAL_INTERNAL,
                                     NULL, "can't write below '%s': %s", d->config.state_dir,
                                     strerror(-e));
        if (make_home(d, k->record, r) ||
            workspace_pin(d, k->call->who, k->record, &k->workspace, r))
                return r->reason;
        FAILPOINT("create.pinned");
        return spec_prepare_devices(d, k->record, r);
}

/* After a failure that leaves open whether the engine made the container: it is looked for under
 * its name. 0: there, record completed; -ENOENT: certainly not; -EIO: cannot be known now. */
static int look_for_it(struct daemon *d, struct record *r) {
        struct engine_container found;
        struct engine_error error = { 0 };
        struct record *sealed = NULL;
        int e;

        if (engine_container_inspect(d->engine, r->engine_name, &found, &error) < 0)
                return error.status == 404 ? -ENOENT : -EIO;
        e = seal_open(d->seal_key, sizeof(d->seal_key), &found, &sealed);
        if (e == 0 && strcmp(sealed->nonce, r->nonce) == 0)
                str_copy(r->id, sizeof(r->id), found.id);
        else
                e = -ENOENT;
        record_free(sealed);
        engine_container_release(&found);
        return e;
}

/* Asks the engine. 0, or nonzero with @r; *ret_keep: the record must stay, its fate is open. */
static int create_in_engine(struct creation *k, const struct identity_files *names, bool *ret_keep,
                            struct refusal *r) {
        struct daemon *d = k->call->daemon;
        struct engine_error error = { 0 };
        char id[ENGINE_ID_SIZE];
        int e;

        FAILPOINT("create.before-engine");
        e = spec_create(d, k->record, k->record->engine_name, &k->image_info, k->call->who,
                        &k->engine, &k->limits, names, id, &error);
        FAILPOINT("create.after-engine");
        if (e == 0) {
                ledger_lock(&d->ledger);
                str_copy(k->record->id, sizeof(k->record->id), id);
                ledger_unlock(&d->ledger);
                return 0;
        }
        refusal_from_engine(r, &error);
        if (error.status == 409)
                refuse_detail(r, REFUSAL_ENGINE_FAILED, NULL,
                              "a container called '%s' that ds01 didn't make is in the way",
                              k->record->engine_name);
        if (error.definite)
                return r->reason;
        e = look_for_it(d, k->record);
        if (e == 0)
                return 0; /* it was made after all */
        *ret_keep = e == -EIO;
        return r->reason;
}

static void answer_created(struct creation *k) {
        struct call *c = k->call;
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        struct container_view view = { .inventory = &l->inventory,
                                       .record = k->record };

        buf_reset(&c->answer);
        c->status = k->request.dry_run ? 200 : 201;
        json_write_object(&w);
        json_write_key(&w, "container");
        ledger_lock(l);
        if (k->request.dry_run)
                view.lease = (struct lease){ k->record->uuids ? LEASE_ACTIVE : LEASE_NONE,
                                             LIMIT_UNLIMITED };
        else
                ledger_view(l, ledger_index(l, k->record), &view);
        write_container(&w, &view);
        ledger_unlock(l);
        json_put_str(&w, "image_source", k->restored ? "bin" : image_source_word(k->image.source));
        json_write_key(&w, "limits");
        json_write_object(&w);
        json_put_double(&w, "cpus", (double)k->record->cpus_milli / 1000, 3);
        json_put_int(&w, "memory_bytes", k->record->memory_bytes);
        json_put_int(&w, "shm_bytes", k->record->shm_bytes);
        json_put_int(&w, "pids", k->record->pids);
        json_write_object_end(&w);
        json_put_bool(&w, "created", !k->request.dry_run);
        json_write_key(&w, "notes");
        json_write_array(&w);
        if (strcmp(k->name, k->request.name) != 0) {
                char note[1200];

                snprintf(note, sizeof(note), "the name is kept in lower case: %s", k->name);
                json_write_str(&w, note);
        }
        json_write_array_end(&w);
        json_write_object_end(&w);
}

/* Carries the decision out. The record is in the ledger and busy. */
static void carry_out(struct creation *k) {
        struct daemon *d = k->call->daemon;
        struct identity_files names;
        struct refusal refusal = { 0 };
        bool keep = false;

        FAILPOINT("create.reserved");
        if (prepare(k, &names, &refusal) || create_in_engine(k, &names, &keep, &refusal)) {
                call_refuse(k->call, &refusal);
                if (keep) {
                        operation_end(d, k->record, false);
                        daemon_wake_keeper(d);
                } else {
                        operation_end(d, k->record, true);
                }
                k->record = NULL;
                return;
        }
        operation_set_state(d, k->record, CONTAINER_CREATED);
        leftovers_clear(d, k->record->nonce);
        if (k->restored && bin_give_home(d, &k->kept, k->record->nonce) < 0)
                log_line(LOG_WARN, "bin", "container", k->record->engine_name, "error",
                         strerror(errno), NULL);
        FAILPOINT("create.created");
        answer_created(k);
        operation_end(d, k->record, false);
        k->record = NULL;
}

static int look(struct creation *k, struct refusal *r) {
        struct daemon *d = k->call->daemon;
        struct workspace_wish wish = { .name = k->name,
                                       .project = k->request.project ? k->project : NULL,
                                       .workspace = k->request.workspace,
                                       .data = k->request.data };

        if ((!k->request.restore && find_image(k, r)) ||
            workspace_resolve(d, k->call->who, &wish, &k->workspace, r))
                return r->reason;
        k->workspace_open = true;
        return fill_record(k, r);
}

/* Quick noes before anything is asked of the engine or the disk. The verdict that counts is made
 * again with the reservation. */
static int decide_early(struct creation *k, struct refusal *r) {
        struct ledger *l = &k->call->daemon->ledger;
        struct grant grant;
        bool ignored;
        int refused;

        ledger_lock(l);
        refused = ask_policy(k, &grant, r);
        ledger_unlock(l);
        return refused && k->request.wait && queue_helps(refused, &ignored) ? 0 : refused;
}

static int prepare_place(struct creation *k) {
        queue_place(&k->place, &k->lines, k->name, &k->limits,
                    k->request.gpus < 0 ? 1 : k->request.gpus, k->request.prefer_full, false,
                    k->request.wait_s);
        return 0;
}

void handle_container_create(struct call *c) {
        struct creation *k = calloc(1, sizeof(*k));
        struct refusal refusal = { 0 };

        if (!k) {
                call_fail(c, REFUSAL_INTERNAL, "no memory");
                return;
        }
        k->call = c;
        k->request.gpus = -1;
        if (call_ready(c) &&
            call_decode(c, create_fields, ARRAY_SIZE(create_fields), &k->request) == 0 &&
            (!k->request.wait || call_lasts(c) == 0)) {
                daemon_engine_info(c->daemon, &k->engine);
                k->lines.call = c;
                if (check_count(&k->request, &refusal) || check_names(k, &refusal) ||
                    (k->request.restore && find_in_bin(k, &refusal)) || prepare_place(k) ||
                    decide_early(k, &refusal) || look(k, &refusal) || decide(k, &refusal)) {
                        call_refuse(c, &refusal);
                } else if (k->request.dry_run) {
                        answer_created(k);
                } else {
                        carry_out(k);
                }
                if (k->lines.begun && !k->gone)
                        lines_end(&k->lines, &c->answer);
        }
        record_free(k->record);
        if (k->workspace_open)
                workspace_close(&k->workspace);
        engine_image_release(&k->image_info);
        json_release(create_fields, ARRAY_SIZE(create_fields), &k->request);
        free(k);
}
