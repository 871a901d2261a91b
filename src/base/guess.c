/* See guess.h. */
#include "base/guess.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

void guess_try(struct guess *g, const char *candidate) {
        size_t n = strlen(g->word);
        unsigned distance = str_distance(g->word, candidate);

        if (distance > (n < 6 ? 1 : n / 3) || strlen(candidate) >= sizeof(g->best) ||
            (g->best[0] && distance >= g->distance))
                return;
        (void)str_copy(g->best, sizeof(g->best), candidate);
        g->distance = distance;
}

const char *guess_text(const struct guess *g, char *dst, size_t size) {
        if (g->best[0])
                (void)snprintf(dst, size, "; did you mean '%s'?", g->best);
        else
                dst[0] = '\0';
        return dst;
}
