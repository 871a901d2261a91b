/* What happens to containers and leases, as it is written down. Times are wall clock. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum event_kind {
        EVENT_CREATE,
        EVENT_START,
        EVENT_STOP,
        EVENT_PAUSE,
        EVENT_UNPAUSE,
        EVENT_REMOVE,
        EVENT_LEASE_BEGIN, /* devices are a container's from now on */
        EVENT_LEASE_END,
        EVENT_REFUSAL,
        EVENT_WARNING, /* of a rule of time, or that its GPU is lost */
        EVENT_EXTEND,
        EVENT_KINDS,
};

/* "create", "lease_begin" */
const char *event_word(enum event_kind kind);

struct event_device {
        char uuid[96];
        char name[64]; /* "GPU-0" */
        int64_t units; /* of a full GPU's 7000 */
};

struct event {
        enum event_kind kind;
        int64_t at_us;
        int64_t seen_us; /* of a lease that began: when it was looked at; 0: as it began */
        uid_t uid;
        char user[64];
        char nonce[40];     /* the container's own, also when its name is used again; "" = none */
        char container[64]; /* "" = none */
        char project[64];
        char code[64];      /* of a refusal */
        char why[256];      /* a sentence or a word, "" = none */
        struct event_device *devices; /* owned */
        size_t n_devices;
};

/* Allocated as one piece with room for the devices; event_free() takes NULL. */
struct event *event_new(enum event_kind kind, int64_t at_us, size_t n_devices);
void event_free(struct event *e);
