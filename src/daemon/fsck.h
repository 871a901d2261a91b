/*
 * ds01 fsck: does what must always hold, hold? The engine's containers, as they are now, are
 * compared with the ledger, the people's limits, and what lies in files, mounts and processes. It
 * changes nothing. A running ds01d answers GET /v1/fsck to root; `ds01d --fsck` does the same where
 * none runs, and then there is no ledger to compare with.
 */
#pragma once

#include "base/vec.h"
#include "daemon/daemon.h"

enum fsck_rule {
        FSCK_ENGINE,  /* the engine answers */
        FSCK_DEVICE,  /* one device, one owner */
        FSCK_LEASE,   /* each lease has its container */
        FSCK_SETUP,   /* each container is known and set up as it was decided */
        FSCK_LIMITS,  /* nobody holds more than their limits */
        FSCK_PINS,    /* pins belong to containers, and running ones have theirs */
        FSCK_FILES,   /* files belong to containers and can be read */
        FSCK_PROCESS, /* ds01d itself does not grow */
};

struct fsck_finding {
        enum fsck_rule rule;
        char about[192]; /* a container's name in the engine, a device, a path */
        char says[512];
        char mend[320]; /* what to type */
};

struct fsck_container {
        struct engine_container c;
        struct engine_setup setup;
        struct record *sealed; /* what its labels say; NULL: it is none of ours */
        bool up;
};

struct fsck {
        struct daemon *daemon;
        bool offline; /* there is no ledger but the one that was filled from the engine */
        VEC(struct fsck_container *) seen;
        VEC(struct fsck_finding *) findings;
};

/* Runs all checks and writes the report (docs/API.md). Returns the number of findings. */
size_t fsck_report(struct daemon *d, bool offline, struct buf *out);

/* For the rules (fsck_rules.c, fsck_files.c). */
void fsck_find(struct fsck *f, enum fsck_rule rule, const char *about, const char *mend,
               const char *fmt, ...) _printf_(5, 6);
void fsck_rules(struct fsck *f);
void fsck_files(struct fsck *f);
/* Frees what was seen and found. */
void fsck_forget(struct fsck *f);
