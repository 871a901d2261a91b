/* See journal.h. */
#include "daemon/journal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "json/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
        QUEUE_MAX = 8192,
        LINE_MAX_BYTES = 16384,
        LOG_MAX = 16 << 20, /* bytes of events.jsonl; then it becomes events.jsonl.1 */
        LOGS_KEPT = 8,      /* older ones */
        COMPACT_EVERY_S = 3600,
        RETRY_S = 60, /* a history that can't be opened or written is tried again */
};

void journal_init(struct journal *j) {
        pthread_condattr_t attr;

        pthread_mutex_init(&j->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&j->added, &attr);
        pthread_condattr_destroy(&attr);
}

void journal_release(struct journal *j) {
        for (size_t i = 0; i < j->events.len; i++)
                event_free(j->events.items[i]);
        VEC_RELEASE(&j->events);
        VEC_RELEASE(&j->busy);
}

void journal_add(struct journal *j, struct event *e) {
        if (!e)
                return;
        pthread_mutex_lock(&j->lock);
        if (j->events.len >= QUEUE_MAX || VEC_PUSH(&j->events, e) < 0) {
                j->dropped++;
                event_free(e);
        } else {
                pthread_cond_signal(&j->added);
        }
        pthread_mutex_unlock(&j->lock);
}

void journal_busy(struct journal *j, const char *nonce, const char *uuid, int64_t busy_us) {
        struct journal_busy b = { .busy_us = busy_us, .at_us = clock_real_us() };

        str_copy(b.nonce, sizeof(b.nonce), nonce);
        str_copy(b.uuid, sizeof(b.uuid), uuid);
        pthread_mutex_lock(&j->lock);
        if (j->busy.len < QUEUE_MAX && VEC_PUSH(&j->busy, b) == 0)
                pthread_cond_signal(&j->added);
        pthread_mutex_unlock(&j->lock);
}

void journal_ready(struct journal *j) {
        pthread_mutex_lock(&j->lock);
        j->reconcile = true;
        pthread_cond_signal(&j->added);
        pthread_mutex_unlock(&j->lock);
}

void journal_stop(struct journal *j) {
        pthread_mutex_lock(&j->lock);
        j->stopping = true;
        pthread_cond_signal(&j->added);
        pthread_mutex_unlock(&j->lock);
}

/* --- what has changed ----------------------------------------------------------------------- */

struct event *journal_event(const struct ledger *l, const struct record *r, enum event_kind kind,
                            int64_t at_us) {
        size_t n = 0;
        struct event *e;

        while (r->uuids && r->uuids[n])
                n++;
        e = event_new(kind, at_us, n);
        if (!e)
                return NULL;
        e->uid = r->uid;
        str_copy(e->user, sizeof(e->user), r->user);
        str_copy(e->nonce, sizeof(e->nonce), r->nonce);
        str_copy(e->container, sizeof(e->container), r->name);
        str_copy(e->project, sizeof(e->project), r->project);
        for (size_t i = 0; i < n; i++) {
                int at = gpu_inventory_find(&l->inventory, r->uuids[i]);
                const struct gpu_device *d = at < 0 ? NULL : &l->inventory.devices[at];

                str_copy(e->devices[i].uuid, sizeof(e->devices[i].uuid), r->uuids[i]);
                str_copy(e->devices[i].name, sizeof(e->devices[i].name), d ? d->name : "GPU-lost");
                e->devices[i].units = d ? d->units : r->units / (int64_t)n;
        }
        return e;
}

static void note(struct ledger *l, const struct record *r, enum event_kind kind, int64_t at_us,
                 const char *why) {
        struct event *e = journal_event(l, r, kind, at_us);

        if (e)
                str_copy(e->why, sizeof(e->why), why);
        journal_add(l->journal, e);
}

/* Which event a new state is; -1: none. */
static int event_of(enum container_state before, enum container_state now) {
        if (now == CONTAINER_CREATED)
                return EVENT_CREATE;
        if (now == CONTAINER_RUNNING)
                return before == CONTAINER_PAUSED ? EVENT_UNPAUSE : EVENT_START;
        if (now == CONTAINER_PAUSED)
                return EVENT_PAUSE;
        return now == CONTAINER_STOPPED ? EVENT_STOP : -1;
}

static void note_state(struct ledger *l, struct record *r) {
        enum container_state before = r->noted.state;
        int kind = event_of(before, r->state);
        char why[128] = "";

        if (before == r->state)
                return;
        r->noted.state = r->state;
        if (kind == EVENT_STOP && r->facts.ended_us)
                str_copy(why, sizeof(why), r->facts.ended_why);
        else if (kind == EVENT_STOP)
                snprintf(why, sizeof(why), "exit code %d", r->exit_code);
        /* A start that did not come about, and a removal that failed, change nothing. */
        if (kind >= 0 && !(kind == EVENT_CREATE && before != CONTAINER_RESERVED) &&
            before != CONTAINER_REMOVING)
                note(l, r, (enum event_kind)kind, clock_real_us(), why);
}

