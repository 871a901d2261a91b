/* container-create: makes a container with its devices and workspace, without starting it. */
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/pull.h"
#include "client/record.h"
#include "json/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

struct create_options {
        const char *image, *project, *workspace, *data;
        int64_t gpus;
        int format;
        bool has_gpus, cpu_only, prefer_full, background, dry_run;
};

static const struct option_row rows[] = {
        OPTION_STRING(0, "image", "IMAGE", struct create_options, image,
                      "image to use (default: the project's or site's)"),
        OPTION_STRING(0, "project", "NAME", struct create_options, project,
                      "mount ~/workspace/NAME and use its image"),
        OPTION_STRING('w', "workspace", "DIR", struct create_options, workspace,
                      "directory to mount at /workspace"),
        OPTION_STRING('d', "data", "DIR", struct create_options, data,
                      "directory to mount at /data"),
        OPTION_INT(0, "gpu", "COUNT", struct create_options, gpus, 0, INT32_MAX,
                   "number of GPUs (default: 1; 0 for none)",
                   .seen_offset = offsetof(struct create_options, has_gpus)),
        OPTION_INT(0, "num-gpus", "COUNT", struct create_options, gpus, 0, INT32_MAX, NULL,
                   .seen_offset = offsetof(struct create_options, has_gpus), .hidden = true),
        OPTION_FLAG(0, "cpu-only", struct create_options, cpu_only, "no GPU"),
        OPTION_FLAG(0, "prefer-full", struct create_options, prefer_full,
                    "a full GPU rather than a MIG instance"),
        OPTION_FLAG(0, "dry-run", struct create_options, dry_run, "say what would be done"),
        OPTION_CHOICE(0, "format", "table|json", struct create_options, format,
                      record_format_choices, "how to print the result"),
        /* a created container is never in the foreground */
        OPTION_FLAG(0, "background", struct create_options, background,
                    "accepted for scripts: create never waits"),
};

/* An absolute path of a directory that was given as people type it. */
static int absolute(const char *typed, char *dst, size_t size) {
        char cwd[PATH_MAX];
        int n;

        if (typed[0] == '/') {
                n = snprintf(dst, size, "%s", typed);
        } else if (typed[0] == '~' && (typed[1] == '/' || !typed[1]) && getenv("HOME")) {
                /* "--workspace=~/x": shells leave that tilde alone */
                n = snprintf(dst, size, "%s%s", getenv("HOME"), typed + 1);
        } else {
                if (!getcwd(cwd, sizeof(cwd)))
                        return -errno;
                n = str_equal(typed, ".") ? snprintf(dst, size, "%s", cwd)
                                          : snprintf(dst, size, "%s/%s", cwd, typed);
        }
        return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int put_path(struct cli *c, struct json_writer *w, const char *key, const char *typed) {
        char path[2 * PATH_MAX];
        int r;

        if (!typed)
                return EXIT_DONE;
        r = absolute(typed, path, sizeof(path));
        if (r < 0) {
                cli_error(c, "can't make '%s' an absolute path: %s", typed, strerror(-r));
                return EXIT_USAGE;
        }
        json_put_str(w, key, path);
        return EXIT_DONE;
}

static int make_body(struct cli *c, const struct create_options *o, const struct operands *operands,
                     const char *image, struct buf *ret) {
        struct json_writer w = JSON_WRITER(ret);
        int r;

        json_write_object(&w);
        json_put_str(&w, "name", operands->items[0]);
        if (image)
                json_put_str(&w, "image", image);
        if (o->project)
                json_put_str(&w, "project", o->project);
        r = put_path(c, &w, "workspace", o->workspace);
        if (r == EXIT_DONE)
                r = put_path(c, &w, "data", o->data);
        if (o->cpu_only || o->has_gpus)
                json_put_int(&w, "gpus", o->cpu_only ? 0 : o->gpus);
        if (o->prefer_full)
                json_put_bool(&w, "prefer_full", true);
        if (o->dry_run)
                json_put_bool(&w, "dry_run", true);
        json_write_object_end(&w);
        if (r == EXIT_DONE && ret->failed) {
                cli_error(c, "the request is too long");
                r = EXIT_USAGE;
        }
        return r;
}

struct limits {
        double cpus;
        int64_t memory, shm, pids;
};

static void scan_limits(struct json_scan *s, struct limits *l) {
        if (json_scan_next(s) != JSON_SCAN_OBJECT) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "cpus"))
                        json_scan_get_double(s, &l->cpus);
                else if (json_scan_is(s, "memory_bytes"))
                        json_scan_get_int(s, &l->memory);
                else if (json_scan_is(s, "shm_bytes"))
                        json_scan_get_int(s, &l->shm);
                else if (json_scan_is(s, "pids"))
                        json_scan_get_int(s, &l->pids);
                else
                        json_scan_skip(s);
}

