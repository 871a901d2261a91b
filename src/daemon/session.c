/* The request loop of one connection. */
#include "daemon/session.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/call.h"
#include "http/write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        INPUT_MAX = 128 << 10,
        IDLE_TIMEOUT_S = 30, /* between requests */
        HEAD_TIMEOUT_S = 10, /* from the first byte of a head to its end */
        BODY_TIMEOUT_S = 30,
        PIECE_TIMEOUT_S = 120, /* between two pieces of an archive */
        WRITE_TIMEOUT_S = 60,
        TURN_TIMEOUT_S = 30, /* for one's other requests to end */
        STRANGER_TIMEOUT_S = 1, /* for all that a uid without an account has to say */
};

struct session {
        struct daemon *daemon;
        int fd;
        struct peer peer;
        bool admin;
        uid_t uid; /* who it counts as: the peer's, or the owner's of the container that it is in */
        struct http_request_reader reader;
        struct buf in, body;
        struct person_entry who;
        int64_t leaves_us; /* CLOCK_MONOTONIC: a stranger's time is over; 0: no stranger */
        enum budget charged; /* the request; BUDGETS: not */
};

static const char json_media[] = "application/json";

static int64_t deadline_in(int64_t seconds) {
        return clock_mono_us() + seconds * US_PER_S;
}

/* @extra: complete header lines, or NULL. */
static int send_answer(int fd, int status, const struct buf *body, const char *content_type,
                       bool close_after, const char *extra) {
        _cleanup_buf_ struct buf out = BUF_INIT(ANSWER_MAX + 4096);
        struct http_response_out head = { .status = status,
                                          .content_type = content_type,
                                          .length = (int64_t)body->len,
                                          .close = close_after,
                                          .extra = extra };
        int r = http_write_response(&out, &head);

        if (r == 0)
                r = buf_add(&out, buf_str(body), body->len);
        return r < 0 ? r : fd_write_all(fd, out.data, out.len, deadline_in(WRITE_TIMEOUT_S));
}

static void send_refusal(int fd, const struct refusal *r) {
        _cleanup_buf_ struct buf body = BUF_INIT(16384);
        struct json_writer w = JSON_WRITER(&body);

        write_error(&w, r);
        send_answer(fd, refusal_kind(r->reason)->http_status, &body, json_media, true, NULL);
}

void session_turn_away(int fd, const struct refusal *r) {
        _cleanup_buf_ struct buf body = BUF_INIT(16384), out = BUF_INIT(32768);
        struct json_writer w = JSON_WRITER(&body);
        struct http_response_out head = { .status = refusal_kind(r->reason)->http_status,
                                          .content_type = "application/json",
                                          .close = true };

        /* From the acceptor: one write that cannot block, whatever the peer does. */
        write_error(&w, r);
        head.length = (int64_t)body.len;
        if (http_write_response(&out, &head) == 0 && buf_add(&out, buf_str(&body), body.len) == 0)
                fd_write_all(fd, out.data, out.len, clock_mono_us() + 1000);
        close(fd);
}

/* A request that the reader refused: its own status, in the shape of every other refusal. */
static void answer_fault(struct session *s, enum http_fault fault) {
        _cleanup_buf_ struct buf body = BUF_INIT(4096);
        struct json_writer w = JSON_WRITER(&body);

        json_write_object(&w);
        json_write_key(&w, "error");
        json_write_object(&w);
        json_put_str(&w, "code", "http");
        json_put_str(&w, "message", http_faults[fault].text);
        json_put_str(&w, "next", "docs/API.md lists what each call takes");
        json_put_int(&w, "exit", 2);
        json_write_object_end(&w);
        json_write_object_end(&w);
        send_answer(s->fd, http_faults[fault].status, &body, json_media, true, NULL);
}

/* Reads until the reader says @wanted. 1; 0 at a clean end before a request; -1 otherwise, the
 * fault having been answered. */
