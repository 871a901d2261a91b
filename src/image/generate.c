/* See generate.h. */
#include "image/generate.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

void image_plan_release(struct image_plan *p) {
        packages_release(&p->apt);
        packages_release(&p->pip);
}

static int add_all(struct packages *to, enum package_kind kind, const struct packages *from,
                   struct err *err) {
        int r = 0;

        for (size_t i = 0; i < from->list.len && r == 0; i++)
                r = packages_add(to, kind, from->list.items[i], err);
        return r;
}

static int add_catalogue(const struct catalogue *c, const struct catalogue_type *type,
                         struct image_plan *p, struct err *err) {
        bool bare = strcmp(p->type, "custom") == 0;
        int r = add_all(&p->apt, PACKAGE_APT, &c->system, err);

        if (r == 0)
                r = add_all(&p->apt, PACKAGE_APT, &type->apt, err);
        if (r == 0 && !p->requirements && !bare)
                r = add_all(&p->pip, PACKAGE_PIP, &c->common, err);
        if (r == 0 && !p->requirements)
                r = add_all(&p->pip, PACKAGE_PIP, &type->pip, err);
        return r;
}

/* Printable ASCII that no shell or Dockerfile reads in another way. */
static bool is_one_word(const char *s) {
        for (; *s; s++)
                if (*s <= 0x20 || *s >= 0x7f || strchr("\"'\\$`", *s))
                        return false;
        return true;
}

int image_plan_make(const struct catalogue *c, const char *project, const char *framework,
                    const char *type, const char *base, const char *requirements, const char *pip,
                    const char *apt, struct image_plan *ret, struct err *err) {
        const struct catalogue_framework *f;
        const struct catalogue_type *t;
        int r;

        *ret = (struct image_plan){
                .project = project,
                .framework = framework ? framework
                             : base    ? "custom"
                                       : "pytorch",
                .type = type          ? type
                        : base || pip ? "custom"
                                      : "ml",
                .requirements = requirements,
        };
        f = catalogue_framework(c, ret->framework, err);
        t = catalogue_type(c, ret->type, err);
        if (!f || !t)
                return -EINVAL;
        ret->base = base ? base : f->base;
        if (!ret->base[0])
                return err_set(err, EINVAL,
                               "the framework '%s' needs an image to begin with: "
                               "--base=IMAGE",
                               f->name);
        if (!is_one_word(ret->base))
                return err_set(err, EINVAL, "'%s' is no image", ret->base);
        if (requirements && dockerfile_file_check(requirements, err) < 0)
                return -EINVAL;
        r = add_catalogue(c, t, ret, err);
        if (r == 0 && apt)
                r = packages_add(&ret->apt, PACKAGE_APT, apt, err);
        if (r == 0 && pip)
                r = packages_add(&ret->pip, PACKAGE_PIP, pip, err);
        return r;
}

int dockerfile_generate(const struct image_plan *plan, struct buf *out) {
        const struct packages none = { 0 };

        buf_addf(out,
                 "# The image of the project '%s' (%s, %s), as image-create wrote it.\n"
                 "# image-update changes what stands between the marks; all else is yours.\n"
                 "FROM %s\n\n",
                 plan->project, plan->framework, plan->type, plan->base);
        buf_adds(out, "# For building only: containers run as you, whatever stands here.\n"
                      "USER 0:0\n"
                      "WORKDIR /workspace\n"
                      "ENV PYTHONUNBUFFERED=1 \\\n"
                      "    PIP_ROOT_USER_ACTION=ignore \\\n"
                      "    CUDA_DEVICE_ORDER=PCI_BUS_ID\n\n");
        /* What changes seldom comes first, so that a change builds little anew. */
        dockerfile_region_text(REGION_SYSTEM, &plan->apt, NULL, plan->apt_mirror, out);
        buf_addc(out, '\n');
        if (plan->requirements) {
                dockerfile_region_text(REGION_REQUIREMENTS, &none, plan->requirements, NULL, out);
                buf_addc(out, '\n');
        }
        dockerfile_region_text(REGION_PACKAGES, &plan->pip, NULL, NULL, out);
        buf_addc(out, '\n');
        dockerfile_region_text(REGION_ADDED, &none, NULL, NULL, out);
        buf_adds(out, "\nUSER 65534:65534\nCMD [\"bash\"]\n");
        return out->failed ? -ENOBUFS : 0;
}
