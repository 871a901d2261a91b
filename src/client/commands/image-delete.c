/* image-delete: removes images of the caller's; the Dockerfiles stay unless told otherwise. */
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/image.h"
#include "http/write.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct delete_options {
        bool all, force, keep_dockerfile, with_dockerfile;
};

static const struct option_row rows[] = {
        OPTION_FLAG('a', "all", struct delete_options, all, "all of your images"),
        OPTION_FLAG('f', "force", struct delete_options, force, "ask nothing"),
        OPTION_FLAG(0, "keep-dockerfile", struct delete_options, keep_dockerfile,
                    "leave the project's Dockerfile (the default)"),
        OPTION_FLAG(0, "with-dockerfile", struct delete_options, with_dockerfile,
                    "delete the project's Dockerfile as well"),
};

struct deleted {
        char image[512];
        int64_t size_bytes;
};

static int scan_deleted(const struct buf *body, struct deleted *ret) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);

        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY) {
                        if (json_scan_is(&s, "image"))
                                json_scan_get_str(&s, ret->image, sizeof(ret->image));
                        else if (json_scan_is(&s, "size_bytes"))
                                json_scan_get_int(&s, &ret->size_bytes);
                        else
                                json_scan_skip(&s);
                }
        return s.failed || !ret->image[0] ? -1 : 0;
}

/* The Dockerfile is the caller's own file, so it is the caller who deletes it. */
static int do_dockerfile(struct cli *c, const char *project, bool remove) {
        const char *home = getenv("HOME");
        char path[PATH_MAX];

        if (!home || !*home)
                return EXIT_DONE;
        snprintf(path, sizeof(path), "%s/workspace/%s/Dockerfile", home, project);
        if (!remove) {
                if (access(path, F_OK) == 0) {
                        fputs("  the Dockerfile stays: ", c->out);
                        put_safe(c->out, path);
                        fputc('\n', c->out);
                }
                return EXIT_DONE;
        }
        if (unlink(path) < 0 && errno != ENOENT) {
                cli_error(c, "can't delete '%s': %s", path, strerror(errno));
                return EXIT_FAILED;
        }
        fputs("  deleted ", c->out);
        put_safe(c->out, path);
        fputc('\n', c->out);
        return EXIT_DONE;
}

static int delete_one(struct cli *c, const char *name, const void *options) {
        const struct delete_options *o = options;
        _cleanup_buf_ struct buf target = BUF_INIT(HTTP_LINE_MAX);
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_DELETE, .doing = "deleting the image" };
        struct deleted deleted = { 0 };
        char project[256], size[32];
        int r;

        if (!image_project(name, project, sizeof(project))) {
                cli_error(c, "you have no image named '%s'", name);
                cli_error_next(c, "see what there is: image-list");
                return *name ? EXIT_NOT_FOUND : EXIT_USAGE;
        }
        http_target_segment(&target, "v1");
        http_target_segment(&target, "images");
        if (http_target_segment(&target, project) < 0) {
                cli_error(c, "that name is too long for an image");
                return EXIT_USAGE;
        }
        call.target = target.data;
        r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        if (scan_deleted(&reply.body, &deleted) < 0)
                return call_garbled(c, "delete");
        format_bytes(deleted.size_bytes, size, sizeof(size));
        fputs("Deleted image '", c->out);
        put_safe(c->out, deleted.image);
        fprintf(c->out, "' (%s)\n", size);
        return do_dockerfile(c, project, o->with_dockerfile);
}

struct deletion {
        const struct delete_options *options;
        size_t n;
        int first; /* failure */
};

static int count_mine(struct cli *c, const void *row, void *data) {
        ((struct deletion *)data)->n += ((const struct image *)row)->mine;
        return EXIT_DONE;
}

/* All are tried. */
static int delete_mine(struct cli *c, const void *row, void *data) {
        const struct image *image = row;
        struct deletion *d = data;
        int r = image->mine ? delete_one(c, image->reference, d->options) : EXIT_DONE;

        if (d->first == EXIT_DONE)
                d->first = r;
        return EXIT_DONE;
}

/* All of the caller's, after asking. */
static int delete_all(struct cli *c, const struct delete_options *o) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/images" };
        struct deletion deletion = { .options = o, .first = EXIT_DONE };
        _cleanup_reply_ struct reply reply = { 0 };
        int r = call_do(c, &call, &reply);

        if (r == EXIT_DONE)
                r = rows_read(c, &reply.body, &image_rows, count_mine, &deletion);
        if (r != EXIT_DONE)
                return r;
        if (deletion.n == 0) {
                fputs("No images of yours.\n", c->err);
                return EXIT_DONE;
        }
        if (!o->force && !cli_confirm(c, "Delete %zu image%s?", deletion.n,
                                      deletion.n == 1 ? "" : "s")) {
                fputs("Nothing was done.\n", c->err);
                return EXIT_DONE;
        }
        r = rows_read(c, &reply.body, &image_rows, delete_mine, &deletion);
        return r == EXIT_DONE ? deletion.first : r;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct delete_options *o = options;

        if (o->keep_dockerfile && o->with_dockerfile) {
                cli_error(c, "--keep-dockerfile and --with-dockerfile exclude each other");
                return EXIT_USAGE;
        }
        if (o->all ? operands->n > 0 : operands->n == 0) {
                cli_error(c, o->all ? "names and --all exclude each other"
                                    : "the name of an image is missing");
                cli_error_next(c, "%s NAME, or %s --all; image-list shows the names", c->name,
                               c->name);
                return EXIT_USAGE;
        }
        return o->all ? delete_all(c, o) : for_each_name(c, operands, delete_one, o);
}

const struct command command_image_delete = {
        .name = "image-delete",
        .alias = "image-remove",
        .usage = "NAME...",
        .max = OPERANDS_ANY,
        .summary = "Delete images of yours",
        .more = "An image that containers use is not deleted: container-remove them first.",
        .examples = "image-delete my-thesis\n"
                    "image-delete my-thesis --with-dockerfile\n"
                    "image-delete --all --force",
        COMMAND_OPTIONS(rows, struct delete_options),
        .names = NAMES_IMAGES,
        .offers = OFFERS_IMAGES,
        .run = run,
};
