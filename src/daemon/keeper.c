/* Following the engine. */
#include "daemon/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/build.h"
#include "daemon/bin.h"
#include "daemon/cgroup.h"
#include "daemon/failpoint.h"
#include "daemon/gate.h"
#include "daemon/move.h"
#include "daemon/notify.h"
#include "daemon/seal.h"
#include "daemon/stats.h"
#include "daemon/verify.h"
#include "gpu/cdi.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        COMPARE_EVERY_S = 60,
        SAMPLE_EVERY_S = 5,
        SETTLE_EVERY_S = 2,
        EMPTY_EVERY_S = 600, /* the bin */
        EVENT_WAIT_US = 200000, /* so that a wake or a stop is noticed soon */
        EVENT_OLD_US = 5000000, /* more is no delay, but a clock that was set */
        RECONNECT_MS = 500,
        RESERVED_MAX_S = 60, /* a reservation whose fate stays open for so long is given up */
};

static const char label[] = "ds01.version";

/* Looks at one container that nobody is working on. */
static void look_at(struct daemon *d, const char *id) {
        struct engine_error error = { 0 };
        struct record *r = NULL;
        int i, e;

        ledger_lock(&d->ledger);
        i = ledger_find_id(&d->ledger, id);
        if (i >= 0) {
                r = d->ledger.records.items[i];
                if (r->busy) {
                        r->stale = true;
                        r = NULL;
                } else {
                        r->busy = true;
                }
        }
        ledger_unlock(&d->ledger);
        if (!r)
                return;
        e = operation_refresh(d, r, &error);
        if (e == -ENOENT)
                log_line(LOG_INFO, "gone", "container", r->engine_name, NULL);
        operation_end(d, r, e == -ENOENT);
}

/* Takes a container of the engine into the ledger, if its seal is ours and it is not there yet. It
 * stays busy until it is judged. */
static void adopt(struct daemon *d, const char *id) {
        struct engine_container c;
        struct engine_error error = { 0 };
        struct record *r = NULL, *adopted = NULL;
        int64_t hold, unstarted;
        bool known;

        if (engine_container_inspect(d->engine, id, &c, &error) < 0)
                return;
        if (seal_open(d->seal_key, sizeof(d->seal_key), &c, &r) == 0) {
                facts_load(d, r->nonce, &r->facts);
                owner_times(d, r->uid, &hold, &unstarted);
                ledger_lock(&d->ledger);
                known = ledger_find_id(&d->ledger, r->id) >= 0 ||
                        ledger_find_nonce(&d->ledger, r->nonce) >= 0 ||
                        ledger_find(&d->ledger, r->uid, r->name) >= 0;
                if (!known && ledger_add(&d->ledger, r) == 0) {
                        r->busy = r->unjudged = true;
                        ledger_refresh_claim(&d->ledger, r, hold, unstarted);
                        if (!d->ready)
                                journal_known(&d->ledger, r);
                        adopted = r;
                        log_line(LOG_INFO, "adopted", "container", r->engine_name, "state",
                                 container_state_word(r->state), NULL);
                        r = NULL;
                }
                ledger_unlock(&d->ledger);
                record_free(r);
                if (adopted) {
                        verify_running(d, adopted);
                        ledger_lock(&d->ledger);
                        journal_note(&d->ledger, adopted, false);
                        ledger_unlock(&d->ledger);
                }
        } else {
                log_line(LOG_DEBUG, "unsealed", "container", c.name, "id", c.id, NULL);
        }
        engine_container_release(&c);
}

/* Those that were adopted, now that all are known: somebody may have started them while ds01d was
 * away, and ended leases are nothing that the engine knows of. */
static void judge_the_adopted(struct daemon *d) {
        for (;;) {
                struct record *r = NULL;

                ledger_lock(&d->ledger);
                for (size_t i = 0; i < d->ledger.records.len && !r; i++)
                        if (d->ledger.records.items[i]->unjudged)
                                r = d->ledger.records.items[i];
                if (r)
                        r->unjudged = false;
                ledger_unlock(&d->ledger);
                if (!r)
                        return;
                gate_judge_adopted(d, r);
                if (!d->ready) {
                        ledger_lock(&d->ledger);
                        journal_known(&d->ledger, r);
                        ledger_unlock(&d->ledger);
                }
                operation_end(d, r, false);
        }
}

