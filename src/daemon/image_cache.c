/* The list of images in memory. */
#include "daemon/image_cache.h"

#include <poll.h>

enum { WAIT_US = 500 * 1000, RECONNECT_MS = 1000 };

void image_list_release(struct image_list *list) {
        if (!list || --list->users > 0)
                return;
        engine_image_rows_free(list->rows, list->n);
        free(list);
}

void image_cache_changed(struct daemon *d) {
        struct image_cache *c = &d->images;
        struct image_list *old;

        pthread_mutex_lock(&c->lock);
        c->generation++;
        old = c->list;
        c->list = NULL;
        pthread_mutex_unlock(&c->lock);
        image_list_release(old);
}

static void set_live(struct daemon *d, bool live) {
        pthread_mutex_lock(&d->images.lock);
        d->images.live = live;
        pthread_mutex_unlock(&d->images.lock);
        image_cache_changed(d);
}

void image_cache_run(struct daemon *d) {
        while (!d->stopping) {
                struct engine_events *events = NULL;
                struct engine_error ignored;
                int r = engine_image_events_open(d->engine, &events, &ignored);

                if (r == 0)
                        set_live(d, true);
                while (r >= 0 && !d->stopping) {
                        r = engine_events_any(events, WAIT_US);
                        if (r > 0)
                                image_cache_changed(d);
                }
                set_live(d, false);
                engine_events_close(events);
                for (int ms = 0; ms < RECONNECT_MS && !d->stopping; ms += 50)
                        poll(NULL, 0, 50);
        }
}

struct image_list *image_cache_get(struct daemon *d, struct engine_error *error) {
        struct image_cache *c = &d->images;
        struct image_list *list;
        unsigned generation;

        pthread_mutex_lock(&c->lock);
        list = c->list;
        if (list)
                list->users++;
        generation = c->generation;
        pthread_mutex_unlock(&c->lock);
        if (list)
                return list;

        list = calloc(1, sizeof(*list));
        if (!list) {
                *error = (struct engine_error){ .definite = true, .message = "no memory" };
                return NULL;
        }
        if (engine_image_list(d->engine, NULL, &list->rows, &list->n, error) < 0) {
                free(list);
                return NULL;
        }
        list->users = 1;
        pthread_mutex_lock(&c->lock);
        /* podman's events come up to a second late. */
        if (c->live && !engine_is_podman(d->engine) && c->generation == generation && !c->list) {
                list->users++;
                c->list = list;
        }
        pthread_mutex_unlock(&c->lock);
        return list;
}

int image_cache_refs(struct daemon *d, const char *prefix, char ***ret,
                     struct engine_error *error) {
        struct image_list *list = image_cache_get(d, error);
        int r;

        if (!list)
                return -1;
        r = engine_image_rows_refs(list->rows, list->n, prefix, ret);
        if (r < 0)
                *error = (struct engine_error){ .definite = true, .message = "no memory" };
        image_list_release(list);
        return r;
}
