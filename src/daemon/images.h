/* Images of people, in the engine: what of them has no name any more, and what belongs to whom. */
#pragma once

#include "daemon/call.h"
#include "daemon/daemon.h"

/* The image of the caller's project NAME: its reference, and the project as it is called in that.
 * Nonzero with @r when nobody can have such a project. */
int images_name(const char *typed, uid_t uid, char reference[IMAGE_REF_SIZE],
                char project[NAME_MAX_LEN + 1], struct refusal *r);

/* True for an image (full name) that images.bases or images.default names. */
bool images_is_base(const struct daemon *d, const char *reference);

/* Which of the images that the caller sees may have been meant by @g's word. Own ones are called by
 * their project, ":latest" is left out. */
void images_guess(struct call *c, struct guess *g);

/* The project of a person's image, as it is called in "ds01-UID/PROJECT:latest". */
void images_project(const char *reference, char project[NAME_MAX_LEN + 1]);

/* @first (unless NULL), then the ids of the unnamed images that builds of @uid's @project have
 * left, newest first, NULL-terminated: what failed builds had done, and stages. They are the next
 * build's cache. NULL when there is no memory or no answer. */
char **images_unnamed(struct daemon *d, uid_t uid, const char *project, const char *first);

/* Of an image that was removed, "ds01-UID/PROJECT:latest": what its builds have left goes too. No
 * build of it may go on. */
void images_forget(struct daemon *d, uid_t uid, const char *reference);

/* Removes of those what is not in @keep (NULL-terminated ids), but for the @spare newest ones; and
 * those of the person's other projects that are older than a week. What a container was made of
 * stays. */
void images_sweep(struct daemon *d, uid_t uid, const char *project, char *const *keep,
                  size_t spare);
