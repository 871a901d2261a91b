/*
 * The sessions that are attached to containers: when somebody last typed into one, and a line of
 * ds01d's for all that have a terminal.
 */
#pragma once

#include "base/buf.h"
#include "engine/engine.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct terminal { /* one session; belongs to its connection's thread */
        char container[ENGINE_ID_SIZE];
        bool tty;
        int wake_fd;       /* readable when there is something in @said */
        struct buf said;   /* behind the lock */
        int64_t typed_us;  /* CLOCK_BOOTTIME of the last input; 0: none. Behind the lock */
        struct terminal *next;
};

struct terminals {
        pthread_mutex_t lock;
        struct terminal *first;
};

void terminals_init(struct terminals *t);

/* Enters a session. 0 or -errno: then it is served all the same, and hears nothing. */
int terminals_add(struct terminals *t, struct terminal *session, const char *container, bool tty);
void terminals_remove(struct terminals *t, struct terminal *session);

/* To be called by the session: somebody has typed. */
void terminals_typed(struct terminals *t, struct terminal *session);
/* What was said since the last call goes to @out. */
void terminals_hear(struct terminals *t, struct terminal *session, struct buf *out);

/* @line is put on every terminal that is attached to the container: printable, no line ends. */
void terminals_say(struct terminals *t, const char *container, const char *line);
/* When somebody last typed into one that is still attached (CLOCK_BOOTTIME); 0: nobody did. */
int64_t terminals_last_typed(struct terminals *t, const char *container);
