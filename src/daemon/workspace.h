/*
 * The host directories of a container: which ones (DESIGN 6), whether the caller may have them,
 * and their pins.
 */
#pragma once

#include "daemon/caller_dir.h"
#include "daemon/daemon.h"

struct workspace_wish {
        const char *name;      /* of the container, checked */
        const char *project;   /* --project, checked; NULL */
        const char *workspace; /* --workspace, absolute; NULL */
        const char *data;      /* --data, absolute; NULL */
};

struct workspace {
        char project[NAME_MAX_LEN + 1]; /* the project whose directory it is; "" = none */
        struct caller_dir dir;          /* mounted at /workspace */
        struct caller_dir data;         /* mounted read-only at /data; fd -1 when not asked for */
        enum mount_mode dir_mode, data_mode;
};

/* Opens what the wish comes to. 0, or nonzero with @r. Close with workspace_close(). */
int workspace_resolve(struct daemon *d, const struct person_entry *who,
                      const struct workspace_wish *wish, struct workspace *ret, struct refusal *r);
void workspace_close(struct workspace *w);

/* The sources to give the engine for @record: pins, or the directories themselves in a private
 * daemon. @data is "" when there is none. */
void workspace_sources(const struct daemon *d, const struct record *record, char *workspace,
                       char *data, size_t size);

/* Makes the pins of @record from open directories of @who. Nonzero with @r. */
int workspace_pin(struct daemon *d, const struct person_entry *who, struct record *record,
                  const struct workspace *w, struct refusal *r);

/* Before a start: makes the pins anew, opened as the owner, because a reboot takes them away, and
 * because a directory may have been replaced or its permissions changed meanwhile. Nonzero with @r
 * when the owner may not have it any more. */
int workspace_pin_anew(struct daemon *d, const struct person_entry *who, struct record *record,
                       struct refusal *r);
