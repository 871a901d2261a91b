/*
 * Answers that grow while something goes on: a JSON object a line, as chunks of a 200 whose head is
 * sent with the first line. Until then a refusal is an ordinary answer.
 */
#pragma once

#include "daemon/call.h"

struct lines {
        struct call *call;
        bool begun;
};

enum { LINES_MAX = 16384 }; /* bytes of one line; declare buffers with it */

/* Sends @line (an object; its end is added). -1 when the caller does not take it: has gone. */
int lines_send(struct lines *l, struct buf *line);
/* engine_image_pull()'s callback; @ctx is the struct lines. A caller who has gone cancels. */
int lines_pull_step(void *ctx, const struct engine_pull_step *step);
/* The last line. */
void lines_end(struct lines *l, struct buf *line);
/* Refuses: by the last line, or by the whole answer when nothing has been sent yet. */
void lines_refuse(struct lines *l, const struct refusal *r);
