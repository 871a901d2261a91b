/* The inventory as a value: find, copy, release. */
#include "core/inventory.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

int gpu_inventory_find(const struct gpu_inventory *inv, const char *uuid) {
        for (size_t i = 0; i < inv->ndevices; i++)
                if (strcmp(inv->devices[i].uuid, uuid) == 0)
                        return (int)i;
        return -1;
}

/* memdup(); NULL for nothing to copy, *@ok false when memory ran out. */
static void *copy_array(const void *items, size_t n, size_t size, bool *ok) {
        void *copy;

        if (!items || n == 0)
                return NULL;
        copy = calloc(n, size);
        if (copy)
                memcpy(copy, items, n * size);
        else
                *ok = false;
        return copy;
}

int gpu_inventory_copy(const struct gpu_inventory *inv, struct gpu_inventory *ret) {
        bool ok = true;
        struct gpu_inventory copy = {
                .devices = copy_array(inv->devices, inv->ndevices, sizeof(*inv->devices), &ok),
                .ndevices = inv->ndevices,
                .ngpus = inv->ngpus,
                .links = copy_array(inv->links, inv->ngpus * inv->ngpus, 1, &ok),
        };

        if (!ok) {
                gpu_inventory_release(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

void gpu_inventory_release(struct gpu_inventory *inv) {
        if (!inv)
                return;
        free(inv->devices);
        free(inv->links);
        *inv = (struct gpu_inventory){ 0 };
}
