/* Sampling, warning and stopping; what is due is core's to say. */
#include "daemon/expiry.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "core/expiry.h"
#include "daemon/caller_dir.h"
#include "daemon/cgroup.h"
#include "daemon/lifecycle.h"
#include "daemon/proc.h"
#include "daemon/reserve.h"
#include "daemon/steady.h"
#include "json/json_write.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
        INTERVAL_S = 10,
        /* A short idle timeout is looked at more often, so that a window fits into it twice. */
        INTERVALS_PER_TIMEOUT = 6,
        SLEEP_MS = 100,
        STOP_AGAIN_S = 30, /* after its grace: a stop that did not come about is tried again */
};

/* One run of a container, as this thread sees it. */
struct watch {
        char id[ENGINE_ID_SIZE], nonce[NONCE_SIZE];
        char name[NAME_MAX_LEN + 1];
        char *workspace; /* NULL: none */
        char **uuids;
        uid_t uid;
        pid_t pid;
        int64_t extended_us; /* steady time */
        bool seen;           /* in this round */

        int64_t sampled_us, cpu_us, network_bytes; /* counters at the last sample; 0: none yet */
        struct activity_window window;
        struct expiry_state state;
        int64_t stopping_us; /* when its stop was begun; 0: it was not */
};

struct round {
        struct daemon *daemon;
        int64_t boot_us, real_us, now_us; /* the last: steady time */
        int64_t taken, total; /* units of the machine's GPUs */
        struct gpu_sample gpus;
        bool have_gpus;
        struct person_entry who; /* the person that the limits are of */
        struct limits limits;
        int64_t shortest_us; /* idle timeout of all that were looked at */
};

typedef VEC(struct watch *) watches;

static void watch_free(struct watch *w) {
        for (size_t i = 0; w->uuids && w->uuids[i]; i++)
                free(w->uuids[i]);
        free(w->uuids);
        free(w->workspace);
        free(w);
}

/* --- who is looked at ----------------------------------------------------------------------- */

static struct watch *watch_find(const watches *all, const char *id) {
        for (size_t i = 0; i < all->len; i++)
                if (strcmp(all->items[i]->id, id) == 0)
                        return all->items[i];
        return NULL;
}

static char **copy_uuids(char *const *uuids) {
        size_t n = 0;
        char **copy;

        while (uuids[n])
                n++;
        copy = calloc(n + 1, sizeof(*copy));
        for (size_t i = 0; copy && i < n; i++)
                copy[i] = strdup(uuids[i]);
        return copy;
}

static struct watch *watch_new(const struct record *r) {
        struct watch *w = calloc(1, sizeof(*w));

        if (!w)
                return NULL;
        str_copy(w->id, sizeof(w->id), r->id);
        str_copy(w->nonce, sizeof(w->nonce), r->nonce);
        str_copy(w->name, sizeof(w->name), r->name);
        w->uid = r->uid;
        w->workspace = r->workspace ? strdup(r->workspace) : NULL;
        w->uuids = copy_uuids(r->uuids);
        return w;
}

/* The containers that run and have devices, from the ledger. */
static void take_stock(struct round *round, watches *all) {
        struct ledger *l = &round->daemon->ledger;

        for (size_t i = 0; i < all->len; i++)
                all->items[i]->seen = false;
        ledger_lock(l);
        for (size_t i = 0; i < l->inventory.ndevices; i++)
                round->total += l->inventory.devices[i].units;
        for (size_t i = 0; i < l->records.len; i++) {
                const struct record *r = l->records.items[i];
                struct watch *w;

                if (claim_holds(&l->claims.items[i], round->now_us))
                        round->taken += l->claims.items[i].units;
                if (!container_is_up(r->state) ||
                    r->pid <= 0 || !r->uuids || !r->uuids[0])
                        continue;
                w = watch_find(all, r->id);
                if (!w && (w = watch_new(r)) && VEC_PUSH(all, w) < 0) {
                        watch_free(w);
                        w = NULL;
                }
                if (!w)
                        continue;
                w->seen = true;
                w->extended_us = r->facts.extended_until_us;
                w->state.exempt = r->facts.exempt;
                if (w->pid != r->pid) { /* started anew */
                        w->pid = r->pid;
                        w->sampled_us = 0;
                }
        }
        ledger_unlock(l);
        for (size_t i = all->len; i-- > 0;)
                if (!all->items[i]->seen) {
                        watch_free(all->items[i]);
                        all->items[i] = all->items[--all->len];
                }
}

