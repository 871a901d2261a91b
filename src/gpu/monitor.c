/*
 * The monitor's thread and its callers; see the header.
 *
 * The thread alone owns the helper. Callers put in a ticket under the lock and wait for it to be
 * served; an answer counts for all tickets that were in when its question was asked. After a
 * failure questions are asked more and more rarely, at most once a minute in the end; samples fail
 * at once in between, and so do refreshes while a killed helper still sits in the kernel.
 */
#include "gpu/monitor.h"

#include "base/clock.h"
#include "base/str.h"
#include "gpu/merge.h"
#include "gpu/nvml.h"
#include "gpu/child.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define DEADLINE_US (3 * US_PER_S)
#define INTERVAL_US (5 * US_PER_S)
#define RETRY_MAX_US (60 * US_PER_S)
#define SAMPLE_AGE_US (2 * US_PER_S)
/* A library keeps calling a GPU lost after it was reset; a new process sees it again. */
#define LOST_HELPER_AGE_US (60 * US_PER_S)

struct ticket {
        uint64_t asked, served;
        int result; /* of the last one served */
};

struct gpu_monitor {
        int64_t deadline_us, interval_us;
        void (*changed)(void *ctx);
        void *ctx;
        pthread_t thread;
        bool thread_runs;
        int stop_fd; /* eventfd: ends a wait for the helper */

        /* The thread's own. */
        struct child child;
        int64_t helper_since_us;
        unsigned failures; /* in a row */
        int64_t next_us;   /* when the inventory is read next */

        pthread_mutex_t lock; /* guards what follows */
        pthread_cond_t wake;  /* for the thread: a ticket, or the end */
        pthread_cond_t done;  /* for callers: a ticket was served */
        bool stopping;
        struct ticket inventory_ticket, sample_ticket;
        struct gpu_inventory inventory;
        struct gpu_processes processes;
        struct gpu_sample sample;
        char status[512];
};

