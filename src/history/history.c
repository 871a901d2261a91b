/* See history.h. */
#include "history/history.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
        WAIT_MS = 2000,
        COMPACT_LEASES = 2000, /* at a time: who compacts has other things to write */
        COMPACT_EVENTS = 20000,
};

/* What makes each version from the one before; the file says which it has (user_version). */
static const char *const versions[] = {
        "CREATE TABLE lease(id INTEGER PRIMARY KEY, nonce TEXT NOT NULL, uuid TEXT NOT NULL,"
        " gpu TEXT NOT NULL, units INTEGER NOT NULL, uid INTEGER NOT NULL, user TEXT NOT NULL,"
        " container TEXT NOT NULL, project TEXT NOT NULL, begin_us INTEGER NOT NULL,"
        " seen_us INTEGER NOT NULL, end_us INTEGER, why TEXT NOT NULL DEFAULT '',"
        " busy_us INTEGER NOT NULL DEFAULT 0);"
        "CREATE INDEX lease_open ON lease(nonce, uuid) WHERE end_us IS NULL;"
        "CREATE INDEX lease_begin ON lease(begin_us);"
        "CREATE TABLE event(id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL,"
        " uid INTEGER NOT NULL, user TEXT NOT NULL, container TEXT NOT NULL,"
        " project TEXT NOT NULL, gpus TEXT NOT NULL, code TEXT NOT NULL, why TEXT NOT NULL);"
        "CREATE INDEX event_at ON event(at_us);"
        "CREATE TABLE day(day INTEGER NOT NULL, uid INTEGER NOT NULL, user TEXT NOT NULL,"
        " project TEXT NOT NULL, gpu TEXT NOT NULL, held_us INTEGER NOT NULL,"
        " busy_us INTEGER NOT NULL, leases INTEGER NOT NULL,"
        " PRIMARY KEY(day, uid, project, gpu)) WITHOUT ROWID;",
        /* How long a lease's device was in use, for each hour since 1970. A lease without any row
         * is one of a device that does not tell. */
        "CREATE TABLE busy(lease INTEGER NOT NULL, hour INTEGER NOT NULL,"
        " busy_us INTEGER NOT NULL, PRIMARY KEY(lease, hour)) WITHOUT ROWID;"
        "INSERT INTO busy SELECT id, begin_us / 3600000000, busy_us FROM lease WHERE busy_us > 0;"
        "ALTER TABLE lease DROP COLUMN busy_us;"
        /* What is left of old leases, in microseconds of a full GPU: held, held where the device
         * tells, and in use; leases are those that began on it. A day begins at local midnight. */
        "CREATE TABLE old(day_us INTEGER NOT NULL, uid INTEGER NOT NULL, user TEXT NOT NULL,"
        " project TEXT NOT NULL, gpu TEXT NOT NULL, held_us INTEGER NOT NULL,"
        " told_us INTEGER NOT NULL, busy_us INTEGER NOT NULL, leases INTEGER NOT NULL,"
        " PRIMARY KEY(day_us, uid, project, gpu)) WITHOUT ROWID;"
        "INSERT INTO old SELECT day * 86400000000, uid, user, project, gpu, held_us, held_us,"
        " busy_us, leases FROM day;"
        "DROP TABLE day;",
};

struct history {
        sqlite3 *db;
};

/* --- SQLite in our words -------------------------------------------------------------------- */

static int fault(struct history *h, int code, struct err *err) {
        bool damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;

        return err_set(err, damaged ? EBADMSG : EIO, "%s",
                       h->db ? sqlite3_errmsg(h->db) : sqlite3_errstr(code));
}

static int run(struct history *h, const char *sql, struct err *err) {
        int r = sqlite3_exec(h->db, sql, NULL, NULL, NULL);

        return r == SQLITE_OK ? 0 : fault(h, r, err);
}

