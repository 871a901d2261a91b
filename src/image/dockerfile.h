/*
 * A Dockerfile that people and image-update both write in. What is ours stands in marked regions,
 *
 *     # ds01:begin packages
 *     RUN pip install \
 *             'pandas>=2.0' \
 *             timm
 *     # ds01:end packages
 *
 * and only those are ever written anew; every other byte stays as it is. Pure.
 */
#pragma once

#include "base/buf.h"
#include "image/package.h"

#include <stdbool.h>

enum { DOCKERFILE_MAX = 1 << 20 };

/* The regions, in the order in which image-create writes them. */
enum dockerfile_region {
        REGION_SYSTEM,       /* apt packages */
        REGION_REQUIREMENTS, /* pip packages of a requirements file */
        REGION_PACKAGES,     /* pip packages of framework, type and --packages */
        REGION_ADDED,        /* pip packages of image-update --add */
        REGIONS,
};
extern const char *const dockerfile_region_names[REGIONS];

struct dockerfile {
        VEC(char *) lines; /* with their line ends */
};
void dockerfile_release(struct dockerfile *d);
#define _cleanup_dockerfile_ _cleanup_(dockerfile_release)

/* 0, -EINVAL with @err (a region that does not end, begins twice or is unknown; "line 12: ..."),
 * or -ENOMEM. */
int dockerfile_parse(const char *bytes, size_t n, struct dockerfile *ret, struct err *err);
/* The bytes; without a change in between, those that were parsed. 0 or -errno. */
int dockerfile_write(const struct dockerfile *d, struct buf *out);

bool dockerfile_has(const struct dockerfile *d, enum dockerfile_region region);
enum package_kind dockerfile_kind(enum dockerfile_region region);
/* The packages that a region installs: nothing when it is not there. What people have written
 * into it by hand in place of our own form counts too. 0, -EINVAL with @err, or -ENOMEM. */
int dockerfile_packages(const struct dockerfile *d, enum dockerfile_region region,
                        struct packages *ret, struct err *err);

/* Adds or replaces the packages of @wanted, each where it is mentioned already, else in the region
 * for additions, which is made in front of the last stage's USER, CMD and ENTRYPOINT if it is not
 * there. *@ret_changed counts those that were not there in the same words. 0, -EINVAL or
 * -ENOMEM. */
int dockerfile_add(struct dockerfile *d, enum package_kind kind, const struct packages *wanted,
                   unsigned *ret_changed, struct err *err);
/* Takes packages out, by name. 0, -ENOENT with @err (one of them is in no region: nothing is
 * changed), or another error. */
int dockerfile_remove(struct dockerfile *d, enum package_kind kind, const struct packages *names,
                      struct err *err);

/* The region's own text for these packages, its marks included. @requirements: the file that
 * REGION_REQUIREMENTS copies. @mirror: of Debian's or Ubuntu's archive, for REGION_SYSTEM, or
 * NULL. */
int dockerfile_region_text(enum dockerfile_region region, const struct packages *packages,
                           const char *requirements, const char *mirror, struct buf *out);
/* Can a file be named in COPY as it is? What a Dockerfile would take for something else (a
 * variable, a pattern, the end of a string) can't: 0 or -EINVAL. */
int dockerfile_file_check(const char *file, struct err *err);
/* Puts a region that installs the requirements file in, or in the place of the one there is. */
int dockerfile_set_requirements(struct dockerfile *d, const char *file, struct err *err);

/* What the last stage begins with; "" without FROM. */
void dockerfile_base(const struct dockerfile *d, char *dst, size_t size);
/* Lets the last stage begin with another image. 0, -EINVAL with @err, or -ENOMEM. */
int dockerfile_set_base(struct dockerfile *d, const char *image, struct err *err);
