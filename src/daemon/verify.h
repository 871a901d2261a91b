/*
 * After a start: what the kernel says of the container's first process, against what was decided.
 * ds01-runtime sees what the engine wants; this sees what has become of it, with any engine and
 * runtime. Three files of /proc are read, well below a millisecond.
 */
#pragma once

#include "core/refusal.h"
#include "daemon/daemon.h"

enum { VERIFY_WHY_SIZE = 200 };

/* @r is ours and was just started. A container that is not as decided is killed at once, which is
 * logged and said in @refusal (nonzero). One that has ended meanwhile is none. */
int verify_start(struct daemon *d, struct record *r, struct refusal *refusal);

/* The same for one that is found running when ds01d starts. It is not killed for a start that
 * somebody else has let pass; what is wrong is logged. */
void verify_running(struct daemon *d, struct record *r);

/* Looks only: nonzero when the process of @r, which may be none of the ledger's, is not as decided.
 */
int verify_look(struct daemon *d, const struct record *r, char why[VERIFY_WHY_SIZE]);

/* Pure parts, for tests: nonzero, and @why says what differs. */

/* /proc/PID/status of a process that is to run as @uid and @gid, in no other groups than these. */
int verify_status(const char *text, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups,
                  char why[VERIFY_WHY_SIZE]);

/* /proc/PID/cgroup: in @parent (as the engine knows it; "" is not compared), of container @id. */
int verify_cgroup(const char *text, const char *parent, const char *id,
                  char why[VERIFY_WHY_SIZE]);

/* /proc/PID/mountinfo. */
struct verify_mount {
        const char *target;
        const char *source;  /* its last part names the directory or file that is mounted */
        const char *pin;     /* the pin's own line in ds01d's mountinfo, or NULL for what is none */
        bool read_only;
};
/* @closed: every mount but /dev, /proc and /sys is to be nosuid,nodev. */
int verify_mounts(const char *text, const struct verify_mount *mounts, size_t n, bool closed,
                  char why[VERIFY_WHY_SIZE]);
/* The line of the mount point @path in @text (a mountinfo), or NULL. */
const char *verify_find_mount(const char *text, const char *path);
