/*
 * The engine's list of named images, kept in memory: engines take 10 ms and more to write it. It is
 * good while the engine's image events are heard and none has come; what ds01d itself changes it
 * says at once. Otherwise, and always with podman, the engine is asked.
 */
#pragma once

#include "daemon/daemon.h"

/* Follows the events until daemon.stopping; a thread of its own. */
void image_cache_run(struct daemon *d);

/* Something has changed: the next reader asks the engine. */
void image_cache_changed(struct daemon *d);

/* The list as it is now, for reading; to be released. NULL with @error. */
struct image_list {
        _Atomic unsigned users; /* readers, and the cache */
        struct engine_image_row *rows;
        size_t n;
};
struct image_list *image_cache_get(struct daemon *d, struct engine_error *error);
void image_list_release(struct image_list *list);

/* The names of images that begin with @prefix ("ds01-1001/"), sorted, NULL-terminated; freed with
 * engine_strv_free(). -1 with @error. */
int image_cache_refs(struct daemon *d, const char *prefix, char ***ret,
                     struct engine_error *error);
