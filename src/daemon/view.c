/* Containers as JSON. */
#include "daemon/view.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool has_gpus(const struct container_view *v) {
        return v->lease.state == LEASE_ACTIVE || v->lease.state == LEASE_HELD;
}

/* The device of the @i-th uuid, or NULL when the machine has lost it. */
static const struct gpu_device *device_of(const struct container_view *v, size_t i) {
        int at = gpu_inventory_find(v->inventory, v->record->uuids[i]);

        return at < 0 ? NULL : &v->inventory->devices[at];
}

void container_gpu_names(const struct container_view *v, struct buf *out) {
        if (!has_gpus(v) || !v->record->uuids)
                return;
        for (size_t i = 0; v->record->uuids[i]; i++) {
                const struct gpu_device *device = device_of(v, i);

                buf_addf(out, "%s%s", i ? "," : "", device ? device->name : "GPU-lost");
        }
}

static void put_time(struct json_writer *w, const char *key, int64_t us) {
        char text[32];

        if (us > 0)
                time_format(us, text, sizeof(text));
        json_put_str(w, key, us > 0 ? text : NULL);
}

static void write_gpus(struct json_writer *w, const struct container_view *v) {
        json_write_key(w, "gpus");
        json_write_array(w);
        for (size_t i = 0; has_gpus(v) && v->record->uuids && v->record->uuids[i]; i++) {
                const struct gpu_device *device = device_of(v, i);

                json_write_object(w);
                if (device)
                        json_put_int(w, "index", device->gpu);
                else
                        json_put_str(w, "index", NULL);
                json_put_str(w, "name", device ? device->name : "GPU-lost");
                json_put_str(w, "uuid", v->record->uuids[i]);
                json_put_str(w, "model", device ? device->model : NULL);
                json_put_double(w, "weight", device ? (double)device->units / GPU_UNITS_PER_GPU : 0,
                                3);
                json_write_object_end(w);
        }
        json_write_array_end(w);
}

/* What a start asks for, also when the lease has ended meanwhile. */
static size_t gpus_wanted(const struct container_view *v) {
        size_t n = 0;

        while (v->record->uuids && v->record->uuids[n])
                n++;
        return n;
}

static size_t gpu_count(const struct container_view *v) {
        return has_gpus(v) ? gpus_wanted(v) : 0;
}

static void write_fields(struct json_writer *w, const struct container_view *v) {
        _cleanup_buf_ struct buf gpus = BUF_INIT(GPU_PER_CONTAINER_MAX * 32);
        const struct record *r = v->record;
        bool up = container_is_up(r->state);
        bool deadline = has_gpus(v) && v->lease.deadline_us != LIMIT_UNLIMITED, ended;

        container_gpu_names(v, &gpus);
        json_put_str(w, "name", r->name);
        json_put_str(w, "status", container_state_word(r->state));
        json_put_str(w, "image", r->image);
        json_put_str(w, "project", r->project[0] ? r->project : NULL);
        json_put_str(w, "gpu", gpus.len ? gpus.data : NULL);
        json_put_int(w, "gpu_count", (int64_t)gpu_count(v));
        json_put_int(w, "gpus_wanted", (int64_t)gpus_wanted(v));
        write_gpus(w, v);
        json_put_bool(w, "gpus_lost", r->state == CONTAINER_RUNNING && r->gpus_lost);
        put_time(w, "created_at", r->created_us);
        put_time(w, "started_at", r->started_us);
        json_write_key(w, "uptime_seconds");
        if (up && r->started_us > 0)
                json_write_int(w, (v->now_us - v->since_us) / US_PER_S);
        else
                json_write_null(w);
        put_time(w, "held_until", deadline ? v->lease.deadline_us + v->ahead_us : 0);
        put_time(w, "stops_at", up ? r->stops_us : 0);
        json_put_str(w, "stops_because",
                     !up || !r->stops_us ? NULL : r->stops_idle ? "idle" : "max_runtime");
        put_time(w, "extended_until", up && r->facts.extended_until_us > v->now_us
                                              ? r->facts.extended_until_us + v->ahead_us : 0);
        ended = r->state == CONTAINER_STOPPED && r->facts.ended_us;
        json_put_str(w, "stopped_why", ended ? r->facts.ended_why : NULL);
        json_put_str(w, "workspace", r->workspace);
        json_put_str(w, "data", r->data);
        json_put_bool(w, "protected", r->facts.is_protected);
        json_put_bool(w, "exempt", r->facts.exempt);
        json_put_str(w, "engine_name", r->engine_name);
        json_put_str(w, "id", r->id[0] ? r->id : NULL);
}

void write_container(struct json_writer *w, const struct container_view *v) {
        json_write_object(w);
        write_fields(w, v);
        if (v->of_all)
                json_put_str(w, "user", v->record->user);
        json_write_object_end(w);
}

void ledger_view(const struct ledger *l, int i, struct container_view *ret) {
        int64_t now = ledger_now(l);

        *ret = (struct container_view){ .inventory = &l->inventory,
                                        .record = l->records.items[i],
                                        .lease = claim_lease(&l->claims.items[i], now),
                                        .now_us = now,
                                        .since_us = l->claims.items[i].since_us,
                                        .ahead_us = timeline_wall(&l->timeline, 0) };
}

static void metadata_path(const char *state_dir, const struct record *r, char *dst, size_t size) {
        snprintf(dst, size, "%s/container-metadata/%s.json", state_dir, r->engine_name);
}

void metadata_text(const struct container_view *v, struct buf *out) {
        struct json_writer w = JSON_WRITER(out);

        json_write_object(&w);
        write_fields(&w, v);
        json_put_str(&w, "user", v->record->user);
        json_put_int(&w, "uid", v->record->uid);
        json_write_key(&w, "resource_limits");
        json_write_object(&w);
        json_put_double(&w, "max_cpus", (double)v->record->cpus_milli / 1000, 3);
        json_put_int(&w, "memory_bytes", v->record->memory_bytes);
        json_put_int(&w, "shm_bytes", v->record->shm_bytes);
        json_put_int(&w, "pids", v->record->pids);
        json_write_object_end(&w);
        json_write_object_end(&w);
        buf_addc(out, '\n');
}

int metadata_write(const char *state_dir, const struct record *r, const struct buf *text) {
        char path[PATH_MAX];
        int e;

        if (text->failed)
                return -ENOMEM;
        metadata_path(state_dir, r, path, sizeof(path));
        e = file_write_atomic(path, 0400, text->data, text->len);
        if (e == 0 && chown(path, r->uid, r->gid) < 0 && errno != EPERM)
                e = -errno;
        return e;
}

void metadata_remove(const char *state_dir, const struct record *r) {
        char path[PATH_MAX];

        metadata_path(state_dir, r, path, sizeof(path));
        unlink(path);
}
