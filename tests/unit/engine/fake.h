/*
 * A scripted engine on a Unix socket in a thread of its own, for faults that a real one does not
 * make to order. Answers /_ping by itself; everything else gets the script's answer.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum fake_after {
        FAKE_KEEP,  /* wait for the next request */
        FAKE_CLOSE, /* close the connection */
        FAKE_HANG,  /* keep it open and say nothing more */
};

struct fake_answer {
        const char *bytes; /* what is written, NULL for nothing */
        size_t n;          /* 0: strlen(bytes) */
        unsigned repeat;   /* write it this many times more */
        unsigned drip_us;  /* pause after every byte */
        enum fake_after after;
};

struct fake;

/* @api, @libpod: the versions that /_ping tells (NULL: none). Answers are used one a request; the
 * last one for all further requests. */
struct fake *fake_start(const char *api, const char *libpod, const struct fake_answer *answers,
                        size_t n);
const char *fake_path(const struct fake *f);
/* The requests that were received, without pings, one after the other. Copied to @ret. */
void fake_requests(struct fake *f, struct buf *ret);
unsigned fake_connections(struct fake *f);
void fake_stop(struct fake *f);
