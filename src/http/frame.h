/*
 * Frames of a stream after a 101: an 8-byte header (type, three zero bytes, length as a big-endian
 * u32) and the payload. This is Docker's multiplexed stream (types 0 to 2), which ds01's own
 * attach uses both ways with types of its own above those.
 */
#pragma once

#include "base/buf.h"
#include "http/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum { HTTP_FRAME_HEADER = 8 };

/* Docker's types. */
enum { HTTP_FRAME_STDIN = 0, HTTP_FRAME_STDOUT = 1, HTTP_FRAME_STDERR = 2 };

/* Writes a header for @n payload bytes. */
void http_frame_header(char dst[HTTP_FRAME_HEADER], uint8_t type, uint32_t n);
/* Appends a whole frame; @n up to HTTP_FRAME_MAX, else -EMSGSIZE. 0, -ENOBUFS, -ENOMEM. */
int http_frame_write(struct buf *out, uint8_t type, const void *bytes, size_t n);

struct http_frame_reader {
        uint32_t max;    /* ceiling of one payload */
        bool piecewise;  /* deliver payloads as they come instead of whole */
        bool inside;     /* (own) between the header and the payload's end */
        uint8_t type;    /* (own) */
        uint32_t left;   /* (own) */
};

/* Whole frames of ours. The input buffer must hold HTTP_FRAME_HEADER + HTTP_FRAME_MAX bytes. */
#define HTTP_FRAMES ((struct http_frame_reader){ .max = HTTP_FRAME_MAX })
/* Docker's stream, whose frames may be of any size: pieces. */
#define HTTP_FRAMES_PIECEWISE ((struct http_frame_reader){ .max = UINT32_MAX, .piecewise = true })

struct http_frame {
        uint8_t type;
        const char *bytes; /* into the input */
        size_t n;
        bool last; /* the payload's end; always true unless piecewise */
};

/* The next frame (or piece of one) of the @n bytes at @data from *@pos on; *@pos moves behind it.
 * 1 with *@ret filled, 0 (more bytes are needed; keep those from *@pos on), or -EPROTO (reserved
 * bytes that are not zero, or a payload over the ceiling).
 *
 *     size_t used = 0;
 *     while ((r = http_frame_next(&frames, in.data, in.len, &used, &f)) > 0) ...
 *     buf_consume(&in, used); */
int http_frame_next(struct http_frame_reader *r, const char *data, size_t n, size_t *pos,
                    struct http_frame *ret);
