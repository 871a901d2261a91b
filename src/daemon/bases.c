/* What images are built on. */
#include "daemon/bases.h"

#include "base/str.h"
#include "daemon/images.h"
#include "daemon/operation.h"
#include "daemon/pull.h"
#include "daemon/seal.h"

#include <stdio.h>
#include <string.h>

/* An id would reach anybody's image, and engines take the beginning of one for a name: so every
 * reference is written in full, with its tag. */
static int judge_name(struct call *c, const char *typed, char *dst, size_t size,
                      struct refusal *r) {
        struct image_ref ref;
        uid_t owner;

        if (image_ref_parse(typed, &ref, r))
                return r->reason;
        image_ref_format(&ref, dst, size);
        if (image_is_personal(dst, &owner) && owner != c->who->uid)
                return refuse(r, REFUSAL_IMAGE_FOREIGN, typed);
        return 0;
}

/* podman does not tell which images have ONBUILD instructions. Of those that ds01d has built none
 * has, and for its bases the site answers. @image: NULL when it is not there yet. */
static bool is_trusted(struct call *c, const char *name, const struct engine_image *image) {
        struct daemon *d = c->daemon;

        if (!engine_is_podman(d->engine) || d->private_mode || images_is_base(d, name))
                return true;
        return image && image_is_personal(name, NULL) &&
               image_seal_valid(d->seal_key, sizeof(d->seal_key), image->labels, c->who->uid,
                                NULL);
}

/* 0 when it is there and may be built on; -1 when it is not there; else refused. */
static int look(struct call *c, const char *name, int64_t line, struct refusal *r) {
        struct engine_image image;
        struct engine_error error;

        if (engine_image_inspect(c->daemon->engine, name, &image, &error) < 0) {
                if (error.status == 404)
                        return -1;
                refusal_from_engine(r, &error);
                return r->reason;
        }
        if (image.has_triggers) /* instructions that were not judged */
                refuse(r, REFUSAL_BASE_ONBUILD, name);
        else if (!is_trusted(c, name, &image))
                refuse(r, REFUSAL_BASE_NOT_TRUSTED, name);
        r->asked = line;
        engine_image_release(&image);
        return r->reason;
}

static int fetch(struct lines *lines, const char *name, int64_t line, struct refusal *r) {
        char full[IMAGE_REF_SIZE + 256];
        struct engine_error error;

        if (image_is_personal(name, NULL)) {
                refuse(r, REFUSAL_NO_SUCH_IMAGE, name);
                str_copy(r->extra, sizeof(r->extra), "image-list shows yours");
                return r->reason;
        }
        if (pull_judge(lines->call->daemon, name, full, sizeof(full), r))
                return r->reason;
        if (!is_trusted(lines->call, name, NULL)) {
                refuse(r, REFUSAL_BASE_NOT_TRUSTED, name);
                r->asked = line;
                return r->reason;
        }
        if (engine_image_pull(lines->call->daemon->engine, full, lines_pull_step, lines, &error) <
            0)
                pull_refuse(r, full, &error);
        return r->reason;
}

static int find(struct lines *lines, const struct recipe_step *step, char **ret,
                struct refusal *r) {
        char name[IMAGE_REF_SIZE];
        int there;

        if (judge_name(lines->call, step->image, name, sizeof(name), r))
                return r->reason;
        there = look(lines->call, name, step->line, r);
        if (there < 0 && fetch(lines, name, step->line, r) == 0)
                there = look(lines->call, name, step->line, r);
        if (there < 0 && !r->reason)
                refuse(r, REFUSAL_NO_SUCH_IMAGE, name);
        if (r->reason)
                return r->reason;
        *ret = strdup(name);
        return *ret ? 0 : refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
}

int bases_find(struct lines *lines, const struct recipe *recipe, char ***ret, struct refusal *r) {
        char **images = calloc(recipe->steps.len + 1, sizeof(*images));

        if (!images)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        for (size_t i = 0; i < recipe->steps.len; i++) {
                const struct recipe_step *step = &recipe->steps.items[i];

                if (!step->image || find(lines, step, &images[i], r) == 0)
                        continue;
                bases_free(images, recipe->steps.len);
                r->line = step->line;
                return r->reason;
        }
        *ret = images;
        return 0;
}

void bases_free(char **images, size_t n) {
        for (size_t i = 0; images && i < n; i++)
                free(images[i]);
        free(images);
}
