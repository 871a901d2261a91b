/*
 * A Dockerfile as ds01d judges it: which instructions there are, on which lines, and which images
 * they name. What the engine gets is written anew from that, one instruction a line, so that two
 * readers cannot understand different things. Pure.
 *
 * Refused rather than guessed at: what needs BuildKit (here-documents, RUN --mount), lines whose
 * end engines of different versions read differently, flags in quotes, and ONBUILD.
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"

#include <stdbool.h>

enum {
        RECIPE_MAX = 1 << 20,     /* bytes of a Dockerfile */
        RECIPE_STEPS_MAX = 2000,
        RECIPE_LINE_MAX = 60000,  /* bytes of an instruction; engines stop at 64 KiB */
};

enum recipe_word {
        RECIPE_FROM, RECIPE_RUN, RECIPE_CMD, RECIPE_LABEL, RECIPE_MAINTAINER, RECIPE_EXPOSE,
        RECIPE_ENV, RECIPE_ADD, RECIPE_COPY, RECIPE_ENTRYPOINT, RECIPE_VOLUME, RECIPE_USER,
        RECIPE_WORKDIR, RECIPE_ARG, RECIPE_ONBUILD, RECIPE_STOPSIGNAL, RECIPE_HEALTHCHECK,
        RECIPE_SHELL, RECIPE_WORDS,
};

struct recipe_step {
        enum recipe_word word;
        unsigned line; /* where it begins, from 1 */
        unsigned stage; /* from 0; an ARG before the first FROM has 0 too */
        char *args;    /* everything behind the word, on one line */
        /* FROM and COPY --from: the place in args that names what is taken from, and the image
         * that it is; NULL when it is a stage or "scratch" (or there is no such place). */
        size_t source_at, source_len;
        char *image;
        char *stage_name; /* FROM: of the stage taken from, or NULL */
};

struct recipe {
        VEC(struct recipe_step) steps;
        char escape; /* '\\' or '`' */
};

struct recipe_fault {
        unsigned line; /* 0: of no line */
        char message[384];
};

/* Reads a whole Dockerfile. 0, -EINVAL with @fault, or -ENOMEM. */
int recipe_read(const char *bytes, size_t n, struct recipe *ret, struct recipe_fault *fault);
void recipe_release(struct recipe *r);

/* "RUN pip install ...", as people wrote it, cut to fit. */
void recipe_step_text(const struct recipe_step *s, char *dst, size_t size);

/* Which step each line of the written file is: the index, or -1 for a line of ours. */
struct recipe_lines {
        VEC(int) step;
        unsigned first; /* lines in front of the first instruction */
};

/* Writes the file for the engine. @images[i] stands for step i's image (full name), where it has
 * one. @prologue (lines, NULL-terminated; the first is a LABEL) goes to the beginning of every
 * stage. The label gets the stage's number: of two stages that begin with the same steps, engines
 * find only one again in their cache. RUN never sees a GPU: NVIDIA's runtime takes its orders from
 * the environment. 0, -ENOBUFS or -ENOMEM. */
int recipe_write(const struct recipe *r, const char *const *images, const char *const *prologue,
                 struct buf *out, struct recipe_lines *ret);
void recipe_lines_release(struct recipe_lines *l);
