/*
 * ds01 doctor: is this host fit for people who don't trust each other? What the host is set up
 * with is compared with what ds01's promises rest on (docs/SECURITY.md). It changes nothing, needs
 * no running ds01d, and is done by `ds01d --doctor`, which root's `ds01 doctor` runs.
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"
#include "config/config.h"
#include "engine/engine.h"

struct doctor_finding {
        const char *check, *risk; /* of the row */
        char about[192];          /* a path, a group, a program */
        char says[320];
        char mend[320]; /* what to type */
};

/* A running container that may not use its GPU any more (gpu_access.h). */
struct doctor_loss {
        char container[192], devices[160];
};

/* The host as it is seen; a test fills in another. */
struct doctor {
        const struct site_config *config;
        const char *root; /* in front of /etc, /dev and /proc/sys: "" but in tests */
        char kernel[128]; /* uname -r */
        bool clock_is_set; /* by the network */
        bool engine_answers, daemon_answers;
        struct engine_info engine;
        char runtime[64], toolkit[64]; /* what they call their version; "" = there is none */
        char limits_error[512];        /* "" = the limits file is good */
        VEC(struct doctor_loss) losses;
        VEC(struct doctor_finding *) findings;
};

/* Looks at this host: everything above that is not NULL already. */
void doctor_see(struct doctor *d, struct engine *e);
/* Runs all checks and writes the report (docs/API.md, as of fsck). Returns the number of
 * findings. */
size_t doctor_report(struct doctor *d, struct buf *out);
void doctor_forget(struct doctor *d);

/* Pure parts. */

/* Whether the first number in @text ("Docker version 20.10.24+dfsg1", "1.1.5") is not below what is
 * good: @good has the first good release of each series, in order, NULL at the end. A series
 * that is not there is good when it is newer than the last. False when there is no number. */
bool doctor_version_is_good(const char *text, const char *const *good);
/* Adds the people who are in @group, by /etc/group or as their own group in /etc/passwd, to
 * @people ("alice, bob"); root does not count. 0, -ENOENT (no such group) or -ENOMEM. */
int doctor_group_people(const char *group_file, const char *passwd_file, const char *group,
                        struct buf *people);
