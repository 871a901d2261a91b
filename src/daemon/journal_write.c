/* See journal.h: the thread that writes. */
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
        LINE_MAX_BYTES = 16384,
        LOG_MAX = 16 << 20, /* bytes of events.jsonl; then it becomes events.jsonl.1 */
        LOGS_KEPT = 8,      /* older ones */
        ROWS_MAX = 1000000, /* of leases, and of events, in the history */
        COMPACT_EVERY_S = 3600,
        SEEN_EVERY_S = 60,
        RETRY_S = 5, /* a history that can't be opened or written is tried again */
};

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

struct writer {
        struct daemon *daemon;
        uint64_t lines_lost; /* since events.jsonl can't be written */

        struct history *history; /* NULL: it can't be opened */
        journal_events kept;     /* not in the history yet */
        VEC(struct journal_busy) busy;
        uint64_t events_lost; /* because there were too many to be kept */
        bool failing;         /* it was said in the log */
        bool told;            /* it knows of the leases that there are (journal_tell()) */
        bool asked;           /* known_us was */
        int64_t known_us;     /* when something was written last before us; 0: that is told */
        int64_t retry_us, compact_us, seen_us; /* CLOCK_MONOTONIC */
};

static size_t count_lines(const struct buf *lines) {
        size_t n = 0;

        for (size_t i = 0; i < lines->len; i++)
                n += lines->data[i] == '\n';
        return n;
}

/* Whole lines with one write each time, so that who reads along never sees half of one; what a full
 * disk took of them is taken back. */
static int append(const char *path, const struct buf *lines) {
        int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640), r;
        struct stat st;

        if (fd < 0)
                return -errno;
        r = fstat(fd, &st) < 0 ? -errno : fd_write_all(fd, lines->data, lines->len, 0);
        if (r < 0 && ftruncate(fd, st.st_size) < 0)
                r = -errno;
        close(fd);
        return r;
}

static void write_log(struct writer *w, const struct buf *lines) {
        char path[PATH_MAX];
        struct stat st;
        int r;

        if (lines->len == 0 && !lines->failed)
                return;
        log_path(w->daemon, 0, path, sizeof(path));
        if (stat(path, &st) == 0 && st.st_size > LOG_MAX)
                rotate(w->daemon);
        r = lines->failed ? -ENOMEM : append(path, lines);
        if (r < 0) {
                if (w->lines_lost == 0)
                        log_line(LOG_ERROR, "journal", "path", path, "error", strerror(-r), NULL);
                w->lines_lost += count_lines(lines);
        } else if (w->lines_lost > 0) {
                log_text(LOG_WARN, "journal", "%s is written again; %llu events are not in it",
                         path, (unsigned long long)w->lines_lost);
                w->lines_lost = 0;
        }
}

/* --- the history ---------------------------------------------------------------------------- */

void journal_history_path(const struct daemon *d, char *dst, size_t size) {
        snprintf(dst, size, "%s/history.db", d->config.state_dir);
}

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

static void close_history(struct writer *w) {
        history_close(w->history);
        w->history = NULL;
}

static void fail(struct writer *w, int r, const struct err *err) {
        close_history(w);
        if (r == -EBADMSG) {
                log_line(LOG_ERROR, "history", "error", err->msg, "action",
                         "begun anew; the damaged file is beside it", NULL);
                put_aside(w);
                w->told = false;
                w->retry_us = 0;
                return;
        }
        if (!w->failing)
                log_line(LOG_ERROR, "history", "error", err->msg, "action",
                         "kept in memory and tried again", NULL);
        w->failing = true;
        w->retry_us = clock_mono_us() + RETRY_S * US_PER_S;
}

static int open_it(struct writer *w, const char *path) {
        struct err err = { 0 };
        int r = history_open(path, true, &w->history, &err);

        if (r == 0 && !w->asked)
                r = history_newest(w->history, &w->known_us, &err);
        w->asked |= r == 0;
        if (r < 0)
                fail(w, r, &err);
        return r;
}

