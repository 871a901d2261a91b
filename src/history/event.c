/* See event.h. */
#include "history/event.h"

#include <stdlib.h>

static const char *const words[EVENT_KINDS] = {
        [EVENT_CREATE] = "create",
        [EVENT_START] = "start",
        [EVENT_STOP] = "stop",
        [EVENT_PAUSE] = "pause",
        [EVENT_UNPAUSE] = "unpause",
        [EVENT_REMOVE] = "remove",
        [EVENT_LEASE_BEGIN] = "lease_begin",
        [EVENT_LEASE_END] = "lease_end",
        [EVENT_REFUSAL] = "refusal",
        [EVENT_WARNING] = "warning",
        [EVENT_EXTEND] = "extend",
};

const char *event_word(enum event_kind kind) {
        return words[kind];
}

struct event *event_new(enum event_kind kind, int64_t at_us, size_t n_devices) {
        struct event *e = calloc(1, sizeof(*e) + n_devices * sizeof(struct event_device));

        if (!e)
                return NULL;
        e->kind = kind;
        e->at_us = at_us;
        e->devices = (struct event_device *)(e + 1);
        e->n_devices = n_devices;
        return e;
}

void event_free(struct event *e) {
        free(e);
}
