/*
 * What people are to be told: kept for each until their next ds01 command takes it along, and given
 * to the site's own command (notify.command), which may send mail or a message.
 */
#pragma once

#include "base/vec.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { NOTICE_SIZE = 320, NOTICES_PER_PERSON = 8, NOTICES_MAX = 1024 };

struct notice {
        uid_t uid;
        char text[NOTICE_SIZE]; /* one line of printable ASCII */
};

struct notices {
        pthread_mutex_t lock;
        VEC(struct notice) waiting; /* oldest first */
        /* for the site's command: JSON documents, oldest first */
        pthread_cond_t added;
        VEC(char *) letters;
        bool stopping;
};

void notices_init(struct notices *n);
void notices_release(struct notices *n);

/* Keeps @text for @uid's next command; the oldest of too many goes. */
void notices_add(struct notices *n, uid_t uid, const char *text);
/* The oldest one for @uid, which is then forgotten. False when there is none. */
bool notices_take(struct notices *n, uid_t uid, char ret[NOTICE_SIZE]);

/* Gives @json (owned by the callee from here on) to the site's command, in its turn. */
void notices_post(struct notices *n, char *json);
/* Runs @command once for each, one after the other, until notices_stop(): the JSON on its stdin,
 * no arguments, a short environment, killed with all it started after 10 s. With "" they are
 * dropped. */
void notices_run(struct notices *n, const char *command);
void notices_stop(struct notices *n);
