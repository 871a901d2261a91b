/* See attach.h. */
#include "client/attach.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "client/connection.h"
#include "client/container.h"
#include "client/tty.h"
#include "http/frame.h"
#include "http/response.h"
#include "http/write.h"
#include "json/json_write.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Frame types above Docker's own three. */
enum { FRAME_SIZE = 3, FRAME_EXIT = 4, FRAME_ERROR = 5 };

enum {
        STEP = 32 * 1024, /* bytes taken from stdin at a time */
        IN_MAX = 2 * (HTTP_FRAME_HEADER + HTTP_FRAME_MAX),
        OUT_MAX = 2 * STEP + 1024,
        REQUEST_MAX = 256 * 1024,
};

struct stream {
        struct cli *cli;
        const char *name;
        int fd;
        struct buf in, out;
        struct http_frame_reader frames;
        bool tty;
        bool stdin_open;
        bool ended;
        int code; /* once ended */
};

static int make_body(const struct stream *s, char *const *command, size_t n, struct buf *ret) {
        struct json_writer w = JSON_WRITER(ret);
        unsigned rows = 24, columns = 80;

        json_write_object(&w);
        json_put_bool(&w, "tty", s->tty);
        if (s->tty) {
                const char *term = getenv("TERM");

                tty_size(s->cli->out_fd, &rows, &columns);
                json_put_int(&w, "rows", rows);
                json_put_int(&w, "columns", columns);
                if (term && *term)
                        json_put_str(&w, "term", term);
        }
        if (n > 0) {
                json_write_key(&w, "command");
                json_write_array(&w);
                for (size_t i = 0; i < n; i++)
                        json_write_str(&w, command[i]);
                json_write_array_end(&w);
        }
        json_write_object_end(&w);
        return ret->failed ? -ENOBUFS : 0;
}

static int send_request(struct stream *s, char *const *command, size_t n) {
        _cleanup_buf_ struct buf body = BUF_INIT(REQUEST_MAX), out = BUF_INIT(2 * REQUEST_MAX);
        _cleanup_buf_ struct buf path = { 0 }, target = BUF_INIT(HTTP_LINE_MAX);
        struct http_request_out head = {
                .method = HTTP_POST,
                .content_type = "application/json",
                .upgrade = "ds01-stream",
        };
        int r;

        r = make_body(s, command, n, &body);
        if (r == 0)
                r = container_target(&path, s->name, "exec");
        if (r == 0)
                r = connection_target(s->cli, buf_str(&path), &target);
        if (r < 0)
                return r;
        head.target = buf_str(&target);
        head.length = (int64_t)body.len;
        r = http_write_request(&out, &head);
        if (r == 0)
                r = buf_add(&out, body.data, body.len);
        return r < 0 ? r : fd_write_all(s->fd, out.data, out.len, 0);
}

static int lost(struct stream *s) {
        cli_error(s->cli, "the connection to ds01d was lost");
        cli_error_next(s->cli, "the shell in '%s' has ended; see: container-list --all", s->name);
        return EXIT_UNREACHABLE;
}

/* Reads the answer to the request: EXIT_DONE when the stream has begun, or when @reply holds the
 * refusal. */
static int read_answer(struct stream *s, struct reply *reply) {
        struct http_response_reader reader;

        http_response_init(&reader, HTTP_POST);
        for (;;) {
                enum http_event event = http_response_feed(&reader, &s->in, &reply->body);
                ssize_t n;

                if (event == HTTP_UPGRADED)
                        return EXIT_DONE;
                if (event == HTTP_HEAD_DONE)
                        continue;
                if (event == HTTP_MORE) {
                        n = fd_read_some(s->fd, &s->in, STEP, 0);
                        if (n > 0)
                                continue;
                        event = n == 0 ? http_response_eof(&reader) : HTTP_BAD;
                        if (event != HTTP_DONE)
                                return lost(s);
                }
                if (event != HTTP_DONE || reader.head.status < 400)
                        return call_garbled(s->cli, "exec");
                reply->status = reader.head.status;
                reply_parse_error(reply);
                return EXIT_DONE;
        }
}

/* Connects and asks for the stream. EXIT_DONE when it has begun. */
static int begin(struct stream *s, char *const *command, size_t n) {
        int64_t since = clock_mono_us();

        for (;;) {
                _cleanup_reply_ struct reply reply = { .body = BUF_INIT(REQUEST_MAX) };
                int r;

                s->fd = connection_open(s->cli, true);
                if (s->fd < 0)
                        return EXIT_UNREACHABLE;
                r = send_request(s, command, n);
                if (r == -ENOBUFS || r == -EINVAL) {
                        cli_error(s->cli, "the name or the command is too long");
                        return EXIT_USAGE;
                }
                /* an early refusal may have cut the sending short; it is there to be read */
                r = read_answer(s, &reply);
                if (r != EXIT_DONE || reply.status == 0)
                        return r;
                if (!call_again(&reply, since))
                        return reply_print_error(s->cli, &reply);
                close(TAKE_FD(s->fd));
                buf_reset(&s->in);
        }
}

