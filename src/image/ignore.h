/* What a .dockerignore leaves out, by Docker's rules. Pure. */
#pragma once

#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct ignore_rule {
        char *pattern; /* cleaned: no leading or trailing '/' */
        bool keep;     /* "!pattern": brings back what an earlier rule has left out */
};

struct ignore {
        VEC(struct ignore_rule) rules;
};
void ignore_release(struct ignore *i);
#define _cleanup_ignore_ _cleanup_(ignore_release)

/* Adds the rules of a file. 0 or -ENOMEM. */
int ignore_add(struct ignore *i, const char *bytes, size_t n);

/* Is @path (relative, without leading "./") left out? The last rule that matches it, or a
 * directory that it is in, decides. */
bool ignore_matches(const struct ignore *i, const char *path);
/* Can something below the left-out directory @path be brought back? */
bool ignore_may_keep_below(const struct ignore *i);

/* One pattern against one path: '*' and '?' stay within a component, '**' crosses, "[a-z]" and
 * '\' as in a shell. */
bool ignore_glob(const char *pattern, const char *path);
