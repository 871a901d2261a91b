/* What the parts of the judge share. */
#pragma once

#include "base/vec.h"
#include "runtime/judge.h"
#include "runtime/reader.h"

/* A place of the text and what goes there instead of what stands there. */
struct edit {
        size_t from, to;
        char text[DECISION_GROUPS_MAX * 12 + 32];
};

struct judge {
        struct reader reader; /* first: a judge is what its readers get as ctx as well */
        const struct decision *decision; /* NULL: a step of a build */
        const char *id;
        bool bundle; /* the process of a whole container, not of an exec */
        VEC(struct edit) edits; /* in the order of the text */
        char rootfs[PATH_MAX];
        unsigned mounts_met; /* bit i: decision->mounts[i] */
};

/* "not as decided": -EPERM with words. */
int judge_differs(struct judge *j, const char *fmt, ...) _printf_(2, 3);
/* Where the scan is in the text: behind the current token. */
size_t judge_at(const struct judge *j);
int judge_edit(struct judge *j, size_t from, size_t to, const char *text);

/* At the value of the key. */
int judge_read_process(struct reader *r, void *ctx);
int judge_read_mounts(struct reader *r, void *ctx);
int judge_read_linux(struct reader *r, void *ctx);
