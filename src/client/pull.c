/* See pull.h. */
#include "client/pull.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "client/call.h"
#include "client/format.h"
#include "json/json_scan.h"
#include "json/json_write.h"

#include <string.h>

enum { LAYERS_MAX = 256, REDRAW_US = 100 * 1000 };

struct layer {
        char id[72];
        char status[64];
        int64_t current, total;
};

struct pull {
        struct cli *cli;
        VEC(struct layer) layers;
        unsigned drawn; /* lines on the terminal now */
        int64_t drawn_us;
        bool done, failed;
        struct reply error;
};

static void draw(struct pull *p) {
        unsigned room = p->cli->rows > 4 ? p->cli->rows - 2 : 22;
        size_t first = p->layers.len > room ? p->layers.len - room : 0;
        FILE *err = p->cli->err;

        if (p->drawn)
                fprintf(err, "\033[%uA", p->drawn);
        p->drawn = 0;
        for (size_t i = first; i < p->layers.len; i++) {
                const struct layer *l = &p->layers.items[i];
                char current[32], total[32];

                format_bytes(l->current, current, sizeof(current));
                format_bytes(l->total, total, sizeof(total));
                fprintf(err, "\r  %-12.12s  %.40s", l->id, l->status);
                if (l->total > 0 && l->current < l->total)
                        fprintf(err, "  %s of %s", current, total);
                fputs("\033[K\n", err);
                p->drawn++;
        }
        fflush(err);
        p->drawn_us = clock_mono_us();
}

static struct layer *find_layer(struct pull *p, const char *id) {
        struct layer fresh = { 0 };

        for (size_t i = 0; i < p->layers.len; i++)
                if (str_equal(p->layers.items[i].id, id))
                        return &p->layers.items[i];
        str_copy(fresh.id, sizeof(fresh.id), id);
        if (p->layers.len >= LAYERS_MAX || VEC_PUSH(&p->layers, fresh) < 0)
                return NULL;
        return &p->layers.items[p->layers.len - 1];
}

static void step(struct pull *p, const struct layer *news) {
        struct layer *layer;
        bool changed;

        if (!news->id[0]) { /* a remark on the whole */
                if (!p->cli->err_tty && news->status[0])
                        fprintf(p->cli->err, "  %s\n", news->status);
                return;
        }
        layer = find_layer(p, news->id);
        if (!layer)
                return;
        changed = !str_equal(layer->status, news->status);
        *layer = *news;
        if (p->cli->err_tty) {
                if (clock_mono_us() - p->drawn_us >= REDRAW_US)
                        draw(p);
        } else if (changed) {
                fprintf(p->cli->err, "  %s: %s\n", layer->id, layer->status);
        }
}

static void on_line(void *arg, const char *line, size_t n) {
        struct json_scan s = JSON_SCAN(line, n);
        struct layer news = { 0 };
        struct pull *p = arg;
        char text[128];

        if (n == 0 || json_scan_next(&s) != JSON_SCAN_OBJECT)
                return;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "id")) {
                        if (json_scan_get_str(&s, text, sizeof(text)) == 0)
                                str_printable(news.id, sizeof(news.id), text);
                } else if (json_scan_is(&s, "status")) {
                        if (json_scan_get_str(&s, text, sizeof(text)) == 0)
                                str_printable(news.status, sizeof(news.status), text);
                } else if (json_scan_is(&s, "current")) {
                        json_scan_get_int(&s, &news.current);
                } else if (json_scan_is(&s, "total")) {
                        json_scan_get_int(&s, &news.total);
                } else if (json_scan_is(&s, "done")) {
                        json_scan_get_bool(&s, &p->done);
                } else if (json_scan_is(&s, "error")) {
                        p->failed = true;
                        json_scan_skip(&s);
                } else {
                        json_scan_skip(&s);
                }
        if (p->failed && !p->error.body.len) {
                p->error.body = BUF_INIT(64 * 1024);
                buf_add(&p->error.body, line, n);
                reply_parse_error(&p->error);
        } else if (!p->done) {
                step(p, &news);
        }
}

int pull_image(struct cli *c, const char *image) {
        _cleanup_buf_ struct buf body = BUF_INIT(8192);
        _cleanup_reply_ struct reply reply = { 0 };
        struct json_writer w = JSON_WRITER(&body);
        struct pull p = { .cli = c };
        const struct call call = { .method = HTTP_POST, .target = "/v1/images/pull", .body = &body,
                                   .on_line = on_line, .arg = &p };
        char safe[512];
        int r;

        json_write_object(&w);
        json_put_str(&w, "image", image);
        json_write_object_end(&w);
        str_printable(safe, sizeof(safe), image);
        fprintf(c->err, "Pulling %s\n", safe);
        fflush(c->err);
        r = call_do(c, &call, &reply);
        if (c->err_tty && p.layers.len)
                draw(&p);
        if (r == EXIT_DONE && p.failed)
                r = reply_print_error(c, &p.error);
        else if (r == EXIT_DONE && !p.done) {
                cli_error(c, "the connection to ds01d was lost while '%s' was being pulled", image);
                r = EXIT_UNREACHABLE;
        }
        reply_release(&p.error);
        VEC_RELEASE(&p.layers);
        return r;
}