static void note_lease(struct ledger *l, struct record *r, bool gone) {
        const struct claim *c = &l->claims.items[ledger_index(l, r)];
        int64_t now = clock_real_us(), steady = ledger_now(l);
        struct lease lease = claim_lease(c, steady);
        bool holds = !gone && c->ndevices > 0 && r->state != CONTAINER_RESERVED &&
                     claim_holds(c, steady);

        if (holds && r->noted.holds && r->noted.moved)
                note(l, r, EVENT_LEASE_END, now, "moved to other GPUs");
        else if (holds == r->noted.holds)
                return;
        r->noted.holds = holds;
        r->noted.moved = false;
        if (holds)
                note(l, r, EVENT_LEASE_BEGIN, now, "");
        else if (gone || r->state == CONTAINER_REMOVING)
                note(l, r, EVENT_LEASE_END, now, "removed");
        else if (c->released)
                note(l, r, EVENT_LEASE_END, now, "given back");
        else
                note(l, r, EVENT_LEASE_END,
                     lease.deadline_us < steady ? now - (steady - lease.deadline_us) : now,
                     r->state == CONTAINER_CREATED ? "never started" : "held for long enough");
}

void journal_note(struct ledger *l, struct record *r, bool gone) {
        if (!l->journal)
                return;
        if (!gone)
                note_state(l, r);
        else if (r->noted.state == CONTAINER_RUNNING || r->noted.state == CONTAINER_PAUSED)
                note(l, r, EVENT_STOP, clock_real_us(), "removed");
        note_lease(l, r, gone);
        if (gone && r->state != CONTAINER_RESERVED)
                note(l, r, EVENT_REMOVE, clock_real_us(), "");
}

void journal_sweep(struct daemon *d) {
        struct ledger *l = &d->ledger;

        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++)
                if (l->records.items[i]->noted.holds)
                        note_lease(l, l->records.items[i], false);
        ledger_unlock(l);
}

/* --- events.jsonl --------------------------------------------------------------------------- */

static void log_path(const struct daemon *d, int number, char *dst, size_t size) {
        int n = snprintf(dst, size, "%s/events.jsonl", d->config.log_dir);

        if (number > 0 && (size_t)n < size)
                snprintf(dst + n, size - (size_t)n, ".%d", number);
}

/* events.jsonl becomes .1, .1 becomes .2, and so on; the last goes. */
static void rotate(const struct daemon *d) {
        char from[PATH_MAX], to[PATH_MAX];

        for (int i = LOGS_KEPT - 1; i >= 0; i--) {
                log_path(d, i, from, sizeof(from));
                log_path(d, i + 1, to, sizeof(to));
                rename(from, to);
        }
}

static void put_event(const struct event *e, struct buf *out) {
        struct json_writer w = JSON_WRITER(out);
        char when[32];

        time_format(e->at_us, when, sizeof(when));
        json_write_object(&w);
        json_put_int(&w, "schema", 1);
        json_put_str(&w, "time", when);
        json_put_str(&w, "event", event_word(e->kind));
        json_put_str(&w, "user", e->user);
        json_put_int(&w, "uid", e->uid);
        json_put_str(&w, "container", e->container[0] ? e->container : NULL);
        json_put_str(&w, "project", e->project[0] ? e->project : NULL);
        json_write_key(&w, "gpus");
        json_write_array(&w);
        for (size_t i = 0; i < e->n_devices; i++) {
                json_write_object(&w);
                json_put_str(&w, "name", e->devices[i].name);
                json_put_str(&w, "uuid", e->devices[i].uuid);
                json_put_double(&w, "weight", (double)e->devices[i].units / GPU_UNITS_PER_GPU, 3);
                json_write_object_end(&w);
        }
        json_write_array_end(&w);
        json_put_str(&w, "code", e->code[0] ? e->code : NULL);
        json_put_str(&w, "why", e->why[0] ? e->why : NULL);
        json_write_object_end(&w);
        buf_addc(out, '\n');
}

/* Whole lines with one write each time: who reads along never sees half of one. */
static void write_log(const struct daemon *d, const struct buf *lines) {
        static bool complained; /* one thread */
        char path[PATH_MAX];
        struct stat st;
        int fd;

        log_path(d, 0, path, sizeof(path));
        if (stat(path, &st) == 0 && st.st_size > LOG_MAX)
                rotate(d);
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0 || fd_write_all(fd, lines->data, lines->len, 0) < 0) {
                if (!complained)
                        log_line(LOG_ERROR, "journal", "path", path, "error", strerror(errno),
                                 NULL);
                complained = true;
        } else {
                complained = false;
        }
        if (fd >= 0)
                close(fd);
}

/* --- the history ---------------------------------------------------------------------------- */

void journal_history_path(const struct daemon *d, char *dst, size_t size) {
        snprintf(dst, size, "%s/history.db", d->config.state_dir);
}

