/*
 * The order in which people who wait get devices. Pure: the waiters are the daemon's.
 *
 * Higher priority goes first, then who came first. Who waits for devices keeps all that are free
 * and that it could have away from everybody behind it and from those who do not wait: a large
 * request gathers what it needs and is not overtaken for ever by small ones. Who waits only for a
 * quota of their own keeps nothing away.
 */
#pragma once

#include "core/policy.h"

struct waiter {
        uid_t uid;
        char name[NAME_MAX_LEN + 1]; /* of the container */
        char user[64];
        int64_t gpus;     /* asked for */
        bool prefer_full; /* whole GPUs only, where the limits allow them */
        bool allow_full;  /* the limits' */
        bool starting;    /* a container that is there, else a new one */
        bool for_devices; /* what it lacks: devices, else its own quota */
        int64_t priority;
        int64_t since_us; /* wall clock */
        uint64_t number;  /* ascending, in order of arrival */
        int64_t ahead_us; /* how long its container may run: reservations count so long before */
        /* The devices that are reserved for others: it can't have them, so they are not kept for
         * it. */
        uint8_t denied[GPU_DEVICES_MAX];
};

/* True when @a is ahead of @b. */
bool waiter_before(const struct waiter *a, const struct waiter *b);
/* How many are ahead of @w, which is one of them. */
size_t queue_ahead(const struct waiter *const *waiters, size_t n, const struct waiter *w);

/* Marks in @mask (a byte a device, zeroed here) the devices that are kept for those ahead of @self;
 * @self NULL: of somebody who comes now, with @priority. Devices that are not free count too. */
void queue_withheld(const struct gpu_inventory *inventory, const struct waiter *const *waiters,
                    size_t n, const struct waiter *self, int64_t priority,
                    uint8_t mask[GPU_DEVICES_MAX]);

/* Can waiting help against this refusal? *@ret_devices: it is devices that are lacking. */
bool queue_helps(enum refusal_reason reason, bool *ret_devices);
