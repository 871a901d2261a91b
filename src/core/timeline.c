/* See timeline.h. */
#include "core/timeline.h"

#include <string.h>

/* Two clocks are not read at once, and they are corrected by small steps all the time: less than
 * this is not a clock that was set. */
#define SET_US 20000

static struct timeline_span *current(struct timeline *t) {
        return &t->spans[t->n - 1];
}

void timeline_begin(struct timeline *t, int64_t boot_us, int64_t wall_us) {
        *t = (struct timeline){ .epoch_us = wall_us - boot_us, .last_us = wall_us, .n = 1 };
        t->spans[0].from_us = INT64_MIN;
}

bool timeline_look(struct timeline *t, int64_t boot_us, int64_t wall_us) {
        int64_t steady = boot_us + t->epoch_us, ahead = wall_us - steady;
        int64_t change = ahead - current(t)->ahead_us;

        if (change > -SET_US && change < SET_US) {
                t->last_us = steady;
                return false;
        }
        current(t)->to_us = steady;
        if (t->n == TIMELINE_SPANS_MAX) {
                t->n--;
                memmove(t->spans, t->spans + 1, t->n * sizeof(t->spans[0]));
                t->spans[0].from_us = INT64_MIN;
        }
        t->spans[t->n++] = (struct timeline_span){ .from_us = t->last_us, .ahead_us = ahead };
        t->last_us = steady;
        return true;
}

void timeline_resume(struct timeline *t, bool same_boot, int64_t boot_us, int64_t wall_us) {
        if (!same_boot)
                t->epoch_us = t->last_us;
        else if (boot_us + t->epoch_us < t->last_us)
                t->epoch_us = t->last_us - boot_us;
        timeline_look(t, boot_us, wall_us);
}

int64_t timeline_steady(const struct timeline *t, int64_t wall_us) {
        int64_t latest = INT64_MIN;

        for (size_t i = 0; i < t->n; i++) {
                const struct timeline_span *s = &t->spans[i];
                int64_t steady = wall_us - s->ahead_us;
                int64_t to = i == t->n - 1 ? t->last_us : s->to_us;

                if (steady >= s->from_us && steady <= to && steady > latest)
                        latest = steady;
        }
        return latest == INT64_MIN ? t->last_us : latest;
}

int64_t timeline_wall(const struct timeline *t, int64_t steady_us) {
        return steady_us + t->spans[t->n - 1].ahead_us;
}
