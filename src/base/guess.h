/*
 * "Did you mean": of the words that could have been meant, the one nearest to what was typed, if
 * it is near enough to be a slip of the finger.
 */
#pragma once

#include <stddef.h>

enum { GUESS_MAX = 256 };

struct guess {
        const char *word;     /* what was typed */
        char best[GUESS_MAX]; /* "": nothing is near */
        unsigned distance;
};

/* Longer candidates than GUESS_MAX are nobody's slip. */
void guess_try(struct guess *g, const char *candidate);
/* "; did you mean 'x'?" or "". @dst is returned. */
const char *guess_text(const struct guess *g, char *dst, size_t size);