/* Values of a statement: "s" is a const char *, "i" an int64_t. */
static int bind_all(struct history *h, sqlite3_stmt *s, struct err *err, const char *kinds,
                    va_list ap) {
        int r = SQLITE_OK;

        for (int i = 0; kinds[i] && r == SQLITE_OK; i++)
                r = kinds[i] == 's' ? sqlite3_bind_text(s, i + 1, va_arg(ap, const char *), -1,
                                                        SQLITE_TRANSIENT)
                                    : sqlite3_bind_int64(s, i + 1, va_arg(ap, int64_t));
        return r == SQLITE_OK ? 0 : fault(h, r, err);
}

/* A statement with its values. */
static int prepare(struct history *h, sqlite3_stmt **ret, struct err *err, const char *sql,
                   const char *kinds, ...) {
        sqlite3_stmt *s = NULL;
        int r = sqlite3_prepare_v2(h->db, sql, -1, &s, NULL);
        va_list ap;

        if (r != SQLITE_OK)
                return fault(h, r, err);
        va_start(ap, kinds);
        r = bind_all(h, s, err, kinds, ap);
        va_end(ap);
        if (r < 0) {
                sqlite3_finalize(s);
                return r;
        }
        *ret = s;
        return 0;
}

static void finalize(sqlite3_stmt **s) {
        sqlite3_finalize(*s);
}
#define _cleanup_stmt_ _cleanup_(finalize)

/* 1: a row; 0: the end; -errno. */
static int step(struct history *h, sqlite3_stmt *s, struct err *err) {
        int r = sqlite3_step(s);

        return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : fault(h, r, err);
}

static const char *text_at(sqlite3_stmt *s, int column) {
        const char *text = (const char *)sqlite3_column_text(s, column);

        return text ? text : "";
}

/* --- opening -------------------------------------------------------------------------------- */

static int version_of(struct history *h, int *ret, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err, "PRAGMA user_version", "");

        if (r == 0)
                r = step(h, s, err);
        if (r > 0)
                *ret = sqlite3_column_int(s, 0);
        return r < 0 ? r : 0;
}

static int upgrade(struct history *h, int version, struct err *err) {
        char sql[64];
        int r = run(h, "BEGIN IMMEDIATE", err);

        for (int i = version; i < (int)ARRAY_SIZE(versions) && r == 0; i++)
                r = run(h, versions[i], err);
        snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; COMMIT", (int)ARRAY_SIZE(versions));
        return r < 0 ? r : run(h, sql, err);
}

static int set_up(struct history *h, bool write, struct err *err) {
        int version = 0, r;

        sqlite3_busy_timeout(h->db, WAIT_MS);
        sqlite3_extended_result_codes(h->db, 1);
        r = version_of(h, &version, err);
        if (r == 0 && version > (int)ARRAY_SIZE(versions))
                r = err_set(err, EIO, "it was written by a newer ds01d");
        if (r < 0 || !write)
                return r;
        r = run(h, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", err);
        return r < 0 || version == (int)ARRAY_SIZE(versions) ? r : upgrade(h, version, err);
}

/* Made and kept for root alone, as SQLite then makes what it puts beside it. Never opened where it
 * is there: closing it would drop the locks of our other handles. */
static int make_private(const char *path, struct err *err) {
        struct stat st;
        int fd;

        if (stat(path, &st) == 0)
                return (st.st_mode & 077) == 0 || chmod(path, 0600) == 0
                               ? 0
                               : err_set(err, EIO, "chmod: %s", strerror(errno));
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST) /* a link to nowhere: that is for SQLite to make */
                return err_set(err, EIO, "can't make it: %s", strerror(errno));
        if (fd >= 0)
                close(fd);
        return 0;
}

