/* What is asked about the machine and about oneself: version, devices, limits. */
#include "daemon/operation.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

void handle_version(struct call *c) {
        struct json_writer w = JSON_WRITER(&c->answer);
        struct engine_info info;
        char engine[96];

        daemon_engine_info(c->daemon, &info);
        snprintf(engine, sizeof(engine), "%s %s", info.name, info.version);
        json_write_object(&w);
        json_put_str(&w, "version", DS01_VERSION);
        json_put_int(&w, "api", 1);
        json_put_str(&w, "engine", info.name[0] ? engine : NULL);
        json_put_str(&w, "runtime", info.runtime ? ENGINE_RUNTIME : NULL);
        json_write_object_end(&w);
}

/* What of the site's configuration people's own programs go by. */
void handle_site(struct call *c) {
        const struct site_config *config = &c->daemon->config;
        struct json_writer w = JSON_WRITER(&c->answer);

        json_write_object(&w);
        json_put_str(&w, "default_image", *config->default_image ? config->default_image : NULL);
        json_put_str(&w, "pip_index", *config->pip_index ? config->pip_index : NULL);
        json_put_str(&w, "apt_mirror", *config->apt_mirror ? config->apt_mirror : NULL);
        json_put_int(&w, "context_max_gb", config->context_max_gb);
        json_write_object_end(&w);
}

/* null for "without limit". */
static void put_limit(struct json_writer *w, const char *key, int64_t value, int64_t divisor) {
        json_write_key(w, key);
        if (value == LIMIT_UNLIMITED)
                json_write_null(w);
        else
                json_write_int(w, value / divisor);
}

static void put_fraction(struct json_writer *w, const char *key, int64_t value, double divisor) {
        json_write_key(w, key);
        if (value == LIMIT_UNLIMITED)
                json_write_null(w);
        else
                json_write_double(w, (double)value / divisor, 3);
}

static void put_time_or_null(struct json_writer *w, const char *key, int64_t us) {
        char text[32];

        json_write_key(w, key);
        if (us <= 0 || us == LIMIT_UNLIMITED) {
                json_write_null(w);
                return;
        }
        time_format(us, text, sizeof(text));
        json_write_str(w, text);
}

/* What is no moment stays what it is. */
static int64_t wall_of(const struct ledger *l, int64_t us) {
        return us <= 0 || us == LIMIT_UNLIMITED ? us : timeline_wall(&l->timeline, us);
}

static void write_holds(struct json_writer *w, struct ledger *l, uid_t uid) {
        json_write_key(w, "holds");
        json_write_array(w);
        for (size_t i = 0; i < l->records.len; i++) {
                _cleanup_buf_ struct buf gpus = BUF_INIT(4096);
                struct container_view v;

                const struct record *r = l->records.items[i];

                /* What runs is use, not a hold. */
                if (r->uid != uid || container_is_up(r->state))
                        continue;
                ledger_view(l, (int)i, &v);
                container_gpu_names(&v, &gpus);
                if (gpus.len == 0)
                        continue;
                json_write_object(w);
                json_put_str(w, "container", v.record->name);
                json_put_str(w, "status", container_state_word(v.record->state));
                json_put_str(w, "gpu", gpus.data);
                put_time_or_null(w, "held_until", wall_of(l, v.lease.deadline_us));
                json_write_key(w, "seconds_left");
                if (v.lease.deadline_us == LIMIT_UNLIMITED)
                        json_write_null(w);
                else
                        json_write_int(w, (v.lease.deadline_us - v.now_us) / US_PER_S);
                json_write_object_end(w);
        }
        json_write_array_end(w);
}

static void write_use(struct json_writer *w, const struct limits *limits, const struct usage *use) {
        json_write_key(w, "containers");
        json_write_object(w);
        json_put_int(w, "used", use->containers);
        put_limit(w, "max", limits->containers, 1);
        json_write_object_end(w);
        json_write_key(w, "gpus");
        json_write_object(w);
        put_fraction(w, "used", use->gpu_units, GPU_UNITS_PER_GPU);
        put_fraction(w, "max", limits->gpu_units, GPU_UNITS_PER_GPU);
        put_limit(w, "max_per_container", limits->gpus_per_container, 1);
        json_write_object_end(w);
}

