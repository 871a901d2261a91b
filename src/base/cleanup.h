/*
 * Scope-bound cleanup, in the manner of systemd and bubblewrap: a variable declared with
 * _cleanup_(fn) is released when it goes out of scope, and ownership leaves the scope only
 * through TAKE_PTR() or TAKE_FD(), which empty the variable.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))
#define _must_check_ __attribute__((warn_unused_result))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_freep(void *p) {
        free(*(void **)p);
}

static inline void cleanup_closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

#define _cleanup_free_ _cleanup_(cleanup_freep)
#define _cleanup_close_ _cleanup_(cleanup_closep)

#define TAKE_PTR(p)                    \
        ({                             \
                typeof(p) *_pp = &(p); \
                typeof(p) _v = *_pp;   \
                *_pp = NULL;           \
                _v;                    \
        })

#define TAKE_FD(fd)             \
        ({                      \
                int *_pf = &(fd); \
                int _v = *_pf;  \
                *_pf = -1;      \
                _v;             \
        })
