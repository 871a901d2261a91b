/* See queue.h. */
#include "core/queue.h"

#include <string.h>

bool waiter_before(const struct waiter *a, const struct waiter *b) {
        return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

size_t queue_ahead(const struct waiter *const *waiters, size_t n, const struct waiter *w) {
        size_t ahead = 0;

        for (size_t i = 0; i < n; i++)
                ahead += waiters[i] != w && waiter_before(waiters[i], w);
        return ahead;
}

static bool could_use(const struct waiter *w, const struct gpu_device *d) {
        return d->instance < 0 ? w->allow_full : !(w->prefer_full && w->allow_full);
}

void queue_withheld(const struct gpu_inventory *inventory, const struct waiter *const *waiters,
                    size_t n, const struct waiter *self, int64_t priority,
                    uint8_t mask[GPU_DEVICES_MAX]) {
        memset(mask, 0, GPU_DEVICES_MAX);
        for (size_t i = 0; i < n; i++) {
                const struct waiter *w = waiters[i];
                bool ahead = self ? w != self && waiter_before(w, self) : w->priority >= priority;

                if (!ahead || !w->for_devices)
                        continue;
                for (size_t k = 0; k < inventory->ndevices && k < GPU_DEVICES_MAX; k++)
                        mask[k] |= !w->denied[k] && could_use(w, &inventory->devices[k]);
        }
}

bool queue_helps(enum refusal_reason reason, bool *ret_devices) {
        *ret_devices = reason == REFUSAL_GPU_NONE_FREE || reason == REFUSAL_GPU_FULL_NOT_ALLOWED ||
                       reason == REFUSAL_GPU_GONE;
        return *ret_devices || reason == REFUSAL_GPU_QUOTA || reason == REFUSAL_CONTAINER_QUOTA;
}
