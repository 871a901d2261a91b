/*
 * Attaching: a shell or a command in a running container. The daemon makes the exec, answers 101,
 * and from then on carries bytes between two sockets with one poll() loop. The caller's frames are
 * docs/API.md's; towards the engine the stream is Docker's.
 */
#include "daemon/operation.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/cgroup.h"
#include "daemon/identity.h"
#include "http/frame.h"
#include "http/write.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
        FRAME_RESIZE = 3,
        FRAME_EXIT = 4,
        FRAME_ERROR = 5,
        COMMAND_MAX = 512,
        READ_SIZE = 32 << 10,
        QUEUE_FULL = 128 << 10, /* above this a direction is not read any further */
        BUFFER_MAX = 512 << 10, /* QUEUE_FULL and what one read can add, with room */
        WRITE_STALL_S = 60,
        EXIT_WAIT_MS = 1000, /* for the exit code after the end of the output */
};

struct exec_request {
        bool tty;
        int64_t rows, columns;
        char term[64];
        char **command;
};

static const struct json_field exec_fields[] = {
        JSON_FIELD_BOOL("tty", struct exec_request, tty),
        JSON_FIELD_INT("rows", struct exec_request, rows, 0, 10000),
        JSON_FIELD_INT("columns", struct exec_request, columns, 0, 10000),
        JSON_FIELD_STR("term", struct exec_request, term),
        JSON_FIELD_STRV("command", struct exec_request, command, COMMAND_MAX, 32768),
};
const struct request_body exec_body = REQUEST_BODY(exec_fields, struct exec_request);

struct attachment {
        struct call *call;
        struct exec_request request;
        char container[ENGINE_ID_SIZE], exec[ENGINE_ID_SIZE];
        int caller, engine;
        struct http_frame_reader caller_frames, engine_frames;
        struct buf *from_caller;
        struct buf from_engine, to_engine, to_caller;
        bool input_complete; /* the caller has sent the end of its input */
        bool input_ended;    /* and it was passed on, or nobody reads there any more */
        bool output_ended;   /* the engine closed */
        bool caller_gone;
        int new_rows, new_columns; /* of the terminal, which the engine is to be told; 0: no */
        struct terminal terminal; /* among all that are attached */
};

/* The id of the container, if it runs. Attaching does not keep the record: stopping it must stay
 * possible. */
static int find_running(struct call *c, char id[ENGINE_ID_SIZE]) {
        struct ledger *l = &c->daemon->ledger;
        char name[NAME_MAX_LEN + 1];
        int i;

        if (!call_ready(c) || call_name(c, name) < 0)
                return -1;
        ledger_lock(l);
        i = ledger_find(l, c->who->uid, name);
        if (i < 0)
                refuse(&c->refusal, REFUSAL_NO_SUCH_CONTAINER, name);
        else if (l->records.items[i]->state == CONTAINER_PAUSED)
                refuse(&c->refusal, REFUSAL_IS_PAUSED, name);
        else if (l->records.items[i]->state != CONTAINER_RUNNING)
                refuse_detail(&c->refusal, REFUSAL_NOT_RUNNING, name, "%s",
                              container_state_word(l->records.items[i]->state));
        else
                str_copy(id, ENGINE_ID_SIZE, l->records.items[i]->id);
        ledger_unlock(l);
        if (c->refusal.reason) {
                call_refuse(c, &c->refusal);
                return -1;
        }
        return 0;
}

static int make_exec(struct attachment *a, struct engine_error *error) {
        const struct person_entry *who = a->call->who;
        const char *command[COMMAND_MAX + 4];
        char user[32], term[80];
        const char *env[] = { term, NULL };
        struct engine_exec_spec spec = { .user = user,
                                         .working_dir = "/workspace",
                                         .command = command,
                                         .env = env,
                                         .tty = a->request.tty,
                                         .rows = (int)a->request.rows,
                                         .columns = (int)a->request.columns };
        size_t n = 0;

        snprintf(user, sizeof(user), "%u:%u", who->uid, who->gid);
        snprintf(term, sizeof(term), "TERM=%s", a->request.term[0] ? a->request.term : "dumb");
        command[n++] = "/.ds01/ds01-init";
        command[n++] = "shell";
        if (a->request.command && a->request.command[0]) {
                command[n++] = "--";
                for (size_t i = 0; a->request.command[i]; i++)
                        command[n++] = a->request.command[i];
        }
        command[n] = NULL;
        return engine_exec_create(a->call->daemon->engine, a->container, &spec, a->exec, error);
}

static int64_t stall_deadline(void) {
        return clock_mono_us() + WRITE_STALL_S * US_PER_S;
}

/* A frame for the caller; it is sent when the socket takes it. */
static void queue_frame(struct attachment *a, uint8_t type, const char *bytes, size_t n) {
        if (http_frame_write(&a->to_caller, type, bytes, n) < 0)
                a->caller_gone = true;
}

static void queue_output(struct attachment *a, uint8_t type, const char *bytes, size_t n) {
        while (n > 0) {
                size_t part = n < HTTP_FRAME_MAX ? n : HTTP_FRAME_MAX;

                queue_frame(a, type, bytes, part);
                bytes += part;
                n -= part;
        }
}