static int copy_processes(const struct gpu_processes *p, struct gpu_processes *ret) {
        struct gpu_process *items = calloc(p->n ? p->n : 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        if (p->n)
                memcpy(items, p->items, p->n * sizeof(*items));
        *ret = (struct gpu_processes){ items, p->n };
        return 0;
}

static int copy_sample(const struct gpu_sample *s, struct gpu_sample *ret) {
        struct gpu_sample copy = *s;
        int r;

        copy.devices = calloc(s->ndevices ? s->ndevices : 1, sizeof(*copy.devices));
        if (!copy.devices)
                return -ENOMEM;
        if (s->ndevices)
                memcpy(copy.devices, s->devices, s->ndevices * sizeof(*copy.devices));
        r = copy_processes(&s->processes, &copy.processes);
        if (r < 0) {
                free(copy.devices);
                return r;
        }
        *ret = copy;
        return 0;
}

/* --- the thread --- */

/* One question, within the deadline; a helper that has died since the last is replaced once. */
static int ask(struct gpu_monitor *m, enum protocol_request request, struct protocol_answer *ret,
               struct err *e) {
        int64_t deadline = clock_mono_us() + m->deadline_us;

        for (int attempt = 0;; attempt++) {
                int r;

                if (!m->child.pid)
                        m->helper_since_us = clock_mono_us();
                r = child_start(&m->child, e);
                if (r < 0)
                        return r == -EBUSY ? -ETIMEDOUT : -EIO;
                r = child_ask(&m->child, request, m->stop_fd, deadline, ret);
                if (r == 0)
                        return 0;
                child_end(&m->child);
                if (r == -EPIPE && attempt == 0)
                        continue;
                if (r == -ETIMEDOUT)
                        return err_set(e, ETIMEDOUT, "the GPU driver does not answer");
                if (r == -ECANCELED || r == -ENOMEM)
                        return r;
                return err_set(e, EIO, "the GPU helper died: %s", strerror(-r));
        }
}

/* Called with the lock. True when the inventory changed. */
static bool publish_inventory(struct gpu_monitor *m, struct protocol_answer *a, const char *words) {
        bool same = merge_same(&m->inventory, &m->processes, &a->inventory, &a->processes);

        gpu_inventory_release(&m->inventory);
        gpu_processes_release(&m->processes);
        m->inventory = a->inventory;
        m->processes = a->processes;
        a->inventory = (struct gpu_inventory){ 0 };
        a->processes = (struct gpu_processes){ 0 };
        str_copy(m->status, sizeof(m->status), words);
        return !same;
}

/* A question failed with @r: what is known of the devices now, and when to ask again. Called with
 * the lock; true when the inventory changed. */
static bool publish_failure(struct gpu_monitor *m, int r, const char *words) {
        int64_t wait = m->interval_us;
        struct gpu_inventory before = { 0 };
        bool changed;

        for (unsigned i = 0; i < m->failures && wait < RETRY_MAX_US; i++)
                wait *= 2;
        if (wait > RETRY_MAX_US || m->child.nstuck > 0)
                wait = RETRY_MAX_US;
        m->failures++;
        m->next_us = clock_mono_us() + wait;
        str_copy(m->status, sizeof(m->status), words);
        if (r == -ENODEV) {
                changed = m->inventory.ndevices > 0;
                gpu_inventory_release(&m->inventory);
                gpu_processes_release(&m->processes);
                return changed;
        }
        if (gpu_inventory_copy(&m->inventory, &before) < 0) {
                merge_unresponsive(&m->inventory, words);
                return true;
        }
        merge_unresponsive(&m->inventory, words);
        changed = !merge_same(&before, &m->processes, &m->inventory, &m->processes);
        gpu_inventory_release(&before);
        return changed;
}

static void serve(struct gpu_monitor *m, struct ticket *t, uint64_t number, int result) {
        t->served = number;
        t->result = result;
        pthread_cond_broadcast(&m->done);
}

/* Asks for one thing and publishes what comes; called without the lock. */
static void round_of(struct gpu_monitor *m, enum protocol_request request, struct ticket *t,
                     uint64_t number) {
        _cleanup_(protocol_answer_release) struct protocol_answer a = { 0 };
        struct err e = { 0 };
        char words[256] = "";
        bool changed = false;
        int r = ask(m, request, &a, &e);

        if (r == 0 && a.status < 0) { /* the helper works, the driver does not */
                r = a.status;
                (void)err_set(&e, -r, "%s", a.message);
                child_end(&m->child);
        }
        /* Only this thread changes the inventory, so it may read it without the lock. */
        if (r == 0 && request == PROTOCOL_INVENTORY)
                r = merge_inventory(&m->inventory, &a.inventory, &a.processes, words,
                                    sizeof(words));
        if (r == 0 && request == PROTOCOL_INVENTORY) {
                bool lost = words[0] != '\0';

                for (size_t i = 0; i < a.inventory.ndevices; i++)
                        lost = lost || a.inventory.devices[i].health != GPU_OK;
                if (lost && clock_mono_us() - m->helper_since_us > LOST_HELPER_AGE_US)
                        child_end(&m->child);
        }
        pthread_mutex_lock(&m->lock);
        if (r == 0) {
                m->failures = 0;
                if (request == PROTOCOL_INVENTORY) {
                        m->next_us = clock_mono_us() + m->interval_us;
                        changed = publish_inventory(m, &a, words);
                } else {
                        gpu_sample_release(&m->sample);
                        m->sample = a.sample;
                        a.sample = (struct gpu_sample){ 0 };
                }
        } else if (r != -ECANCELED) {
                changed = publish_failure(m, r, e.msg[0] ? e.msg : strerror(-r));
        }
        serve(m, t, number, r);
        pthread_mutex_unlock(&m->lock);
        if (changed && m->changed)
                m->changed(m->ctx);
}

static void wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_us) {
        struct timespec at = { .tv_sec = mono_us / US_PER_S, .tv_nsec = mono_us % US_PER_S * 1000 };

        (void)pthread_cond_timedwait(cond, lock, &at);
}

static void *thread_main(void *arg) {
        struct gpu_monitor *m = arg;

        pthread_mutex_lock(&m->lock);
        while (!m->stopping) {
                struct ticket *inventory = &m->inventory_ticket, *sample = &m->sample_ticket;
                uint64_t number;
                bool resting = m->failures > 0 && clock_mono_us() < m->next_us;

                child_reap(&m->child);
                if (sample->asked != sample->served && resting) {
                        serve(m, sample, sample->asked, inventory->result);
                } else if (inventory->asked != inventory->served && resting &&
                           m->child.nstuck > 0) {
                        serve(m, inventory, inventory->asked, inventory->result);
                } else if (inventory->asked != inventory->served || clock_mono_us() >= m->next_us) {
                        number = inventory->asked;
                        pthread_mutex_unlock(&m->lock);
                        round_of(m, PROTOCOL_INVENTORY, inventory, number);
                        pthread_mutex_lock(&m->lock);
                } else if (sample->asked != sample->served) {
                        number = sample->asked;
                        pthread_mutex_unlock(&m->lock);
                        round_of(m, PROTOCOL_SAMPLE, sample, number);
                        pthread_mutex_lock(&m->lock);
                        if (sample->result < 0 && sample->result != -ECANCELED)
                                inventory->result = sample->result;
                } else {
                        wait_until(&m->wake, &m->lock, m->next_us);
                }
        }
        pthread_cond_broadcast(&m->done);
        pthread_mutex_unlock(&m->lock);
        return NULL;
}

/* --- the callers --- */

