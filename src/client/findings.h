/*
 * Reports of root's checks (ds01 fsck, ds01 doctor): a list of findings, each with its rule, what
 * it means and what mends it.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"

enum { FINDINGS_MAX = 16 << 20 };

struct findings {
        int64_t count, containers, checks;
        bool with_daemon; /* ds01d answers */
};

/* Runs `ds01d WHAT` (with @config, NULL: its own place) and takes the report that it prints. An
 * exit code. */
int findings_ask(struct cli *c, const char *what, const char *config, struct buf *ret);
/* Reads a report; with @print each finding goes to standard output. 0, or -1 when it is none. */
int findings_read(struct cli *c, const struct buf *body, bool print, struct findings *ret);