static void take_caller_frame(struct attachment *a, const struct http_frame *f) {
        if (f->type == HTTP_FRAME_STDIN && f->n == 0) {
                a->input_complete = true;
        } else if (f->type == HTTP_FRAME_STDIN && !a->input_ended && !a->input_complete) {
                if (buf_add(&a->to_engine, f->bytes, f->n) < 0)
                        a->caller_gone = true;
                terminals_typed(&a->call->daemon->terminals, &a->terminal);
        } else if (f->type == FRAME_RESIZE && f->n == 4 && a->request.tty) {
                const unsigned char *p = (const unsigned char *)f->bytes;

                a->new_rows = p[0] << 8 | p[1];
                a->new_columns = p[2] << 8 | p[3];
        }
}

/* Of many sizes at once the last is as good as all of them. */
static void pass_size_on(struct attachment *a) {
        struct engine_error ignored;

        if (a->new_rows > 0 && a->new_columns > 0)
                engine_exec_resize(a->call->daemon->engine, a->exec, a->new_rows, a->new_columns,
                                   &ignored);
        a->new_rows = a->new_columns = 0;
}

static void take_from_caller(struct attachment *a) {
        struct http_frame frame;
        size_t used = 0;
        int r;

        while ((r = http_frame_next(&a->caller_frames, buf_str(a->from_caller), a->from_caller->len,
                                    &used, &frame)) > 0)
                take_caller_frame(a, &frame);
        pass_size_on(a);
        buf_consume(a->from_caller, used);
        if (r < 0)
                a->caller_gone = true;
}

static void take_from_engine(struct attachment *a) {
        struct http_frame frame;
        size_t used = 0;
        int r;

        if (a->request.tty) {
                queue_output(a, HTTP_FRAME_STDOUT, buf_str(&a->from_engine), a->from_engine.len);
                buf_reset(&a->from_engine);
                return;
        }
        while ((r = http_frame_next(&a->engine_frames, buf_str(&a->from_engine), a->from_engine.len,
                                    &used, &frame)) > 0)
                queue_output(
                        a, frame.type == HTTP_FRAME_STDERR ? HTTP_FRAME_STDERR : HTTP_FRAME_STDOUT,
                        frame.bytes, frame.n);
        buf_consume(&a->from_engine, used);
        if (r < 0)
                a->output_ended = true;
}

