/* The one function behind the vector macros. */
#include "base/vec.h"

#include <stdint.h>

int vec_grow(void **items, size_t *cap, size_t need, size_t size) {
        size_t want = *cap ? *cap : 8;
        void *p;

        if (need <= *cap)
                return 0;
        while (want < need)
                want *= 2;
        if (want > SIZE_MAX / size)
                return -ENOMEM;
        p = realloc(*items, want * size);
        if (!p)
                return -ENOMEM;
        *items = p;
        *cap = want;
        return 0;
}