int history_open(const char *path, bool write, struct history **ret, struct err *err) {
        struct history *h = calloc(1, sizeof(*h));
        int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY, r;

        if (!h)
                return err_set(err, ENOMEM, "no memory");
        r = write ? make_private(path, err) : 0;
        if (r < 0) {
                free(h);
                return r;
        }
        r = sqlite3_open_v2(path, &h->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
        r = r == SQLITE_OK ? set_up(h, write, err) : fault(h, r, err);
        if (r < 0) {
                history_close(h);
                return r;
        }
        *ret = h;
        return 0;
}

void history_close(struct history *h) {
        if (!h)
                return;
        sqlite3_close(h->db);
        free(h);
}

int history_begin(struct history *h, struct err *err) {
        return run(h, "BEGIN IMMEDIATE", err);
}

int history_commit(struct history *h, struct err *err) {
        int r = run(h, "COMMIT", err);

        if (r < 0)
                sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

/* --- writing -------------------------------------------------------------------------------- */

static int once(struct history *h, sqlite3_stmt *s, struct err *err) {
        int r = step(h, s, err);

        return r < 0 ? r : 0;
}

/* 1: it is new; 0: it is open already, and was seen. */
static int begin_lease(struct history *h, const struct event *e, const struct event_device *d,
                       struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *open = NULL, *insert = NULL;
        int64_t seen = e->seen_us ? e->seen_us : e->at_us;
        int r = prepare(h, &open, err,
                        "UPDATE lease SET seen_us = ?1 WHERE nonce = ?2 AND uuid = ?3 AND end_us "
                        "IS NULL",
                        "iss", seen, e->nonce, d->uuid);

        if (r == 0)
                r = once(h, open, err);
        if (r < 0 || sqlite3_changes(h->db) > 0)
                return r;
        r = prepare(h, &insert, err,
                    "INSERT INTO lease(nonce, uuid, gpu, units, uid, user, container, project, "
                    "begin_us, seen_us) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    "sssiisssii", e->nonce, d->uuid, d->name, d->units, (int64_t)e->uid, e->user,
                    e->container, e->project, e->at_us, seen);
        if (r == 0)
                r = once(h, insert, err);
        return r < 0 ? r : 1;
}

static int end_leases(struct history *h, const struct event *e, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "UPDATE lease SET end_us = max(?1, begin_us), seen_us = ?1, why = ?2 "
                        "WHERE nonce = ?3 AND end_us IS NULL",
                        "iss", e->at_us, e->why, e->nonce);

        if (r == 0)
                r = once(h, s, err);
        return r < 0 ? r : sqlite3_changes(h->db) > 0;
}

static int add_event(struct history *h, const struct event *e, struct err *err) {
        _cleanup_buf_ struct buf gpus = BUF_INIT(16384);
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r;

        for (size_t i = 0; i < e->n_devices; i++)
                buf_addf(&gpus, "%s%s", i ? "," : "", e->devices[i].name);
        r = prepare(h, &s, err,
                    "INSERT INTO event(at_us, kind, uid, user, container, project, gpus, code, "
                    "why) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    "isissssss", e->at_us, event_word(e->kind), (int64_t)e->uid, e->user,
                    e->container, e->project, buf_str(&gpus), e->code, e->why);
        if (r == 0)
                r = once(h, s, err);
        return r < 0 ? r : 1;
}

int history_add(struct history *h, const struct event *e, struct err *err) {
        int r = 0, fresh = 0;

        if (e->kind == EVENT_LEASE_END)
                return end_leases(h, e, err);
        if (e->kind != EVENT_LEASE_BEGIN)
                return add_event(h, e, err);
        for (size_t i = 0; i < e->n_devices && r >= 0; i++) {
                r = begin_lease(h, e, &e->devices[i], err);
                fresh |= r > 0;
        }
        return r < 0 ? r : fresh;
}

int history_busy(struct history *h, const char *nonce, const char *uuid, int64_t busy_us,
                 int64_t at_us, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *add = NULL, *seen = NULL;
        int r = prepare(h, &add, err,
                        "INSERT INTO busy(lease, hour, busy_us) SELECT id, ?1, ?2 FROM lease "
                        "WHERE nonce = ?3 AND uuid = ?4 AND end_us IS NULL "
                        "ON CONFLICT DO UPDATE SET busy_us = busy_us + excluded.busy_us",
                        "iiss", at_us / US_PER_H, busy_us, nonce, uuid);

        if (r == 0)
                r = once(h, add, err);
        if (r == 0)
                r = prepare(h, &seen, err,
                            "UPDATE lease SET seen_us = ?1 WHERE nonce = ?2 AND uuid = ?3 AND "
                            "end_us IS NULL",
                            "iss", at_us, nonce, uuid);
        return r < 0 ? r : once(h, seen, err);
}

int history_seen(struct history *h, int64_t at_us, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err, "UPDATE lease SET seen_us = ?1 WHERE end_us IS NULL", "i",
                        at_us);

        return r < 0 ? r : once(h, s, err);
}