/* Reservations whose create ended in the dark: the container is looked for under its name. */
static void settle_reservation(struct daemon *d, struct record *r) {
        struct engine_container c;
        struct engine_error error = { 0 };
        struct record *sealed = NULL;
        bool ours = false;

        if (engine_container_inspect(d->engine, r->engine_name, &c, &error) < 0) {
                bool old = ledger_now(&d->ledger) - r->since_us > RESERVED_MAX_S * US_PER_S;

                /* A 404 soon after the break may be a create that is still under way. */
                operation_end(d, r, error.status == 404 && old);
                return;
        }
        if (seal_open(d->seal_key, sizeof(d->seal_key), &c, &sealed) == 0)
                ours = strcmp(sealed->nonce, r->nonce) == 0;
        if (ours) {
                ledger_lock(&d->ledger);
                str_copy(r->id, sizeof(r->id), c.id);
                record_update(r, &c);
                ledger_refresh_claim(&d->ledger, r, -1, -1);
                ledger_unlock(&d->ledger);
        }
        record_free(sealed);
        engine_container_release(&c);
        operation_end(d, r, !ours);
}

static void settle_reservations(struct daemon *d) {
        for (;;) {
                struct record *r = NULL;

                ledger_lock(&d->ledger);
                for (size_t i = 0; i < d->ledger.records.len && !r; i++) {
                        struct record *n = d->ledger.records.items[i];

                        /* Only those that an ended operation has left behind, once a round. */
                        if (!n->busy && n->id[0] == '\0' &&
                            clock_mono_us() - n->settled_us > US_PER_S)
                                r = n;
                }
                if (r)
                        r->busy = true;
                ledger_unlock(&d->ledger);
                if (!r)
                        return;
                settle_reservation(d, r);
        }
}

struct listed {
        char id[ENGINE_ID_SIZE];
};

/* What the ledger has and the engine's list did not: looked at one by one, since a list is not a
 * moment in time. */
static void drop_the_missing(struct daemon *d, const struct engine_container *list, size_t n,
                             int64_t listed_us) {
        VEC(struct listed) missing = { 0 };

        ledger_lock(&d->ledger);
        for (size_t i = 0; i < d->ledger.records.len; i++) {
                const struct record *r = d->ledger.records.items[i];
                bool there = r->id[0] == '\0' || r->settled_us > listed_us;
                struct listed entry;

                for (size_t j = 0; j < n && !there; j++)
                        there = strcmp(list[j].id, r->id) == 0;
                str_copy(entry.id, sizeof(entry.id), r->id);
                if (!there && VEC_PUSH(&missing, entry) < 0)
                        break;
        }
        ledger_unlock(&d->ledger);
        for (size_t i = 0; i < missing.len; i++)
                look_at(d, missing.items[i].id);
        VEC_RELEASE(&missing);
}

static const enum container_state states[] = {
        [ENGINE_CREATED] = CONTAINER_CREATED,   [ENGINE_RUNNING] = CONTAINER_RUNNING,
        [ENGINE_PAUSED] = CONTAINER_PAUSED,     [ENGINE_EXITED] = CONTAINER_STOPPED,
        [ENGINE_REMOVING] = CONTAINER_REMOVING, [ENGINE_DEAD] = CONTAINER_STOPPED,
};

/* The full comparison. 0, or -1 when the engine does not answer. */
static int compare(struct daemon *d) {
        struct engine_container *list = NULL;
        struct engine_error error = { 0 };
        int64_t began = clock_mono_us();
        size_t n = 0;

        if (engine_container_list(d->engine, label, &list, &n, &error) < 0) {
                log_line(LOG_WARN, "engine", "call", "list", "error", error.message, NULL);
                return -1;
        }
        for (size_t i = 0; i < n; i++) {
                int at;
                bool known, differs = false;

                ledger_lock(&d->ledger);
                at = ledger_find_id(&d->ledger, list[i].id);
                known = at >= 0;
                if (known) {
                        const struct record *r = d->ledger.records.items[at];

                        differs = !r->busy && (r->stale || r->state != states[list[i].state]);
                        /* A restart that no event told of shows in the pid. */
                        differs |= !r->busy && r->state == CONTAINER_RUNNING && r->pid <= 0;
                }
                ledger_unlock(&d->ledger);
                if (!known)
                        adopt(d, list[i].id);
                else if (differs)
                        look_at(d, list[i].id);
        }
        drop_the_missing(d, list, n, began);
        judge_the_adopted(d);
        settle_reservations(d);
        engine_containers_free(list, n);
        return 0;
}

