/* See reserve.h. */
#include "daemon/reserve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "core/reserve.h"
#include "daemon/call.h"
#include "json/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE_MAX_SIZE = RESERVATION_USERS_SIZE + 128 };

/* How long before its start people hear of it. */
static const int64_t announced_us[] = { 3600 * US_PER_S, 300 * US_PER_S };

/* --- the file ------------------------------------------------------------------------------- */

struct kept {
        char **lines; /* "ID GPUS START END USER..." */
};

static const struct json_field fields[] = {
        JSON_FIELD_STRV("reservations", struct kept, lines, RESERVATIONS_MAX, LINE_MAX_SIZE,
                        .required = true),
};

int reserve_write(const struct own_reservation *list, size_t n, struct buf *out) {
        struct json_writer w = JSON_WRITER(out);

        json_write_object(&w);
        json_write_key(&w, "reservations");
        json_write_array(&w);
        for (size_t i = 0; i < n; i++) {
                char line[LINE_MAX_SIZE];

                snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %s",
                         list[i].id, list[i].r.gpus, list[i].r.start_us, list[i].r.end_us,
                         list[i].r.users);
                json_write_str(&w, line);
        }
        json_write_array_end(&w);
        json_write_object_end(&w);
        buf_addc(out, '\n');
        return out->failed ? -ENOBUFS : 0;
}

static bool read_line(char *line, struct own_reservation *ret) {
        int64_t *const numbers[] = { &ret->id, &ret->r.gpus, &ret->r.start_us, &ret->r.end_us };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                char *word = strsep(&line, " ");

                if (!word || str_to_i64(word, 1, INT64_MAX / 8, numbers[i]) < 0)
                        return false;
        }
        return line && *line && str_copy(ret->r.users, sizeof(ret->r.users), line);
}

int reserve_read(const char *text, size_t n, struct own_reservation *ret, size_t *ret_n) {
        struct kept kept = { 0 };
        bool good = true;
        size_t i;

        if (json_decode(text, n, fields, ARRAY_SIZE(fields), &kept, NULL) < 0)
                return -EBADMSG;
        for (i = 0; good && kept.lines[i]; i++) {
                ret[i] = (struct own_reservation){ 0 };
                good = read_line(kept.lines[i], &ret[i]);
        }
        json_release(fields, ARRAY_SIZE(fields), &kept);
        if (good)
                *ret_n = i;
        return good ? 0 : -EBADMSG;
}

static void file_path(const struct daemon *d, char *dst, size_t size) {
        snprintf(dst, size, "%s/reservations", d->config.state_dir);
}

/* 0 or -errno. Its lock is held. */
static int save(struct daemon *d) {
        _cleanup_buf_ struct buf text = BUF_INIT(RESERVE_FILE_MAX);
        char path[PATH_MAX];
        int r = reserve_write(d->reserve.own, d->reserve.n, &text);

        file_path(d, path, sizeof(path));
        return r < 0 ? r : file_write_atomic(path, 0600, buf_str(&text), text.len);
}

static void put_aside(const char *path) {
        char aside[PATH_MAX + 16];

        snprintf(aside, sizeof(aside), "%s.damaged", path);
        rename(path, aside);
}

void reserve_start(struct daemon *d) {
        _cleanup_buf_ struct buf text = BUF_INIT(RESERVE_FILE_MAX);
        char path[PATH_MAX];
        int r;

        pthread_mutex_init(&d->reserve.lock, NULL);
        file_path(d, path, sizeof(path));
        r = file_read(path, &text);
        if (r == 0)
                r = reserve_read(buf_str(&text), text.len, d->reserve.own, &d->reserve.n);
        if (r < 0 && r != -ENOENT) {
                log_line(LOG_ERROR, "reservations-damaged", "path", path, "error", strerror(-r),
                         NULL);
                put_aside(path); /* the next change would write over it */
        }
        for (size_t i = 0; i < d->reserve.n; i++)
                if (d->reserve.own[i].id > d->reserve.last_id)
                        d->reserve.last_id = d->reserve.own[i].id;
        reserve_tend(d);
}

/* --- the current list ----------------------------------------------------------------------- */

void reserve_occurrence(struct reservation *r, int64_t wall_us) {
        time_t now = (time_t)(wall_us / US_PER_S);
        struct tm today;

        if (!localtime_r(&now, &today))
                return;
        for (int day = -1; day <= 7; day++) {
                struct tm start = { .tm_year = today.tm_year, .tm_mon = today.tm_mon,
                                    .tm_mday = today.tm_mday + day, .tm_min = (int)r->from_min,
                                    .tm_isdst = -1 };
                struct tm end = start, noon = start;

                end.tm_mday += r->to_min <= r->from_min;
                end.tm_min = (int)r->to_min;
                noon.tm_min = 12 * 60;
                mktime(&noon); /* which day of the week that is */
                if (!(r->days & (1u << noon.tm_wday)))
                        continue;
                r->start_us = mktime(&start) * US_PER_S;
                r->end_us = mktime(&end) * US_PER_S;
                if (r->end_us > wall_us)
                        return;
        }
}

