/*
 * The bin: what was changed in a removed container is kept for a while as an image,
 *
 *     ds01-bin/UID:NAME.YYYYMMDDHHMMSS.BYTES
 *
 * which bears the container's own sealed labels, so that a restored one is what it was. Its home
 * directory, which lies outside of the engine, goes along as paths.state/bin/UID:NAME... A
 * container in which nothing was changed leaves nothing. Old ones go by age and by size (bin.* of
 * ds01.yaml).
 */
#pragma once

#include "daemon/daemon.h"

struct bin_item {
        char reference[IMAGE_REF_SIZE];
        char name[NAME_MAX_LEN + 1];
        uid_t uid;
        int64_t kept_us, bytes; /* wall clock; of the changes */
};

/* Reads a reference; false when it is none of the bin's. */
bool bin_parse(const char *reference, struct bin_item *ret);

/* Keeps what was changed in @r, which does not run. True when it was kept: *@ret_until_us is how
 * long. @note says why not, when that is worth a word. Failing is no reason not to remove. */
bool bin_keep(struct daemon *d, const struct record *r, int64_t *ret_until_us, char *note,
              size_t size);

/* What bin_keep() has begun ends when the container is discarded: its home goes into the bin too.
 * If the container stays after all, nothing is to be done with its home. */
void bin_take_home(const struct daemon *d, const char *nonce);
void bin_keep_not(const struct daemon *d, const char *nonce);

/* Is anything in the container's own layer that a person has put there? False with @error when the
 * engine does not say. */
bool bin_has_changes(struct daemon *d, const struct record *r, struct engine_error *error);

/* The newest that the bin has of @name. 0; nonzero with @refusal. @ret_record is what the container
 * was; to be freed. */
int bin_find(struct daemon *d, uid_t uid, const char *name, struct bin_item *ret,
             struct record **ret_record, struct refusal *refusal);

/* Gives a kept home directory to the new container with @nonce, whose own is empty. Once: the item
 * has it no more. 0 or -errno. */
int bin_give_home(struct daemon *d, const struct bin_item *item, const char *nonce);

/* Takes the oldest out until age and size are within bounds. */
void bin_sweep(struct daemon *d);
