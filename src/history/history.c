/* See history.h. */
#include "history/history.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1, WAIT_MS = 2000, UNITS_PER_GPU = 7000 };
static const int64_t us_per_day = 24 * US_PER_H;

static const char schema[] =
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
        /* What is left of old leases. held and busy: microseconds of a full GPU. */
        "CREATE TABLE day(day INTEGER NOT NULL, uid INTEGER NOT NULL, user TEXT NOT NULL,"
        " project TEXT NOT NULL, gpu TEXT NOT NULL, held_us INTEGER NOT NULL,"
        " busy_us INTEGER NOT NULL, leases INTEGER NOT NULL,"
        " PRIMARY KEY(day, uid, project, gpu)) WITHOUT ROWID;"
        "PRAGMA user_version = 1;";

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

/* A statement with its values: "s" is a const char *, "i" an int64_t. */
static int prepare(struct history *h, sqlite3_stmt **ret, struct err *err, const char *sql,
                   const char *kinds, ...) {
        sqlite3_stmt *s = NULL;
        int r = sqlite3_prepare_v2(h->db, sql, -1, &s, NULL);
        va_list ap;

        if (r != SQLITE_OK)
                return fault(h, r, err);
        va_start(ap, kinds);
        for (int i = 0; kinds[i] && r == SQLITE_OK; i++)
                r = kinds[i] == 's' ? sqlite3_bind_text(s, i + 1, va_arg(ap, const char *), -1,
                                                        SQLITE_TRANSIENT)
                                    : sqlite3_bind_int64(s, i + 1, va_arg(ap, int64_t));
        va_end(ap);
        if (r != SQLITE_OK) {
                sqlite3_finalize(s);
                return fault(h, r, err);
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

static int set_up(struct history *h, bool write, struct err *err) {
        int version = 0, r;

        sqlite3_busy_timeout(h->db, WAIT_MS);
        sqlite3_extended_result_codes(h->db, 1);
        r = version_of(h, &version, err);
        if (r == 0 && version > SCHEMA)
                r = err_set(err, EIO, "it was written by a newer ds01d");
        if (r < 0 || !write)
                return r;
        r = run(h, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", err);
        if (r == 0 && version == 0) {
                r = run(h, "BEGIN IMMEDIATE", err);
                if (r == 0)
                        r = run(h, schema, err);
                if (r == 0)
                        r = run(h, "COMMIT", err);
        }
        return r;
}

int history_open(const char *path, bool write, struct history **ret, struct err *err) {
        struct history *h = calloc(1, sizeof(*h));
        int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY, r;

        if (!h)
                return err_set(err, ENOMEM, "no memory");
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

static int begin_lease(struct history *h, const struct event *e, const struct event_device *d,
                       struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *open = NULL, *insert = NULL;
        int r = prepare(h, &open, err,
                        "UPDATE lease SET seen_us = ?1 WHERE nonce = ?2 AND uuid = ?3 AND end_us "
                        "IS NULL",
                        "iss", e->at_us, e->nonce, d->uuid);

        if (r == 0)
                r = once(h, open, err);
        if (r < 0 || sqlite3_changes(h->db) > 0)
                return r;
        r = prepare(h, &insert, err,
                    "INSERT INTO lease(nonce, uuid, gpu, units, uid, user, container, project, "
                    "begin_us, seen_us) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                    "sssiisssi", e->nonce, d->uuid, d->name, d->units, (int64_t)e->uid, e->user,
                    e->container, e->project, e->at_us);
        return r < 0 ? r : once(h, insert, err);
}

static int end_leases(struct history *h, const struct event *e, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "UPDATE lease SET end_us = max(?1, begin_us), seen_us = ?1, why = ?2 "
                        "WHERE nonce = ?3 AND end_us IS NULL",
                        "iss", e->at_us, e->why, e->nonce);

        return r < 0 ? r : once(h, s, err);
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
        return r < 0 ? r : once(h, s, err);
}

int history_add(struct history *h, const struct event *e, struct err *err) {
        int r = 0;

        if (e->kind == EVENT_LEASE_END)
                return end_leases(h, e, err);
        if (e->kind != EVENT_LEASE_BEGIN)
                return add_event(h, e, err);
        for (size_t i = 0; i < e->n_devices && r == 0; i++)
                r = begin_lease(h, e, &e->devices[i], err);
        return r;
}

int history_busy(struct history *h, const char *nonce, const char *uuid, int64_t busy_us,
                 int64_t at_us, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "UPDATE lease SET busy_us = busy_us + ?1, seen_us = ?2 "
                        "WHERE nonce = ?3 AND uuid = ?4 AND end_us IS NULL",
                        "iiss", busy_us, at_us, nonce, uuid);

        return r < 0 ? r : once(h, s, err);
}

int history_reconcile(struct history *h, int64_t since_us, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "UPDATE lease SET end_us = max(seen_us, begin_us), why = 'ended while "
                        "ds01d was away' WHERE end_us IS NULL AND seen_us < ?1",
                        "i", since_us);

        return r < 0 ? r : once(h, s, err);
}

/* --- compacting ----------------------------------------------------------------------------- */

static int64_t overlap(int64_t begin, int64_t end, int64_t from, int64_t to) {
        int64_t a = begin > from ? begin : from, b = end < to ? end : to;

        return b > a ? b - a : 0;
}

/* Microseconds of a full GPU's time. */
static int64_t weighted(int64_t us, int64_t units) {
        return us / UNITS_PER_GPU * units + us % UNITS_PER_GPU * units / UNITS_PER_GPU;
}

/* The share of @whole that @part of @all is. */
static int64_t share(int64_t whole, int64_t part, int64_t all) {
        return all > 0 ? (int64_t)((double)whole * ((double)part / (double)all)) : 0;
}

static int add_to_day(struct history *h, sqlite3_stmt *lease, int64_t day, struct err *err) {
        int64_t begin = sqlite3_column_int64(lease, 5), end = sqlite3_column_int64(lease, 6),
                units = sqlite3_column_int64(lease, 4), busy = sqlite3_column_int64(lease, 7);
        int64_t part = overlap(begin, end, day * us_per_day, (day + 1) * us_per_day);
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "INSERT INTO day(day, uid, user, project, gpu, held_us, busy_us, leases) "
                        "VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                        "held_us = held_us + excluded.held_us, "
                        "busy_us = busy_us + excluded.busy_us, leases = leases + excluded.leases",
                        "iisssiii", day, sqlite3_column_int64(lease, 0), text_at(lease, 1),
                        text_at(lease, 2), text_at(lease, 3), weighted(part, units),
                        weighted(share(busy, part, end - begin), units),
                        (int64_t)(day == begin / us_per_day));

        return r < 0 ? r : once(h, s, err);
}

