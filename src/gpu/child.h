/*
 * The helper as the daemon holds it: started, asked with a deadline, killed. Used by the monitor's
 * thread only; no locks.
 */
#pragma once

#include "base/err.h"
#include "gpu/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Helpers that were killed but sit in the kernel until the driver lets them go. */
#define CHILD_STUCK_MAX 4

struct child {
        char *executable, *library, *simulator_file; /* owned; the last may be NULL */
        pid_t pid;                                   /* 0: none runs */
        int fd;                                      /* -1: none */
        pid_t stuck[CHILD_STUCK_MAX];
        size_t nstuck;
};

/* Starts the helper when none runs. 0, -EBUSY (too many are stuck), or -errno. */
int child_start(struct child *s, struct err *e);

/* Sends @request and reads the answer. @stop_fd becoming readable ends the wait. 0, -ETIMEDOUT,
 * -ECANCELED (stop_fd), -EPIPE (the helper ended), -EBADMSG, -ENOMEM. After any failure the helper
 * is in an unknown state: child_end() it. */
int child_ask(struct child *s, enum protocol_request request, int stop_fd, int64_t deadline_us,
              struct protocol_answer *ret);

/* Kills the helper, if there is one, and reaps it; one that does not die at once is kept among the
 * stuck ones. */
void child_end(struct child *s);
/* Reaps stuck helpers that have gone since. */
void child_reap(struct child *s);
void child_release(struct child *s);
