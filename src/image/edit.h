/*
 * A Dockerfile while somebody changes its packages: what there is and where it comes from, changes
 * that can be undone, and what has become of it since it was saved. Everything is done by the
 * functions of dockerfile.h; this keeps the steps. Pure.
 */
#pragma once

#include "base/buf.h"
#include "image/dockerfile.h"

struct edit_package {
        char *text;
        enum dockerfile_region region; /* where it stands */
};

struct edit {
        struct dockerfile now;
        char *saved;            /* the text that the file has */
        VEC(char *) history;    /* the texts before each change, the last one last */
        VEC(struct edit_package) packages; /* by region, in the order of the file */
        char base[512];         /* what the last stage begins with; "" without FROM */
        char requirements[512]; /* the file that REGION_REQUIREMENTS installs; "" without */
};
void edit_release(struct edit *e);
#define _cleanup_edit_ _cleanup_(edit_release)

/* Begins with the bytes of a file. 0, -EINVAL with @err, or -ENOMEM. @ret is to be released in
 * each case. */
int edit_open(const char *bytes, size_t n, struct edit *ret, struct err *err);

/* Each of these is one step of the history, and none if it fails or changes nothing. 0, -EINVAL
 * with @err, or -ENOMEM; after a failure everything is as before. */
int edit_add(struct edit *e, enum package_kind kind, const char *list, struct err *err);
/* Takes out the package with that index. */
int edit_remove(struct edit *e, size_t package, struct err *err);
int edit_base(struct edit *e, const char *image, struct err *err);
int edit_requirements(struct edit *e, const char *file, struct err *err);

/* One step back. False when there is none. */
bool edit_undo(struct edit *e);
/* Is it another text than the file's? */
bool edit_changed(const struct edit *e);
/* It is in the file now. 0 or -ENOMEM. */
int edit_saved(struct edit *e);

/* The text, and its difference to the file's as "  ", "- " and "+ " lines. 0 or -errno. */
int edit_text(const struct edit *e, struct buf *out);
int edit_diff(const struct edit *e, struct buf *out);
