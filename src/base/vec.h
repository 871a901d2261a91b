/*
 * A typed growing array: `VEC(struct lease) leases = {0};`. Items are plain values that the owner
 * of the vector releases. VEC_PUSH evaluates to 0 or -ENOMEM and leaves the vector as it was on
 * failure.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define VEC(type)           \
        struct {            \
                type *items; \
                size_t len; \
                size_t cap; \
        }

/* Makes room for at least @need items of @size bytes; 0 or -ENOMEM. Used through the macros. */
int vec_grow(void **items, size_t *cap, size_t need, size_t size);

#define VEC_PUSH(v, item)                                                                          \
        ({                                                                                         \
                int _r = vec_grow((void **)&(v)->items, &(v)->cap, (v)->len + 1,                   \
                                  sizeof(*(v)->items));                                            \
                if (_r == 0)                                                                       \
                        (v)->items[(v)->len++] = (item);                                           \
                _r;                                                                                \
        })

/* Removes item @i, keeping the order of the others. */
#define VEC_REMOVE(v, i)                                                                           \
        do {                                                                                       \
                size_t _i = (i);                                                                   \
                memmove(&(v)->items[_i], &(v)->items[_i + 1],                                      \
                        ((v)->len - _i - 1) * sizeof(*(v)->items));                                \
                (v)->len--;                                                                        \
        } while (0)

#define VEC_RELEASE(v)                \
        do {                          \
                free((v)->items);     \
                (v)->items = NULL;    \
                (v)->len = (v)->cap = 0; \
        } while (0)
