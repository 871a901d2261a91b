/* Words about holders; see the header. */
#include "core/explain.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum {
        LIST_MAX = 8,    /* items that a person reads; the rest is a number */
        LIST_ROOM = 40,  /* kept free at the end of a list for "; and 1000 more" */
        FAULT_SIZE = 176,
};

/* A list that says how many of its items did not fit. */
struct list {
        char *dst;
        size_t size, len, items, left_out;
        const char *separator;
};

static void list_add(struct list *l, const char *item) {
        const char *separator = l->len ? l->separator : "";
        size_t need = strlen(separator) + strlen(item);

        if (l->items == LIST_MAX || l->left_out > 0 || l->len + need + LIST_ROOM > l->size) {
                l->left_out++;
                return;
        }
        (void)snprintf(l->dst + l->len, l->size - l->len, "%s%s", separator, item);
        l->len += need;
        l->items++;
}

static void list_end(struct list *l) {
        if (l->left_out > 0)
                (void)snprintf(l->dst + l->len, l->size - l->len, "%sand %zu more",
                               l->len ? l->separator : "", l->left_out);
}

/* A time still to come, rounded up, so that it never reads "0s". */
static void remaining_format(int64_t us, char *dst, size_t size) {
        duration_format((us + US_PER_S - 1) / US_PER_S * US_PER_S, dst, size);
}

void explain_fault(const struct gpu_device *d, char *dst, size_t size) {
        const char *detail = d->health_detail;

        dst[0] = '\0';
        if (d->health == GPU_FAILED)
                (void)snprintf(dst, size, "failed%s%s%s", detail[0] ? " (" : "", detail,
                               detail[0] ? ")" : "");
        else if (d->health == GPU_UNRESPONSIVE)
                (void)snprintf(dst, size, "doesn't answer%s%s%s", detail[0] ? " (" : "", detail,
                               detail[0] ? ")" : "");
        else if (d->foreign_pid > 0 && d->foreign_user[0])
                (void)snprintf(dst, size, "in use by process %d of %s", (int)d->foreign_pid,
                               d->foreign_user);
        else if (d->foreign_pid > 0)
                (void)snprintf(dst, size, "in use by process %d", (int)d->foreign_pid);
}

/* " for 2h 15m", ", stopped, free in 12m": the part behind the holder. */
static void tenure_format(const struct claim *c, int64_t now_us, char *dst, size_t size) {
        struct lease lease = claim_lease(c, now_us);
        char span[32];

        duration_format(now_us - c->since_us, span, sizeof(span));
        switch (c->state) {
        case CONTAINER_RUNNING:
                (void)snprintf(dst, size, " for %s", span);
                return;
        case CONTAINER_PAUSED:
                (void)snprintf(dst, size, ", paused, for %s", span);
                return;
        case CONTAINER_RESERVED:
                (void)str_copy(dst, size, ", being created");
                return;
        case CONTAINER_REMOVING:
                (void)str_copy(dst, size, ", being removed");
                return;
        case CONTAINER_CREATED:
        case CONTAINER_STOPPED:
                break;
        }
        if (lease.deadline_us == LIMIT_UNLIMITED) {
                (void)snprintf(dst, size, ", %s, kept until it is removed",
                               c->state == CONTAINER_STOPPED ? "stopped" : "not started");
                return;
        }
        remaining_format(lease.deadline_us - now_us, span, sizeof(span));
        (void)snprintf(dst, size, ", %s, free in %s",
                       c->state == CONTAINER_STOPPED ? "stopped" : "not started yet", span);
}

void explain_devices(const struct snapshot *s, const uint8_t *wanted, ssize_t except, char *dst,
                     size_t size) {
        int32_t holder[GPU_DEVICES_MAX];
        struct list list = { .dst = dst, .size = size, .separator = "; " };
        size_t n = s->inventory->ndevices;

        dst[0] = '\0';
        n = n < GPU_DEVICES_MAX ? n : GPU_DEVICES_MAX;
        memset(holder, 0xff, sizeof(holder));
        for (size_t i = 0; i < s->nclaims; i++) {
                const struct claim *c = &s->claims[i];

                if ((ssize_t)i == except || !claim_holds(c, s->now_us))
                        continue;
                for (int k = 0; k < c->ndevices; k++)
                        if (c->devices[k] >= 0 && (size_t)c->devices[k] < n)
                                holder[c->devices[k]] = (int32_t)i;
        }
        for (size_t i = 0; i < n; i++) {
                const struct gpu_device *d = &s->inventory->devices[i];
                const struct claim *c = holder[i] >= 0 ? &s->claims[holder[i]] : NULL;
                char words[FAULT_SIZE], item[320];

                if (!wanted[i])
                        continue;
                explain_fault(d, words, sizeof(words));
                if (words[0]) {
                        (void)snprintf(item, sizeof(item), "%s %s", d->name, words);
                } else if (c) {
                        tenure_format(c, s->now_us, words, sizeof(words));
                        if (c->uid == s->uid)
                                (void)snprintf(item, sizeof(item), "%s your '%.63s'%s", d->name,
                                               c->name, words);
                        else
                                (void)snprintf(item, sizeof(item), "%s %.63s%s", d->name, c->user,
                                               words);
                } else {
                        continue;
                }
                list_add(&list, item);
        }
        list_end(&list);
}

void explain_own_gpus(const struct snapshot *s, ssize_t except, char *dst, size_t size, char *first,
                      size_t first_size) {
        struct list list = { .dst = dst, .size = size, .separator = ", " };

        dst[0] = first[0] = '\0';
        for (size_t i = 0; i < s->nclaims; i++) {
                const struct claim *c = &s->claims[i];
                char item[160], units[24], span[32], until[48] = "";
                struct lease lease;

                if (c->uid != s->uid || (ssize_t)i == except || !claim_holds(c, s->now_us))
                        continue;
                lease = claim_lease(c, s->now_us);
                gpu_units_format(c->units, units, sizeof(units));
                if (lease.deadline_us != LIMIT_UNLIMITED) {
                        remaining_format(lease.deadline_us - s->now_us, span, sizeof(span));
                        (void)snprintf(until, sizeof(until), ", held for %s", span);
                }
                (void)snprintf(item, sizeof(item), "%.63s (%s%s)", c->name, units, until);
                list_add(&list, item);
                if (!first[0])
                        (void)str_copy(first, first_size, c->name);
        }
        list_end(&list);
}

void explain_own_containers(const struct snapshot *s, char *dst, size_t size, char *first,
                            size_t first_size) {
        struct list list = { .dst = dst, .size = size, .separator = ", " };
        bool idle = false;

        dst[0] = first[0] = '\0';
        for (size_t i = 0; i < s->nclaims; i++) {
                const struct claim *c = &s->claims[i];
                bool stopped = c->state == CONTAINER_STOPPED || c->state == CONTAINER_CREATED;
                char item[96];

                if (c->uid != s->uid || c->state == CONTAINER_REMOVING)
                        continue;
                (void)snprintf(item, sizeof(item), "%.63s (%s)", c->name,
                               container_state_word(c->state));
                list_add(&list, item);
                if (!first[0] || (stopped && !idle))
                        (void)snprintf(first, first_size, "%s%s", c->name,
                                       stopped ? "" : " --stop");
                idle = idle || stopped;
        }
        list_end(&list);
}