int history_newest(struct history *h, int64_t *ret_us, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "SELECT max(coalesce((SELECT max(at_us) FROM event), 0), "
                        "coalesce((SELECT max(seen_us) FROM lease), 0))",
                        "");

        if (r == 0)
                r = step(h, s, err);
        if (r > 0)
                *ret_us = sqlite3_column_int64(s, 0);
        return r < 0 ? r : 0;
}

/* --- summing up ----------------------------------------------------------------------------- */

/* What of the leases that @which picks lies within [?1, ?2), in microseconds of a full GPU, as
 * rows of "part"; what is open ends at ?3. Of an hour at an edge it is the share that lies
 * within. */
#define PARTS(which) \
        "WITH span AS (" \
        "SELECT id, uid, user, project, gpu, units / 7000.0 AS weight, begin_us," \
        " coalesce(end_us, max(?3, begin_us)) AS till_us FROM lease WHERE " which \
        "), hours AS (" \
        "SELECT lease, busy.busy_us, hour * 3600000000 AS hour_us," \
        " max(hour * 3600000000, begin_us) AS a, min((hour + 1) * 3600000000, till_us) AS b" \
        " FROM span CROSS JOIN busy ON lease = id" /* in this order, by its key */ \
        "), used AS (" \
        "SELECT lease, sum(busy_us * CASE WHEN b > a" \
        " THEN max(min(b, ?2) - max(a, ?1), 0) * 1.0 / (b - a)" \
        " ELSE hour_us >= ?1 AND hour_us < ?2 END) AS busy_us FROM hours GROUP BY lease" \
        "), within AS (" \
        "SELECT span.*, weight * max(min(till_us, ?2) - max(begin_us, ?1), 0) AS held_us," \
        " weight * used.busy_us AS busy_us FROM span LEFT JOIN used ON lease = id" \
        "), part AS (" \
        "SELECT uid, user, project, gpu, held_us," \
        " CASE WHEN busy_us IS NULL THEN 0 ELSE held_us END AS told_us," \
        " coalesce(busy_us, 0) AS busy_us, begin_us >= ?1 AND begin_us < ?2 AS leases" \
        " FROM within) "

/* --- compacting ----------------------------------------------------------------------------- */

/* Local midnight before @us, or so many days later. */
static int64_t midnight(int64_t us, int days) {
        time_t s = (time_t)(us / US_PER_S);
        struct tm tm;

        if (!localtime_r(&s, &tm))
                return us + days * 24 * US_PER_H;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_mday += days;
        tm.tm_isdst = -1;
        return mktime(&tm) * US_PER_S;
}

static const char sum_up[] =
        PARTS("id = ?4")
        "INSERT INTO old SELECT ?1, uid, user, project, gpu, CAST(held_us AS INTEGER),"
        " CAST(told_us AS INTEGER), CAST(busy_us AS INTEGER), leases FROM part WHERE true "
        "ON CONFLICT DO UPDATE SET held_us = held_us + excluded.held_us,"
        " told_us = told_us + excluded.told_us, busy_us = busy_us + excluded.busy_us,"
        " leases = leases + excluded.leases";

/* A statement once more, with other values. */
static int again(struct history *h, sqlite3_stmt *s, struct err *err, const char *kinds, ...) {
        va_list ap;
        int r;

        sqlite3_reset(s);
        va_start(ap, kinds);
        r = bind_all(h, s, err, kinds, ap);
        va_end(ap);
        return r < 0 ? r : once(h, s, err);
}