static void put_time(struct json_writer *w, const char *key, int64_t us) {
        char text[32];

        time_format(us, text, sizeof(text));
        json_put_str(w, key, text);
}

/* What is over is forgotten. */
static size_t collect(struct daemon *d, struct own_reservation *ret, int64_t wall_us) {
        size_t n = 0, kept = 0;

        pthread_rwlock_rdlock(&d->limits_lock);
        for (size_t i = 0; i < d->limits.nreservations && n < RESERVATIONS_MAX; i++) {
                ret[n] = (struct own_reservation){ .r = d->limits.reservations[i] };
                if (ret[n].r.days)
                        reserve_occurrence(&ret[n].r, wall_us);
                n += ret[n].r.end_us > wall_us;
        }
        pthread_rwlock_unlock(&d->limits_lock);
        pthread_mutex_lock(&d->reserve.lock);
        for (size_t i = 0; i < d->reserve.n; i++) {
                if (d->reserve.own[i].r.end_us <= wall_us)
                        continue;
                if (n < RESERVATIONS_MAX)
                        ret[n++] = d->reserve.own[i];
                d->reserve.own[kept++] = d->reserve.own[i];
        }
        d->reserve.n = kept;
        pthread_mutex_unlock(&d->reserve.lock);
        return n;
}

/* For the site's command, as expiry.c has them. */
static void post(struct daemon *d, const struct record *r, const struct reservation *v,
                 const char *text) {
        _cleanup_buf_ struct buf out = BUF_INIT(8192);
        struct json_writer w = JSON_WRITER(&out);
        char *json;

        json_write_object(&w);
        json_put_str(&w, "event", "reservation");
        json_put_str(&w, "user", r->user);
        json_put_int(&w, "uid", r->uid);
        json_put_str(&w, "container", r->name);
        json_put_int(&w, "gpus", v->gpus);
        put_time(&w, "start", v->start_us);
        put_time(&w, "end", v->end_us);
        json_put_str(&w, "message", text);
        json_write_object_end(&w);
        json = out.failed ? NULL : strdup(buf_str(&out));
        if (json)
                notices_post(&d->notices, json);
}

static void announce(struct daemon *d, const struct record *r, const struct reservation *v) {
        struct event *e = journal_event(&d->ledger, r, EVENT_WARNING, clock_real_us());
        char text[NOTICE_SIZE], from[16] = "?", to[16] = "?";
        time_t start = (time_t)(v->start_us / US_PER_S), end = (time_t)(v->end_us / US_PER_S);
        struct tm tm;

        if (localtime_r(&start, &tm))
                (void)strftime(from, sizeof(from), "%H:%M", &tm);
        if (localtime_r(&end, &tm))
                (void)strftime(to, sizeof(to), "%H:%M", &tm);
        snprintf(text, sizeof(text),
                 "from %s to %s %" PRId64 " GPU%s reserved for others and too few are free; "
                 "'%s' keeps what it has, but please stop it if you can: container-stop %s",
                 from, to, v->gpus, v->gpus == 1 ? " is" : "s are", r->name, r->name);
        terminals_say(&d->terminals, r->id, text);
        notices_add(&d->notices, r->uid, text);
        post(d, r, v, text);
        if (e)
                str_copy(e->why, sizeof(e->why), text);
        journal_add(&d->journal, e);
        log_line(LOG_INFO, "reservation-announced", "user", r->user, "container", r->name, NULL);
}

/* Tells all who hold GPUs and are not meant, where too few are free. The ledger's lock is held. */
static void tell_holders(struct daemon *d, const struct reservation *v, int64_t wall_us) {
        struct ledger *l = &d->ledger;
        uint8_t mask[GPU_DEVICES_MAX] = { 0 };
        struct limits none = { 0 };
        struct snapshot s;
        int64_t kept = 0;

        ledger_snapshot(l, &none, (uid_t)-1, &s);
        reservation_withhold(&s, v, 1, "", wall_us, RESERVATION_AHEAD_US, mask);
        for (size_t i = 0; i < GPU_DEVICES_MAX; i++)
                kept += mask[i] != 0;
        if (kept >= reservation_missing(&s, v))
                return;
        for (size_t i = 0; i < l->records.len; i++) {
                const struct claim *c = &l->claims.items[i];

                if (c->ndevices > 0 && claim_holds(c, s.now_us) && !reservation_is_for(v, c->user))
                        announce(d, l->records.items[i], v);
        }
}