/* --- what it did ---------------------------------------------------------------------------- */

/* What of the time since the last sample its devices were in use; for reports. */
static void note_use(struct round *round, const struct watch *w, int64_t gap_us) {
        /* What is sampled now says little of a time much longer. */
        if (gap_us > 3 * INTERVAL_S * US_PER_S)
                gap_us = 3 * INTERVAL_S * US_PER_S;
        for (size_t i = 0; round->have_gpus && w->uuids && w->uuids[i]; i++)
                for (size_t j = 0; j < round->gpus.ndevices; j++) {
                        const struct gpu_device_sample *s = &round->gpus.devices[j];

                        if (strcmp(s->uuid, w->uuids[i]) == 0 && s->utilization_percent >= 0)
                                journal_busy(&round->daemon->journal, w->nonce, s->uuid,
                                             gap_us / 100 * s->utilization_percent);
                }
}

/* Of the busiest of its devices. -1: none tells (MIG instances do not). -2: the driver does not
 * answer. */
static int64_t gpu_use(const struct round *round, const struct watch *w) {
        int64_t most = -1;

        if (!round->have_gpus)
                return -2;
        for (size_t i = 0; w->uuids && w->uuids[i]; i++)
                for (size_t j = 0; j < round->gpus.ndevices; j++) {
                        const struct gpu_device_sample *s = &round->gpus.devices[j];

                        if (strcmp(s->uuid, w->uuids[i]) == 0 &&
                            s->utilization_percent * 1000LL > most)
                                most = s->utilization_percent * 1000LL;
                }
        return most;
}

static void begin(struct round *round, struct watch *w) {
        int64_t started = 0;

        w->window = (struct activity_window){ 0 };
        w->stopping_us = 0;
        w->state = (struct expiry_state){ .exempt = w->state.exempt,
                                          .active_us = round->boot_us };
        w->state.started_us = proc_started_us(w->pid, &started) == 0 ? started : round->boot_us;
}

/* Takes a sample of what happened since the last one. -1 when the container has just ended. */
static int sample(struct round *round, struct watch *w) {
        struct terminals *terminals = &round->daemon->terminals;
        struct activity a = { .known = true };
        struct cgroup_usage usage;
        int64_t network = 0, gap = round->boot_us - w->sampled_us, gpu = gpu_use(round, w);
        bool first = w->sampled_us == 0;

        if (cgroup_read(w->pid, w->id, &usage) < 0)
                return -1;
        if (proc_network_bytes(w->pid, &network) < 0 || gpu == -2)
                a.known = false;
        if (first)
                begin(round, w);
        a.gpu_milli = gpu;
        a.cpu_milli = first || gap <= 0 ? 0 : (usage.cpu_us - w->cpu_us) * 100000 / gap;
        a.network_bytes = first || network < w->network_bytes ? 0 : network - w->network_bytes;
        a.typed = terminals_last_typed(terminals, w->id) >= w->sampled_us && !first;
        if (!first)
                note_use(round, w, gap);
        w->sampled_us = round->boot_us;
        w->cpu_us = usage.cpu_us;
        w->network_bytes = network;
        if (activity_add(&w->window, &a, &round->limits))
                w->state.active_us = round->boot_us;
        return 0;
}

/* True when somebody has put a file .keep-alive into the workspace, not too long ago. Asked only
 * when something is due, as the person, in a process that may hang. */
static bool is_kept_alive(struct round *round, const struct watch *w) {
        struct caller_dir file = { .file = true, .fd = -1 };
        char path[PATH_MAX];
        int64_t age;

        if (!w->workspace || round->limits.keepalive_us == 0 ||
            snprintf(path, sizeof(path), "%s/.keep-alive", w->workspace) >= (int)sizeof(path))
                return false;
        file.path = path;
        if (caller_dirs_open(round->daemon, &round->who, &file, 1) < 0 || file.error)
                return false;
        caller_dirs_close(&file, 1);
        age = round->real_us - file.changed_us;
        return age < round->limits.keepalive_us;
}

/* --- telling -------------------------------------------------------------------------------- */

