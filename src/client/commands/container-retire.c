/* container-retire: container-stop and container-remove in one; what was installed is not
 * forgotten. */
#include "base/str.h"
#include "client/image.h"
#include "client/lifecycle.h"
#include "client/project.h"

#include <stdio.h>
#include <string.h>

struct retire_options {
        struct remove_options remove;
        bool save_packages;
};

static const struct option_row rows[] = {
        OPTION_FLAG('f', "force", struct retire_options, remove.force, "ask nothing"),
        OPTION_FLAG(0, "save-packages", struct retire_options, save_packages,
                    "add what was installed inside to the Dockerfile"),
        OPTION_FLAG('i', "images", struct retire_options, remove.images,
                    "your image of it too, unless another one uses it"),
        OPTION_FLAG(0, "no-keep", struct retire_options, remove.no_keep,
                    "don't keep what was changed in it"),
        OPTION_FLAG(0, "dry-run", struct retire_options, remove.dry_run, "say what would be done"),
        OPTION_FLAG(0, "skip-initial-confirm", struct retire_options, remove.skip_confirm, NULL,
                    .hidden = true),
};

struct installed {
        struct buf pip, apt; /* words with blanks between */
};

static void scan_words(struct json_scan *s, struct buf *ret) {
        char word[512];

        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_STRING) {
                json_scan_str(s, word, sizeof(word));
                buf_addf(ret, "%s%s", ret->len ? " " : "", word);
        }
}

static int find_installed(struct cli *c, const char *name, struct installed *ret) {
        _cleanup_buf_ struct buf target = { 0 };
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_GET, .doing = "looking what was installed" };
        struct json_scan s;
        int r;

        if (container_target(&target, name, "packages") < 0)
                return EXIT_USAGE;
        call.target = target.data;
        r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return call_garbled(c, "the packages");
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "pip"))
                        scan_words(&s, &ret->pip);
                else if (json_scan_is(&s, "apt"))
                        scan_words(&s, &ret->apt);
                else
                        json_scan_skip(&s);
        return s.failed ? call_garbled(c, "the packages") : EXIT_DONE;
}

/* The project whose Dockerfile the container's image comes from. */
static int find_project(struct cli *c, const char *name, struct project *ret) {
        _cleanup_free_ struct container *k = calloc(1, sizeof(*k));
        _cleanup_buf_ struct buf target = { 0 };
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_GET };
        char project[128] = "";
        struct json_scan s;
        int r;

        if (!k || container_target(&target, name, NULL) < 0)
                return EXIT_FAILED;
        call.target = target.data;
        r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                container_scan(&s, k);
        if (!str_starts(k->image, "ds01-") || !image_project(k->image, project, sizeof(project)))
                str_copy(project, sizeof(project), k->project);
        if (project[0])
                r = project_find(c, project, ret);
        if (r == EXIT_DONE && (!project[0] || !ret->has_dockerfile)) {
                cli_error(c, "'%s' has no project with a Dockerfile to add packages to", name);
                return EXIT_NOT_FOUND;
        }
        return r;
}

static int add(struct cli *c, struct dockerfile *d, enum package_kind kind,
               const struct buf *words) {
        _cleanup_packages_ struct packages packages = { 0 };
        struct err err = { 0 };
        unsigned changed;

        if (packages_add(&packages, kind, buf_str(words), &err) == 0 &&
            dockerfile_add(d, kind, &packages, &changed, &err) == 0)
                return EXIT_DONE;
        cli_error(c, "%s", err.msg);
        return EXIT_FAILED;
}

static int save(struct cli *c, const char *name, const struct installed *installed) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        struct project p;
        int r = find_project(c, name, &p);

        if (r == EXIT_DONE)
                r = project_read(c, &p, &d);
        if (r == EXIT_DONE)
                r = add(c, &d, PACKAGE_PIP, &installed->pip);
        if (r == EXIT_DONE)
                r = add(c, &d, PACKAGE_APT, &installed->apt);
        if (r == EXIT_DONE)
                r = project_write(c, &p, &d);
        if (r == EXIT_DONE)
                cli_hint(c, "Next: image-update %s --rebuild", p.name);
        return r;
}

static int retire_one(struct cli *c, const char *name, const void *options) {
        const struct retire_options *o = options;
        struct installed installed = { .pip = BUF_INIT(256 << 10), .apt = BUF_INIT(256 << 10) };
        bool asks = c->in_tty && c->out_tty && c->err_tty && !o->remove.force;
        int r = find_installed(c, name, &installed);

        if (r == EXIT_DONE && (installed.pip.len || installed.apt.len)) {
                fputs("Installed inside since it was created:\n", c->out);
                if (installed.pip.len)
                        fprintf(c->out, "  pip  %s\n", installed.pip.data);
                if (installed.apt.len)
                        fprintf(c->out, "  apt  %s\n", installed.apt.data);
                fflush(c->out);
                if (!o->remove.dry_run &&
                    (o->save_packages || (asks && cli_confirm(c, "Add them to the Dockerfile?"))))
                        r = save(c, name, &installed);
                else if (!asks)
                        fputs("  (--save-packages adds them to the Dockerfile)\n", c->out);
        }
        if (r == EXIT_DONE)
                r = remove_container(c, name, &o->remove);
        buf_release(&installed.pip);
        buf_release(&installed.apt);
        return r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        struct retire_options o = *(const struct retire_options *)options;

        o.remove.stop = true;
        return for_each_name(c, operands, retire_one, &o);
}

const struct command command_container_retire = {
        .name = "container-retire",
        .usage = "NAME...",
        .min = 1,
        .max = OPERANDS_ANY,
        .missing = "the name of a container",
        .summary = "Stop a container and remove it, and free its GPU",
        .more = "Says what was installed inside. Workspace files stay; what was changed in the\n"
                "container can be restored for a while.",
        .examples = "container-retire my-thesis\n"
                    "container-retire my-thesis --save-packages",
        COMMAND_OPTIONS(rows, struct retire_options),
        .statuses = STATUS_ANY,
        .picks = STATUS_ANY,
        .run = run,
};