static int read_until(struct session *s, enum http_event wanted) {
        int64_t deadline = deadline_in(wanted == HTTP_DONE ? BODY_TIMEOUT_S
                                       : s->in.len > 0     ? HEAD_TIMEOUT_S
                                                           : IDLE_TIMEOUT_S);

        if (s->leaves_us)
                deadline = s->leaves_us;
        for (;;) {
                enum http_event event = http_request_feed(&s->reader, &s->in, &s->body);
                bool idle = wanted == HTTP_HEAD_DONE && s->in.len == 0 && s->reader.taken == 0;
                ssize_t n;

                if (event == wanted)
                        return 1;
                if (event == HTTP_BAD) {
                        answer_fault(s, s->reader.fault);
                        return -1;
                }
                n = fd_read_some(s->fd, &s->in, 16384, deadline);
                if (n == 0 && idle)
                        return 0;
                if (n == -ETIMEDOUT && !idle)
                        answer_fault(s, HTTP_FAULT_TIMEOUT);
                if (n <= 0)
                        return -1;
                if (idle && !s->leaves_us)
                        deadline = deadline_in(HEAD_TIMEOUT_S);
        }
}

static void log_decision(struct session *s, const struct call *c, int64_t began_us) {
        char uid[16], pid[16], status[16], took[32];

        snprintf(uid, sizeof(uid), "%u", s->uid);
        snprintf(pid, sizeof(pid), "%d", s->peer.pid);
        snprintf(status, sizeof(status), "%d", c->status);
        snprintf(took, sizeof(took), "%.3f", (double)(clock_mono_us() - began_us) / 1000);
        log_line(LOG_INFO, "request", "uid", uid, "user", s->who.name[0] ? s->who.name : NULL,
                 "pid", pid, "admin", s->admin ? "yes" : NULL, "inside",
                 s->peer.inside ? s->peer.container : NULL, "method",
                 http_method_names[c->request->method], "target",
                 c->request->target, "status", status, "ms", took, "refused",
                 c->refusal.reason ? refusal_kind(c->refusal.reason)->code : NULL, "detail",
                 c->refusal.reason && c->refusal.detail[0] ? c->refusal.detail : NULL, NULL);
}

/* For whom an administrator calls; for nobody in particular: as root. */
static int identify_for(struct session *s, const char *name, struct refusal *r) {
        uid_t uid;
        int e;

        if (!s->admin) {
                refuse_detail(r, REFUSAL_CALLER_NOT_ALLOWED, NULL,
                              "only an administrator can act for others");
                str_copy(r->extra, sizeof(r->extra), "as root, without DS01_SOCKET: --user=NAME");
                return r->reason;
        }
        e = people_find(name, &uid);
        if (e == 0)
                e = people_lookup(&s->daemon->people, uid, &s->who);
        if (e == -ENOENT)
                return refuse(r, REFUSAL_NO_SUCH_PERSON, name);
        return e < 0 ? refuse_detail(r, REFUSAL_INTERNAL, NULL,
                                     "the account of '%s' can't be looked up", name) :
                       0;
}

/* A process in a container of ours is its owner's, whatever uid it has in there. */
static uid_t owner_of_place(struct session *s) {
        struct ledger *l = &s->daemon->ledger;
        uid_t uid = s->peer.uid;
        int i;

        if (!s->peer.inside)
                return uid;
        ledger_lock(l);
        i = ledger_find_id(l, s->peer.container);
        if (i >= 0)
                uid = l->records.items[i]->uid;
        ledger_unlock(l);
        return uid;
}

/* Who calls, anew for each request: an account can go, a group can change. Nonzero when refused. */
static int identify(struct session *s, const struct http_request *q, struct refusal *r) {
        struct daemon *d = s->daemon;
        const char *person = route_person(q);
        int e;

        memset(&s->who, 0, sizeof(s->who));
        if (s->admin && !peer_is_administrator(&s->peer)) {
                refuse_detail(r, REFUSAL_CALLER_NOT_ALLOWED, NULL,
                              "this socket is for root of this machine, not of a container");
                str_copy(r->extra, sizeof(r->extra), "log in on the machine itself");
                return r->reason;
        }
        if (person)
                return identify_for(s, person, r);
        s->uid = owner_of_place(s);

        if (d->private_mode && s->uid != d->own_uid) {
                str_copy(r->extra, sizeof(r->extra), "");
                return refuse_detail(r, REFUSAL_CALLER_NOT_ALLOWED, NULL,
                                     "this ds01d serves uid %u only", d->own_uid);
        }
        e = people_lookup(&d->people, s->uid, &s->who);
        if (e < 0) {
                memset(&s->who, 0, sizeof(s->who));
                return refuse_detail(
                        r, e == -ENOENT ? REFUSAL_CALLER_NOT_ALLOWED : REFUSAL_INTERNAL, NULL,
                        e == -ENOENT ? "uid %u has no account on this machine"
                                     : "the account of uid %u can't be looked up",
                        s->uid);
        }
        return 0;
}

