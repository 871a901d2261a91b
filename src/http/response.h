/*
 * The client's side of HTTP/1.1, for the ds01 client towards ds01d and for ds01d towards the
 * engine: reads what dockerd 20 to 28, podman and ds01d send. Bodies are delivered piecewise into
 * the caller's buffer, by Content-Length, chunked, or until the connection ends.
 *
 *     struct http_response_reader r;
 *     http_response_init(&r, HTTP_GET);
 *     for (;;)
 *             switch (http_response_feed(&r, &in, &body)) {
 *             case HTTP_MORE:     use and empty `body` if streaming; read more into &in;
 *                                 at the end of input: http_response_eof(&r)
 *             case HTTP_HEAD_DONE:     r.head is complete
 *             case HTTP_FULL:     `body` is full: empty it, or give up
 *             case HTTP_DONE:     complete
 *             case HTTP_UPGRADED: 101 (there was no HTTP_HEAD_DONE); what is left in &in belongs to
 * the stream case HTTP_BAD:      r.error says why
 *             }
 */
#pragma once

#include "base/buf.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct http_response {
        int status;
        int64_t length; /* Content-Length, or -1 */
        bool chunked;
        bool close;                               /* the server ends the connection after this */
        char content_type[HTTP_CONTENT_TYPE_MAX]; /* lower case, with parameters; "" without */
        char upgrade[32];
        char server[128];
        char api_version[16];    /* Api-Version: of dockerd, and of podman's Docker side */
        char libpod_version[16]; /* Libpod-Api-Version: podman only */
        char path_stat[1024];    /* X-Docker-Container-Path-Stat */
        char notice[512];        /* Ds01-Notice: what ds01d has to tell the person */
};

struct http_response_reader {
        struct http_response head;
        const char *error; /* static text, set with HTTP_BAD */
        /* the rest is the reader's own */
        enum http_method method;
        int state;
        size_t seen, taken;
        unsigned fields, found, interim;
        struct http_body body;
};

/* @method is the request's: an answer to HEAD has no body, whatever its length says. */
void http_response_init(struct http_response_reader *r, enum http_method method);

/* Takes bytes from @in (consumed from its front) up to the next event; body bytes are added to
 * @body as far as its ceiling lets them. After HTTP_DONE the reader must be initialised anew. */
enum http_event http_response_feed(struct http_response_reader *r, struct buf *in,
                                   struct buf *body);

/* The connection has ended: HTTP_DONE when that completes the answer, else HTTP_BAD. To be called
 * once feed() has answered HTTP_MORE. */
enum http_event http_response_eof(struct http_response_reader *r);
