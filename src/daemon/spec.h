/*
 * From a record to the engine: the container as it is asked for, built from the judged record and
 * nothing else, and its devices.
 */
#pragma once

#include "daemon/daemon.h"
#include "daemon/identity.h"

#include <limits.h>

/* Makes the engine's container, called @engine_name; its seal is good for @r's name only. @ret_id
 * is set on success; returns as engine_container_create(). */
int spec_create(struct daemon *d, const struct record *r, const char *engine_name,
                const struct engine_image *image, const struct person_entry *who,
                const struct engine_info *engine, const struct limits *limits,
                const struct identity_files *names, char ret_id[ENGINE_ID_SIZE],
                struct engine_error *error);

/* What is mounted, also for who compares: @p holds the sources that are made here. Returns how many
 * there are. */
enum { SPEC_MOUNTS_MAX = 8 };
struct spec_paths {
        char workspace[PATH_MAX], data[PATH_MAX], home[PATH_MAX], home_inside[128];
};
size_t spec_mounts(const struct daemon *d, const struct record *r, const char *login,
                   const struct identity_files *names, struct spec_paths *p,
                   struct engine_mount m[SPEC_MOUNTS_MAX]);

/* The value of NVIDIA_VISIBLE_DEVICES: "void", or the devices. */
enum { SPEC_GPUS_SIZE = GPU_PER_CONTAINER_MAX * 100 };
void spec_visible_gpus(const struct record *r, struct buf *out);

/* Before a create and before each start: with CDI, writes the container's own spec (or removes it
 * when it has no devices). Nonzero with @refusal. */
int spec_prepare_devices(struct daemon *d, const struct record *r, struct refusal *refusal);
