/*
 * Packages as people name them: pip requirement specifiers ("pandas>=2.0", "jax[cuda12]") and
 * apt packages ("git", "curl=7.88.1-10"). What gets through here can stand between single quotes
 * in a shell's line and means nothing to the shell. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

enum package_kind { PACKAGE_PIP, PACKAGE_APT };

enum { PACKAGE_MAX = 256 }; /* bytes of one, with the NUL */

struct packages {
        VEC(char *) list; /* of strings that belong to the vector */
};
void packages_release(struct packages *p);
#define _cleanup_packages_ _cleanup_(packages_release)

/* Is @text one package of that kind? 0, or -EINVAL with words in @err. */
int package_check(enum package_kind kind, const char *text, struct err *err);

/* What makes two mentions the same package: the name in lower case, runs of "-_." as one "-"
 * (PEP 503), extras and versions left away. @dst holds PACKAGE_MAX bytes. */
void package_name(enum package_kind kind, const char *text, char *dst);

/* Adds the packages of a list as people type it ("numpy<2 'pandas >= 2.0', git"): blanks and
 * commas in front of a name separate; blanks around a comparison are taken away. What is
 * there already by name is replaced. 0, -EINVAL with @err, or -ENOMEM. */
int packages_add(struct packages *p, enum package_kind kind, const char *text, struct err *err);
/* The index of the package with the same name as @text, or -1. */
int packages_find(const struct packages *p, enum package_kind kind, const char *text);

/* Checks a requirements file as a whole: text, and no options that would do something other than
 * name packages and indexes. 0, or -EINVAL with @err ("line 3: ..."). */
int requirements_check(const char *bytes, size_t n, struct err *err);