void handle_limits(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        struct limits limits;
        struct snapshot snapshot;
        struct usage use;

        if (!call_ready(c))
                return;
        daemon_limits(c->daemon, c->who, &limits);
        json_write_object(&w);
        json_put_str(&w, "user", c->who->name);
        json_put_str(&w, "group", limits.group[0] ? limits.group : NULL);
        ledger_lock(l);
        ledger_snapshot(l, &limits, c->who->uid, &snapshot);
        policy_usage(&snapshot, &use);
        write_use(&w, &limits, &use);
        put_fraction(&w, "cpus_per_container", limits.cpus_milli, 1000);
        put_limit(&w, "memory_bytes_per_container", limits.memory_bytes, 1);
        put_limit(&w, "shm_bytes_per_container", limits.shm_bytes, 1);
        put_limit(&w, "pids_per_container", limits.pids, 1);
        put_fraction(&w, "total_cpus", limits.aggregate_cpus_milli, 1000);
        put_limit(&w, "total_memory_bytes", limits.aggregate_memory_bytes, 1);
        put_limit(&w, "idle_timeout_seconds", limits.idle_timeout_us, US_PER_S);
        put_limit(&w, "max_runtime_seconds", limits.max_runtime_us, US_PER_S);
        put_limit(&w, "gpu_hold_after_stop_seconds", limits.hold_after_stop_us, US_PER_S);
        put_limit(&w, "created_container_timeout_seconds", limits.unstarted_us, US_PER_S);
        write_holds(&w, l, c->who->uid);
        ledger_unlock(l);
        json_write_object_end(&w);
}

static void write_sample(struct json_writer *w, const struct gpu_sample *sample, const char *uuid) {
        const struct gpu_device_sample *found = NULL;

        for (size_t i = 0; i < sample->ndevices && !found; i++)
                if (strcmp(sample->devices[i].uuid, uuid) == 0)
                        found = &sample->devices[i];
        json_write_key(w, "memory_used_bytes");
        if (found)
                json_write_int(w, (int64_t)found->memory_used);
        else
                json_write_null(w);
        json_write_key(w, "gpu_percent");
        if (found && found->utilization_percent >= 0)
                json_write_int(w, found->utilization_percent);
        else
                json_write_null(w);
        json_write_key(w, "temperature_celsius");
        if (found && found->temperature_c >= 0)
                json_write_int(w, found->temperature_c);
        else
                json_write_null(w);
}

/* State, holder and times of a device. */
static void write_holder(struct json_writer *w, struct call *c, const struct snapshot *s,
                         const struct reservation *reserved, int16_t at) {
        const struct gpu_device *device = &s->inventory->devices[at];
        const struct ledger *l = &c->daemon->ledger;
        const struct claim *claim = NULL;
        struct lease lease = { LEASE_NONE, LIMIT_UNLIMITED };
        int holder = policy_holder(s, at);
        char detail[160] = "";

        if (holder >= 0) {
                claim = &s->claims[holder];
                lease = claim_lease(claim, s->now_us);
        }
        if (device->health != GPU_OK)
                str_copy(detail, sizeof(detail),
                         device->health_detail[0]       ? device->health_detail
                         : device->health == GPU_FAILED ? "failed"
                                                        : "does not answer");
        else if (!claim && device->foreign_pid)
                snprintf(detail, sizeof(detail), "process %d of %s", device->foreign_pid,
                         device->foreign_user[0] ? device->foreign_user : "an unknown user");
        json_put_str(w, "state", policy_device_word(s, at, reserved != NULL));
        json_put_str(w, "user",
                     claim                                            ? claim->user
                     : device->foreign_pid && device->foreign_user[0] ? device->foreign_user
                     : reserved                                       ? reserved->users
                                                                      : NULL);
        json_put_str(w, "container", claim && claim->uid == c->who->uid ? claim->name : NULL);
        put_time_or_null(w, "since", claim      ? wall_of(l, claim->since_us)
                                     : reserved ? reserved->start_us
                                                : 0);
        put_time_or_null(w, "held_until", claim      ? wall_of(l, lease.deadline_us)
                                          : reserved ? reserved->end_us
                                                     : 0);
        json_put_str(w, "detail", detail[0] ? detail : NULL);
}

void handle_gpus(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        uint8_t reserved[GPU_DEVICES_MAX] = { 0 };
        struct gpu_sample sample = { 0 };
        struct limits limits;
        struct snapshot s;

        if (!call_ready(c))
                return;
        if (gpu_monitor_sample(c->daemon->gpus, &sample) < 0)
                memset(&sample, 0, sizeof(sample)); /* shown as null */
        daemon_limits(c->daemon, c->who, &limits);
        ledger_lock(l);
        ledger_snapshot(l, &limits, c->who->uid, &s);
        ledger_reserved(l, "", 0, &s, reserved); /* by now */
        json_write_array(&w);
        for (size_t i = 0; i < s.inventory->ndevices; i++) {
                const struct gpu_device *device = &s.inventory->devices[i];

                json_write_object(&w);
                json_put_str(&w, "name", device->name);
                json_put_int(&w, "index", device->gpu);
                json_put_str(&w, "uuid", device->uuid);
                json_put_str(&w, "model", device->model);
                json_put_double(&w, "weight", (double)device->units / GPU_UNITS_PER_GPU, 3);
                json_put_int(&w, "memory_total_bytes", (int64_t)device->memory_bytes);
                write_sample(&w, &sample, device->uuid);
                write_holder(&w, c, &s,
                             reserved[i] ? &l->reservations[reserved[i] - 1].r : NULL, (int16_t)i);
                json_write_object_end(&w);
        }
        json_write_array_end(&w);
        ledger_unlock(l);
        gpu_sample_release(&sample);
}