/* Adds a lease to the days that it was of. */
static int sum_up_days(struct history *h, sqlite3_stmt *sum, int64_t id, int64_t begin_us,
                       int64_t end_us, struct err *err) {
        int64_t day = midnight(begin_us, 0);
        int r;

        do {
                int64_t next = midnight(day, 1);

                r = again(h, sum, err, "iiii", day, next, (int64_t)0, id);
                day = next;
        } while (r == 0 && day <= end_us);
        return r;
}

/* Those that have ended before ?1, and those that are more than ?2. */
#define OLD_LEASES \
        "(end_us < ?1 OR end_us IS NOT NULL AND id <= (SELECT max(id) FROM lease) - ?2)"
/* Of events one person can make many: of each a tenth of ?2 stays, so that nobody pushes out what
 * others did. */
#define OLD_EVENTS \
        "at_us < ?1 OR id <= (SELECT max(id) FROM event) - ?2 OR id IN (SELECT id FROM (SELECT " \
        "id, row_number() OVER (PARTITION BY uid ORDER BY id DESC) AS n FROM event) WHERE n > " \
        "?2 / 10)"

int history_compact(struct history *h, int64_t before_us, int64_t max_rows, struct err *err) {
        static const char *const forget[] = {
                "DELETE FROM busy WHERE lease <= ?3 AND lease IN (SELECT id FROM lease WHERE "
                OLD_LEASES ")",
                "DELETE FROM lease WHERE id <= ?3 AND " OLD_LEASES,
                "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE " OLD_EVENTS
                " LIMIT ?3)",
        };
        _cleanup_stmt_ sqlite3_stmt *old = NULL, *sum = NULL;
        int64_t last = 0, n = 0;
        int r = prepare(h, &old, err,
                        "SELECT id, begin_us, end_us FROM lease WHERE " OLD_LEASES
                        " ORDER BY id LIMIT ?3",
                        "iii", before_us, max_rows, (int64_t)COMPACT_LEASES);

        if (r == 0)
                r = prepare(h, &sum, err, sum_up, "");
        while (r == 0 && (r = step(h, old, err)) > 0) {
                last = sqlite3_column_int64(old, 0);
                r = sum_up_days(h, sum, last, sqlite3_column_int64(old, 1),
                                sqlite3_column_int64(old, 2), err);
                n++;
        }
        for (size_t i = 0; i < ARRAY_SIZE(forget) && r == 0; i++) {
                _cleanup_stmt_ sqlite3_stmt *s = NULL;

                r = prepare(h, &s, err, forget[i], "iii", before_us, max_rows,
                            i < 2 ? last : (int64_t)COMPACT_EVENTS);
                if (r == 0)
                        r = once(h, s, err);
        }
        return r < 0 ? r : n == COMPACT_LEASES || sqlite3_changes(h->db) == COMPACT_EVENTS;
}

/* --- reading -------------------------------------------------------------------------------- */

/* The columns of a lease, as each_lease() takes them. */
#define LEASE_COLUMNS \
        "user, container, project, gpu, uuid, why, uid, units, begin_us, coalesce(end_us, 0), " \
        "coalesce((SELECT sum(busy_us) FROM busy WHERE lease = id), -1)"

static int each_lease(struct history *h, sqlite3_stmt *s,
                      void (*each)(void *arg, const struct lease_row *row), void *arg,
                      struct err *err) {
        int r;

        while ((r = step(h, s, err)) > 0) {
                const struct lease_row row = {
                        .user = text_at(s, 0), .container = text_at(s, 1),
                        .project = text_at(s, 2), .gpu = text_at(s, 3), .uuid = text_at(s, 4),
                        .why = text_at(s, 5), .uid = (uid_t)sqlite3_column_int64(s, 6),
                        .units = sqlite3_column_int64(s, 7),
                        .begin_us = sqlite3_column_int64(s, 8),
                        .end_us = sqlite3_column_int64(s, 9),
                        .busy_us = sqlite3_column_int64(s, 10),
                };

                each(arg, &row);
        }
        return r;
}

