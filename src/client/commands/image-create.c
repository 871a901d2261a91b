/* image-create: builds a project's image; writes its Dockerfile first where there is none. */
#include "base/fd.h"
#include "base/str.h"
#include "client/ask.h"
#include "client/project.h"
#include "client/skeleton.h"
#include "image/generate.h"

#include <errno.h>
#include <string.h>

struct create_options {
        const char *framework, *type, *packages, *system, *requirements, *base, *dockerfile;
        bool no_build, no_cache, project_dockerfile;
};

static const struct option_row rows[] = {
        OPTION_STRING('f', "framework", "NAME", struct create_options, framework,
                      "pytorch, tensorflow, jax or custom (default: pytorch)",
                      .names = NAMES_FRAMEWORKS),
        OPTION_STRING('t', "type", "NAME", struct create_options, type,
                      "packages for: ml, cv, nlp, rl, audio, ts, llm, custom",
                      .names = NAMES_TYPES),
        OPTION_STRING('p', "packages", "LIST", struct create_options, packages,
                      "pip packages besides: 'pandas>=2.0 timm'"),
        OPTION_STRING('s', "system", "LIST", struct create_options, system,
                      "packages of the system besides: 'git ffmpeg'"),
        OPTION_STRING('r', "requirements", "FILE", struct create_options, requirements,
                      "pip packages from a file"),
        OPTION_STRING(0, "base", "IMAGE", struct create_options, base, "the image to begin with"),
        OPTION_STRING(0, "dockerfile", "FILE", struct create_options, dockerfile,
                      "build this one (default: the project's)"),
        OPTION_FLAG(0, "no-build", struct create_options, no_build, "only write the Dockerfile"),
        OPTION_FLAG(0, "no-cache", struct create_options, no_cache, "build every step anew"),
        OPTION_FLAG(0, "project-dockerfile", struct create_options, project_dockerfile, NULL,
                    .hidden = true),
};

static bool wants_new(const struct create_options *o) {
        return o->framework || o->type || o->packages || o->system || o->requirements || o->base;
}

static int write_file(struct cli *c, const struct project *p, const struct image_plan *plan) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        int r = dockerfile_generate(plan, &text);

        if (r == 0)
                r = file_write_atomic(p->dockerfile, 0644, text.data, text.len);
        if (r < 0) {
                cli_error(c, "can't write '%s': %s", p->dockerfile, strerror(-r));
                return EXIT_FAILED;
        }
        fprintf(c->err, "%s\n", buf_str(&text));
        fprintf(c->out, "Wrote %s\n", p->dockerfile);
        return EXIT_DONE;
}

static int make_plan(struct cli *c, const struct create_options *o,
                     const struct catalogue *catalogue, const struct project *p,
                     const char *requirements, struct image_plan *ret) {
        struct err err = { 0 };

        if (image_plan_make(catalogue, p->name, o->framework, o->type, o->base, requirements,
                            o->packages, o->system, ret, &err) == 0)
                return EXIT_DONE;
        cli_error(c, "%s", err.msg);
        return EXIT_USAGE;
}

static int write_dockerfile(struct cli *c, const struct create_options *o, struct project *p) {
        _cleanup_catalogue_ struct catalogue catalogue = { 0 };
        const char *requirements = o->requirements;
        char inside[PATH_MAX];
        struct project_site site;
        struct image_plan plan = { 0 };
        int r = project_catalogue(c, &catalogue);

        /* What was asked for is judged before anything is made. */
        if (r == EXIT_DONE)
                r = make_plan(c, o, &catalogue, p, o->requirements, &plan);
        image_plan_release(&plan);
        if (r == EXIT_DONE && !p->exists)
                r = skeleton_begin(c, p);
        if (r != EXIT_DONE)
                return r;
        /* What the project says it needs, when nothing else was said. */
        snprintf(inside, sizeof(inside), "%s/requirements.txt", p->dir);
        if (!requirements && !o->type && !o->packages && access(inside, R_OK) == 0) {
                requirements = inside;
                fprintf(c->err, "Using the project's requirements.txt\n");
        }
        if (requirements) {
                r = project_requirements(c, p, requirements, inside);
                if (r != EXIT_DONE)
                        return r;
                requirements = inside;
        }
        r = make_plan(c, o, &catalogue, p, requirements, &plan);
        if (r == EXIT_DONE) {
                project_site(c, &site);
                plan.apt_mirror = site.apt_mirror[0] ? site.apt_mirror : NULL;
                r = write_file(c, p, &plan);
        }
        image_plan_release(&plan);
        return r;
}

