/* See build.h. */
#include "client/build.h"

#include "base/clock.h"
#include "base/str.h"
#include "client/call.h"
#include "client/container.h"
#include "client/format.h"
#include "client/layers.h"
#include "http/write.h"

#include <string.h>

enum {
        TAIL_LINES = 20, /* of output that are shown again when a step has failed */
        LOG_SIZE = 512,
        REDRAW_US = 100 * 1000,
        SENDING_SHOWN_US = 1000 * 1000,
};

struct build {
        struct cli *cli;
        const struct build_request *request;
        struct build_result *result;
        struct layers layers;
        bool pulling;
        int64_t sent_bytes, began_us; /* CLOCK_MONOTONIC */
        int64_t step, steps;
        int64_t step_us;              /* when the step began */
        char text[LOG_SIZE];          /* of the step */
        char tail[TAIL_LINES][LOG_SIZE];
        size_t logged;                /* lines so far */
        bool shown;                   /* there is a line that is redrawn */
        int64_t shown_us;
        unsigned turn;
        bool done, failed;
        struct reply error;
};

void build_result_release(struct build_result *r) {
        buf_release(&r->notes);
}

/* --- what is seen --------------------------------------------------------------------------- */

static bool is_live(const struct build *b) {
        return b->cli->redraws && !b->request->quiet;
}

static void clear_line(struct build *b) {
        if (b->shown)
                cli_redraw(b->cli, "");
        b->shown = false;
}

static void show_line(struct build *b, const char *text) {
        static const char turns[] = "|/-\\";
        char line[2 * LOG_SIZE + 80];

        snprintf(line, sizeof(line), "%c %s", turns[b->turn++ % 4], text);
        cli_redraw(b->cli, line);
        b->shown = true;
        b->shown_us = clock_mono_us();
}

static void redraw(struct build *b) {
        char text[2 * LOG_SIZE + 64], time[32], size[32], total[32];
        int64_t now = clock_mono_us();
        const char *last = b->logged ? b->tail[(b->logged - 1) % TAIL_LINES] : "";

        if (!is_live(b) || b->pulling)
                return;
        if (b->step > 0) {
                duration_format(now - b->step_us, time, sizeof(time));
                if (now - b->step_us < US_PER_S)
                        str_copy(time, sizeof(time), "...");
                snprintf(text, sizeof(text), "%lld/%lld  %.60s  (%s)%s%s", (long long)b->step,
                         (long long)b->steps, b->text, time, *last ? "  " : "", last);
        } else if (now - b->began_us < SENDING_SHOWN_US) {
                return;
        } else {
                format_bytes(b->sent_bytes, size, sizeof(size));
                format_bytes(b->request->total_bytes, total, sizeof(total));
                snprintf(text, sizeof(text), "sending the project (%s%s%s)", size,
                         b->request->total_bytes > 0 ? " of " : "",
                         b->request->total_bytes > 0 ? total : "");
        }
        show_line(b, text);
}

static void on_tick(void *arg) {
        redraw(arg);
}

/* The step that has ended stays on the terminal, with the time that it took. */
static void end_step(struct build *b) {
        char time[32];
        int64_t took = clock_mono_us() - b->step_us;

        if (b->step == 0 || !is_live(b))
                return;
        clear_line(b);
        fprintf(b->cli->err, "  %lld/%lld  %s", (long long)b->step, (long long)b->steps, b->text);
        duration_format(took, time, sizeof(time));
        if (took >= US_PER_S)
                fprintf(b->cli->err, "  (%s)", time);
        fputc('\n', b->cli->err);
        fflush(b->cli->err);
}

static void begin_step(struct build *b, int64_t step, int64_t steps, const char *text) {
        if (b->pulling)
                layers_finish(&b->layers);
        b->pulling = false;
        end_step(b);
        b->step = step;
        b->steps = steps;
        b->step_us = clock_mono_us();
        b->logged = 0;
        str_printable(b->text, sizeof(b->text), text);
        if (is_live(b))
                redraw(b);
        else if (!b->request->quiet)
                fprintf(b->cli->err, "Step %lld/%lld: %s\n", (long long)step, (long long)steps,
                        b->text);
}

static void take_log(struct build *b, const char *text) {
        char *line = b->tail[b->logged++ % TAIL_LINES];

        str_printable(line, LOG_SIZE, text);
        if (is_live(b)) {
                if (clock_mono_us() - b->shown_us >= REDRAW_US)
                        redraw(b);
        } else if (!b->request->quiet) {
                fprintf(b->cli->err, "  %s\n", line);
        }
}

/* Where the output was not on the screen, its end is shown with the failure. */
static void show_tail(struct build *b) {
        size_t first = b->logged > TAIL_LINES ? b->logged - TAIL_LINES : 0;

        if (!is_live(b) && !b->request->quiet)
                return;
        if (b->logged > 0)
                fprintf(b->cli->err, "%s output of '%.60s':\n",
                        first ? "The end of the" : "The", b->text);
        for (size_t i = first; i < b->logged; i++)
                fprintf(b->cli->err, "  %s\n", b->tail[i % TAIL_LINES]);
}

/* --- what comes ----------------------------------------------------------------------------- */

static void take_error(struct build *b, const char *line, size_t n) {
        b->failed = true;
        b->error.body = BUF_INIT(64 * 1024);
        buf_add(&b->error.body, line, n);
        reply_parse_error(&b->error);
}

