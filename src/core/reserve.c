/* See reserve.h. */
#include "core/reserve.h"

#include <string.h>

bool reservation_is_for(const struct reservation *r, const char *user) {
        size_t n = strlen(user);

        for (const char *p = r->users; *p; p += strcspn(p, " "), p += *p == ' ')
                if (n > 0 && strcspn(p, " ") == n && memcmp(p, user, n) == 0)
                        return true;
        return false;
}

bool reservation_counts(const struct reservation *r, int64_t wall_us, int64_t ahead_us) {
        if (ahead_us > RESERVATION_AHEAD_US)
                ahead_us = RESERVATION_AHEAD_US;
        return wall_us >= r->start_us - ahead_us && wall_us < r->end_us;
}

static bool is_whole(const struct snapshot *s, int16_t device) {
        return device >= 0 && (size_t)device < s->inventory->ndevices &&
               s->inventory->devices[device].instance < 0;
}

int64_t reservation_missing(const struct snapshot *s, const struct reservation *r) {
        int64_t missing = r->gpus;

        for (size_t i = 0; i < s->nclaims; i++) {
                const struct claim *c = &s->claims[i];

                if (c->ndevices == 0 || !claim_holds(c, s->now_us) ||
                    !reservation_is_for(r, c->user))
                        continue;
                for (int k = 0; k < c->ndevices; k++)
                        missing -= is_whole(s, c->devices[k]);
        }
        return missing > 0 ? missing : 0;
}

void reservation_withhold(const struct snapshot *s, const struct reservation *r, uint8_t mark,
                          const char *user, int64_t wall_us, int64_t ahead_us,
                          uint8_t mask[GPU_DEVICES_MAX]) {
        size_t count = s->inventory->ndevices < GPU_DEVICES_MAX ? s->inventory->ndevices
                                                                : GPU_DEVICES_MAX;
        uint8_t open[GPU_DEVICES_MAX] = { 0 };
        size_t nopen = 0, kept;
        struct grant g;

        if (reservation_is_for(r, user) || !reservation_counts(r, wall_us, ahead_us))
                return;
        for (size_t i = 0; i < count; i++) {
                const struct gpu_device *d = &s->inventory->devices[i];

                open[i] = d->instance < 0 && d->health == GPU_OK && d->foreign_pid == 0 &&
                          !mask[i] && policy_holder(s, (int16_t)i) < 0;
                nopen += open[i];
        }
        kept = (size_t)reservation_missing(s, r);
        kept = kept < nopen ? kept : nopen;
        if (kept > GPU_PER_CONTAINER_MAX)
                kept = GPU_PER_CONTAINER_MAX;
        if (kept == 0 || allocator_choose(s->inventory, open, kept, true, true, &g) < 0)
                return;
        for (size_t k = 0; k < g.n; k++)
                mask[g.devices[k]] = mark;
}

int64_t reservation_peak(const struct reservation *const *others, size_t n,
                         const struct reservation *r, int64_t *ret_gpus) {
        int64_t peak_us = r->start_us, most = 0;

        /* The sum grows at starts only. */
        for (size_t i = 0; i <= n; i++) {
                int64_t at = i < n ? others[i]->start_us : r->start_us, sum = r->gpus;

                if (at < r->start_us || at >= r->end_us)
                        continue;
                for (size_t k = 0; k < n; k++)
                        if (at >= others[k]->start_us && at < others[k]->end_us)
                                sum += others[k]->gpus;
                if (sum > most) {
                        most = sum;
                        peak_us = at;
                }
        }
        *ret_gpus = most;
        return peak_us;
}