static void clock_text(int64_t real_us, char *dst, size_t size) {
        time_t s = (time_t)(real_us / US_PER_S);
        struct tm tm;

        if (!localtime_r(&s, &tm) || strftime(dst, size, "%H:%M", &tm) == 0)
                str_copy(dst, size, "?");
}

/* For the site's command: everything that a mail needs. */
static char *letter(const struct round *round, const struct watch *w, const struct expiry *e,
                    const char *event, const char *text) {
        _cleanup_buf_ struct buf out = BUF_INIT(8192);
        struct json_writer json = JSON_WRITER(&out);
        char when[32];

        time_format(round->real_us + (e->deadline_us - round->boot_us), when, sizeof(when));
        json_write_object(&json);
        json_put_str(&json, "event", event);
        json_put_str(&json, "user", round->who.name);
        json_put_int(&json, "uid", w->uid);
        json_put_str(&json, "container", w->name);
        json_put_str(&json, "rule", e->rule == EXPIRY_IDLE ? "idle" : "max_runtime");
        json_put_int(&json, "seconds", e->for_us / US_PER_S);
        json_put_str(&json, "stops_at", when);
        json_put_str(&json, "message", text);
        json_write_object_end(&json);
        return out.failed ? NULL : strdup(buf_str(&out));
}

static void tell(const struct round *round, const struct watch *w, const struct expiry *e,
                 const char *event, const char *text) {
        struct daemon *d = round->daemon;
        char *json = letter(round, w, e, event, text);

        terminals_say(&d->terminals, w->id, text);
        notices_add(&d->notices, w->uid, text);
        if (json)
                notices_post(&d->notices, json);
        log_line(LOG_INFO, event, "user", round->who.name, "container", w->name, "why", text, NULL);
}

static void warn(const struct round *round, const struct watch *w, const struct expiry *e) {
        char text[NOTICE_SIZE], when[16], how_long[32];

        clock_text(round->real_us + (e->deadline_us - round->boot_us), when, sizeof(when));
        duration_format(e->for_us, how_long, sizeof(how_long));
        snprintf(text, sizeof(text),
                 e->rule == EXPIRY_IDLE
                         ? "'%s' has been idle for %s and will be stopped at %s; to keep it: use "
                           "it, or container-extend %s"
                         : "'%s' has run for %s and will be stopped at %s; for more time: "
                           "container-extend %s",
                 w->name, how_long, when, w->name);
        tell(round, w, e, "expiry-warning", text);
        /* The stop itself follows there once it has come about. */
        journal_warning(round->daemon, w->id, text);
}

/* --- stopping ------------------------------------------------------------------------------- */

struct stop {
        struct daemon *daemon;
        char id[ENGINE_ID_SIZE];
        pid_t pid;
        int grace_s;
        char why[sizeof(((struct facts *)0)->ended_why)];
};

static void remember(struct daemon *d, struct record *r, int64_t ended_us, const char *why) {
        struct facts facts = r->facts;

        facts.ended_us = ended_us;
        str_copy(facts.ended_why, sizeof(facts.ended_why), why);
        facts_save(d, r->nonce, &facts);
        ledger_lock(&d->ledger);
        r->facts = facts;
        ledger_unlock(&d->ledger);
}

/* In a thread of its own: programs get their time to end, and others do not wait for that. */
static void *stop_thread(void *arg) {
        struct stop *s = arg;
        struct engine_error error = { 0 };
        /* NULL: it is judged again in the next round. */
        struct record *r = operation_seize(s->daemon, s->id, s->pid);

        if (r) {
                /* Written first: a stop without its reason would be a riddle. */
                remember(s->daemon, r, clock_real_us(), s->why);
                if (container_stop(s->daemon, r, s->grace_s, false, &error) < 0) {
                        log_line(LOG_ERROR, "expiry-stop", "container", r->engine_name, "error",
                                 error.message, NULL);
                        remember(s->daemon, r, 0, "");
                }
                operation_end(s->daemon, r, false);
        }
        free(s);
        return NULL;
}

