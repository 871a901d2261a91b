/*
 * What the request and the response reader have in common: lines, header fields, and bodies by
 * length or chunks. Internal to src/http.
 */
#pragma once

#include "base/buf.h"
#include "http/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of the input. */
struct http_span {
        const char *s;
        size_t n;
};

enum http_line { HTTP_LINE_MORE, HTTP_LINE_OK, HTTP_LINE_BARE, HTTP_LINE_LONG };

/* Looks for a line ended by CRLF in the @n bytes at @data. @seen: how many of them are known to
 * hold no LF; kept by the caller from call to call so that no byte is looked at twice. With OK,
 * *@line is the line without its end, which takes two more bytes, and *@seen is 0 again. */
enum http_line http_line_find(const char *data, size_t n, size_t max, size_t *seen,
                              struct http_span *line);

/* Splits "Name: value"; false for an empty name, one that is no token (so for a folded line and for
 * a space before the colon, too), and for control bytes in the value. */
bool http_field_split(struct http_span line, struct http_span *name, struct http_span *value);

/* Compares without regard to ASCII case. */
bool http_span_is(struct http_span span, const char *text);
bool http_is_token(struct http_span span);
/* True when the comma-separated list @value has @token in it. */
bool http_list_has(struct http_span value, const char *token);
/* Copies in lower case; "" when it does not fit. */
void http_span_copy_lower(struct http_span span, char *dst, size_t size);
void http_span_copy(struct http_span span, char *dst, size_t size);
/* Digits only, at most 19 of them. 0 or -EINVAL. */
int http_span_length(struct http_span span, int64_t *ret);

enum http_body_state {
        HTTP_BODY_NONE,
        HTTP_BODY_LENGTH,
        HTTP_BODY_CHUNK_SIZE,
        HTTP_BODY_CHUNK_DATA,
        HTTP_BODY_CHUNK_END,
        HTTP_BODY_TRAILER,
        HTTP_BODY_EOF,
};

struct http_body {
        enum http_body_state state;
        size_t seen;
        uint64_t left;    /* of the body or the chunk */
        size_t trailers;  /* bytes of them */
        bool collect;     /* the whole body must fit the buffer: say so as early as it shows */
        bool no_trailers; /* refuse them; otherwise they are dropped */
};

enum http_body_event {
        HTTP_BODY_MORE,
        HTTP_BODY_FULL,
        HTTP_BODY_DONE,
        HTTP_BODY_LARGE,
        HTTP_BODY_BAD_CHUNK,
        HTTP_BODY_BAD_TRAILER,
};

/* Moves body bytes from the @n bytes at @data, from *@pos on, to @out. */
enum http_body_event http_body_feed(struct http_body *b, const char *data, size_t n, size_t *pos,
                                    struct buf *out);
