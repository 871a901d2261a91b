/* Streamed answers, a line a step. */
#include "daemon/lines.h"

#include "base/clock.h"
#include "base/fd.h"
#include "http/write.h"

enum { WRITE_STALL_S = 60 };

static int send_bytes(struct lines *l, const struct buf *b) {
        return fd_write_all(l->call->fd, b->data, b->len,
                            clock_mono_us() + WRITE_STALL_S * US_PER_S);
}

static int begin(struct lines *l) {
        _cleanup_buf_ struct buf out = BUF_INIT(4096);
        struct http_response_out head = { .status = 200,
                                          .content_type = "application/x-ndjson",
                                          .length = HTTP_CHUNKED,
                                          .close = true };

        l->begun = true;
        l->call->streamed = true;
        return http_write_response(&out, &head) < 0 ? -1 : send_bytes(l, &out);
}

int lines_send(struct lines *l, struct buf *line) {
        _cleanup_buf_ struct buf out = BUF_INIT(LINES_MAX + 64);

        if (!l->begun && begin(l) < 0)
                return -1;
        buf_addc(line, '\n');
        if (line->failed || http_write_chunk(&out, line->data, line->len) < 0)
                return -1;
        return send_bytes(l, &out) < 0 ? -1 : 0;
}

int lines_pull_step(void *ctx, const struct engine_pull_step *step) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINES_MAX);
        struct json_writer w = JSON_WRITER(&line);

        json_write_object(&w);
        json_put_str(&w, "id", step->id);
        json_put_str(&w, "status", step->status);
        json_put_int(&w, "current", step->current);
        json_put_int(&w, "total", step->total);
        json_write_object_end(&w);
        return lines_send(ctx, &line);
}

void lines_end(struct lines *l, struct buf *line) {
        _cleanup_buf_ struct buf end = BUF_INIT(64);

        if (lines_send(l, line) == 0 && http_write_chunk_end(&end) == 0)
                send_bytes(l, &end);
}

void lines_refuse(struct lines *l, const struct refusal *r) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINES_MAX);
        struct json_writer w = JSON_WRITER(&line);

        if (!l->begun) {
                call_refuse(l->call, r);
                return;
        }
        if (r != &l->call->refusal)
                l->call->refusal = *r;
        write_error(&w, r);
        lines_end(l, &line);
}
