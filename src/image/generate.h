/* A Dockerfile from a framework, a type and packages. Pure. */
#pragma once

#include "image/catalogue.h"
#include "image/dockerfile.h"

struct image_plan {
        const char *project;
        const char *base;         /* the image that it begins with */
        const char *framework, *type; /* words of the catalogue, for the comment at the top */
        struct packages apt, pip;
        const char *requirements; /* a file of the project's directory, or NULL */
        const char *apt_mirror;   /* the site's, or NULL */
};
void image_plan_release(struct image_plan *p);

/* Collects what the catalogue has for @framework and @type (each may be NULL), then what the
 * person names: @pip and @apt are lists as typed, or NULL. @base overrides the catalogue's.
 * With @requirements the catalogue's own pip packages are left out: that file says what is
 * wanted. 0, -EINVAL with @err, or -ENOMEM; @ret is to be released in each case. */
int image_plan_make(const struct catalogue *c, const char *project, const char *framework,
                    const char *type, const char *base, const char *requirements, const char *pip,
                    const char *apt, struct image_plan *ret, struct err *err);

/* 0 or -ENOBUFS. */
int dockerfile_generate(const struct image_plan *plan, struct buf *out);
