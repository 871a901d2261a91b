/* image-update: changes the packages of a project's Dockerfile and builds its image anew. */
#include "base/fd.h"
#include "base/str.h"
#include "client/command.h"
#include "client/editor.h"
#include "client/project.h"
#include "client/recreate.h"
#include "client/screen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct update_options {
        const char *add, *add_system, *remove, *requirements;
        bool rebuild, edit, no_cache, recreate;
};

static const struct option_row rows[] = {
        OPTION_STRING(0, "add", "LIST", struct update_options, add,
                      "add pip packages, or change versions: 'timm numpy<2'"),
        OPTION_STRING(0, "add-system", "LIST", struct update_options, add_system,
                      "add packages of the system: 'git ffmpeg'"),
        OPTION_STRING(0, "remove", "LIST", struct update_options, remove,
                      "take packages out, of either kind"),
        OPTION_STRING('r', "requirements", "FILE", struct update_options, requirements,
                      "install what a file lists"),
        OPTION_FLAG(0, "rebuild", struct update_options, rebuild,
                    "build the Dockerfile as it is now"),
        OPTION_FLAG(0, "edit", struct update_options, edit, "open it in your editor first"),
        OPTION_FLAG(0, "no-cache", struct update_options, no_cache, "build every step anew"),
        OPTION_FLAG(0, "recreate", struct update_options, recreate,
                    "make the containers that use the image anew"),
};

static int usage(struct cli *c, const struct err *err) {
        cli_error(c, "%s", err->msg);
        return err->code == ENOENT ? EXIT_NOT_FOUND : EXIT_USAGE;
}

static int add(struct cli *c, struct dockerfile *d, enum package_kind kind, const char *list) {
        _cleanup_packages_ struct packages packages = { 0 };
        struct err err = { 0 };
        unsigned changed = 0;

        if (!list)
                return EXIT_DONE;
        if (packages_add(&packages, kind, list, &err) < 0 ||
            dockerfile_add(d, kind, &packages, &changed, &err) < 0)
                return usage(c, &err);
        if (changed == 0)
                fprintf(c->err, "All of '%s' is in the Dockerfile already\n", list);
        return EXIT_DONE;
}

/* Each name is looked for among pip's packages, then among the system's ("g++" can only be one of
 * those). */
static int take_out_one(struct cli *c, struct dockerfile *d, char *name) {
        struct packages one = { .list = { .items = &name, .len = 1 } };
        struct err err = { 0 };
        int r = package_check(PACKAGE_PIP, name, &err);
        bool is_pip = r == 0;

        if (is_pip)
                r = dockerfile_remove(d, PACKAGE_PIP, &one, &err);
        if ((r == -ENOENT || !is_pip) && package_check(PACKAGE_APT, name, NULL) == 0)
                r = dockerfile_remove(d, PACKAGE_APT, &one, &err);
        return r < 0 ? usage(c, &err) : EXIT_DONE;
}

static int take_out(struct cli *c, struct dockerfile *d, const char *list) {
        _cleanup_free_ char *words = list ? str_dup(list) : NULL;
        char *rest = words, *name;
        int r = EXIT_DONE;

        if (list && !words) {
                cli_error(c, "no memory");
                return EXIT_FAILED;
        }
        while (r == EXIT_DONE && rest && (name = strsep(&rest, " ,\t\n'\"")))
                if (*name)
                        r = take_out_one(c, d, name);
        return r;
}

static int change(struct cli *c, const struct update_options *o, const struct project *p,
                  struct dockerfile *d) {
        char file[PATH_MAX];
        struct err err = { 0 };
        int r = take_out(c, d, o->remove);

        if (r == EXIT_DONE)
                r = add(c, d, PACKAGE_PIP, o->add);
        if (r == EXIT_DONE)
                r = add(c, d, PACKAGE_APT, o->add_system);
        if (r != EXIT_DONE || !o->requirements)
                return r;
        r = project_requirements(c, p, o->requirements, file);
        if (r != EXIT_DONE)
                return r;
        return dockerfile_set_requirements(d, file, &err) < 0 ? usage(c, &err) : EXIT_DONE;
}

/* --- the editor ----------------------------------------------------------------------------- */

