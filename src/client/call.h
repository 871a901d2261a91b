/*
 * Calls to ds01d as docs/API.md describes them: one request, one answer, and errors that are
 * printed as they came, with the exit code that they bring along.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"
#include "http/request.h"

struct call {
        enum http_method method;
        const char *target;
        const struct buf *body; /* JSON, or NULL */
        /* A tar instead, in pieces: adds some bytes to @piece (64 KiB fit): 1, 0 at the end, or
         * -errno after saying why, which ends the call. It is read once, so the answer that a
         * daemon is just starting is the answer. */
        int (*next_piece)(void *arg, struct buf *piece);
        const char *doing;      /* "starting 'thesis'", shown when it takes long; NULL: nothing */
        bool quiet;             /* nothing is said or started when ds01d can't be reached */
        /* Gets each line of the answer as it comes instead of having it collected. */
        void (*on_line)(void *arg, const char *line, size_t n);
        void (*on_tick)(void *arg); /* five times a second while nothing comes; NULL: not */
        void *arg;
};

struct reply {
        int status;      /* of HTTP */
        struct buf body; /* made by call_send */
        /* for statuses of 400 and above: */
        int exit;
        char code[64], message[2048], next[1024];
        char subject[512]; /* what it is about (an image's full name, say), or "" */
        int64_t line;      /* of the Dockerfile that is to blame; 0: none */
};

void reply_release(struct reply *r);
#define _cleanup_reply_ _cleanup_(reply_release)

/* 0 when an answer came, whatever it says; else an exit code after saying what happened. @ret must
 * be zeroed and is to be released in any case. */
int call_send(struct cli *c, const struct call *call, struct reply *ret);

/* A daemon that has just been started (by this very command, perhaps) refuses everything for a
 * moment. True, after a pause, when that was its answer and asking again makes sense: until five
 * seconds after @since_us (CLOCK_MONOTONIC). */
bool call_again(const struct reply *r, int64_t since_us);

/* Prints the error of a reply and returns its exit code. */
int reply_print_error(struct cli *c, const struct reply *r);

/* call_send, and an error answered by ds01d is printed. 0 or an exit code. */
int call_do(struct cli *c, const struct call *call, struct reply *ret);

/* Reads an error object ({"error": {...}}) into the reply's words. */
void reply_parse_error(struct reply *r);

/* Words for an answer that breaks docs/API.md; returns EXIT_FAILED. */
int call_garbled(struct cli *c, const char *what);