/* A framework with a base of its own, or an image that is typed. */
static int ask_framework(struct cli *c, const struct catalogue *catalogue, struct operands *ret) {
        size_t n = catalogue->frameworks.len;
        _cleanup_free_ struct picker_item *items = calloc(n ? n : 1, sizeof(*items));
        const struct catalogue_framework *f;
        char base[512] = "";
        int at;

        for (size_t i = 0; items && i < n; i++)
                items[i] = (struct picker_item){ .name = catalogue->frameworks.items[i].name,
                                                 .detail = catalogue->frameworks.items[i].title };
        at = items ? ask_choice(c, "Framework:", items, n, 0) : -1;
        if (at < 0)
                return EXIT_FAILED;
        f = &catalogue->frameworks.items[at];
        if (f->base[0])
                return ask_add(ret, "--framework=%s", f->name) < 0 ? EXIT_FAILED : EXIT_DONE;
        do {
                if (!ask_line(c, "Image to begin with", base, sizeof(base)))
                        return EXIT_FAILED;
        } while (!base[0]);
        return ask_add(ret, "--base=%s", base) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int ask_packages(struct cli *c, const struct catalogue *catalogue, struct operands *ret) {
        size_t n = catalogue->types.len;
        _cleanup_free_ struct picker_item *items = calloc(n ? n : 1, sizeof(*items));
        char packages[1024] = "";
        int at;

        for (size_t i = 0; items && i < n; i++)
                items[i] = (struct picker_item){ .name = catalogue->types.items[i].name,
                                                 .detail = catalogue->types.items[i].title };
        at = items ? ask_choice(c, "Packages for:", items, n, 0) : -1;
        if (at < 0 || ask_add(ret, "--type=%s", items[at].name) < 0 ||
            !ask_line(c, "Further pip packages (Enter: none)", packages, sizeof(packages)))
                return EXIT_FAILED;
        return packages[0] && ask_add(ret, "--packages=%s", packages) < 0 ? EXIT_FAILED
                                                                          : EXIT_DONE;
}

/* The project; where it has no Dockerfile, what shall be in it. */
static int ask(struct cli *c, struct operands *ret) {
        _cleanup_catalogue_ struct catalogue catalogue = { 0 };
        char project[NAME_MAX + 1];
        bool has_dockerfile;
        int r = project_catalogue(c, &catalogue);

        if (r == EXIT_DONE)
                r = ask_project(c, "(a new one)", project, sizeof(project), &has_dockerfile);
        while (r == EXIT_DONE && !project[0])
                if (!ask_line(c, "Name of the new project", project, sizeof(project)))
                        return EXIT_FAILED;
        if (r == EXIT_DONE && ask_add(ret, "%s", project) < 0)
                r = EXIT_FAILED;
        if (r == EXIT_DONE && !has_dockerfile)
                r = ask_framework(c, &catalogue, ret);
        if (r == EXIT_DONE && !has_dockerfile)
                r = ask_packages(c, &catalogue, ret);
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct create_options *o = options;
        struct project p;
        int r = project_find(c, operands->items[0], &p);

        if (r != EXIT_DONE)
                return r;
        if (o->dockerfile && (wants_new(o) || o->no_build)) {
                cli_error(c, "--dockerfile builds a file that is there; the options that write one "
                             "don't go with it");
                return EXIT_USAGE;
        }
        if (!p.exists && !wants_new(o))
                return project_missing(c, &p);
        if (p.has_dockerfile && (wants_new(o) || o->no_build)) {
                cli_error(c, "'%s' is there already and is never written over", p.dockerfile);
                cli_error_next(c, "build it: image-create %s; change it: image-update %s --add=...",
                               p.name, p.name);
                return EXIT_FAILED;
        }
        if (!p.has_dockerfile && !o->dockerfile) {
                r = write_dockerfile(c, o, &p);
                if (r != EXIT_DONE || o->no_build)
                        return r;
        }
        r = project_build(c, &p, o->dockerfile, o->no_cache);
        if (r == EXIT_DONE)
                cli_hint(c, "Next: container-create %s", p.name);
        return r;
}

const struct command command_image_create = {
        .name = "image-create",
        .usage = "PROJECT",
        .min = 1,
        .max = 1,
        .names = NAMES_PROJECTS,
        .missing = "the name of a project",
        .summary = "Build the image of a project",
        .more = "Builds ~/workspace/PROJECT/Dockerfile. One that is there is never written over;\n"
                "where there is none it is made first, from the options or by asking for them.",
        .examples = "image-create my-thesis\n"
                    "image-create my-thesis -f pytorch -t cv\n"
                    "image-create my-thesis --base=debian:12 -p 'pandas>=2.0 numpy<2'\n"
                    "image-create my-thesis --no-cache",
        COMMAND_OPTIONS(rows, struct create_options),
        .offers = OFFERS_PROJECTS,
        .ask = ask,
        .run = run,
};