static void queue_size(struct stream *s) {
        unsigned rows, columns;

        if (tty_size(s->cli->out_fd, &rows, &columns)) {
                const unsigned char bytes[4] = { (unsigned char)(rows >> 8), (unsigned char)rows,
                                                 (unsigned char)(columns >> 8),
                                                 (unsigned char)columns };

                http_frame_write(&s->out, FRAME_SIZE, bytes, sizeof(bytes));
        }
}

/* The caller's input: what is there, or its end. */
static void take_input(struct stream *s) {
        char bytes[STEP];
        ssize_t n = read(s->cli->in_fd, bytes, sizeof(bytes));

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0) {
                s->stdin_open = false;
                n = 0;
        }
        http_frame_write(&s->out, HTTP_FRAME_STDIN, bytes, (size_t)n);
}

/* 0, or -errno of writing to our own stdout or stderr, or -EPROTO. */
static int take_frame(struct stream *s, const struct http_frame *f) {
        const unsigned char *b = (const unsigned char *)f->bytes;

        switch (f->type) {
        case HTTP_FRAME_STDOUT:
                return fd_write_all(s->cli->out_fd, f->bytes, f->n, 0);
        case HTTP_FRAME_STDERR:
                return fd_write_all(s->cli->err_fd, f->bytes, f->n, 0);
        case FRAME_EXIT:
                if (f->n != 4)
                        return -EPROTO;
                s->ended = true;
                s->code = b[3];
                if (b[0] || b[1] || b[2])
                        s->code = EXIT_FAILED; /* no exit code of a process */
                return 0;
        case FRAME_ERROR: {
                _cleanup_reply_ struct reply reply = { .body = BUF_INIT(HTTP_FRAME_MAX) };

                buf_add(&reply.body, f->bytes, f->n);
                reply_parse_error(&reply);
                tty_leave();
                s->ended = true;
                s->code = reply_print_error(s->cli, &reply);
                return 0;
        }
        default:
                return -EPROTO;
        }
}

static int take_frames(struct stream *s) {
        struct http_frame f;
        size_t used = 0;
        int r = 0;

        while (!s->ended &&
               (r = http_frame_next(&s->frames, s->in.data, s->in.len, &used, &f)) > 0) {
                r = take_frame(s, &f);
                if (r < 0)
                        break;
        }
        buf_consume(&s->in, used);
        return r < 0 ? r : 0;
}

static void send_some(struct stream *s) {
        ssize_t n = send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
                buf_consume(&s->out, (size_t)n);
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
                /* nobody takes input any more; what was sent to us is still read */
                buf_reset(&s->out);
                s->stdin_open = false;
        }
}

/* Neither direction waits for the other: input is read only when the last of it has been sent, and
 * output is taken at any time. */
static int relay(struct stream *s) {
        for (;;) {
                struct pollfd fds[2] = { { .fd = s->fd, .events = POLLIN }, { .fd = -1 } };
                ssize_t n;
                int r;

                r = take_frames(s);
                if (r == -EPROTO) {
                        tty_leave();
                        return call_garbled(s->cli, "stream");
                }
                if (r < 0) {
                        tty_leave();
                        cli_error(s->cli, "can't write the output: %s", strerror(-r));
                        return EXIT_FAILED;
                }
                if (s->ended)
                        return s->code;

                if (tty_resized())
                        queue_size(s);
                if (s->out.len > 0)
                        fds[0].events |= POLLOUT;
                else if (s->stdin_open)
                        fds[1] = (struct pollfd){ .fd = s->cli->in_fd, .events = POLLIN };
                if (ppoll(fds, 2, NULL, tty_wait_mask()) < 0) {
                        if (errno == EINTR)
                                continue;
                        return lost(s);
                }
                if (fds[1].revents)
                        take_input(s);
                if (s->out.len > 0)
                        send_some(s);
                if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
                        n = fd_read_some(s->fd, &s->in, STEP, 0);
                        if (n <= 0 && n != -EINTR && n != -EAGAIN) {
                                tty_leave();
                                return lost(s);
                        }
                }
        }
}

int attach(struct cli *c, const char *name, char *const *command, size_t n) {
        struct stream s = {
                .cli = c,
                .name = name,
                .fd = -1,
                .in = BUF_INIT(IN_MAX),
                .out = BUF_INIT(OUT_MAX),
                .frames = HTTP_FRAMES,
                .tty = c->in_tty && c->out_tty,
                .stdin_open = true,
        };
        int r;

        fflush(c->out); /* the stream goes around stdio */
        fflush(c->err);
        r = begin(&s, command, n);
        if (r == EXIT_DONE && s.tty && tty_enter(c->in_fd, c->out_fd, TTY_RAW, NULL, NULL) < 0) {
                cli_error(c, "can't set the terminal's mode");
                r = EXIT_FAILED;
        } else if (r == EXIT_DONE) {
                r = relay(&s);
                tty_leave();
        }
        if (s.fd >= 0)
                close(s.fd);
        buf_release(&s.in);
        buf_release(&s.out);
        return r;
}
