/*
 * The history, in SQLite: every lease of every device, and every event. Nothing is decided by it,
 * so a file that is lost or damaged costs what is in it and nothing else.
 *
 * One writer (the journal's thread) and any number of readers, each with a handle of its own. All
 * times are wall clock in microseconds. Functions return 0 or -errno: -EBADMSG is a damaged file,
 * -EIO anything else that SQLite says, with words in @err.
 */
#pragma once

#include "base/err.h"
#include "history/event.h"

#include <stdbool.h>

struct history;

/* Opens the file, makes it if @write, and brings an older one up to date. */
int history_open(const char *path, bool write, struct history **ret, struct err *err);
void history_close(struct history *h);

/* Between these, what is written becomes durable at once or not at all. */
int history_begin(struct history *h, struct err *err);
int history_commit(struct history *h, struct err *err);

/* Writes an event down: 1, or 0 when it says nothing new. EVENT_LEASE_BEGIN of a lease that is open
 * already only says that it still is; EVENT_LEASE_END ends those that are open. */
int history_add(struct history *h, const struct event *e, struct err *err);
/* A device was in use for @busy_us since this was last said, and its lease is open at @at_us. */
int history_busy(struct history *h, const char *nonce, const char *uuid, int64_t busy_us,
                 int64_t at_us, struct err *err);
/* All leases that are open here are open at @at_us. */
int history_seen(struct history *h, int64_t at_us, struct err *err);
/* When something was written last; 0: never. */
int history_newest(struct history *h, int64_t *ret_us, struct err *err);
/* Takes what has ended before @before_us out of leases and events, and the oldest where there are
 * more than @max_rows, or a tenth of that in events of one person; what reports need of it stays,
 * as sums for each day (in local time), person, project and device. 1 when there is more to do: so
 * many at a time. */
int history_compact(struct history *h, int64_t before_us, int64_t max_rows, struct err *err);

struct history_filter {
        int64_t from_us, to_us; /* what overlaps with [from, to) */
        bool one;               /* of @uid only */
        uid_t uid;
        size_t max; /* the newest so many */
};

struct lease_row {
        const char *user, *container, *project, *gpu, *uuid, *why; /* why: "" while it is open */
        uid_t uid;
        int64_t units, begin_us, end_us; /* end: 0 = open */
        int64_t busy_us; /* -1: the device does not tell */
};

struct event_row {
        const char *kind, *user, *container, *project, *gpus, *code, *why;
        uid_t uid;
        int64_t at_us;
};

/* Ends the leases that are open and were not last seen at exactly @seen_us, when they were: what
 * ended while nobody looked. @each gets them. */
int history_reconcile(struct history *h, int64_t seen_us,
                      void (*each)(void *arg, const struct lease_row *row), void *arg,
                      struct err *err);

/* Oldest first; the strings are the callback's for the call. */
int history_leases(struct history *h, const struct history_filter *filter,
                   void (*each)(void *arg, const struct lease_row *row), void *arg,
                   struct err *err);
int history_events(struct history *h, const struct history_filter *filter,
                   void (*each)(void *arg, const struct event_row *row), void *arg,
                   struct err *err);

enum report_by { REPORT_USER, REPORT_PROJECT, REPORT_GPU, REPORT_BYS };
/* "user", "project", "gpu" */
extern const char *const report_words[];

struct report_row {
        const char *name; /* of the person, project or device; "" = no project */
        /* Of a full GPU's time (a MIG instance counts as its share): held, held where the device
         * tells whether it is in use, and in use. */
        int64_t held_us, told_us, busy_us;
        int64_t leases; /* that began in that time */
};

/* Sums of what lies within the filter's time, the largest first; @now_us ends open leases. */
int history_report(struct history *h, const struct history_filter *filter, enum report_by by,
                   int64_t now_us, void (*each)(void *arg, const struct report_row *row),
                   void *arg, struct err *err);
