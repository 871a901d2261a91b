/*
 * How a container looks to its owner: the JSON of docs/API.md and the file for people and scripts
 * under container-metadata.
 */
#pragma once

#include "daemon/ledger.h"
#include "json/json_write.h"

struct container_view {
        const struct gpu_inventory *inventory;
        const struct record *record;
        struct lease lease;
        int64_t now_us;   /* steady time (core/timeline.h), as all here */
        int64_t since_us; /* its present state */
        int64_t ahead_us; /* of the wall clock */
        bool of_all;      /* one of everybody's: it is said whose */
};

void write_container(struct json_writer *w, const struct container_view *v);
/* "GPU-0,GPU-1", or "" without devices. */
void container_gpu_names(const struct container_view *v, struct buf *out);
/* The view of record @i of the ledger; lock held. */
void ledger_view(const struct ledger *l, int i, struct container_view *ret);

/* The metadata file's text: the container's JSON and its limits. Lock held as for the view. */
void metadata_text(const struct container_view *v, struct buf *out);
/* Writes it to PATHS.STATE/container-metadata/NAME._.UID.json, readable for the owner. 0 or -errno.
 */
int metadata_write(const char *state_dir, const struct record *r, const struct buf *text);
void metadata_remove(const char *state_dir, const struct record *r);
