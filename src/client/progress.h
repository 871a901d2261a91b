/*
 * A line on the terminal for what takes longer than a second: "| starting 'thesis' (3s)". Every ten
 * seconds a line of its own where lines can't be redrawn; nothing when stderr is no terminal.
 */
#pragma once

#include "client/cli.h"

struct progress {
        struct cli *cli;
        const char *doing;
        int64_t start_us, next_us; /* CLOCK_MONOTONIC */
        unsigned turn;
        bool shown;
};

/* @doing may be NULL: then nothing is ever shown. It must outlive @p. */
void progress_init(struct progress *p, struct cli *c, const char *doing);
/* When progress_tick() is due (CLOCK_MONOTONIC), or 0 for never. */
int64_t progress_deadline(const struct progress *p);
void progress_tick(struct progress *p);
/* Takes the line away again. */
void progress_clear(struct progress *p);