/* True when there is one to write to. A file that was taken away under us is made anew. */
static bool open_history(struct writer *w) {
        char path[PATH_MAX];

        journal_history_path(w->daemon, path, sizeof(path));
        if (w->history && access(path, F_OK) < 0) {
                close_history(w);
                w->told = false;
        }
        for (int tries = 0; !w->history && tries < 2 && clock_mono_us() >= w->retry_us; tries++)
                open_it(w, path);
        return w->history != NULL;
}

static void put_ended(void *arg, const struct lease_row *row) {
        struct event *e = event_new(EVENT_LEASE_END, row->end_us, 1);

        if (!e)
                return;
        e->uid = row->uid;
        str_copy(e->user, sizeof(e->user), row->user);
        str_copy(e->container, sizeof(e->container), row->container);
        str_copy(e->project, sizeof(e->project), row->project);
        str_copy(e->why, sizeof(e->why), row->why);
        str_copy(e->devices->name, sizeof(e->devices->name), row->gpu);
        str_copy(e->devices->uuid, sizeof(e->devices->uuid), row->uuid);
        e->devices->units = row->units;
        put_event(e, arg);
        event_free(e);
}

static int store_events(struct writer *w, const journal_events *events, struct buf *lines,
                        struct err *err) {
        int r = 0;

        for (size_t i = 0; i < events->len && r >= 0; i++) {
                r = history_add(w->history, events->items[i], err);
                if (r > 0 && lines)
                        put_event(events->items[i], lines);
        }
        return r < 0 ? r : 0;
}

/* Whatever there is to be written, in one transaction. @told: what journal_tell() said, NULL = it
 * was not asked; of that, what is news to the history is added to @lines. */
static int store(struct writer *w, const journal_events *told, int64_t told_us, struct buf *lines,
                 struct err *err) {
        int64_t keep = w->daemon->config.history_keep_days * 24 * US_PER_H, now = clock_mono_us();
        int r = history_begin(w->history, err);

        if (r == 0)
                r = store_events(w, &w->kept, NULL, err);
        for (size_t i = 0; i < w->busy.len && r == 0; i++)
                r = history_busy(w->history, w->busy.items[i].nonce, w->busy.items[i].uuid,
                                 w->busy.items[i].busy_us, w->busy.items[i].at_us, err);
        if (r == 0 && told)
                r = store_events(w, told, lines, err);
        if (r == 0 && told)
                r = history_reconcile(w->history, told_us, put_ended, lines, err);
        if (r == 0 && w->told && now >= w->seen_us) {
                r = history_seen(w->history, clock_real_us(), err);
                w->seen_us = now + SEEN_EVERY_S * US_PER_S;
        }
        if (r == 0 && now >= w->compact_us) {
                r = history_compact(w->history, clock_real_us() - keep, ROWS_MAX, err);
                if (r > 0) /* more to do: soon */
                        w->seen_us = now;
                else
                        w->compact_us = now + COMPACT_EVERY_S * US_PER_S;
        }
        return r >= 0 ? history_commit(w->history, err) : r;
}

static void forget(journal_events *events) {
        for (size_t i = 0; i < events->len; i++)
                event_free(events->items[i]);
        VEC_RELEASE(events);
}

static void well(struct writer *w) {
        if (w->failing)
                log_line(LOG_WARN, "history", "state", "written again", NULL);
        if (w->events_lost)
                log_text(LOG_ERROR, "history", "%llu events are not in it",
                         (unsigned long long)w->events_lost);
        w->failing = false;
        w->events_lost = 0;
        forget(&w->kept);
        VEC_RELEASE(&w->busy);
}