/* How many of the announcements are due. */
static unsigned due(const struct reservation *r, int64_t wall_us) {
        unsigned n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(announced_us); i++)
                n += wall_us >= r->start_us - announced_us[i] && wall_us < r->start_us;
        return n;
}

void reserve_tend(struct daemon *d) {
        _cleanup_free_ struct own_reservation *list = calloc(RESERVATIONS_MAX, sizeof(*list));
        struct ledger *l = &d->ledger;
        int64_t wall = clock_real_us();
        size_t n;

        if (!list)
                return;
        n = collect(d, list, wall);
        ledger_lock(l);
        for (size_t i = 0; i < n; i++) {
                unsigned said = due(&list[i].r, wall);

                /* What was said of the same one before. A start of ds01d says it once more. */
                for (size_t k = 0; k < l->nreservations; k++)
                        if (l->reservations[k].id == list[i].id &&
                            l->reservations[k].r.start_us == list[i].r.start_us &&
                            str_equal(l->reservations[k].r.users, list[i].r.users))
                                list[i].announced = l->reservations[k].announced;
                if (said > list[i].announced && d->ready) {
                        tell_holders(d, &list[i].r, wall);
                        list[i].announced = said;
                }
        }
        memcpy(l->reservations, list, n * sizeof(*list));
        l->nreservations = n;
        ledger_unlock(l);
}

/* --- calls ---------------------------------------------------------------------------------- */

void handle_reservation_list(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        int64_t now = clock_real_us();

        json_write_array(&w);
        ledger_lock(l);
        for (size_t i = 0; i < l->nreservations; i++) {
                const struct own_reservation *o = &l->reservations[i];

                json_write_object(&w);
                json_write_key(&w, "id");
                if (o->id)
                        json_write_int(&w, o->id);
                else
                        json_write_null(&w);
                json_put_int(&w, "gpus", o->r.gpus);
                json_put_str(&w, "users", o->r.users);
                put_time(&w, "start", o->r.start_us);
                put_time(&w, "end", o->r.end_us);
                json_put_bool(&w, "weekly", o->r.days != 0);
                json_put_bool(&w, "active", now >= o->r.start_us && now < o->r.end_us);
                json_write_object_end(&w);
        }
        ledger_unlock(l);
        json_write_array_end(&w);
}

struct wish {
        int64_t gpus;
        char start[40], end[40];
        char **users;
};

static const struct json_field wish_fields[] = {
        JSON_FIELD_INT("gpus", struct wish, gpus, 1, GPU_DEVICES_MAX, .required = true),
        JSON_FIELD_STR("start", struct wish, start, .required = true),
        JSON_FIELD_STR("end", struct wish, end, .required = true),
        JSON_FIELD_STRV("users", struct wish, users, 32, 32, .required = true),
};
const struct request_body wish_body = REQUEST_BODY(wish_fields, struct wish);

static bool may_reserve(struct call *c) {
        if (call_is_admin(c, "only an administrator can reserve GPUs",
                          "ask yours; sudo ds01 reserve ..."))
                return true;
        call_refuse(c, &c->refusal);
        return false;
}

/* How many whole GPUs there are. */
static int64_t count_gpus(struct daemon *d) {
        struct ledger *l = &d->ledger;
        int64_t n = 0;

        ledger_lock(l);
        for (size_t i = 0; i < l->inventory.ndevices; i++)
                n += l->inventory.devices[i].instance < 0;
        ledger_unlock(l);
        return n;
}

/* The wish as a reservation; nonzero when refused. */
static int judge(struct daemon *d, const struct wish *wish, struct reservation *ret,
                 struct refusal *refusal) {
        struct reservation r = { .gpus = wish->gpus };
        int64_t there = count_gpus(d);
        size_t used = 0;

        if (there > 0 && wish->gpus > there)
                return refuse_detail(refusal, REFUSAL_ARGUMENT_INVALID, NULL,
                                     "%" PRId64 " GPUs can't be reserved: there are %" PRId64
                                     " whole ones",
                                     wish->gpus, there);

        if (time_parse(wish->start, &r.start_us) < 0 || time_parse(wish->end, &r.end_us) < 0 ||
            r.end_us <= r.start_us || r.end_us <= clock_real_us())
                return refuse_detail(refusal, REFUSAL_ARGUMENT_INVALID, NULL,
                                     "a reservation ends after its start, and not in the past");
        for (size_t i = 0; wish->users && wish->users[i]; i++) {
                uid_t uid;

                if (people_find(wish->users[i], &uid) < 0)
                        return refuse(refusal, REFUSAL_NO_SUCH_PERSON, wish->users[i]);
                used += (size_t)snprintf(r.users + used, sizeof(r.users) - used, "%s%s",
                                         used ? " " : "", wish->users[i]);
                if (used >= sizeof(r.users))
                        break;
        }
        if (used == 0 || used >= sizeof(r.users))
                return refuse_detail(refusal, REFUSAL_ARGUMENT_INVALID, NULL,
                                     used ? "that many people do not fit into one reservation"
                                          : "a reservation needs somebody whom it is for");
        *ret = r;
        return 0;
}

