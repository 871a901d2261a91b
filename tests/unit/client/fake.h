/*
 * A scripted ds01d for the client's tests: a thread that answers on a socket what a test wrote
 * down, and a way to run the client in this process with its output kept.
 */
#pragma once

#include "client/cli.h"

#include <pthread.h>
#include <stddef.h>

struct fake_answer {
        const char *expect; /* the request line without " HTTP/1.1" */
        const char *body;   /* that the request must have (chunks as they are), or NULL for any */
        int status;         /* of the answer; 0: the connection is closed without one */
        const char *reply;  /* its body */
        bool cut;           /* the request must break off */
        void (*stream)(int fd); /* runs after a 101; @status and @reply are not used */
};

struct fake {
        const struct fake_answer *answers;
        size_t n, used;
        char dir[64], path[96];
        int listen_fd;
        pthread_t thread;
        char problem[8192]; /* "" while the requests were as expected */
};

/* One answer a connection, in that order. */
void fake_start(struct fake *f, const struct fake_answer *answers, size_t n);
/* Fails the test when a request was not as expected or did not come. */
void fake_stop(struct fake *f);

/* What a run of the client left. */
struct ran {
        int code;
        char out[65536], err[16384];
};

/* Runs "WORD WORD..." (split at blanks). @f may be NULL (no daemon). @input is standard input's
 * content, or NULL for an empty one. @columns: as of a terminal on stdout, 0 for none.
 * It is 2026-11-24 14:17:00 in UTC. */
void run_client(struct fake *f, struct ran *ret, const char *line, const char *input,
                unsigned columns);

/* The same for a part of the client. @live: stderr is a terminal. */
void run_part(struct fake *f, struct ran *ret, int (*part)(struct cli *c, void *arg), void *arg,
              bool live);

/* Sends one frame of an attached stream. */
void send_frame(int fd, int type, const void *bytes, size_t n);
/* Reads one; -1 at the end. @bytes has 65536 bytes. */
int read_frame(int fd, char *bytes, size_t *ret_n);
