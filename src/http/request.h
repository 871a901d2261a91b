/*
 * The server's side of HTTP/1.1: bytes in, a judged request out. Strict: one way to write each
 * thing, everything else is refused, because the peers are our own client and curl, and because
 * every laxness is a place where two readers may disagree about where a request ends.
 *
 *     struct http_request_reader r;              (large: keep it per connection, not per call)
 *     http_request_init(&r);
 *     for (;;)
 *             switch (http_request_feed(&r, &in, &body)) {
 *             case HTTP_MORE: read more bytes into &in
 *             case HTTP_HEAD_DONE: r.head is complete; route it, size `body`, answer 100 if asked;
 * go on case HTTP_DONE: the body is complete in `body`; what is left in &in is the next request
 *             case HTTP_BAD:  answer http_faults[r.fault] and close
 *             }
 *
 * Holds no memory and no descriptor, so there is nothing to release; but its head points into
 * itself, so it must not be copied. The ceiling of `in` must be above HTTP_FIELD_MAX + 2.
 */
#pragma once

#include "base/buf.h"
#include "http/limits.h"
#include "http/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_METHODS };

/* "GET"; the names in the enum's order. */
extern const char *const http_method_names[HTTP_METHODS];

/* What a feed function answers; both readers use it. */
enum http_event {
        HTTP_MORE,      /* all input was taken in; more is needed */
        HTTP_HEAD_DONE, /* the head is complete; feed again for the body */
        HTTP_FULL, /* (streamed bodies) the buffer is full: empty it and feed again, or give up */
        HTTP_DONE, /* the message is complete */
        HTTP_UPGRADED, /* (responses) 101: what is left in the input is the stream's */
        HTTP_BAD,      /* refused; feed nothing more */
};

/* Why a request is refused. After any of these the connection is closed. */
enum http_fault {
        HTTP_FAULT_NONE,
        HTTP_FAULT_LINE_END, /* bare LF or CR, or a control byte */
        HTTP_FAULT_REQUEST_LINE,
        HTTP_FAULT_VERSION,
        HTTP_FAULT_METHOD,
        HTTP_FAULT_TARGET_LONG,
        HTTP_FAULT_PATH,
        HTTP_FAULT_QUERY,
        HTTP_FAULT_QUERY_TWICE,
        HTTP_FAULT_HEAD_LARGE,
        HTTP_FAULT_FIELD,       /* name, colon or folding */
        HTTP_FAULT_FIELD_TWICE, /* a field that must stand once */
        HTTP_FAULT_HOST,
        HTTP_FAULT_LENGTH,
        HTTP_FAULT_LENGTH_AND_CODING,
        HTTP_FAULT_CODING,
        HTTP_FAULT_EXPECT,
        HTTP_FAULT_MEDIA,
        HTTP_FAULT_BODY_UNWANTED, /* GET, HEAD, DELETE with a body */
        HTTP_FAULT_BODY_LARGE,
        HTTP_FAULT_CHUNK,
        HTTP_FAULT_TRAILER,
        HTTP_FAULT_TIMEOUT, /* never by the reader: for the caller, who has the clock */
        HTTP_FAULTS,
};

extern const struct http_fault_row {
        int status;
        const char *text; /* for the answer's message */
} http_faults[HTTP_FAULTS];

enum http_media {
        HTTP_MEDIA_NONE,
        HTTP_MEDIA_JSON, /* application/json, with charset=utf-8 or without */
        HTTP_MEDIA_TAR,  /* application/x-tar */
        HTTP_MEDIA_OTHER,
};

struct http_param {
        const char *key, *value;
};

/* A complete head. Strings live in the reader until the next request begins. */
struct http_request {
        enum http_method method;
        char target[HTTP_LINE_MAX + 1];          /* as it came: printable ASCII, for logs */
        const char *segments[HTTP_SEGMENTS_MAX]; /* decoded: printable ASCII without '/' and '%',
                                                    never empty, "." or ".." */
        size_t n_segments;                       /* "/" has none */
        struct http_param query[HTTP_QUERY_MAX]; /* decoded: valid UTF-8, no control characters */
        size_t n_query;
        int64_t length; /* Content-Length; 0 without one; -1 when chunked */
        enum http_media media;
        bool expect_continue; /* answer "100 Continue" before reading the body */
        bool close;           /* the client wants no further request on this connection */
        char upgrade[32];     /* lower case; "" unless Connection names it too */
        bool takes_notice;    /* Ds01-Notice: wanted; the client shows its person what comes */
};

struct http_request_reader {
        struct http_request head;
        enum http_fault fault;
        /* the rest is the reader's own */
        int state;
        size_t seen;  /* bytes of the input's front known to hold no line end */
        size_t taken; /* bytes of the head so far */
        unsigned fields;
        unsigned found; /* bits: known fields that were met */
        bool connection_upgrade;
        bool blank_line; /* the one empty line that may precede a request was met */
        struct http_body body;
        char decoded[HTTP_LINE_MAX + 1];
};

void http_request_init(struct http_request_reader *r);

/* Takes bytes from @in (they are consumed from its front) up to the next event. The body is added
 * to @body, whose ceiling is the body's (HTTP_FAULT_BODY_LARGE; at once when Content-Length says
 * so). After HTTP_DONE the next call begins the next request. HTTP_HEAD_DONE, MORE, DONE or BAD. */
enum http_event http_request_feed(struct http_request_reader *r, struct buf *in, struct buf *body);

/* Behind HTTP_HEAD_DONE: the body is taken piece by piece. It may be of any length, and feed() says
 * HTTP_FULL when the buffer is. */
void http_request_stream_body(struct http_request_reader *r);

/* The value of a query parameter, or NULL. */
const char *http_request_param(const struct http_request *q, const char *key);
