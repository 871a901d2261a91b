/*
 * Statistics: from control group files and NVML's last sample, never from the engine. CPU use is
 * the difference to a sample that the keeper took some seconds ago.
 */
#include "daemon/stats.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/cgroup.h"
#include "daemon/operation.h"

#include <string.h>
#include <strings.h>

enum { SAMPLE_MIN_US = 500000 }; /* shorter differences say little */

struct to_sample {
        char id[ENGINE_ID_SIZE];
        pid_t pid;
};

/* The lock is not held while files are read. */
void stats_sample_cpu(struct daemon *d) {
        struct ledger *l = &d->ledger;
        VEC(struct to_sample) running = { 0 };

        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++) {
                struct record *r = l->records.items[i];
                struct to_sample t = { .pid = r->pid };

                if (r->state != CONTAINER_RUNNING || r->pid <= 0) {
                        memset(r->cpu, 0, sizeof(r->cpu));
                        continue;
                }
                str_copy(t.id, sizeof(t.id), r->id);
                if (VEC_PUSH(&running, t) < 0)
                        break; /* no memory: the statistics will be less fresh */
        }
        ledger_unlock(l);
        for (size_t i = 0; i < running.len; i++) {
                struct cgroup_usage usage;
                int at;

                if (cgroup_read(running.items[i].pid, running.items[i].id, &usage) < 0)
                        continue;
                ledger_lock(l);
                at = ledger_find_id(l, running.items[i].id);
                if (at >= 0) {
                        struct record *r = l->records.items[at];

                        r->cpu[0] = r->cpu[1];
                        r->cpu[1] = (struct cpu_sample){ clock_mono_us(), usage.cpu_us };
                }
                ledger_unlock(l);
        }
        VEC_RELEASE(&running);
}

struct stats_row {
        char name[NAME_MAX_LEN + 1];
        char id[ENGINE_ID_SIZE];
        pid_t pid;
        int64_t started_us;
        struct cpu_sample cpu[2];
        char **uuids; /* copies, NULL-terminated */
};

static double cpu_percent(const struct stats_row *row, int64_t usage_us) {
        int64_t now = clock_mono_us();
        struct cpu_sample before = row->cpu[1];

        if (before.at_us && now - before.at_us < SAMPLE_MIN_US && row->cpu[0].at_us)
                before = row->cpu[0];
        if (!before.at_us) /* not sampled yet: since its start */
                before = (struct cpu_sample){ now - (clock_real_us() - row->started_us), 0 };
        if (now <= before.at_us || usage_us < before.usage_us)
                return 0;
        /* What a container uses in its first moments is no rate yet. */
        if (now - before.at_us < SAMPLE_MIN_US)
                before.at_us = now - SAMPLE_MIN_US;
        return 100.0 * (double)(usage_us - before.usage_us) / (double)(now - before.at_us);
}

static void write_gpu(struct json_writer *w, const struct stats_row *row,
                      const struct gpu_sample *sample) {
        uint64_t used = 0, total = 0;
        int percent_sum = 0, percent_n = 0, found = 0;

        for (size_t i = 0; row->uuids && row->uuids[i]; i++)
                for (size_t j = 0; sample && j < sample->ndevices; j++) {
                        const struct gpu_device_sample *s = &sample->devices[j];

                        if (strcmp(s->uuid, row->uuids[i]) != 0)
                                continue;
                        found++;
                        used += s->memory_used;
                        total += s->memory_total;
                        if (s->utilization_percent >= 0) {
                                percent_sum += s->utilization_percent;
                                percent_n++;
                        }
                }
        if (found) {
                json_put_int(w, "gpu_memory_used_bytes", (int64_t)used);
                json_put_int(w, "gpu_memory_total_bytes", (int64_t)total);
        } else {
                json_put_str(w, "gpu_memory_used_bytes", NULL);
                json_put_str(w, "gpu_memory_total_bytes", NULL);
        }
        if (percent_n)
                json_put_int(w, "gpu_percent", (percent_sum + percent_n / 2) / percent_n);
        else
                json_put_str(w, "gpu_percent", NULL);
}

