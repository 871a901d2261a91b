/*
 * One request on its way through the daemon: who calls, what was asked, and the answer that grows.
 * A handler reads the first part and fills the second; it sends nothing itself, except those
 * that stream (pull, build, exec), which say so by `streamed`.
 */
#pragma once

#include "daemon/daemon.h"
#include "http/request.h"
#include "json/json.h"

enum {
        ANSWER_MAX = 16 << 20, /* a list of many containers */
        BODY_MAX = 64 << 10,   /* every request body of the API */
};

struct call {
        struct daemon *daemon;
        const struct person_entry *who;
        const struct http_request *request;
        const struct buf *body;
        const char *name;  /* the NAME of the path, as typed; NULL when the route has none */
        int fd;            /* the connection, for handlers that stream */
        struct buf *early; /* bytes that came behind the request (exec) */
        struct session *session; /* where a body comes from that is taken piece by piece (build) */

        bool admin;     /* by an administrator, for @who, */
        bool everybody; /* or for nobody in particular: who then is root */

        int status;
        struct buf answer; /* JSON, or of @content_type */
        const char *content_type; /* NULL: application/json */
        bool streamed;     /* the handler has answered by itself and the connection is used up */
        struct refusal refusal;
};

/* The bodies that are taken, for the fuzzer: each beside its handler. */
struct request_body {
        const struct json_field *fields;
        size_t n, size; /* of the struct that they fill */
};
#define REQUEST_BODY(rows, type) { (rows), ARRAY_SIZE(rows), sizeof(type) }
extern const struct request_body create_body, exec_body, stop_body, start_body,
        extend_body, pull_body, protect_body, wish_body;

typedef void call_handler(struct call *c);

struct route {
        enum http_method method;
        const char *pattern; /* "v1/containers/NAME/start": NAME stands for any one segment */
        call_handler *handler;
        const char *const *params; /* allowed query keys, NULL-terminated; NULL = none */
        bool body;                 /* takes a body: JSON (which may be left out), or */
        bool admin;                /* for administrators only, who need not say for whom */
        bool tar;                  /* an archive, which the handler reads with call_read_body() */
        bool lasts;                /* goes on for as long as the caller likes: BUDGET_STREAMS */
};

/* The route of a request, or NULL with @r filled (no such route, method not allowed). *@ret_name is
 * the path's NAME. */
const struct route *route_find(const struct http_request *q, const char **ret_name,
                               struct refusal *r);
/* The parameter of all routes by which an administrator says for whom: its value, or NULL. */
const char *route_person(const struct http_request *q);
/* The whole table, for tests and the documentation check. */
const struct route *route_table(size_t *ret_n);

/* Answers with @r: its HTTP status and the error object. */
void call_refuse(struct call *c, const struct refusal *r);
/* The same with words: for failures that are not the caller's. */
void call_fail(struct call *c, enum refusal_reason reason, const char *fmt, ...) _printf_(3, 4);
/* True for an administrator, and for whom a private ds01d serves. Else refused, not yet answered:
 * @what only they can do, and what to do @next. */
bool call_is_admin(struct call *c, const char *what, const char *next);
/* Answers an engine's failure: unreachable, uncertain or refused. */
void call_engine_error(struct call *c, const struct engine_error *e);
void refusal_from_engine(struct refusal *r, const struct engine_error *e);

/* Writes the error object of @r. */
void write_error(struct json_writer *w, const struct refusal *r);

/* "?all=true": 0 with *@ret, or refused (the answer is set, -1) when neither true nor false. */
int call_flag(struct call *c, const char *key, bool *ret);
/* Decodes the body; -1 when refused (the answer is set). */
int call_decode(struct call *c, const struct json_field *fields, size_t n, void *out);
/* Adds what comes next of an archive to @ret: 1 (more may follow), 0 (it is complete), -ETIMEDOUT
 * when nothing came for a while, -ECONNRESET when the caller has gone, -EPROTO. (session.c) */
int call_read_body(struct call *c, struct buf *ret);
/* What was charged as a request goes on for long now (a wait). 0, or refused (the answer is set,
 * -1). (session.c) */
int call_lasts(struct call *c);
/* The name in the path, checked and lower-cased; -1 when refused. */
int call_name(struct call *c, char ret[NAME_MAX_LEN + 1]);

/* Handlers, one file a group. */
call_handler handle_version, handle_site, handle_limits, handle_gpus; /* machine.c */
call_handler handle_bin_list; /* bin.c */
call_handler handle_container_packages; /* packages.c */
call_handler handle_container_protect; /* remove.c */
call_handler handle_queue; /* queue.c */
call_handler handle_fsck;  /* fsck.c */
call_handler handle_reservation_list, handle_reservation_create,
        handle_reservation_remove; /* reserve.c */
call_handler handle_history, handle_report; /* reports.c */
call_handler handle_metrics; /* metrics.c */
call_handler handle_container_list, handle_container_get; /* containers.c */
call_handler handle_container_create;                     /* create.c */
call_handler handle_container_start, handle_container_stop, handle_container_pause,
        handle_container_unpause, handle_container_extend; /* lifecycle.c */
call_handler handle_container_remove; /* remove.c */
call_handler handle_container_exec;   /* exec.c */
call_handler handle_stats;            /* stats.c */
call_handler handle_image_pull;       /* pull.c */
call_handler handle_image_build;      /* build.c */
call_handler handle_image_list, handle_image_remove; /* images.c */