static void write_history(struct writer *w, const journal_events *told, int64_t told_us) {
        _cleanup_buf_ struct buf lines =
                BUF_INIT((size_t)JOURNAL_QUEUE_MAX * LINE_MAX_BYTES);
        struct err err = { 0 };
        bool lost = w->events_lost > 0;
        int r = store(w, told, told_us, &lines, &err);

        if (r < 0) {
                fail(w, r, &err);
                return;
        }
        well(w);
        /* To a history that was lost everything is news, but not to events.jsonl. */
        if (told && w->known_us > 0)
                write_log(w, &lines);
        if (told)
                w->known_us = 0;
        /* What was lost may have been the begin of a lease. */
        if (told || lost)
                w->told = !lost;
}

/* --- the queue ------------------------------------------------------------------------------ */

static void keep(struct writer *w, struct event *e) {
        if (w->kept.len < JOURNAL_QUEUE_MAX && VEC_PUSH(&w->kept, e) == 0)
                return;
        w->events_lost++;
        event_free(e);
}

/* Empties the queue: into events.jsonl, and into what the history is to get. */
static void take(struct writer *w, struct buf *lines) {
        struct journal *j = &w->daemon->journal;
        journal_events events;
        uint64_t dropped;

        pthread_mutex_lock(&j->lock);
        events = j->events;
        dropped = j->dropped;
        memset(&j->events, 0, sizeof(j->events));
        for (size_t i = 0; i < j->busy.len && w->busy.len < JOURNAL_QUEUE_MAX; i++)
                if (VEC_PUSH(&w->busy, j->busy.items[i]) < 0)
                        break;
        VEC_RELEASE(&j->busy);
        j->dropped = 0;
        pthread_mutex_unlock(&j->lock);
        for (size_t i = 0; i < events.len; i++) {
                put_event(events.items[i], lines);
                keep(w, events.items[i]);
        }
        VEC_RELEASE(&events);
        w->events_lost += dropped;
        if (dropped)
                log_text(LOG_ERROR, "journal", "%llu events were dropped: too many at once",
                         (unsigned long long)dropped);
}

static void write_batch(struct writer *w, bool ready) {
        _cleanup_buf_ struct buf lines =
                BUF_INIT((size_t)JOURNAL_QUEUE_MAX * LINE_MAX_BYTES);
        struct ledger *l = &w->daemon->ledger;
        bool open = open_history(w), tells = open && ready && !w->told;
        int64_t told_us = clock_real_us();
        journal_events told = { 0 };

        /* At once, so that what is in the queue is from before. */
        if (tells)
                ledger_lock(l);
        take(w, &lines);
        if (tells) {
                journal_tell(l, told_us, w->known_us, &told);
                ledger_unlock(l);
        }
        write_log(w, &lines);
        if (open)
                write_history(w, tells ? &told : NULL, told_us);
        forget(&told);
}

/* Waits for something to write, or for the time of the next look at the history; false at the
 * end. */
static bool wait_for_news(struct writer *w, bool *ret_ready) {
        struct journal *j = &w->daemon->journal;
        int64_t until = w->history ? w->seen_us : w->retry_us, now = clock_mono_us();
        struct timespec at;
        bool more;

        if (until < now + US_PER_S)
                until = now + US_PER_S;
        at = (struct timespec){ .tv_sec = until / US_PER_S, .tv_nsec = until % US_PER_S * 1000 };
        pthread_mutex_lock(&j->lock);
        while (j->events.len == 0 && j->busy.len == 0 && *ret_ready == j->ready && !j->stopping)
                if (pthread_cond_timedwait(&j->added, &j->lock, &at) == ETIMEDOUT)
                        break;
        more = !j->stopping || j->events.len > 0 || j->busy.len > 0;
        *ret_ready = j->ready;
        pthread_mutex_unlock(&j->lock);
        return more;
}

void journal_run(struct daemon *d) {
        struct writer w = { .daemon = d };
        bool ready = false;

        while (wait_for_news(&w, &ready))
                write_batch(&w, ready);
        if (w.kept.len > 0)
                log_text(LOG_ERROR, "history", "%zu events are not in it", w.kept.len);
        forget(&w.kept);
        VEC_RELEASE(&w.busy);
        close_history(&w);
}