/* $VISUAL, $EDITOR, or what is there; may hold options, as git takes it. */
static int open_editor(struct cli *c, const struct project *p) {
        const char *editor = getenv("VISUAL");
        char command[1024];
        int status = 0;
        pid_t pid;

        if (!editor || !*editor)
                editor = getenv("EDITOR");
        snprintf(command, sizeof(command), "exec %s \"$1\"",
                 editor && *editor ? editor
                                   : "$(command -v vim || command -v vi || command -v nano)");
        if (project_keep_backup(c, p) != EXIT_DONE)
                return EXIT_FAILED;
        pid = fork();
        if (pid == 0) {
                execl("/bin/sh", "sh", "-c", command, "sh", p->dockerfile, (char *)NULL);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
                cli_error(c, "the editor has failed, so nothing is built");
                cli_error_next(c, "name another: EDITOR=nano image-update %s --edit", p->name);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

/* --- after the build ------------------------------------------------------------------------ */

static int after_build(struct cli *c, const struct update_options *o, const struct project *p) {
        char image[256], names[1024];
        int r;

        snprintf(image, sizeof(image), "ds01-%u/%s:latest", (unsigned)getuid(), p->name);
        r = recreate_find(c, image, names, sizeof(names));
        if (r != EXIT_DONE || !names[0])
                return r;
        if (o->recreate)
                return recreate_all(c, image);
        if (c->in_tty && c->out_tty && c->err_tty &&
            cli_confirm(c,
                        "Make the containers that use the old image anew (%s)? What was changed "
                        "inside them is lost.",
                        names))
                return recreate_all(c, image);
        fprintf(c->out, "  these containers go on with the old image: %s\n", names);
        cli_hint(c, "To make them anew: image-update %s --rebuild --recreate", p->name);
        return EXIT_DONE;
}

/* Of a build that has failed. */
static void say_backup(struct cli *c, const struct project *p) {
        char backup[PATH_MAX + 16];

        project_backup_path(p, backup, sizeof(backup));
        if (access(backup, F_OK) == 0)
                cli_error_next(c, "the image is the old one; its Dockerfile is kept as '%s'",
                               backup);
}

static int open_edit(struct cli *c, const struct project *p, struct edit *ret) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        struct err err = { 0 };
        int r = project_read(c, p, &d);

        *ret = (struct edit){ 0 };
        if (r != EXIT_DONE)
                return r;
        if (dockerfile_write(&d, &text) == 0 &&
            edit_open(buf_str(&text), text.len, ret, &err) == 0)
                return EXIT_DONE;
        cli_error(c, "%s: %s", p->dockerfile, err.msg[0] ? err.msg : "no memory");
        return EXIT_FAILED;
}

/* Without options: on the whole terminal, as often as it takes until the image is built. */
static int on_screen(struct cli *c, const struct update_options *o, const struct project *p) {
        _cleanup_catalogue_ struct catalogue catalogue = { 0 };
        _cleanup_edit_ struct edit edit = { 0 };
        int r = project_catalogue(c, &catalogue);
        bool build = false;

        if (r == EXIT_DONE)
                r = open_edit(c, p, &edit);
        while (r == EXIT_DONE) {
                r = editor_run(c, p, &catalogue, &edit, &build);
                if (r == EXIT_DONE && !build && edit.history.len > 0 && !edit_changed(&edit))
                        cli_hint(c, "Next: image-update %s --rebuild", p->name);
                if (r != EXIT_DONE || !build)
                        return r;
                r = project_build(c, p, NULL, o->no_cache);
                if (r == EXIT_DONE)
                        return after_build(c, o, p);
                say_backup(c, p);
                if (cli_confirm(c, "Go back to the editor?"))
                        r = EXIT_DONE;
        }
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct update_options *o = options;
        bool nothing = !o->add && !o->add_system && !o->remove && !o->requirements &&
                       !o->rebuild && !o->edit && !o->recreate;
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        struct project p;
        int r = project_find(c, operands->items[0], &p);

        if (r != EXIT_DONE)
                return r;
        if (nothing && !screen_possible(c)) {
                cli_error(c, "it is not said what is to change");
                cli_error_next(c,
                               "image-update %s --add=PACKAGE, --remove=PACKAGE, --edit, or "
                               "--rebuild; see --help",
                               p.name);
                return EXIT_USAGE;
        }
        if (!p.exists)
                return project_missing(c, &p);
        if (!p.has_dockerfile) {
                cli_error(c, "the project '%s' has no Dockerfile yet", p.name);
                cli_error_next(c, "image-create %s writes one", p.name);
                return EXIT_NOT_FOUND;
        }
        if (nothing)
                return on_screen(c, o, &p);
        r = project_read(c, &p, &d);
        if (r == EXIT_DONE)
                r = change(c, o, &p, &d);
        if (r == EXIT_DONE)
                r = project_write(c, &p, &d);
        if (r == EXIT_DONE && o->edit)
                r = open_editor(c, &p);
        if (r != EXIT_DONE)
                return r;
        r = project_build(c, &p, NULL, o->no_cache);
        if (r == EXIT_DONE)
                return after_build(c, o, &p);
        say_backup(c, &p);
        return r;
}

const struct command command_image_update = {
        .name = "image-update",
        .usage = "PROJECT",
        .min = 1,
        .max = 1,
        .names = NAMES_PROJECTS,
        .missing = "the name of a project",
        .summary = "Change the packages of a project's image and build it anew",
        .more = "Only the marked parts of the Dockerfile are changed; what you wrote stays. When\n"
                "the build fails, the image stays the old one. Without options, on a terminal, an\n"
                "editor shows what there is and lets you change it.",
        .examples = "image-update my-thesis\n"
                    "image-update my-thesis --add='timm pandas>=2.0' --remove=shap\n"
                    "image-update my-thesis --rebuild\n"
                    "image-update my-thesis --edit",
        COMMAND_OPTIONS(rows, struct update_options),
        .offers = OFFERS_DOCKERFILES,
        .run = run,
};
