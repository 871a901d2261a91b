/*
 * The layers of an image that is being pulled, on stderr: on a terminal a line a layer, redrawn in
 * place; elsewhere a plain line whenever a layer enters another state.
 */
#pragma once

#include "base/vec.h"
#include "client/cli.h"

struct layer {
        char id[72]; /* "": a remark on the whole */
        char status[64];
        int64_t current, total; /* bytes; 0: not known */
};

struct layers {
        struct cli *cli;
        VEC(struct layer) layers;
        unsigned drawn; /* lines on the terminal now */
        int64_t drawn_us;
};

/* Foreign text; what it cannot hold is cut. */
void layers_step(struct layers *l, const struct layer *news);
/* Draws them a last time; what follows begins below, and the next pull afresh. */
void layers_finish(struct layers *l);
void layers_release(struct layers *l);