static void stop(const struct round *round, struct watch *w, const struct expiry *e) {
        int64_t again = w->stopping_us + round->limits.sigterm_grace_us + STOP_AGAIN_S * US_PER_S;
        char text[NOTICE_SIZE];
        struct stop *s = NULL;
        pthread_attr_t attr;
        pthread_t thread;

        if (w->stopping_us && round->boot_us < again)
                return;
        s = malloc(sizeof(*s));
        if (!s)
                return;
        w->stopping_us = round->boot_us;
        *s = (struct stop){ .daemon = round->daemon, .pid = w->pid,
                            .grace_s = (int)(round->limits.sigterm_grace_us / US_PER_S) };
        str_copy(s->id, sizeof(s->id), w->id);
        expiry_reason(e, &round->limits, s->why, sizeof(s->why));
        snprintf(text, sizeof(text), "'%s' is being stopped (%s); it stays as it is: "
                 "container-start %s", w->name, s->why, w->name);
        tell(round, w, e, "expiry-stop", text);
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        if (pthread_create(&thread, &attr, stop_thread, s) != 0)
                free(s); /* the next round tries again */
        pthread_attr_destroy(&attr);
}

/* --- one round ------------------------------------------------------------------------------ */

/* What the person sees in lists. */
static void show(const struct round *round, const struct watch *w, const struct expiry *e) {
        struct ledger *l = &round->daemon->ledger;
        int i;

        ledger_lock(l);
        i = ledger_find_id(l, w->id);
        if (i >= 0) {
                struct record *r = l->records.items[i];

                r->stops_us = e->near ? round->real_us + (e->deadline_us - round->boot_us) : 0;
                r->stops_idle = e->rule == EXPIRY_IDLE;
        }
        ledger_unlock(l);
}

static void look_at(struct round *round, struct watch *w) {
        struct expiry e;
        bool high;

        if (w->uid != round->who.uid || !round->who.name[0]) {
                if (people_lookup(&round->daemon->people, w->uid, &round->who) < 0) {
                        round->who.name[0] = '\0';
                        return; /* nothing is stopped by guesses */
                }
                daemon_limits(round->daemon, &round->who, &round->limits);
        }
        if (round->limits.idle_timeout_us < round->shortest_us)
                round->shortest_us = round->limits.idle_timeout_us;
        if (sample(round, w) < 0)
                return;
        w->state.extended_us = w->extended_us > round->now_us
                                       ? round->boot_us + (w->extended_us - round->now_us)
                                       : 0;
        high = round->total > 0 &&
               round->taken * 1000 / round->total >= round->limits.high_demand_milli;
        expiry_judge(&round->limits, high, round->boot_us, &w->state, &e);
        if (e.action != EXPIRY_NOTHING && e.rule == EXPIRY_IDLE && is_kept_alive(round, w)) {
                w->state.active_us = round->boot_us;
                expiry_judge(&round->limits, high, round->boot_us, &w->state, &e);
        }
        if (e.action == EXPIRY_WARN)
                warn(round, w, &e);
        else if (e.action == EXPIRY_STOP)
                stop(round, w, &e);
        show(round, w, &e);
}

/* Seconds until the next one. */
static int64_t run_round(struct daemon *d, watches *all) {
        struct round *round = calloc(1, sizeof(*round));
        int64_t next = INTERVAL_S;

        if (!round)
                return next;
        *round = (struct round){ .daemon = d, .boot_us = clock_boot_us(),
                                 .real_us = clock_real_us(), .now_us = ledger_now(&d->ledger),
                                 .shortest_us = INT64_MAX };
        take_stock(round, all);
        round->have_gpus = all->len > 0 && d->gpus &&
                           gpu_monitor_sample(d->gpus, &round->gpus) == 0;
        for (size_t i = 0; i < all->len; i++)
                look_at(round, all->items[i]);
        if (round->shortest_us / INTERVALS_PER_TIMEOUT < next * US_PER_S)
                next = round->shortest_us / INTERVALS_PER_TIMEOUT / US_PER_S;
        gpu_sample_release(&round->gpus);
        free(round);
        return next > 0 ? next : 1;
}

void expiry_run(struct daemon *d) {
        int64_t due = 0, reserved = 0;
        watches all = { 0 };

        while (!d->stopping) {
                steady_tend(d);
                if (clock_boot_us() >= reserved) {
                        reserve_tend(d);
                        reserved = clock_boot_us() + US_PER_S;
                }
                if (d->ready && clock_boot_us() >= due)
                        due = clock_boot_us() + run_round(d, &all) * US_PER_S;
                poll(NULL, 0, SLEEP_MS);
        }
        steady_end(d);
        for (size_t i = 0; i < all.len; i++)
                watch_free(all.items[i]);
        VEC_RELEASE(&all);
}