/* Puts in a ticket and waits for its service, with the lock. */
static int wait_for(struct gpu_monitor *m, struct ticket *t) {
        int64_t deadline = clock_mono_us() + m->deadline_us;
        uint64_t number = ++t->asked;

        if (pthread_equal(pthread_self(), m->thread)) {
                t->asked--;
                return -EDEADLK;
        }
        pthread_cond_signal(&m->wake);
        while (t->served < number && !m->stopping) {
                if (clock_mono_us() >= deadline)
                        return -ETIMEDOUT;
                wait_until(&m->done, &m->lock, deadline);
        }
        return t->served < number ? -ECANCELED : t->result;
}

static int init_sync(struct gpu_monitor *m) {
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_mutex_init(&m->lock, NULL);
        pthread_cond_init(&m->wake, &attr);
        pthread_cond_init(&m->done, &attr);
        pthread_condattr_destroy(&attr);
        m->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return m->stop_fd < 0 ? -errno : 0;
}

int gpu_monitor_start(const struct gpu_monitor_config *cfg, struct gpu_monitor **ret,
                      struct err *e) {
        struct gpu_monitor *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return err_set(e, ENOMEM, "out of memory");
        m->child.fd = -1;
        m->deadline_us = cfg->deadline_us ? cfg->deadline_us : DEADLINE_US;
        m->interval_us = cfg->interval_us ? cfg->interval_us : INTERVAL_US;
        m->changed = cfg->changed;
        m->ctx = cfg->ctx;
        m->child.executable = strdup(cfg->executable ? cfg->executable : "/proc/self/exe");
        m->child.library = strdup(cfg->library ? cfg->library : NVML_LIBRARY);
        m->child.simulator_file = str_dup(cfg->simulator_file);
        r = init_sync(m);
        if (r == 0 && (!m->child.executable || !m->child.library ||
                       (cfg->simulator_file && !m->child.simulator_file)))
                r = -ENOMEM;
        m->next_us = clock_mono_us() + m->interval_us; /* the first is asked for below */
        str_copy(m->status, sizeof(m->status), "the GPU driver has not answered yet");
        if (r == 0)
                r = -pthread_create(&m->thread, NULL, thread_main, m);
        if (r < 0) {
                gpu_monitor_stop(m);
                return err_set(e, -r, "the GPU monitor cannot start: %s", strerror(-r));
        }
        m->thread_runs = true;
        (void)gpu_monitor_refresh(m);
        *ret = m;
        return 0;
}

void gpu_monitor_stop(struct gpu_monitor *m) {
        if (!m)
                return;
        if (m->thread_runs) {
                pthread_mutex_lock(&m->lock);
                m->stopping = true;
                pthread_cond_broadcast(&m->wake);
                pthread_mutex_unlock(&m->lock);
                (void)eventfd_write(m->stop_fd, 1);
                pthread_join(m->thread, NULL);
        }
        child_release(&m->child);
        if (m->stop_fd >= 0)
                close(m->stop_fd);
        pthread_cond_destroy(&m->wake);
        pthread_cond_destroy(&m->done);
        pthread_mutex_destroy(&m->lock);
        gpu_inventory_release(&m->inventory);
        gpu_processes_release(&m->processes);
        gpu_sample_release(&m->sample);
        free(m);
}

int gpu_monitor_inventory(struct gpu_monitor *m, struct gpu_inventory *ret,
                          struct gpu_processes *ret_processes) {
        struct gpu_inventory inventory = { 0 };
        int r;

        pthread_mutex_lock(&m->lock);
        r = gpu_inventory_copy(&m->inventory, &inventory);
        if (r == 0 && ret_processes) {
                r = copy_processes(&m->processes, ret_processes);
                if (r < 0)
                        gpu_inventory_release(&inventory);
        }
        pthread_mutex_unlock(&m->lock);
        if (r == 0)
                *ret = inventory;
        return r;
}

int gpu_monitor_sample(struct gpu_monitor *m, struct gpu_sample *ret) {
        int r = 0;

        pthread_mutex_lock(&m->lock);
        if (!m->sample.devices || clock_mono_us() - m->sample.taken_us > SAMPLE_AGE_US)
                r = wait_for(m, &m->sample_ticket);
        if (r == 0)
                r = copy_sample(&m->sample, ret);
        pthread_mutex_unlock(&m->lock);
        return r;
}

int gpu_monitor_refresh(struct gpu_monitor *m) {
        int r;

        pthread_mutex_lock(&m->lock);
        r = wait_for(m, &m->inventory_ticket);
        pthread_mutex_unlock(&m->lock);
        return r;
}

void gpu_monitor_status(struct gpu_monitor *m, char *dst, size_t size) {
        pthread_mutex_lock(&m->lock);
        str_copy(dst, size, m->status);
        pthread_mutex_unlock(&m->lock);
}
