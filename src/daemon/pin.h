/*
 * Pins: private bind mounts, /run/ds01/pin/NONCE/WHAT, made from a descriptor that was opened as
 * the caller. The engine is only ever given the pin's path, so neither a symbolic link nor a
 * rename after the check can change what a container sees; nosuid and nodev are set on the way, and
 * the ids of the file system are mapped (idmap.h) where it allows that. Needs Linux 5.12 for
 * mount_setattr().
 */
#pragma once

#include "daemon/idmap.h"

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* The path of a pin; @what is "workspace" or "data". */
void pin_path(const char *run_dir, const char *nonce, const char *what, char *dst, size_t size);

struct pin {
        int fd; /* of the directory */
        bool read_only;
        const struct idmap *map; /* NULL: the ids stay as they are */
};

/* Mounts the directory at the pin's path, which must not be mounted yet. Where the kernel or the
 * file system cannot map ids the pin is made without, and @unmapped says why; its code is 0
 * otherwise. 0, or -errno with @err. */
int pin_make(const char *run_dir, const char *nonce, const char *what, const struct pin *pin,
             struct err *unmapped, struct err *err);

/* True when the pin is there and is a mount. */
bool pin_is_mounted(const char *path);

/* Unmounts and removes all pins of @nonce; no error when there are none. */
void pins_remove(const char *run_dir, const char *nonce);

/* Removes the pins of every nonce for which @known says no. */
void pins_sweep(const char *run_dir, bool (*known)(void *ctx, const char *nonce), void *ctx);