int history_compact(struct history *h, int64_t before_us, struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *old = NULL, *leases = NULL, *events = NULL;
        int r = prepare(h, &old, err,
                        "SELECT uid, user, project, gpu, units, begin_us, end_us, busy_us "
                        "FROM lease WHERE end_us < ?1",
                        "i", before_us);

        while (r == 0 && (r = step(h, old, err)) > 0) {
                int64_t last = sqlite3_column_int64(old, 6) / us_per_day;

                r = 0;
                for (int64_t day = sqlite3_column_int64(old, 5) / us_per_day;
                     day <= last && r == 0; day++)
                        r = add_to_day(h, old, day, err);
        }
        if (r == 0)
                r = prepare(h, &leases, err, "DELETE FROM lease WHERE end_us < ?1", "i", before_us);
        if (r == 0)
                r = once(h, leases, err);
        if (r == 0)
                r = prepare(h, &events, err, "DELETE FROM event WHERE at_us < ?1", "i", before_us);
        return r < 0 ? r : once(h, events, err);
}

/* --- reading -------------------------------------------------------------------------------- */

int history_leases(struct history *h, const struct history_filter *f,
                   void (*each)(void *arg, const struct lease_row *row), void *arg,
                   struct err *err) {
        _cleanup_stmt_ sqlite3_stmt *s = NULL;
        int r = prepare(h, &s, err,
                        "SELECT * FROM (SELECT user, container, project, gpu, uuid, why, uid, "
                        "units, begin_us, coalesce(end_us, 0), busy_us, id FROM lease "
                        "WHERE begin_us < ?2 AND (end_us IS NULL OR end_us >= ?1) "
                        "AND (?3 = 0 OR uid = ?4) ORDER BY begin_us DESC, id DESC LIMIT ?5) "
                        "ORDER BY 9, 12",
                        "iiiii", f->from_us, f->to_us, (int64_t)f->one, (int64_t)f->uid,
                        (int64_t)f->max);

        while (r == 0 && (r = step(h, s, err)) > 0) {
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
                r = 0;
        }
        return r;
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
        char sql[2048];
        int r;

        /* Reals, because a product of microseconds and units would not fit 64 bits for long. */
        snprintf(sql, sizeof(sql),
                 "WITH part AS ("
                 "SELECT uid, user, project, gpu, 1 AS leases, units / %d.0 AS weight, busy_us,"
                 " max(coalesce(end_us, ?5) - begin_us, 1) AS whole,"
                 " max(min(coalesce(end_us, ?5), ?2) - max(begin_us, ?1), 0) AS held"
                 " FROM lease WHERE begin_us < ?2 AND (end_us IS NULL OR end_us >= ?1) "
                 "UNION ALL "
                 "SELECT uid, user, project, gpu, leases, 1.0, busy_us, 1, held_us FROM day"
                 " WHERE day * %lld >= ?1 AND day * %lld < ?2) "
                 "SELECT %s, CAST(sum(weight * held) AS INTEGER),"
                 " CAST(sum(CASE WHEN whole = 1 THEN busy_us"
                 " ELSE weight * busy_us * held / whole END) AS INTEGER), sum(leases)"
                 " FROM part WHERE ?3 = 0 OR uid = ?4 GROUP BY 1 ORDER BY 2 DESC, 1",
                 UNITS_PER_GPU, (long long)us_per_day, (long long)us_per_day, report_words[by]);
        r = prepare(h, &s, err, sql, "iiiii", f->from_us, f->to_us, (int64_t)f->one,
                    (int64_t)f->uid, now_us);
        while (r == 0 && (r = step(h, s, err)) > 0) {
                const struct report_row row = {
                        .name = text_at(s, 0),
                        .held_us = sqlite3_column_int64(s, 1),
                        .busy_us = sqlite3_column_int64(s, 2),
                        .leases = sqlite3_column_int64(s, 3),
                };

                each(arg, &row);
                r = 0;
        }
        return r;
}
