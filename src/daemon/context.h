/*
 * A build's context on its way from the caller to the engine: a tar stream that is read, judged
 * and written anew, entry by entry. Devices, pipes and sockets, names that leave the directory,
 * special mode bits, owners and extended attributes do not get through, and what two readers
 * of tar could understand differently is refused (sparse files, global headers). The Dockerfile is
 * taken out of the stream: what the engine gets in its place, as the last entry, is
 * what was judged (core/recipe.h), whatever links the archive holds.
 */
#pragma once

#include "base/buf.h"
#include "core/recipe.h"
#include "core/refusal.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        CONTEXT_NAME_MAX = 4096,
        CONTEXT_ENTRIES_MAX = 1000000,
        CONTEXT_PAX_MAX = 64 << 10,
        CONTEXT_OUT_MIN = 32 << 10, /* room that the output needs for one step */
};

/* What one entry, and the extension headers in front of it, say. */
struct context_entry {
        char name[CONTEXT_NAME_MAX], link[CONTEXT_NAME_MAX];
        int64_t size, mtime;
        bool name_said, link_said, size_said, mtime_said; /* by an extension header */
};

struct context {
        const char *dockerfile; /* its name in the archive */
        int64_t max_bytes, bytes; /* of entries, headers included */
        int64_t entries;
        int state;
        unsigned zeros;      /* blocks of them in a row */
        uint64_t left, pad;  /* of the current entry's data */
        struct context_entry entry;
        struct buf extension; /* the data of an extension header, and its type */
        char extension_type;
        struct buf recipe;    /* the Dockerfile's bytes */
        bool recipe_found;
        int64_t recipe_mtime;
};

void context_init(struct context *c, const char *dockerfile, int64_t max_bytes);
void context_release(struct context *c);

/* Takes bytes from the front of @in and adds what is to go on to @out, until the input is used up
 * or the output has less than CONTEXT_OUT_MIN room. 0, or nonzero with @r. */
int context_feed(struct context *c, struct buf *in, struct buf *out, struct refusal *r);
/* The input has ended: was it whole, with a Dockerfile in it? Nonzero with @r. */
int context_complete(const struct context *c, struct refusal *r);
/* The Dockerfile's header; then its @n bytes and context_end() are to follow. 0 or -ENOBUFS. */
int context_put_recipe(const struct context *c, size_t n, struct buf *out);
/* The padding of @n bytes and the archive's end. */
int context_put_end(size_t n, struct buf *out);

/* Writes a relative path as it is kept: no "." and empty components. False for what is absolute,
 * has ".." or control characters in it, or does not fit. "" stands for the directory itself. */
bool context_path(const char *typed, char *dst, size_t size);
