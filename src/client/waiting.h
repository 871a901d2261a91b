/*
 * Calls that may wait in the queue (docs/API.md, "Waiting"): while they do, the place, the reason
 * and the next moment that may change it are shown, on a terminal in one line that is redrawn, else
 * a line when the place has changed, and now and then. Ctrl-C ends the process, and with it the
 * place.
 */
#pragma once

#include "client/call.h"
#include "json/json_write.h"

/* Adds "wait_seconds" for --wait[=TIME] ("90", "30s", "10m", "2h", "1d"; "" for as long as it
 * takes). EXIT_USAGE, said, when it is no time. */
int waiting_put(struct cli *c, struct json_writer *w, const char *time);

/* As call_send(); the answer is the last line's. @call has no on_line of its own. */
int waiting_send(struct cli *c, const struct call *call, struct reply *ret);
