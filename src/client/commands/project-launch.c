/* project-launch: from a project to a running container: the image if it is missing, then deploy.
 */
#include "base/str.h"
#include "client/attach.h"
#include "client/deploy.h"
#include "client/guide.h"
#include "client/image.h"
#include "client/project.h"

#include <string.h>

struct launch_options {
        struct deploy_options deploy;
        bool rebuild;
};

static const struct option_row rows[] = {
        OPTION_FLAG(0, "open", struct launch_options, deploy.open, "open a shell in it"),
        OPTION_FLAG(0, "background", struct launch_options, deploy.background,
                    "don't (the default)"),
        OPTION_FLAG(0, "rebuild", struct launch_options, rebuild,
                    "build the image, also when there is one"),
        OPTION_INT(0, "gpu", "COUNT", struct launch_options, deploy.create.gpus, 0, INT32_MAX,
                   "number of GPUs (default: 1; 0 for none)",
                   .seen_offset = offsetof(struct launch_options, deploy.create.has_gpus),
                   .names = NAMES_GPUS),
        OPTION_FLAG(0, "cpu-only", struct launch_options, deploy.create.cpu_only, "no GPU"),
        OPTION_OPTIONAL(0, "wait", "TIME", struct launch_options, deploy.create.wait,
                        "wait for a GPU, or for room in your limits"),
};

struct search {
        const char *project;
        bool found;
};

static int look_at(struct cli *c, const void *row, void *data) {
        const struct image *image = row;
        struct search *s = data;

        s->found |= image->mine && str_equal(image->project, s->project);
        return EXIT_DONE;
}

static int has_image(struct cli *c, const char *project, bool *ret) {
        struct search search = { .project = project };
        int r = rows_get(c, "/v1/images", &image_rows, look_at, &search);

        if (r == EXIT_DONE)
                *ret = search.found;
        return r;
}

/* The status of the caller's container of that name; "" when there is none. */
static int find_status(struct cli *c, const char *name, char *dst, size_t size) {
        _cleanup_buf_ struct buf target = { 0 };
        _cleanup_free_ struct container *k = calloc(1, sizeof(*k));
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_GET };
        struct json_scan s;
        int r;

        dst[0] = '\0';
        if (!k || container_target(&target, name, NULL) < 0)
                return EXIT_FAILED;
        call.target = target.data;
        r = call_send(c, &call, &reply);
        if (r != EXIT_DONE || reply.status == 404)
                return r;
        if (reply.status >= 400)
                return reply_print_error(c, &reply);
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                container_scan(&s, k);
        str_copy(dst, size, k->status);
        return EXIT_DONE;
}

/* image-create without options: builds the Dockerfile, or writes one first. */
static int build(struct cli *c, const char *project) {
        const struct command *create = command_find("image-create");
        _cleanup_free_ void *options = calloc(1, create->options_size);
        char *name = (char *)project;
        const struct operands operands = { .items = &name, .n = 1, .before = 1 };

        return options ? create->run(c, options, &operands) : EXIT_FAILED;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct launch_options *o = options;
        struct deploy_options deploy = o->deploy;
        bool there = false;
        char status[16];
        struct project p;
        int r = deploy_check(c, &deploy);

        if (r == EXIT_DONE)
                r = project_find(c, operands->items[0], &p);
        if (r == EXIT_DONE && !p.exists)
                return project_missing(c, &p);
        if (r == EXIT_DONE)
                r = has_image(c, p.name, &there);
        if (r == EXIT_DONE && (!there || o->rebuild)) {
                guide_before(c, "image-create", p.name);
                r = build(c, p.name);
        }
        if (r == EXIT_DONE)
                r = find_status(c, p.name, status, sizeof(status));
        if (r != EXIT_DONE)
                return r;
        if (!status[0]) {
                deploy.create.project = p.name;
                return deploy_container(c, p.name, &deploy);
        }
        /* It is there from an earlier launch: it goes on where it was. */
        if (o->rebuild)
                cli_hint(c,
                         "The container is an older one: image-update %s --recreate makes it anew",
                         p.name);
        guide_before(c, "container-start", p.name);
        r = start_container(c, p.name, NULL);
        fflush(c->out);
        return r == EXIT_DONE && deploy.open ? attach(c, p.name, NULL, 0) : r;
}

const struct command command_project_launch = {
        .name = "project-launch",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .names = NAMES_PROJECTS,
        .missing = "the name of a project",
        .summary = "Build a project's image if it is missing, and start its container",
        .more = "A container that is there from before is started and keeps what is in it.",
        .examples = "project-launch my-thesis --open\n"
                    "project-launch my-thesis --rebuild --gpu=2",
        COMMAND_OPTIONS(rows, struct launch_options),
        .offers = OFFERS_PROJECTS,
        .run = run,
};
