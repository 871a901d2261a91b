/* See call.h. */
#include "client/call.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "client/connection.h"
#include "client/progress.h"
#include "http/response.h"
#include "http/write.h"
#include "json/json_scan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
        ANSWER_MAX = 64 * 1024 * 1024,
        REQUEST_MAX = 256 * 1024,
        READ_SIZE = 64 * 1024,
        PIECE_SIZE = 64 * 1024,
        TICK_US = 200 * 1000,
        GET_LIMIT_S = 60, /* a question is answered from memory; what acts may take its time */
        START_LIMIT_S = 5,
};

void reply_release(struct reply *r) {
        buf_release(&r->body);
}

void reply_parse_error(struct reply *r) {
        struct json_scan s = JSON_SCAN(buf_str(&r->body), r->body.len);
        int64_t exit_code = EXIT_FAILED;

        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY) {
                        if (!json_scan_is(&s, "error")) {
                                json_scan_skip(&s);
                                continue;
                        }
                        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                                break;
                        while (json_scan_next(&s) == JSON_SCAN_KEY)
                                if (json_scan_is(&s, "code"))
                                        json_scan_get_str(&s, r->code, sizeof(r->code));
                                else if (json_scan_is(&s, "message"))
                                        json_scan_get_str(&s, r->message, sizeof(r->message));
                                else if (json_scan_is(&s, "next"))
                                        json_scan_get_str(&s, r->next, sizeof(r->next));
                                else if (json_scan_is(&s, "subject"))
                                        json_scan_get_str(&s, r->subject, sizeof(r->subject));
                                else if (json_scan_is(&s, "exit"))
                                        json_scan_get_int(&s, &exit_code);
                                else if (json_scan_is(&s, "line"))
                                        json_scan_get_int(&s, &r->line);
                                else
                                        json_scan_skip(&s);
                }
        r->exit = exit_code > 0 && exit_code < 256 ? (int)exit_code : EXIT_FAILED;
        if (!r->message[0])
                snprintf(r->message, sizeof(r->message), "ds01d answered with status %d",
                         r->status);
}

int reply_print_error(struct cli *c, const struct reply *r) {
        cli_error(c, "%s", r->message);
        if (r->next[0])
                cli_error_next(c, "%s", r->next);
        return r->exit;
}

int call_garbled(struct cli *c, const char *what) {
        cli_error(c, "ds01d sent an answer that this client does not understand (%s)", what);
        cli_error_next(c, "are ds01 and ds01d of the same version? see: ds01 version");
        return EXIT_FAILED;
}

static int lost(struct cli *c, const struct call *call, int error) {
        if (call->quiet)
                return EXIT_UNREACHABLE;
        if (error == ETIMEDOUT)
                cli_error(c, "ds01d has not answered for %d s", GET_LIMIT_S);
        else
                cli_error(c, "the connection to ds01d was lost before it answered%s%s",
                          error ? ": " : "", error ? strerror(error) : "");
        if (call->method != HTTP_GET)
                cli_error_next(c, "look what is there now: container-list --all");
        return EXIT_UNREACHABLE;
}

static int write_call(struct cli *c, int fd, const struct call *call) {
        _cleanup_buf_ struct buf out = BUF_INIT(REQUEST_MAX), target = BUF_INIT(HTTP_LINE_MAX);
        struct http_request_out head = {
                .method = call->method,
                .length = HTTP_NO_LENGTH,
                .close = true,
                .extra = call->quiet ? NULL : "Ds01-Notice: wanted\r\n",
        };
        int r;

        if (call->next_piece) {
                head.content_type = "application/x-tar";
                head.length = HTTP_CHUNKED;
        } else if (call->body) {
                head.content_type = "application/json";
                head.length = (int64_t)call->body->len;
        } else if (call->method == HTTP_POST) {
                head.length = 0;
        }
        r = connection_target(c, call->target, &target);
        head.target = buf_str(&target);
        if (r == 0)
                r = http_write_request(&out, &head);
        if (r == 0 && call->body && call->body->len)
                r = buf_add(&out, call->body->data, call->body->len);
        return r < 0 ? r : fd_write_all(fd, out.data, out.len, 0);
}