int history_leases(struct history *h, const struct history_filter *f,
                   void (*each)(void *arg, const struct lease_row *row), void *arg,
                   struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "SELECT * FROM (SELECT " LEASE_COLUMNS ", id FROM lease "
                        "WHERE begin_us < ?2 AND (end_us IS NULL OR end_us >= ?1) "
                        "AND (?3 = 0 OR uid = ?4) ORDER BY begin_us DESC, id DESC LIMIT ?5) "
                        "ORDER BY 9, 12",
                        "iiiii", f->from_us, f->to_us, (int64_t)f->one, (int64_t)f->uid,
                        (int64_t)f->max);

        return r < 0 ? r : each_lease(h, s, each, arg, err);
}

int history_reconcile(struct history *h, int64_t seen_us,
                      void (*each)(void *arg, const struct lease_row *row), void *arg,
                      struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "UPDATE lease SET end_us = max(seen_us, begin_us), why = 'ended while "
                        "ds01d was away' WHERE end_us IS NULL AND seen_us <> ?1 "
                        "RETURNING " LEASE_COLUMNS,
                        "i", seen_us);

        return r < 0 ? r : each_lease(h, s, each, arg, err);
}

int history_events(struct history *h, const struct history_filter *f,
                   void (*each)(void *arg, const struct event_row *row), void *arg,
                   struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "SELECT * FROM (SELECT kind, user, container, project, gpus, code, why, "
                        "uid, at_us, id FROM event WHERE at_us >= ?1 AND at_us < ?2 "
                        "AND (?3 = 0 OR uid = ?4) ORDER BY at_us DESC, id DESC LIMIT ?5) "
                        "ORDER BY 9, 10",
                        "iiiii", f->from_us, f->to_us, (int64_t)f->one, (int64_t)f->uid,
                        (int64_t)f->max);

        while (r == 0 && (r = step(h, s, err)) > 0) {
                const struct event_row row = {
                        .kind = text_at(s, 0), .user = text_at(s, 1), .container = text_at(s, 2),
                        .project = text_at(s, 3), .gpus = text_at(s, 4), .code = text_at(s, 5),
                        .why = text_at(s, 6), .uid = (uid_t)sqlite3_column_int64(s, 7),
                        .at_us = sqlite3_column_int64(s, 8),
                };

                each(arg, &row);
                r = 0;
        }
        return r;
}

const char *const report_words[] = { "user", "project", "gpu", NULL };

int history_report(struct history *h, const struct history_filter *f, enum report_by by,
                   int64_t now_us, void (*each)(void *arg, const struct report_row *row),
                   void *arg, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        char sql[4096];
        int r;

        snprintf(sql, sizeof(sql), "%s%s%s",
                 PARTS("begin_us < ?2 AND coalesce(end_us, ?3) >= ?1")
                 ", every AS (SELECT * FROM part UNION ALL "
                 "SELECT uid, user, project, gpu, held_us, told_us, busy_us, leases FROM old"
                 " WHERE day_us >= ?1 AND day_us < ?2) "
                 "SELECT ",
                 report_words[by],
                 ", CAST(sum(held_us) AS INTEGER), CAST(sum(told_us) AS INTEGER),"
                 " CAST(sum(busy_us) AS INTEGER), sum(leases)"
                 " FROM every WHERE ?4 = 0 OR uid = ?5 GROUP BY 1 ORDER BY 2 DESC, 1");
        r = prepare(h, &s, err, sql, "iiiii", f->from_us, f->to_us, now_us, (int64_t)f->one,
                    (int64_t)f->uid);
        while (r == 0 && (r = step(h, s, err)) > 0) {
                const struct report_row row = {
                        .name = text_at(s, 0),
                        .held_us = sqlite3_column_int64(s, 1),
                        .told_us = sqlite3_column_int64(s, 2),
                        .busy_us = sqlite3_column_int64(s, 3),
                        .leases = sqlite3_column_int64(s, 4),
                };

                each(arg, &row);
                r = 0;
        }
        return r;
}