/* True when the engine was asked about the container after the event, and a start is our own.
 * Docker changes the state first and tells then, on this machine's clock; whatever looks odd is
 * looked at. */
static bool event_is_old(const struct record *r, const struct engine_event *event) {
        int64_t since = event->kind == ENGINE_EVENT_START ? r->gated_us : r->looked_us;

        return event->time_us > 0 && event->time_us < since &&
               since - event->time_us < EVENT_OLD_US;
}

static void handle_event(struct daemon *d, const struct engine_event *event) {
        bool podman = engine_is_podman(d->engine); /* its times are not to be relied on */
        bool known, old;
        int at;

        /* What is created shows in the create's own answer, or in the next comparison. */
        if (event->kind == ENGINE_EVENT_OTHER || event->kind == ENGINE_EVENT_CREATE ||
            FAILPOINT_LOSES("event"))
                return;
        ledger_lock(&d->ledger);
        at = ledger_find_id(&d->ledger, event->id);
        known = at >= 0;
        old = known && !podman && event_is_old(d->ledger.records.items[at], event);
        ledger_unlock(&d->ledger);
        if (old)
                return;
        if (known)
                look_at(d, event->id);
        else if (event->kind == ENGINE_EVENT_START) {
                adopt(d, event->id);
                judge_the_adopted(d);
        }
}

static int learn_engine(struct daemon *d) {
        struct engine_info info;
        struct engine_error error = { 0 };

        if (engine_ping(d->engine, &error) < 0 || engine_info(d->engine, &info, &error) < 0) {
                log_line(LOG_WARN, "engine", "state", "unreachable", "error", error.message, NULL);
                return -1;
        }
        pthread_mutex_lock(&d->engine_info_lock);
        d->engine_info = info;
        pthread_mutex_unlock(&d->engine_info_lock);
        log_line(LOG_INFO, "engine", "state", "connected", "name", info.name, "version",
                 info.version, "cgroup_driver", info.cgroup_driver, "runtime",
                 info.runtime ? ENGINE_RUNTIME : NULL, NULL);
        if (!info.runtime && !d->private_mode)
                log_line(LOG_WARN, "runtime", "state", "absent", "risk",
                         "device nodes in images count; see ds01-runtime in ds01d(8)", NULL);
        else if (!info.runtime_default && !d->private_mode)
                log_line(LOG_WARN, "runtime", "state", "not the default", "risk",
                         "device nodes that steps of builds make count; see ds01d(8)", NULL);
        return 0;
}

