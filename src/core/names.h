/*
 * Names: what people type, what the engine sees, which image and which directory a container
 * gets. Pure: facts about the file system and the engine are passed in.
 */
#pragma once

#include "core/refusal.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
        NAME_MAX_LEN = 63,
        ENGINE_NAME_SIZE = NAME_MAX_LEN + 3 + 10 + 1, /* NAME._.UID */
        IMAGE_REF_SIZE = 256,
        IMAGE_ID_SIZE = 80, /* "sha256:" and 64 digits */
};

/* Checks a container's name and writes it as it is kept: lower-case. Allowed: ASCII letters and
 * digits, '-', '_', '.', starting with a letter or digit, containing neither "._." (our separator)
 * nor "..". Nonzero with @r filled when refused. @ret has NAME_MAX_LEN + 1 bytes. A refusal for
 * blanks suggests the name with dashes in `extra` ("; for example: my-thesis"). */
int container_name_check(const char *typed, char *ret, struct refusal *r);
/* The same rules for a project's name. */
int project_name_check(const char *typed, char *ret, struct refusal *r);

void engine_name_make(const char *name, uid_t uid, char *dst /* ENGINE_NAME_SIZE */);
/* Splits "NAME._.UID" (an optional leading '/' is skipped). 0 or -EINVAL. */
int engine_name_split(const char *engine_name, char *name /* NAME_MAX_LEN + 1 */, uid_t *uid);

/* An image reference in distribution's grammar. */
struct image_ref {
        char registry[128];   /* "" when none was given; has a dot, a colon or is localhost */
        char repository[200]; /* "library/x" is not filled in: as typed */
        char tag[130];        /* "latest" when none was given and there is no digest */
        char digest[80];      /* "sha256:..." or "" */
};
/* Nonzero with @r (ARGUMENT_INVALID) when @typed is not a reference, or is an image's id, by which
 * anybody's image could be had. */
int image_ref_parse(const char *typed, struct image_ref *ret, struct refusal *r);
/* repository:tag or repository@digest with the registry in front; "" when @size is too small. */
void image_ref_format(const struct image_ref *ref, char *dst, size_t size);
/* True for the repositories ds01-UID/... of a person, also spelt with docker.io/ or localhost/ in
 * front, which the engines take for the same; *ret_uid (NULL allowed) says whose. What ds01d keeps
 * of people's containers (ds01-bin/..., ds01-moved/...) counts as IMAGE_OF_NO_PERSON's: nobody may
 * name it. */
#define IMAGE_OF_NO_PERSON ((uid_t)-1)
bool image_is_personal(const char *reference, uid_t *ret_uid);

/* The reference of @uid's image of a project, "ds01-UID/PROJECT:latest", in lower case. False when
 * no repository may be called that: "a-", "a._b". */
bool image_of_project(const char *project, uid_t uid, char *dst, size_t size);

enum image_source { IMAGE_OPTION, IMAGE_PROJECT, IMAGE_NAME, IMAGE_NAME_PART, IMAGE_DEFAULT };
/* "option", "project", "name", "name-part", "default" */
const char *image_source_word(enum image_source s);

struct image_choice {
        enum image_source source;
        char reference[IMAGE_REF_SIZE];
};

/* Which image a container gets: the one asked for, else the caller's own of the project, of the
 * name, of a part of the name, else the site's default.
 * @option, @project: NULL when not given. @own: the caller's images, "ds01-UID/PROJECT:latest",
 * NULL-terminated or NULL. An @option without registry and slash that names an own image
 * ("my-thesis") means that image; otherwise it is taken as typed. NAME_PART: the own image whose
 * project is a dash-separated prefix or suffix of @name, the longest one; ties by name.
 * Nonzero with @r: malformed @option (ARGUMENT_INVALID), another person's image (IMAGE_FOREIGN,
 * whether it exists or not), no default (NO_SUCH_IMAGE; @site_default NULL or ""). */
int image_choose(const char *option, const char *project, const char *name, uid_t uid,
                 const char *const *own, const char *site_default, struct image_choice *ret,
                 struct refusal *r);

/* Whether the site pulls from the reference's registry. @allowed: "docker.io", "ghcr.io/org",
 * "*" for all; NULL-terminated. A reference without registry is docker.io's. */
bool registry_is_allowed(const struct image_ref *ref, const char *const *allowed);