struct writer {
        struct daemon *daemon;
        struct history *history; /* NULL: it can't be opened */
        int64_t began_us;        /* wall clock, of this ds01d */
        int64_t retry_us, compact_us; /* CLOCK_MONOTONIC */
};

/* What is in a damaged file is lost; the next one is begun beside it. */
static void put_aside(struct writer *w) {
        static const char *const tails[] = { "", "-wal", "-shm" };
        char path[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX + 40], when[32];

        time_format(clock_real_us(), when, sizeof(when));
        journal_history_path(w->daemon, path, sizeof(path));
        for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
                snprintf(from, sizeof(from), "%s%s", path, tails[i]);
                snprintf(to, sizeof(to), "%s.damaged-%s%s", path, when, tails[i]);
                rename(from, to);
        }
}

static void fail(struct writer *w, int r, const struct err *err) {
        log_line(LOG_ERROR, "history", "error", err->msg, "action",
                 r == -EBADMSG ? "begun anew; the damaged file is beside it" : "tried again soon",
                 NULL);
        history_close(w->history);
        w->history = NULL;
        if (r == -EBADMSG)
                put_aside(w);
        w->retry_us = clock_mono_us() + (r == -EBADMSG ? 0 : RETRY_S * US_PER_S);
}

static bool exists(const char *path) {
        return access(path, F_OK) == 0;
}

/* True when there is one to write to. A file that was taken away under us is made anew. */
static bool open_history(struct writer *w) {
        struct err err = { 0 };
        char path[PATH_MAX];
        int r;

        journal_history_path(w->daemon, path, sizeof(path));
        if (w->history && !exists(path)) {
                history_close(w->history);
                w->history = NULL;
        }
        for (int tries = 0; !w->history && tries < 2 && clock_mono_us() >= w->retry_us; tries++) {
                r = history_open(path, true, &w->history, &err);
                if (r < 0)
                        fail(w, r, &err);
        }
        return w->history != NULL;
}

struct batch {
        VEC(struct event *) events;
        VEC(struct journal_busy) busy;
        bool reconcile;
};

static int store(struct writer *w, const struct batch *b, struct err *err) {
        int r = history_begin(w->history, err);

        for (size_t i = 0; i < b->events.len && r == 0; i++)
                r = history_add(w->history, b->events.items[i], err);
        for (size_t i = 0; i < b->busy.len && r == 0; i++)
                r = history_busy(w->history, b->busy.items[i].nonce, b->busy.items[i].uuid,
                                 b->busy.items[i].busy_us, b->busy.items[i].at_us, err);
        if (r == 0 && b->reconcile)
                r = history_reconcile(w->history, w->began_us, err);
        if (r == 0 && clock_mono_us() >= w->compact_us) {
                int64_t keep = w->daemon->config.history_keep_days * 24 * US_PER_H;

                r = history_compact(w->history, clock_real_us() - keep, err);
                w->compact_us = clock_mono_us() + COMPACT_EVERY_S * US_PER_S;
        }
        return r == 0 ? history_commit(w->history, err) : r;
}

static void write_batch(struct writer *w, struct batch *b) {
        _cleanup_buf_ struct buf lines = BUF_INIT((size_t)QUEUE_MAX * LINE_MAX_BYTES);
        struct err err = { 0 };

        for (size_t i = 0; i < b->events.len; i++)
                put_event(b->events.items[i], &lines);
        if (lines.len > 0 && !lines.failed)
                write_log(w->daemon, &lines);
        if (open_history(w)) {
                int r = store(w, b, &err);

                if (r < 0)
                        fail(w, r, &err);
        }
        for (size_t i = 0; i < b->events.len; i++)
                event_free(b->events.items[i]);
        VEC_RELEASE(&b->events);
        VEC_RELEASE(&b->busy);
}

/* Waits for something to write; false at the end. */
static bool take_batch(struct journal *j, struct batch *b) {
        uint64_t dropped;
        bool more;

        *b = (struct batch){ 0 };
        pthread_mutex_lock(&j->lock);
        while (j->events.len == 0 && j->busy.len == 0 && !j->reconcile && !j->stopping)
                pthread_cond_wait(&j->added, &j->lock);
        memcpy(&b->events, &j->events, sizeof(b->events));
        memcpy(&b->busy, &j->busy, sizeof(b->busy));
        memset(&j->events, 0, sizeof(j->events));
        memset(&j->busy, 0, sizeof(j->busy));
        b->reconcile = j->reconcile;
        j->reconcile = false;
        dropped = j->dropped;
        j->dropped = 0;
        more = b->events.len > 0 || b->busy.len > 0 || b->reconcile || !j->stopping;
        pthread_mutex_unlock(&j->lock);
        if (dropped)
                log_text(LOG_ERROR, "journal", "%llu events were dropped: too many at once",
                         (unsigned long long)dropped);
        return more;
}

void journal_run(struct daemon *d) {
        struct writer w = { .daemon = d, .began_us = clock_real_us() };
        struct batch batch;

        while (take_batch(&d->journal, &batch))
                write_batch(&w, &batch);
        history_close(w.history);
}
