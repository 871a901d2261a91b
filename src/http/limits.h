/* Every ceiling of the HTTP layer. Bodies have none here: the buffer that a caller hands over to
 * collect one is made with its own. */
#pragma once

enum {
        HTTP_LINE_MAX = 8192,      /* request or status line */
        HTTP_FIELD_MAX = 32768,    /* one header field */
        HTTP_HEAD_MAX = 65536,     /* the whole head */
        HTTP_FIELDS_MAX = 100,     /* header fields */
        HTTP_SEGMENTS_MAX = 16,    /* parts of a path */
        HTTP_QUERY_MAX = 32,       /* parameters of a query */
        HTTP_CHUNK_LINE_MAX = 16,  /* hexadecimal digits of a chunk's size */
        HTTP_CONTENT_TYPE_MAX = 128,
        HTTP_INTERIM_MAX = 16,     /* 1xx answers before the real one */
        HTTP_FRAME_MAX = 65536,    /* payload of one frame of ours */
};
