/* See recreate.h. */
#include "client/recreate.h"

#include "base/str.h"
#include "base/vec.h"
#include "client/lifecycle.h"

#include <stdio.h>
#include <string.h>

int recreate_find(struct cli *c, const char *image, char *dst, size_t size) {
        _cleanup_containers_ struct container_list users = { 0 };
        int r = container_list_get(c, STATUS_ANY, image, &users);

        container_list_names(&users, dst, size);
        return r;
}

/* ~/workspace/PROJECT, which needs no saying. */
static bool is_in_project(const struct container *k) {
        char tail[sizeof(k->project) + 16];

        snprintf(tail, sizeof(tail), "/workspace/%s", k->project);
        return !k->workspace[0] || (k->project[0] && str_ends(k->workspace, tail));
}

static int recreate(struct cli *c, const struct container *k) {
        const struct remove_options removal = { .stop = true };
        struct create_options o = {
                .image = k->image,
                .project = k->project[0] ? k->project : NULL,
                .workspace = is_in_project(k) ? NULL : k->workspace,
                .data = k->data[0] ? k->data : NULL,
                .gpus = k->gpus_wanted,
                .has_gpus = true,
        };
        int r = remove_container(c, k->name, &removal);

        if (r != EXIT_DONE)
                return r;
        r = create_container(c, k->name, &o);
        if (r != EXIT_DONE)
                cli_error_next(c, "'%s' is removed; with what was changed in it: "
                                  "container-restore %s", k->name, k->name);
        if (r == EXIT_DONE && (container_status_bit(k->status) & (STATUS_RUNNING | STATUS_PAUSED)))
                r = start_container(c, k->name, NULL);
        return r;
}

int recreate_all(struct cli *c, const char *image) {
        _cleanup_containers_ struct container_list users = { 0 };
        int first = container_list_get(c, STATUS_ANY, image, &users);

        for (size_t i = 0; i < users.rows.len; i++) {
                int r = recreate(c, users.rows.items[i]);

                if (first == EXIT_DONE)
                        first = r;
        }
        return first;
}