static void write_row(struct json_writer *w, const struct stats_row *row,
                      const struct gpu_sample *sample, int64_t host_memory) {
        struct cgroup_usage u;
        int64_t limit;

        if (cgroup_read(row->pid, row->id, &u) < 0)
                return; /* it has just ended */
        limit = host_memory > 0 && u.memory_limit_bytes > host_memory ? host_memory
                                                                      : u.memory_limit_bytes;
        json_write_object(w);
        json_put_str(w, "name", row->name);
        json_put_double(w, "cpu_percent", cpu_percent(row, u.cpu_us), 1);
        json_put_int(w, "memory_used_bytes", u.memory_bytes);
        json_put_int(w, "memory_limit_bytes", limit);
        json_put_double(w, "memory_percent",
                        limit > 0 ? 100.0 * (double)u.memory_bytes / (double)limit : 0, 1);
        write_gpu(w, row, sample);
        json_write_object_end(w);
}

static char **copy_uuids(char *const *uuids) {
        size_t n = 0;
        char **copy;

        while (uuids && uuids[n])
                n++;
        copy = n ? calloc(n + 1, sizeof(*copy)) : NULL;
        for (size_t i = 0; copy && i < n; i++)
                copy[i] = strdup(uuids[i]);
        return copy;
}

static void free_uuids(char **uuids) {
        for (size_t i = 0; uuids && uuids[i]; i++)
                free(uuids[i]);
        free(uuids);
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct stats_row *)a)->name, ((const struct stats_row *)b)->name);
}

/* True when the request names @name, or nobody. */
static bool is_wanted(const struct call *c, const char *name) {
        bool any = false;

        for (size_t i = 0; i < c->request->n_query; i++) {
                any = true;
                if (strcasecmp(c->request->query[i].value, name) == 0)
                        return true;
        }
        return !any;
}

/* A name that was asked for must be a container of the caller's, and running. */
static int check_names(struct call *c) {
        struct ledger *l = &c->daemon->ledger;

        for (size_t i = 0; i < c->request->n_query; i++) {
                char name[NAME_MAX_LEN + 1];
                int at;

                if (container_name_check(c->request->query[i].value, name, &c->refusal)) {
                        refuse(&c->refusal, REFUSAL_NO_SUCH_CONTAINER, c->request->query[i].value);
                        call_refuse(c, &c->refusal);
                        return -1;
                }
                ledger_lock(l);
                at = ledger_find(l, c->who->uid, name);
                if (at < 0)
                        refuse(&c->refusal, REFUSAL_NO_SUCH_CONTAINER, name);
                else if (!container_is_up(l->records.items[at]->state))
                        refuse_detail(&c->refusal, REFUSAL_NOT_RUNNING, name, "%s",
                                      container_state_word(l->records.items[at]->state));
                ledger_unlock(l);
                if (c->refusal.reason) {
                        call_refuse(c, &c->refusal);
                        return -1;
                }
        }
        return 0;
}

void handle_stats(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        VEC(struct stats_row) rows = { 0 };
        struct gpu_sample sample = { 0 };
        struct engine_info info;
        bool want_gpu = false, have_sample;

        if (!call_ready(c) || check_names(c) < 0)
                return;
        daemon_engine_info(c->daemon, &info);
        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++) {
                const struct record *r = l->records.items[i];
                struct stats_row row = { .pid = r->pid, .started_us = r->started_us };

                if (r->uid != c->who->uid || r->pid <= 0 || !is_wanted(c, r->name) ||
                    !container_is_up(r->state))
                        continue;
                str_copy(row.name, sizeof(row.name), r->name);
                str_copy(row.id, sizeof(row.id), r->id);
                memcpy(row.cpu, r->cpu, sizeof(row.cpu));
                row.uuids = copy_uuids(r->uuids);
                want_gpu |= row.uuids != NULL;
                if (VEC_PUSH(&rows, row) < 0)
                        free_uuids(row.uuids);
        }
        ledger_unlock(l);
        if (rows.len > 1)
                qsort(rows.items, rows.len, sizeof(rows.items[0]), by_name);
        have_sample = want_gpu && gpu_monitor_sample(c->daemon->gpus, &sample) == 0;
        json_write_array(&w);
        for (size_t i = 0; i < rows.len; i++) {
                write_row(&w, &rows.items[i], have_sample ? &sample : NULL, info.memory_bytes);
                free_uuids(rows.items[i].uuids);
        }
        json_write_array_end(&w);
        gpu_sample_release(&sample);
        VEC_RELEASE(&rows);
}
