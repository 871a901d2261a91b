/* See recreate.h. */
#include "client/recreate.h"

#include "base/str.h"
#include "base/vec.h"
#include "client/lifecycle.h"

#include <stdio.h>
#include <string.h>

struct users {
        VEC(struct container *) list;
};

static void users_release(struct users *u) {
        for (size_t i = 0; i < u->list.len; i++)
                free(u->list.items[i]);
        VEC_RELEASE(&u->list);
}

static int find(struct cli *c, const char *image, struct users *ret) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/containers?all=true" };
        _cleanup_reply_ struct reply reply = { 0 };
        struct json_scan s;
        int r = call_do(c, &call, &reply);

        if (r != EXIT_DONE)
                return r;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_ARRAY)
                while (json_scan_next(&s) == JSON_SCAN_OBJECT) {
                        struct container *row = malloc(sizeof(*row));

                        if (!row)
                                return EXIT_FAILED;
                        container_scan(&s, row);
                        if (!str_equal(row->image, image) || VEC_PUSH(&ret->list, row) < 0)
                                free(row);
                }
        return s.failed ? call_garbled(c, "the list of containers") : EXIT_DONE;
}

int recreate_find(struct cli *c, const char *image, char *dst, size_t size) {
        _cleanup_(users_release) struct users users = { 0 };
        int r = find(c, image, &users);
        size_t n = 0;

        dst[0] = '\0';
        for (size_t i = 0; i < users.list.len && n < size; i++)
                n += (size_t)snprintf(dst + n, size - n, "%s%s", i ? ", " : "",
                                      users.list.items[i]->name);
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

        if (r == EXIT_DONE)
                r = create_container(c, k->name, &o);
        if (r == EXIT_DONE && (container_status_bit(k->status) & (STATUS_RUNNING | STATUS_PAUSED)))
                r = start_container(c, k->name, NULL);
        return r;
}

int recreate_all(struct cli *c, const char *image) {
        _cleanup_(users_release) struct users users = { 0 };
        int first = find(c, image, &users);

        for (size_t i = 0; i < users.list.len; i++) {
                int r = recreate(c, users.list.items[i]);

                if (first == EXIT_DONE)
                        first = r;
        }
        return first;
}
