/*
 * The caller's name inside the container: /etc/passwd and /etc/group as the image has them plus
 * the caller's lines, mounted read-only. The image's files are read once per image, from a
 * container that is made for that and removed; the result is kept under paths.state. Lines whose
 * name is all digits are dropped: runc before 1.3 would take such a group's name for a gid.
 */
#pragma once

#include "daemon/people.h"
#include "engine/engine.h"

#include "base/buf.h"
#include "base/err.h"

enum { IDENTITY_PATH_SIZE = 512, IDENTITY_FILE_MAX = 1 << 20 };

struct identity_files {
        char passwd[IDENTITY_PATH_SIZE];
        char group[IDENTITY_PATH_SIZE];
};

/* Makes sure that both files exist for this image and person and says where. @state_dir:
 * paths.state. 0, or -errno with words; an engine failure is in @engine_error as well. */
int identity_prepare(struct engine *e, const char *state_dir, const char *image_id,
                     const struct person_entry *who, struct identity_files *ret,
                     struct engine_error *engine_error, struct err *err);

/* Where they are, whatever the image: with a "*" for the image's part of the path. */
void identity_pattern(const char *state_dir, const struct person_entry *who,
                      struct identity_files *ret);

/* Pure parts, for tests: the files from the image's bytes (may be empty). 0 or -ENOBUFS/-ENOMEM. */
int identity_passwd(const char *image_passwd, const struct person_entry *who, struct buf *out);
int identity_group(const char *image_group, const struct person_entry *who, struct buf *out);

/* A login name as it may stand in a passwd file: [a-z_][a-z0-9_-]*, at most 32 bytes; anything
 * else is replaced, and an empty result becomes u<uid>. */
void identity_login(const struct person_entry *who, char *dst, size_t size);
