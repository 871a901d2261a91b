/*
 * Building an image: the context goes to ds01d piece by piece, and what comes back is shown while
 * it comes: on a terminal the step, its time and the last line of output, with the layers of bases
 * that are pulled; elsewhere plain lines. All of it on stderr. Ctrl-C ends the process, and ds01d
 * cancels a build whose caller has gone.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"

struct build_request {
        const char *project;    /* checked by ds01d */
        const char *dockerfile; /* its entry in the archive; NULL: "Dockerfile" */
        bool no_cache;
        bool quiet; /* nothing is shown but what went wrong */
        /* Adds the next bytes of an uncompressed tar to @piece, which has room for 64 KiB: 1 when
         * there may be more, 0 at the end, or -errno after saying why (then nothing is built). */
        int (*next_piece)(void *source, struct buf *piece);
        void *source;
        int64_t total_bytes; /* of the whole archive, for the progress; 0: not known */
};

struct build_result {
        char id[80];     /* "sha256:..." */
        char image[512]; /* "ds01-1001/thesis:latest" */
        int64_t size_bytes;
        struct buf notes; /* lines for the person; action_print_notes() prints them */
        int64_t line;     /* of the Dockerfile, where one is to blame for a failure; else 0 */
};
void build_result_release(struct build_result *r);
#define _cleanup_build_ _cleanup_(build_result_release)

/* EXIT_DONE once the image is there, else an exit code after saying why (with the last lines of
 * output when a step has failed). @ret must be zeroed; `line` is set on failure too. */
int build_image(struct cli *c, const struct build_request *q, struct build_result *ret);