/* Changing calls are for people: not for root or system accounts, whose containers would run as
 * them. Looking is allowed. */
static int may_change(struct session *s, const struct route *route, struct refusal *r) {
        if (route->method == HTTP_GET || (route->admin && s->admin) || s->daemon->private_mode ||
            ((int64_t)s->who.uid >= s->daemon->config.min_uid && s->who.uid != 65534))
                return 0;
        refuse_detail(r, REFUSAL_CALLER_NOT_ALLOWED, NULL,
                      "'%s' (uid %u) is a system account; containers belong to people", s->who.name,
                      s->who.uid);
        str_copy(r->extra, sizeof(r->extra),
                 s->admin ? "say for whom: --user=NAME" : "log in as yourself, or: su - USER");
        return r->reason;
}

static void go_on(struct session *s) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

        if (s->reader.head.expect_continue)
                fd_write_all(s->fd, text, sizeof(text) - 1, deadline_in(WRITE_TIMEOUT_S));
        s->reader.head.expect_continue = false;
}

int call_read_body(struct call *c, struct buf *ret) {
        struct session *s = c->session;
        size_t before = ret->len;

        go_on(s);
        for (;;) {
                enum http_event event = http_request_feed(&s->reader, &s->in, ret);
                ssize_t n;

                if (event == HTTP_DONE)
                        return 0;
                if (event == HTTP_FULL || ret->len > before)
                        return 1;
                if (event != HTTP_MORE)
                        return -EPROTO;
                n = fd_read_some(s->fd, &s->in, 65536, deadline_in(PIECE_TIMEOUT_S));
                if (n <= 0)
                        return n == -ETIMEDOUT ? -ETIMEDOUT : -ECONNRESET;
        }
}

/* What the body must be said to be. */
static bool media_fits(const struct route *route, const struct call *c) {
        if (route->tar)
                return c->request->media == HTTP_MEDIA_TAR;
        return c->body->len == 0 || c->request->media == HTTP_MEDIA_JSON;
}

/* A person's requests are carried out so many at a time, the others wait for their turn, and who
 * sends them very fast is slowed down: all of that in threads of that person's own. */
static int charge(struct session *s, enum budget what, struct refusal *r) {
        int64_t ahead = budget_pace(&s->daemon->budgets, s->uid, clock_mono_us());

        if (ahead > 0)
                clock_nanosleep(CLOCK_MONOTONIC, 0,
                                &(struct timespec){ ahead / US_PER_S, ahead % US_PER_S * 1000 },
                                NULL);
        if (budget_take(&s->daemon->budgets, what, s->uid,
                        what == BUDGET_REQUESTS ? deadline_in(TURN_TIMEOUT_S) : 0, r))
                return r->reason;
        s->charged = what;
        return 0;
}

static void discharge(struct session *s) {
        if (s->charged != BUDGETS)
                budget_give(&s->daemon->budgets, s->charged, s->uid);
        s->charged = BUDGETS;
}

int call_lasts(struct call *c) {
        struct session *s = c->session;

        discharge(s);
        if (charge(s, BUDGET_STREAMS, &c->refusal) == 0)
                return 0;
        call_refuse(c, &c->refusal);
        return -1;
}

/* What somebody wanted to have changed and did not get. */
static void note_refusal(struct session *s, const struct call *c) {
        _cleanup_buf_ struct buf text = BUF_INIT(4096);
        struct event *e;

        if (!c->refusal.reason || c->request->method == HTTP_GET || !s->who.name[0])
                return;
        e = event_new(EVENT_REFUSAL, clock_real_us(), 0);
        if (e) {
                e->uid = s->uid;
                str_copy(e->user, sizeof(e->user), s->who.name);
                str_printable(e->container, sizeof(e->container), c->name ? c->name : "");
                str_copy(e->code, sizeof(e->code), refusal_kind(c->refusal.reason)->code);
                refusal_message(&c->refusal, &text);
                str_copy(e->why, sizeof(e->why), buf_str(&text));
        }
        journal_add(&s->daemon->journal, e);
}

