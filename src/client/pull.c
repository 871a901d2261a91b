/* See pull.h. */
#include "client/pull.h"

#include "base/str.h"
#include "client/call.h"
#include "client/layers.h"
#include "json/json_scan.h"
#include "json/json_write.h"

#include <string.h>

struct pull {
        struct layers layers;
        bool done, failed;
        struct reply error;
};

static void on_line(void *arg, const char *line, size_t n) {
        struct json_scan s = JSON_SCAN(line, n);
        struct layer news = { 0 };
        struct pull *p = arg;

        if (n == 0 || json_scan_next(&s) != JSON_SCAN_OBJECT)
                return;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "id")) {
                        json_scan_get_str(&s, news.id, sizeof(news.id));
                } else if (json_scan_is(&s, "status")) {
                        json_scan_get_str(&s, news.status, sizeof(news.status));
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
                layers_step(&p->layers, &news);
        }
}

int pull_image(struct cli *c, const char *image) {
        _cleanup_buf_ struct buf body = BUF_INIT(8192);
        _cleanup_reply_ struct reply reply = { 0 };
        struct json_writer w = JSON_WRITER(&body);
        struct pull p = { .layers = { .cli = c } };
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
        layers_finish(&p.layers);
        if (r == EXIT_DONE && p.failed)
                r = reply_print_error(c, &p.error);
        else if (r == EXIT_DONE && !p.done) {
                cli_error(c, "the connection to ds01d was lost while '%s' was being pulled", image);
                r = EXIT_UNREACHABLE;
        }
        reply_release(&p.error);
        layers_release(&p.layers);
        return r;
}