/* "32 CPUs, 32GB memory, 16GB shared memory, 4096 processes"; what has no limit is left out. */
static void limits_text(const struct limits *l, char *dst, size_t size) {
        char number[40];
        size_t n = 0;

        dst[0] = '\0';
        if (l->cpus > 0) {
                format_number(l->cpus, number, sizeof(number));
                n += (size_t)snprintf(dst + n, size - n, "%s CPU%s", number,
                                      str_equal(number, "1") ? "" : "s");
        }
        if (l->memory > 0) {
                format_bytes(l->memory, number, sizeof(number));
                n += (size_t)snprintf(dst + n, size - n, "%s%s memory", n ? ", " : "", number);
        }
        if (l->shm > 0) {
                format_bytes(l->shm, number, sizeof(number));
                n += (size_t)snprintf(dst + n, size - n, "%s%s shared memory", n ? ", " : "",
                                      number);
        }
        if (l->pids > 0)
                snprintf(dst + n, size - n, "%s%" PRId64 " processes", n ? ", " : "", l->pids);
}

static const char *source_words(const char *source) {
        static const struct {
                const char *word, *words;
        } table[] = {
                { "option", "as asked" },
                { "project", "the project's image" },
                { "name", "your image of that name" },
                { "name-part", "your image that the name points to" },
                { "default", "the site's default" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                if (str_equal(source, table[i].word))
                        return table[i].words;
        return source;
}

static void print_created(struct cli *c, const struct container *k, const char *source,
                          const struct limits *l, const struct buf *notes, bool dry_run) {
        char text[8192];

        fprintf(c->out, dry_run ? "Would create container '" : "Created container '");
        put_safe(c->out, k->name);
        fputs("'\n", c->out);
        if (*source)
                snprintf(text, sizeof(text), "%s (%s)", k->image, source_words(source));
        else
                str_copy(text, sizeof(text), k->image);
        print_field(c->out, "Image", text);
        if (k->workspace[0]) {
                snprintf(text, sizeof(text), "%s -> /workspace", k->workspace);
                print_field(c->out, "Workspace", text);
        }
        print_field(c->out, "GPU", k->gpu_text[0] ? k->gpu_text : "none (CPU only)");
        limits_text(l, text, sizeof(text));
        print_field(c->out, "Limits", text);
        action_print_notes(c->out, notes);
        if (!dry_run)
                cli_hint(c, "Next: container-start %s", k->name);
}

static int print_answer(struct cli *c, const struct create_options *o, const struct reply *reply) {
        struct json_scan s = JSON_SCAN(buf_str(&reply->body), reply->body.len);
        _cleanup_free_ struct container *k = calloc(1, sizeof(*k));
        _cleanup_buf_ struct buf notes = BUF_INIT(64 * 1024);
        struct limits limits = { 0 };
        char source[32] = "";

        if (o->format == FORMAT_JSON)
                return print_json(c->out, &reply->body) < 0 ? call_garbled(c, "create") : EXIT_DONE;
        if (!k)
                return EXIT_FAILED;
        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY) {
                        if (json_scan_is(&s, "container")) {
                                if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                                        container_scan(&s, k);
                                else
                                        json_scan_skip(&s);
                        } else if (json_scan_is(&s, "image_source")) {
                                json_scan_get_str(&s, source, sizeof(source));
                        } else if (json_scan_is(&s, "limits")) {
                                scan_limits(&s, &limits);
                        } else if (json_scan_is(&s, "notes")) {
                                scan_notes(&s, &notes);
                        } else {
                                json_scan_skip(&s);
                        }
                }
        if (s.failed || !k->name[0])
                return call_garbled(c, "create");
        print_created(c, k, source, &limits, &notes, o->dry_run);
        return EXIT_DONE;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct create_options *o = options;
        _cleanup_buf_ struct buf body = BUF_INIT(64 * 1024);
        _cleanup_reply_ struct reply reply = { 0 }, second = { 0 };
        struct call call = { .method = HTTP_POST, .target = "/v1/containers", .body = &body };
        const char *image = operands->n > 1 ? operands->items[1] : o->image;
        char doing[128];
        int r;

        if (operands->n > 1 && o->image) {
                cli_error(c, "the image is given twice: '%s' and --image=%s", operands->items[1],
                          o->image);
                return EXIT_USAGE;
        }
        if (o->cpu_only && o->has_gpus && o->gpus > 0) {
                cli_error(c, "--cpu-only and --gpu=%" PRId64 " exclude each other", o->gpus);
                return EXIT_USAGE;
        }
        r = make_body(c, o, operands, image, &body);
        if (r != EXIT_DONE)
                return r;
        snprintf(doing, sizeof(doing), "creating '%.64s'", operands->items[0]);
        call.doing = doing;
        r = call_send(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        if (reply.status < 400)
                return print_answer(c, o, &reply);
        if (!str_equal(reply.code, "image_not_present") || o->dry_run)
                return reply_print_error(c, &reply);

        /* the site allows its registry, else the code would be another */
        if (reply.subject[0])
                image = reply.subject;
        if (!image)
                return reply_print_error(c, &reply);
        r = pull_image(c, image);
        if (r == EXIT_DONE)
                r = call_do(c, &call, &second);
        return r == EXIT_DONE ? print_answer(c, o, &second) : r;
}

const struct command command_container_create = {
        .name = "container-create",
        .usage = "NAME [IMAGE]",
        .min = 1,
        .max = 2,
        .missing = "the name of the new container",
        .summary = "Create a container from an image, without starting it",
        .examples = "container-create my-thesis\n"
                    "container-create test --image=aime/pytorch:2.8.0-cuda12.4\n"
                    "container-create training --gpu=2\n"
                    "container-create analysis --workspace=/data/shared/dataset",
        COMMAND_OPTIONS(rows, struct create_options),
        .run = run,
};