static void on_line(void *arg, const char *line, size_t n) {
        struct json_scan s = JSON_SCAN(line, n);
        struct layer news = { 0 };
        struct build *b = arg;
        struct build_result *result = b->result;
        char text[4 * LOG_SIZE] = "", id[sizeof(result->id)] = "";
        int64_t step = 0, steps = 0;
        bool log = false, failed = false;

        if (n == 0 || b->failed || json_scan_next(&s) != JSON_SCAN_OBJECT)
                return;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "step"))
                        json_scan_get_int(&s, &step);
                else if (json_scan_is(&s, "steps"))
                        json_scan_get_int(&s, &steps);
                else if (json_scan_is(&s, "text"))
                        json_scan_get_str(&s, text, sizeof(text));
                else if (json_scan_is(&s, "log")) {
                        log = true;
                        json_scan_get_str(&s, text, sizeof(text));
                } else if (json_scan_is(&s, "status"))
                        json_scan_get_str(&s, news.status, sizeof(news.status));
                else if (json_scan_is(&s, "current"))
                        json_scan_get_int(&s, &news.current);
                else if (json_scan_is(&s, "total"))
                        json_scan_get_int(&s, &news.total);
                else if (json_scan_is(&s, "id"))
                        json_scan_get_str(&s, id, sizeof(id));
                else if (json_scan_is(&s, "done"))
                        json_scan_get_bool(&s, &b->done);
                else if (json_scan_is(&s, "image"))
                        json_scan_get_str(&s, result->image, sizeof(result->image));
                else if (json_scan_is(&s, "size_bytes"))
                        json_scan_get_int(&s, &result->size_bytes);
                else if (json_scan_is(&s, "notes"))
                        scan_notes(&s, &result->notes);
                else {
                        failed |= json_scan_is(&s, "error");
                        json_scan_skip(&s);
                }
        if (failed) {
                take_error(b, line, n);
        } else if (b->done) {
                str_copy(result->id, sizeof(result->id), id);
        } else if (log) {
                take_log(b, text);
        } else if (step > 0) {
                begin_step(b, step, steps, text);
        } else if (!b->request->quiet) {
                clear_line(b);
                b->pulling = true;
                str_copy(news.id, sizeof(news.id), id);
                layers_step(&b->layers, &news);
        }
}

static int next_piece(void *arg, struct buf *piece) {
        struct build *b = arg;
        int more = b->request->next_piece(b->request->source, piece);

        b->sent_bytes += (int64_t)piece->len;
        if (more < 0)
                clear_line(b);
        else if (clock_mono_us() - b->shown_us >= REDRAW_US)
                redraw(b);
        return more;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int make_target(const struct build_request *q, struct buf *target) {
        *target = BUF_INIT(HTTP_LINE_MAX);
        http_target_segment(target, "v1");
        http_target_segment(target, "images");
        http_target_segment(target, q->project);
        http_target_segment(target, "build");
        if (q->no_cache)
                http_target_param(target, "no_cache", "true");
        if (q->dockerfile)
                http_target_param(target, "dockerfile", q->dockerfile);
        return target->failed ? -1 : 0;
}

static int print_failure(struct build *b, const struct reply *error) {
        int r;

        b->result->line = error->line;
        show_tail(b);
        r = reply_print_error(b->cli, error);
        if (error->line > 0 && !strstr(error->message, "line "))
                cli_error_next(b->cli, "it is line %lld of the Dockerfile",
                               (long long)error->line);
        return r;
}

/* A daemon that is only just starting (for this very command, perhaps) would refuse the archive. */
static int wait_for_daemon(struct cli *c) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/limits" };
        _cleanup_reply_ struct reply reply = { 0 };

        return call_do(c, &call, &reply);
}

int build_image(struct cli *c, const struct build_request *q, struct build_result *ret) {
        _cleanup_free_ struct build *b = calloc(1, sizeof(*b));
        _cleanup_reply_ struct reply reply = { 0 };
        _cleanup_buf_ struct buf target = { 0 };
        struct call call = { .method = HTTP_POST, .next_piece = next_piece, .on_line = on_line,
                             .on_tick = on_tick, .arg = b };
        int r;

        if (!b || make_target(q, &target) < 0) {
                cli_error(c, b ? "that name is too long for a project" : "no memory");
                return b ? EXIT_USAGE : EXIT_FAILED;
        }
        ret->notes = BUF_INIT(64 * 1024);
        *b = (struct build){ .cli = c, .request = q, .result = ret, .layers = { .cli = c },
                             .began_us = clock_mono_us() };
        call.target = target.data;
        r = wait_for_daemon(c);
        if (r == EXIT_DONE)
                r = call_send(c, &call, &reply);
        if (b->pulling)
                layers_finish(&b->layers);
        if (b->done)
                end_step(b);
        clear_line(b);
        if (r == EXIT_DONE && reply.status >= 400)
                r = print_failure(b, &reply);
        else if (r == EXIT_DONE && b->failed)
                r = print_failure(b, &b->error);
        else if (r == EXIT_DONE && !b->done) {
                cli_error(c, "the connection to ds01d was lost while the image was being built");
                cli_error_next(c, "the image from before, if there was one, is unchanged");
                r = EXIT_UNREACHABLE;
        }
        reply_release(&b->error);
        layers_release(&b->layers);
        return r;
}
