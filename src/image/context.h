/*
 * The context of a build: the files of a project's directory, as a tar stream. Two passes: the
 * first finds what is to be sent, so that sizes and troubles are known before anything is; the
 * second reads the files. Runs as the person, with their rights.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct image_context;

struct image_context_info {
        int64_t total_bytes; /* of the archive */
        size_t files;
        /* "data (4.2GB), .git (80MB)": directories that are left out because no .dockerignore
         * says otherwise; "" for none. */
        char left_out[512];
        char largest[512];   /* "big.bin (10GB), ...": up to five files, largest first */
        unsigned skipped;    /* sockets, pipes, devices */
};

enum {
        IMAGE_CONTEXT_FILES_MAX = 1000000,
        IMAGE_CONTEXT_PIECE = 64 << 10,
};

/*
 * Looks at the directory @dir. @dockerfile is a path relative to it; the file is always sent.
 * @bytes, when not NULL, is what is sent in its place (@n bytes; kept until the end), whether
 * there is such a file or not. 0, or -errno with @err; the result is freed with
 * image_context_free().
 */
int image_context_open(const char *dir, const char *dockerfile, const char *bytes, size_t n,
                       struct image_context **ret, struct err *err);
void image_context_free(struct image_context *c);
const struct image_context_info *image_context_info(const struct image_context *c);

/* Adds the next bytes to @piece: 1 while there are more, 0 at the end, -errno with @err. A file
 * that has changed its size since the first pass is cut or filled with zeros: the archive stays
 * whole, and the build sees a file that was being written. */
int image_context_next(struct image_context *c, struct buf *piece, struct err *err);
