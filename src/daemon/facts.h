/*
 * The few facts that change during a container's life and are not the engine's to remember: one
 * small file a container, paths.state/facts/NONCE, written as a whole (write, fsync, rename) and
 * sealed, so that one that is damaged or of another container is known for what it is. Losing one
 * costs these facts only: a lease that was given back early counts as held again, which is the side
 * to err on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FACTS_MAX = 4096 }; /* bytes of a file */

struct facts {
        bool released;             /* its owner gave the devices back before the hold was over */
        bool is_protected;         /* not to be removed */
        bool moved;                /* made again from its own layer: that image is ours to remove */
        int64_t extended_until_us; /* steady time: until then no rule of time stops it; 0 = none */
        bool exempt;               /* an administrator has taken it out of the rules of time */
        int64_t ended_us;          /* wall clock: when ds01d stopped it by a rule; 0 = it did not */
        char ended_why[96];        /* by which: "idle 31 min" */
};

/* The file's text; 0 or -ENOBUFS. */
struct buf;
int facts_write(const struct facts *f, const char *nonce, const unsigned char *key, size_t key_size,
                struct buf *out);
/* Reads it: 0, or -EBADMSG when it is not what facts_write() wrote for @nonce with that key. @ret
 * is untouched on failure. */
int facts_read(const char *text, size_t n, const char *nonce, const unsigned char *key,
               size_t key_size, struct facts *ret);

/* The facts of a container. A file that is not there is no facts; a damaged one is reported in the
 * log and is none either, and -errno is returned. */
struct daemon;
int facts_load(const struct daemon *d, const char *nonce, struct facts *ret);
/* 0 or -errno. */
int facts_save(const struct daemon *d, const char *nonce, const struct facts *f);
void facts_remove(const struct daemon *d, const char *nonce);
