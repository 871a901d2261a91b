/*
 * Writers of heads, targets and chunks into a struct buf. Values with control bytes are refused
 * (-EINVAL), so nothing that comes from elsewhere can add a header line.
 */
#pragma once

#include "base/buf.h"
#include "http/request.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        HTTP_NO_LENGTH = -1, /* no body and no Content-Length (GET; 101, 204; until the end) */
        HTTP_CHUNKED = -2,   /* Transfer-Encoding: chunked */
};

struct http_request_out {
        enum http_method method;
        const char *target;       /* "/v1/containers?all=true", built with the functions below */
        const char *host;         /* NULL: "ds01" */
        const char *content_type; /* NULL: none */
        int64_t length;           /* of the body, or one of the above */
        const char *upgrade;      /* protocol, or NULL; adds Connection: Upgrade */
        bool close;
        const char *extra;        /* further complete lines, each ended by CRLF, or NULL */
};

struct http_response_out {
        int status;
        const char *content_type;
        int64_t length;
        const char *upgrade;
        bool close;
        const char *extra;
};

/* All of these add everything or nothing: 0, -EINVAL or -ENOBUFS (no room, or no memory). */
int http_write_request(struct buf *out, const struct http_request_out *q);
int http_write_response(struct buf *out, const struct http_response_out *a);

/* One chunk (nothing for no bytes, since an empty chunk ends the body), and that end. */
int http_write_chunk(struct buf *out, const void *bytes, size_t n);
int http_write_chunk_end(struct buf *out);

/* Appends "/SEGMENT" to a target, everything but unreserved characters percent-encoded. */
int http_target_segment(struct buf *target, const char *segment);
/* Appends "?KEY=VALUE" or "&KEY=VALUE", whichever is due. */
int http_target_param(struct buf *target, const char *key, const char *value);

/* "Not Found"; "Unknown" for numbers that are not in the table. */
const char *http_status_text(int status);