/* "more than there are", when @r and what is reserved already is so; else "". The list has @r. */
static void warn_of_too_many(struct daemon *d, int64_t id, const struct reservation *r, char *dst,
                             size_t size) {
        const struct reservation *others[RESERVATIONS_MAX];
        int64_t there = count_gpus(d), most, at;
        struct ledger *l = &d->ledger;
        char when[32];
        size_t n = 0;

        ledger_lock(l);
        for (size_t i = 0; i < l->nreservations; i++)
                if (l->reservations[i].id != id)
                        others[n++] = &l->reservations[i].r;
        at = reservation_peak(others, n, r, &most);
        ledger_unlock(l);
        time_format(at, when, sizeof(when));
        dst[0] = '\0';
        if (most > there)
                snprintf(dst, size,
                         "from %s on %" PRId64 " GPUs are reserved and there are %" PRId64
                         "; the first in the list come first",
                         when, most, there);
}

/* Answers {"id", "notes"}; a list that can't be written is as before. */
static void change(struct call *c, const struct reservation *add, int64_t remove) {
        struct reserve *v = &c->daemon->reserve;
        struct own_reservation *old = calloc(RESERVATIONS_MAX, sizeof(*old));
        struct json_writer w = JSON_WRITER(&c->answer);
        int64_t id = remove;
        int e;
        size_t n, i, fixed;

        if (!old) {
                call_fail(c, REFUSAL_INTERNAL, "no memory");
                return;
        }
        pthread_rwlock_rdlock(&c->daemon->limits_lock);
        fixed = c->daemon->limits.nreservations;
        pthread_rwlock_unlock(&c->daemon->limits_lock);
        pthread_mutex_lock(&v->lock);
        n = v->n;
        memcpy(old, v->own, n * sizeof(*old));
        if (add && fixed + n >= RESERVATIONS_MAX) {
                e = -E2BIG;
        } else if (add) {
                id = ++v->last_id;
                v->own[v->n++] = (struct own_reservation){ .id = id, .r = *add };
                e = save(c->daemon);
        } else {
                for (i = 0; i < n && v->own[i].id != remove; i++)
                        ;
                e = -ENOENT;
                if (i < n) {
                        memmove(v->own + i, v->own + i + 1, (n - i - 1) * sizeof(*old));
                        v->n--;
                        e = save(c->daemon);
                }
        }
        if (e < 0) {
                memcpy(v->own, old, n * sizeof(*old));
                v->n = n;
        }
        pthread_mutex_unlock(&v->lock);
        free(old);
        if (e == -ENOENT) {
                refuse(&c->refusal, REFUSAL_NO_SUCH_RESERVATION, c->name);
                call_refuse(c, &c->refusal);
        } else if (e == -E2BIG) {
                refuse_detail(&c->refusal, REFUSAL_ARGUMENT_INVALID, NULL,
                              "there are %d reservations already, and no more fit",
                              RESERVATIONS_MAX);
                str_copy(c->refusal.extra, sizeof(c->refusal.extra),
                         "ds01 reserve lists them, --cancel=ID ends one");
                call_refuse(c, &c->refusal);
        } else if (e < 0) {
                call_fail(c, REFUSAL_INTERNAL, "the reservation can't be kept: %s", strerror(-e));
        } else {
                char note[160] = "";

                reserve_tend(c->daemon); /* in force at once */
                if (add)
                        warn_of_too_many(c->daemon, id, add, note, sizeof(note));
                json_write_object(&w);
                json_put_int(&w, "id", id);
                json_write_key(&w, "notes");
                json_write_array(&w);
                if (note[0])
                        json_write_str(&w, note);
                json_write_array_end(&w);
                json_write_object_end(&w);
        }
}

void handle_reservation_create(struct call *c) {
        struct wish wish = { 0 };
        struct reservation r;

        if (!may_reserve(c) || call_decode(c, wish_fields, ARRAY_SIZE(wish_fields), &wish) < 0)
                return;
        if (judge(c->daemon, &wish, &r, &c->refusal))
                call_refuse(c, &c->refusal);
        else
                change(c, &r, 0);
        json_release(wish_fields, ARRAY_SIZE(wish_fields), &wish);
}

void handle_reservation_remove(struct call *c) {
        int64_t id;

        if (!may_reserve(c))
                return;
        if (str_to_i64(c->name, 1, INT64_MAX, &id) < 0)
                id = 0; /* there is none of that number */
        change(c, NULL, id);
}