/* Sends what the socket takes now. 0, or -1 when the other side is gone. */
static int send_some(int fd, struct buf *b) {
        ssize_t n;

        if (b->len == 0)
                return 0;
        n = send(fd, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -1;
        buf_consume(b, (size_t)n);
        return 0;
}

static void send_both(struct attachment *a) {
        if (send_some(a->caller, &a->to_caller) < 0)
                a->caller_gone = true;
        /* A program that has closed its input may still have something to say. */
        if (send_some(a->engine, &a->to_engine) < 0) {
                buf_reset(&a->to_engine);
                a->input_ended = true;
        }
        /* Docker drops a terminal session whose input is half-closed; there the end of input is
         * the terminal's own business. */
        if (a->input_complete && !a->input_ended && a->to_engine.len == 0) {
                if (!a->request.tty)
                        shutdown(a->engine, SHUT_WR);
                a->input_ended = true;
        }
}

/* What ds01d has to say stands between two pieces of the program's output. */
static void say(struct attachment *a) {
        _cleanup_buf_ struct buf text = BUF_INIT(READ_SIZE);

        terminals_hear(&a->call->daemon->terminals, &a->terminal, &text);
        queue_output(a, HTTP_FRAME_STDOUT, buf_str(&text), text.len);
}

/* Carries both directions at once: neither waits for the other, and a side that does not read
 * only stops what is meant for it. */
static void relay(struct attachment *a) {
        take_from_caller(a); /* what came right behind the request */
        take_from_engine(a); /* and right behind the engine's 101 */
        for (;;) {
                struct pollfd p[] = { { .fd = a->engine },
                                      { .fd = a->caller },
                                      { .fd = a->terminal.wake_fd, .events = POLLIN } };

                send_both(a);
                if (a->output_ended || a->caller_gone)
                        return;
                p[0].events = (short)((a->to_caller.len < QUEUE_FULL ? POLLIN : 0) |
                                      (a->to_engine.len > 0 ? POLLOUT : 0));
                p[1].events = (short)((a->to_engine.len < QUEUE_FULL ? POLLIN : 0) |
                                      (a->to_caller.len > 0 ? POLLOUT : 0));
                /* An end is reported even to those who do not ask; it waits its turn. */
                if (!p[0].events)
                        p[0].fd = -1;
                if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
                        return;
                if (p[2].revents & POLLIN)
                        say(a);
                if (p[0].events & POLLIN && p[0].revents & (POLLIN | POLLHUP | POLLERR)) {
                        if (fd_read_some(a->engine, &a->from_engine, READ_SIZE, 0) <= 0)
                                a->output_ended = true;
                        take_from_engine(a);
                }
                if (p[1].revents & POLLIN) {
                        if (fd_read_some(a->caller, a->from_caller, READ_SIZE, 0) <= 0)
                                a->caller_gone = true;
                        else
                                take_from_caller(a);
                } else if (p[1].revents & (POLLHUP | POLLERR)) {
                        a->caller_gone = true;
                }
        }
}

/* Everything that is still queued, and with it the last frame. */
static void send_last(struct attachment *a, uint8_t type, const char *bytes, size_t n) {
        queue_frame(a, type, bytes, n);
        if (!a->caller_gone)
                fd_write_all(a->caller, a->to_caller.data, a->to_caller.len, stall_deadline());
}

/* The shell of a caller who hung up gets SIGHUP, as over ssh. The engine would let it run on. */
static void hang_up(struct attachment *a) {
        struct engine_exec_state state;
        struct engine_error error;
        int fd;

        if (engine_exec_inspect(a->call->daemon->engine, a->exec, &state, &error) < 0 ||
            !state.running || state.pid <= 0)
                return;
        fd = (int)syscall(SYS_pidfd_open, state.pid, 0);
        /* The pid is held by the descriptor; only now it is certain whose it is. */
        if (fd >= 0 && cgroup_holds(state.pid, a->container))
                syscall(SYS_pidfd_send_signal, fd, SIGHUP, NULL, 0);
        if (fd >= 0)
                close(fd);
}

static void send_exit(struct attachment *a) {
        struct engine_exec_state state = { .running = true, .exit_code = -1 };
        struct engine_error error = { 0 };
        unsigned char code[4];
        int value;

        for (int ms = 0; state.running && ms < EXIT_WAIT_MS; ms += 5) {
                if (ms > 0)
                        poll(NULL, 0, 5);
                if (engine_exec_inspect(a->call->daemon->engine, a->exec, &state, &error) < 0)
                        break;
        }
        if (state.running || state.exit_code < 0) {
                _cleanup_buf_ struct buf body = BUF_INIT(16384);
                struct json_writer w = JSON_WRITER(&body);
                struct refusal r;

                refuse_detail(&r, REFUSAL_ENGINE_UNCERTAIN, NULL, "%s",
                              error.message[0] ? error.message
                                               : "the session ended without an exit code");
                write_error(&w, &r);
                send_last(a, FRAME_ERROR, buf_str(&body), body.len);
                return;
        }
        value = state.exit_code;
        for (int i = 0; i < 4; i++)
                code[i] = (unsigned char)(value >> (24 - 8 * i));
        send_last(a, FRAME_EXIT, (const char *)code, sizeof(code));
}

static int say_upgraded(struct attachment *a) {
        struct http_response_out head = { .status = 101,
                                          .length = HTTP_NO_LENGTH,
                                          .upgrade = "ds01-stream" };

        return http_write_response(&a->to_caller, &head);
}

static void attach(struct attachment *a) {
        struct call *c = a->call;
        struct engine_error error = { 0 };

        if (make_exec(a, &error) < 0 ||
            engine_exec_start(c->daemon->engine, a->exec, a->request.tty, &a->engine,
                              &a->from_engine, &error) < 0) {
                call_engine_error(c, &error);
                return;
        }
        c->streamed = true;
        c->status = 101;
        /* Docker before API 1.42 takes no size along with the start. */
        if (a->request.tty && a->request.rows > 0 && a->request.columns > 0)
                engine_exec_resize(c->daemon->engine, a->exec, (int)a->request.rows,
                                   (int)a->request.columns, &error);
        terminals_add(&c->daemon->terminals, &a->terminal, a->container, a->request.tty);
        if (say_upgraded(a) < 0)
                a->caller_gone = true;
        else
                relay(a);
        terminals_remove(&c->daemon->terminals, &a->terminal);
        if (a->caller_gone)
                hang_up(a);
        else
                send_exit(a);
        close(a->engine);
}

void handle_container_exec(struct call *c) {
        struct attachment *a = calloc(1, sizeof(*a));

        if (!a) {
                call_fail(c, REFUSAL_INTERNAL, "no memory");
                return;
        }
        *a = (struct attachment){ .call = c,
                                  .caller = c->fd,
                                  .engine = -1,
                                  .from_caller = c->early,
                                  .from_engine = BUF_INIT(BUFFER_MAX),
                                  .to_engine = BUF_INIT(BUFFER_MAX),
                                  .to_caller = BUF_INIT(BUFFER_MAX),
                                  .caller_frames = HTTP_FRAMES,
                                  .engine_frames = HTTP_FRAMES_PIECEWISE };
        if (strcmp(c->request->upgrade, "ds01-stream") != 0)
                call_fail(c, REFUSAL_BAD_REQUEST, "this call needs 'Upgrade: ds01-stream'");
        else if (call_decode(c, exec_fields, ARRAY_SIZE(exec_fields), &a->request) == 0 &&
                 find_running(c, a->container) == 0)
                attach(a);
        json_release(exec_fields, ARRAY_SIZE(exec_fields), &a->request);
        buf_release(&a->from_engine);
        buf_release(&a->to_engine);
        buf_release(&a->to_caller);
        free(a);
}