/* Sends @out: 0; 1 when the daemon answers before it has everything; -errno. */
static int send_some(int fd, const struct buf *out) {
        size_t sent = 0;

        while (sent < out->len) {
                struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
                ssize_t n;

                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        return -errno;
                if (p.revents & (POLLIN | POLLHUP | POLLERR))
                        return 1;
                n = send(fd, out->data + sent, out->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                sent += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* The pieces of the body. 0 or 1 as above, -errno; *@ret_said: the reason is on the screen. */
static int write_pieces(int fd, const struct call *call, bool *ret_said) {
        int more = 1, r = 0;

        while (more > 0 && r == 0) {
                _cleanup_buf_ struct buf piece = BUF_INIT(PIECE_SIZE);
                _cleanup_buf_ struct buf out = BUF_INIT(PIECE_SIZE + 64);

                more = call->next_piece(call->arg, &piece);
                *ret_said = more < 0;
                if (more < 0)
                        return more;
                r = http_write_chunk(&out, buf_str(&piece), piece.len);
                if (r == 0 && more == 0)
                        r = http_write_chunk_end(&out);
                if (r == 0)
                        r = send_some(fd, &out);
        }
        return r;
}

/* Hands over the complete lines of a streamed body. */
static void take_lines(const struct call *call, struct buf *body, bool all) {
        size_t used = 0;

        while (used < body->len) {
                const char *line = body->data + used;
                const char *end = memchr(line, '\n', body->len - used);

                if (!end && !all)
                        break;
                if (!end)
                        end = body->data + body->len;
                call->on_line(call->arg, line, (size_t)(end - line));
                used = (size_t)(end - body->data) + 1;
        }
        buf_consume(body, used < body->len ? used : body->len);
}

/* Waits for bytes with the progress line ticking. The count, or -errno. */
static ssize_t read_more(int fd, const struct call *call, struct buf *in,
                         struct progress *progress, int64_t deadline) {
        for (;;) {
                int64_t tick = call->on_tick ? clock_mono_us() + TICK_US
                                             : progress_deadline(progress);
                ssize_t r;

                if (deadline && (!tick || deadline < tick))
                        return fd_read_some(fd, in, READ_SIZE, deadline);
                r = fd_read_some(fd, in, READ_SIZE, tick);
                if (r != -ETIMEDOUT || !tick)
                        return r;
                if (call->on_tick)
                        call->on_tick(call->arg);
                else
                        progress_tick(progress);
        }
}

static int read_answer(struct cli *c, int fd, const struct call *call, struct progress *progress,
                       struct reply *ret) {
        _cleanup_buf_ struct buf in = BUF_INIT(HTTP_HEAD_MAX + READ_SIZE);
        int64_t deadline = 0;
        struct http_response_reader reader;
        enum http_event event = HTTP_MORE;

        if (call->method == HTTP_GET)
                deadline = clock_mono_us() + GET_LIMIT_S * US_PER_S;
        http_response_init(&reader, call->method);
        for (;;) {
                ssize_t n;

                event = http_response_feed(&reader, &in, &ret->body);
                if (event == HTTP_HEAD_DONE)
                        continue;
                if (call->on_line && reader.head.status == 200)
                        take_lines(call, &ret->body, event == HTTP_DONE);
                if (event != HTTP_MORE)
                        break;
                n = read_more(fd, call, &in, progress, deadline);
                progress_clear(progress);
                if (n < 0)
                        return lost(c, call, (int)-n);
                if (n == 0) {
                        event = http_response_eof(&reader);
                        if (event != HTTP_DONE)
                                return lost(c, call, 0);
                        break;
                }
        }
        if (event != HTTP_DONE)
                return call->quiet ? EXIT_FAILED
                                   : call_garbled(c, event == HTTP_BAD ? reader.error : "too long");
        ret->status = reader.head.status;
        if (ret->status >= 400)
                reply_parse_error(ret);
        if (reader.head.notice[0])
                cli_notice(c, reader.head.notice);
        return EXIT_DONE;
}

bool call_again(const struct reply *r, int64_t since_us) {
        const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

        if (r->status < 400 || !str_equal(r->code, "starting_up") ||
            clock_mono_us() - since_us > START_LIMIT_S * US_PER_S)
                return false;
        nanosleep(&pause, NULL);
        return true;
}

static int send_once(struct cli *c, const struct call *call, struct reply *ret) {
        _cleanup_close_ int fd = -1;
        struct progress progress;
        bool said = false;
        int r;

        fd = connection_open(c, !call->quiet);
        if (fd < 0)
                return EXIT_UNREACHABLE;
        r = write_call(c, fd, call);
        if (r == 0 && call->next_piece)
                r = write_pieces(fd, call, &said);
        if (said)
                return EXIT_FAILED;
        /* A daemon that refuses early may have answered already and closed: look at its answer. */
        if (r < 0 && r != -EPIPE && r != -ECONNRESET)
                return lost(c, call, -r);
        progress_init(&progress, c, call->doing);
        r = read_answer(c, fd, call, &progress, ret);
        progress_clear(&progress);
        return r;
}

int call_send(struct cli *c, const struct call *call, struct reply *ret) {
        int64_t since = clock_mono_us();
        int r;

        do {
                reply_release(ret);
                *ret = (struct reply){ .body = BUF_INIT(ANSWER_MAX) };
                r = send_once(c, call, ret);
        } while (r == EXIT_DONE && !call->next_piece && call_again(ret, since));
        return r;
}

int call_do(struct cli *c, const struct call *call, struct reply *ret) {
        int r = call_send(c, call, ret);

        if (r != EXIT_DONE)
                return r;
        return ret->status >= 400 ? reply_print_error(c, ret) : EXIT_DONE;
}
