/*
 * From a record to the engine: the container as it is asked for, built from the judged record and
 * nothing else, and its devices.
 */
#pragma once

#include "daemon/daemon.h"
#include "daemon/identity.h"

/* Makes the engine's container, called @engine_name; its seal is good for @r's name only. @ret_id
 * is set on success; returns as engine_container_create(). */
int spec_create(struct daemon *d, const struct record *r, const char *engine_name,
                const struct engine_image *image, const struct person_entry *who,
                const struct engine_info *engine, const struct limits *limits,
                const struct identity_files *names, char ret_id[ENGINE_ID_SIZE],
                struct engine_error *error);

/* Makes the control group in which a person's containers live, with their aggregate limits. */
void spec_prepare_cgroup(const struct engine_info *engine, const char *parent,
                         const struct limits *limits);

/* Before a create and before each start: with CDI, writes the container's own spec (or removes it
 * when it has no devices). Nonzero with @refusal. */
int spec_prepare_devices(struct daemon *d, const struct record *r, struct refusal *refusal);