static void dispatch(struct session *s, struct call *c, const struct route *route) {
        if (!route || identify(s, c->request, &c->refusal) ||
            may_change(s, route, &c->refusal)) {
                call_refuse(c, &c->refusal);
                return;
        }
        if (!media_fits(route, c)) {
                call_fail(c, REFUSAL_BAD_REQUEST, "a body is %s here",
                          route->tar ? "application/x-tar" : "application/json");
                return;
        }
        if (charge(s, route->lasts ? BUDGET_STREAMS : BUDGET_REQUESTS, &c->refusal)) {
                call_refuse(c, &c->refusal);
                return;
        }
        route->handler(c);
        if (c->answer.failed && !c->streamed) {
                buf_reset(&c->answer);
                call_fail(c, REFUSAL_INTERNAL, "no memory for the answer");
        }
}

/* The answer, and with it what its person is to be told. */
static int answer(struct session *s, const struct call *c) {
        char notice[NOTICE_SIZE], line[NOTICE_SIZE + 32];
        const char *extra = NULL;

        if (c->request->takes_notice && s->who.name[0] && !s->admin &&
            notices_take(&s->daemon->notices, s->uid, notice)) {
                snprintf(line, sizeof(line), "Ds01-Notice: %s\r\n", notice);
                extra = line;
        }
        return send_answer(s->fd, c->status, &c->answer,
                           c->content_type ? c->content_type : json_media,
                           s->reader.head.close, extra);
}

/* One request. Returns 1 to go on with the connection. */
static int serve_one(struct session *s) {
        struct call c = { .daemon = s->daemon,
                          .who = &s->who,
                          .request = &s->reader.head,
                          .body = &s->body,
                          .fd = s->fd,
                          .early = &s->in,
                          .session = s,
                          .admin = s->admin,
                          .status = 200,
                          .answer = BUF_INIT(ANSWER_MAX) };
        const struct route *route;
        int64_t began;
        size_t n;
        int r = read_until(s, HTTP_HEAD_DONE);

        if (r <= 0)
                return r;
        buf_reset(&s->body);
        route = route_find(c.request, &c.name, &c.refusal);
        if (route && route->tar) {
                http_request_stream_body(&s->reader);
                s->reader.head.close = true; /* it may not be read to its end */
        } else {
                go_on(s);
                if (read_until(s, HTTP_DONE) <= 0)
                        return -1;
        }
        began = clock_mono_us();
        c.everybody = c.admin && !route_person(c.request);
        dispatch(s, &c, route);
        r = c.streamed ? -1 : answer(s, &c);
        /* Only now: an answer that nobody reads is held by ds01d. */
        discharge(s);
        log_decision(s, &c, began);
        metrics_count(&s->daemon->metrics, route ? (int)(route - route_table(&n)) : -1, c.status,
                      c.streamed ? -1 : clock_mono_us() - began);
        note_refusal(s, &c);
        buf_release(&c.answer);
        return r == 0 && !s->reader.head.close;
}

void session_run(struct daemon *d, int fd, const struct peer *peer, bool admin) {
        struct session *s = calloc(1, sizeof(*s));

        if (!s) {
                struct refusal r;

                refuse_detail(&r, REFUSAL_INTERNAL, NULL, "no memory");
                send_refusal(fd, &r);
                close(fd);
                return;
        }
        *s = (struct session){ .daemon = d,
                               .fd = fd,
                               .peer = *peer,
                               .admin = admin,
                               .uid = peer->uid,
                               .in = BUF_INIT(INPUT_MAX),
                               .body = BUF_INIT(BODY_MAX),
                               .charged = BUDGETS };
        http_request_init(&s->reader);
        /* Of uids without an account somebody can have thousands (subuid(5)). */
        if (people_lookup(&d->people, s->uid, &s->who) == -ENOENT)
                s->leaves_us = deadline_in(STRANGER_TIMEOUT_S);
        while (!d->stopping && serve_one(s) > 0)
                ;
        buf_release(&s->in);
        buf_release(&s->body);
        close(fd);
        free(s);
}
