/* The memory between two answers of the driver; see the header. */
#include "gpu/merge.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NO_DEVICE SIZE_MAX

/* Adds what @old knows of the GPU that @lost stands for. */
static int expand(const struct gpu_inventory *old, const struct gpu_inventory *inv,
                  const struct gpu_device *lost, struct gpu_device *items, size_t *n, size_t room) {
        size_t start = *n;

        for (size_t i = 0; i < old->ndevices && *n < room; i++) {
                const struct gpu_device *known = &old->devices[i];

                if (known->gpu != lost->gpu || gpu_inventory_find(inv, known->uuid) >= 0)
                        continue;
                items[*n] = *known;
                items[*n].health = GPU_FAILED;
                str_copy(items[*n].health_detail, sizeof(items[*n].health_detail),
                         lost->health_detail);
                (*n)++;
        }
        return *n > start;
}

static void keep_xid(const struct gpu_inventory *old, struct gpu_device *d) {
        int at = gpu_inventory_find(old, d->uuid);

        if (at < 0 || d->health != GPU_OK || old->devices[at].health != GPU_FAILED ||
            !str_starts(old->devices[at].health_detail, "Xid "))
                return;
        d->health = GPU_FAILED;
        str_copy(d->health_detail, sizeof(d->health_detail), old->devices[at].health_detail);
}

/* Gives the processes the new indices of their devices. */
static void renumber(struct gpu_processes *p, const size_t *places) {
        size_t kept = 0;

        for (size_t i = 0; i < p->n; i++) {
                size_t device = places[p->items[i].device];

                if (device == NO_DEVICE)
                        continue;
                p->items[kept] = p->items[i];
                p->items[kept++].device = device;
        }
        p->n = kept;
}

int merge_inventory(const struct gpu_inventory *old, struct gpu_inventory *inv,
                    struct gpu_processes *processes, char *words, size_t size) {
        size_t room = old->ndevices + inv->ndevices, n = 0;
        _cleanup_free_ size_t *places = calloc(inv->ndevices + 1, sizeof(*places));
        struct gpu_device *items = calloc(room + 1, sizeof(*items));

        words[0] = '\0';
        if (!items || !places) {
                free(items);
                return -ENOMEM;
        }
        for (size_t i = 0; i < inv->ndevices; i++) {
                const struct gpu_device *d = &inv->devices[i];

                places[i] = d->uuid[0] ? n : NO_DEVICE;
                if (d->uuid[0])
                        items[n++] = *d;
                else if (!expand(old, inv, d, items, &n, room))
                        snprintf(words, size, "%s: %s", d->name, d->health_detail);
        }
        for (size_t i = 0; i < n; i++)
                keep_xid(old, &items[i]);
        renumber(processes, places);
        free(inv->devices);
        inv->devices = items;
        inv->ndevices = n < GPU_DEVICES_MAX ? n : GPU_DEVICES_MAX;
        return 0;
}

void merge_unresponsive(struct gpu_inventory *inv, const char *detail) {
        for (size_t i = 0; i < inv->ndevices; i++) {
                struct gpu_device *d = &inv->devices[i];

                if (d->health != GPU_OK)
                        continue; /* its own reason tells more */
                d->health = GPU_UNRESPONSIVE;
                str_copy(d->health_detail, sizeof(d->health_detail), detail);
        }
}

static bool same_device(const struct gpu_device *a, const struct gpu_device *b) {
        return str_equal(a->uuid, b->uuid) && str_equal(a->name, b->name) &&
               str_equal(a->model, b->model) && a->gpu == b->gpu && a->instance == b->instance &&
               a->numa_node == b->numa_node && a->minor == b->minor && a->units == b->units &&
               a->memory_bytes == b->memory_bytes && a->health == b->health &&
               str_equal(a->health_detail, b->health_detail);
}

bool merge_same(const struct gpu_inventory *a, const struct gpu_processes *pa,
                const struct gpu_inventory *b, const struct gpu_processes *pb) {
        if (a->ndevices != b->ndevices || a->ngpus != b->ngpus || pa->n != pb->n)
                return false;
        for (size_t i = 0; i < a->ndevices; i++)
                if (!same_device(&a->devices[i], &b->devices[i]))
                        return false;
        for (size_t i = 0; i < pa->n; i++)
                if (pa->items[i].pid != pb->items[i].pid ||
                    pa->items[i].device != pb->items[i].device)
                        return false;
        for (size_t i = 0; i < a->ngpus; i++)
                for (size_t j = 0; j < a->ngpus; j++)
                        if (gpu_inventory_link(a, (int)i, (int)j) !=
                            gpu_inventory_link(b, (int)i, (int)j))
                                return false;
        return true;
}