/* Containers that were made to read an image's files and outlived a crash. */
static void sweep_probes(struct daemon *d) {
        struct engine_container *list = NULL;
        struct engine_error error;
        size_t n = 0;

        if (engine_container_list(d->engine, "ds01.probe", &list, &n, &error) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                engine_container_remove(d->engine, list[i].id, true, &error);
        engine_containers_free(list, n);
}

static bool take_wake(struct daemon *d) {
        eventfd_t value;

        return eventfd_read(d->wake_fd, &value) == 0;
}

/* One connection to the event stream, for as long as it lasts. */
static void follow(struct daemon *d) {
        struct engine_events *events = NULL;
        struct engine_error error = { 0 };
        int64_t compared, settled, sampled = 0, emptied = 0;
        bool alive = true;

        /* Subscribe first, then list: nothing falls in between. */
        if (learn_engine(d) < 0 || engine_events_open(d->engine, label, &events, &error) < 0)
                return;
        if (!d->ready)
                move_sweep(d);
        if (compare(d) < 0)
                alive = false;
        if (alive && !d->ready) {
                sweep_probes(d);
                leftovers_sweep(d);
                builds_sweep(d);
                FAILPOINT("keeper.before-ready");
                d->ready = true;
                journal_ready(&d->journal);
                log_line(LOG_INFO, "ready", NULL);
                notify_ready();
        }
        compared = settled = clock_mono_us();
        while (alive && !d->stopping) {
                int64_t now = clock_mono_us();
                struct engine_event event;
                int r = engine_events_next(events, EVENT_WAIT_US, &event);

                if (r > 0)
                        handle_event(d, &event);
                journal_sweep(d);
                alive = r >= 0;
                if (alive && (take_wake(d) || now - compared > COMPARE_EVERY_S * US_PER_S)) {
                        alive = compare(d) == 0;
                        compared = now;
                }
                /* An engine that was cut off may carry a create out later than it was asked. */
                if (now - settled > SETTLE_EVERY_S * US_PER_S) {
                        settle_reservations(d);
                        settled = now;
                }
                if (now - emptied > EMPTY_EVERY_S * US_PER_S) {
                        bin_sweep(d);
                        emptied = now;
                }
                if (now - sampled > SAMPLE_EVERY_S * US_PER_S) {
                        stats_sample_cpu(d);
                        sampled = now;
                }
        }
        engine_events_close(events);
}

void keeper_run(struct daemon *d) {
        while (!d->stopping) {
                follow(d);
                /* Without its engine ds01d serves as well: it says what is missing. */
                if (!d->ready && d->failed++ == 0)
                        notify_ready();
                for (int ms = 0; ms < RECONNECT_MS && !d->stopping; ms += 50)
                        poll(NULL, 0, 50);
        }
}

static bool holds(const struct record *r, const struct gpu_device *device) {
        for (size_t n = 0; r->uuids && r->uuids[n]; n++)
                if (strcmp(r->uuids[n], device->uuid) == 0)
                        return true;
        return false;
}

/* The device's processes that are of no container which holds it. */
static void find_foreign(struct daemon *d, struct gpu_inventory *inventory,
                         const struct gpu_processes *processes) {
        for (size_t i = 0; i < processes->n; i++) {
                const struct gpu_process *p = &processes->items[i];
                struct gpu_device *device = &inventory->devices[p->device];
                struct person_entry *who;
                char id[65], path[32];
                struct stat st;
                bool ours = false;
                int in;

                snprintf(path, sizeof(path), "/proc/%d", p->pid);
                if (device->foreign_pid || stat(path, &st) < 0)
                        continue;
                in = cgroup_container_of(p->pid, id);
                if (in == 0 || in == -EPERM) {
                        int at;

                        ledger_lock(&d->ledger);
                        at = ledger_find_id(&d->ledger, id);
                        /* A group of one's own making counts for one's own containers. */
                        if (at >= 0 && (in == 0 || d->ledger.records.items[at]->uid == st.st_uid))
                                ours = holds(d->ledger.records.items[at], device);
                        ledger_unlock(&d->ledger);
                }
                if (ours)
                        continue;
                device->foreign_pid = p->pid;
                who = malloc(sizeof(*who));
                if (who && people_lookup(&d->people, st.st_uid, who) == 0)
                        str_copy(device->foreign_user, sizeof(device->foreign_user), who->name);
                else
                        snprintf(device->foreign_user, sizeof(device->foreign_user), "uid %u",
                                 st.st_uid);
                free(who);
        }
}

/* Simulated GPUs have no spec by nvidia-ctk; one is written in its place. */
static void describe_simulated(struct daemon *d, const struct gpu_inventory *inventory) {
        struct err err = { 0 };
        char path[PATH_MAX];

        daemon_cdi_site_spec(d, path, sizeof(path));
        if (d->config.gpu_attach == ATTACH_CDI && d->config.gpu_simulator_file[0] &&
            cdi_write_simulated_site_spec(path, inventory, &err) < 0)
                log_line(LOG_WARN, "cdi", "error", err.msg, NULL);
}

void keeper_inventory_changed(void *ctx) {
        struct gpu_processes processes = { 0 };
        struct gpu_inventory inventory = { 0 };
        struct daemon *d = ctx;
        char status[256];

        if (!d->gpus || gpu_monitor_inventory(d->gpus, &inventory, &processes) < 0)
                return;
        describe_simulated(d, &inventory);
        find_foreign(d, &inventory, &processes);
        gpu_monitor_status(d->gpus, status, sizeof(status));
        log_text(status[0] ? LOG_WARN : LOG_INFO, "gpus", "%zu devices%s%s", inventory.ndevices,
                 status[0] ? ": " : "", status);
        ledger_lock(&d->ledger);
        ledger_set_inventory(&d->ledger, &inventory);
        ledger_unlock(&d->ledger);
        gpu_processes_release(&processes);
}
