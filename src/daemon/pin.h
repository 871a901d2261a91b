/*
 * Pins: private bind mounts, /run/ds01/pin/NONCE/WHAT, made from a descriptor that was opened as
 * the caller. The engine is only ever given the pin's path, so neither a symbolic link nor a
 * rename after the check can change what a container sees; nosuid and nodev are set on the way.
 * Needs Linux 5.12 for mount_setattr().
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* The path of a pin; @what is "workspace" or "data". */
void pin_path(const char *run_dir, const char *nonce, const char *what, char *dst, size_t size);

/* Mounts the directory behind @fd at the pin's path, which must not be mounted yet. */
int pin_make(const char *run_dir, const char *nonce, const char *what, int fd, bool read_only,
             struct err *err);

/* True when the pin is there and is a mount. */
bool pin_is_mounted(const char *path);

/* Unmounts and removes all pins of @nonce; no error when there are none. */
void pins_remove(const char *run_dir, const char *nonce);

/* Removes the pins of every nonce for which @known says no. */
void pins_sweep(const char *run_dir, bool (*known)(void *ctx, const char *nonce), void *ctx);
