/*
 * Writing tar archives (POSIX ustar, with pax headers where something does not fit): the headers
 * and the padding; the data of an entry is for the caller to add in between.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

enum {
        TAR_BLOCK = 512,
        TAR_ENTRY_MAX = 32 << 10, /* more than the headers of one entry ever take */
        TAR_NAME_MAX = 4096,
};

/* The headers of an entry of @type ('0' file, '2' symbolic link, '5' directory) owned by root.
 * @link may be "". @mode: permissions and the sticky bit, nothing else gets through. 0 or
 * -ENOBUFS. */
int tar_put_entry(struct buf *out, char type, const char *name, const char *link, int64_t size,
                  unsigned mode, int64_t mtime);
/* The padding behind @size bytes of data. */
int tar_put_padding(struct buf *out, int64_t size);
/* The archive's end. */
int tar_put_end(struct buf *out);
