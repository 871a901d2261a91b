/* See lifecycle.h. */
#include "client/lifecycle.h"

#include "base/clock.h"
#include "base/str.h"
#include "client/format.h"
#include "client/project.h"
#include "client/pull.h"
#include "client/record.h"
#include "client/waiting.h"
#include "http/write.h"
#include "json/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* --- create --------------------------------------------------------------------------------- */

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

static int make_body(struct cli *c, const char *name, const struct create_options *o,
                     struct buf *ret) {
        struct json_writer w = JSON_WRITER(ret);
        int r;

        json_write_object(&w);
        json_put_str(&w, "name", name);
        if (o->image)
                json_put_str(&w, "image", o->image);
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
        if (o->restore)
                json_put_bool(&w, "restore", true);
        if (r == EXIT_DONE && o->wait)
                r = waiting_put(c, &w, o->wait);
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
                { "bin", "with what was changed in the removed one" },
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

int create_check(struct cli *c, const struct create_options *o) {
        if (!o->cpu_only || !o->has_gpus || o->gpus == 0)
                return EXIT_DONE;
        cli_error(c, "--cpu-only and --gpu=%" PRId64 " exclude each other", o->gpus);
        return EXIT_USAGE;
}

int create_container(struct cli *c, const char *name, const struct create_options *o) {
        _cleanup_buf_ struct buf body = BUF_INIT(64 * 1024);
        _cleanup_reply_ struct reply reply = { 0 }, second = { 0 };
        struct call call = { .method = HTTP_POST, .target = "/v1/containers", .body = &body };
        const char *image = o->image;
        char doing[128];
        int r;

        r = make_body(c, name, o, &body);
        if (r != EXIT_DONE)
                return r;
        snprintf(doing, sizeof(doing), "creating '%.64s'", name);
        call.doing = doing;
        r = o->wait ? waiting_send(c, &call, &reply) : call_send(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        if (reply.status < 400)
                return print_answer(c, o, &reply);
        if (!str_equal(reply.code, "image_not_present") || o->dry_run) {
                r = reply_print_error(c, &reply);
                if (o->project && str_equal(reply.code, "path_not_found"))
                        project_suggest(c, o->project);
                return r;
        }

        /* the site allows its registry, else the code would be another */
        if (reply.subject[0])
                image = reply.subject;
        if (!image)
                return reply_print_error(c, &reply);
        r = pull_image(c, image);
        if (r == EXIT_DONE)
                r = o->wait ? waiting_send(c, &call, &second) : call_send(c, &call, &second);
        if (r == EXIT_DONE && second.status >= 400)
                r = reply_print_error(c, &second);
        return r == EXIT_DONE ? print_answer(c, o, &second) : r;
}

/* --- start and stop ------------------------------------------------------------------------- */

int start_container(struct cli *c, const char *name, const void *options) {
        const struct start_options *o = options;
        _cleanup_action_ struct action_result result = { 0 };
        _cleanup_buf_ struct buf body = BUF_INIT(256);
        struct json_writer w = JSON_WRITER(&body);
        char doing[128];
        int r = EXIT_DONE;

        json_write_object(&w);
        if (o && o->wait)
                r = waiting_put(c, &w, o->wait);
        json_write_object_end(&w);
        snprintf(doing, sizeof(doing), "starting '%.64s'", name);
        if (r == EXIT_DONE)
                r = o && o->wait ? container_act_waiting(c, name, "start", &body, &result)
                                 : container_act(c, name, "start", NULL, doing, &result);
        if (r != EXIT_DONE)
                return r;
        fprintf(c->out,
                result.changed ? "Started container '%s'%s%s\n"
                               : "Container '%s' is already running%s%s\n",
                result.container.name, result.container.gpu[0] ? " on " : "", result.container.gpu);
        if (result.changed)
                action_print_notes(c->out, &result.notes);
        cli_hint(c, "Next: container-attach %s", result.container.name);
        return EXIT_DONE;
}

static void print_hold(struct cli *c, const struct container *k) {
        bool several = strchr(k->gpu, ',');
        char until[96];

        if (!k->gpu[0])
                return;
        if (format_hold_text(k->held_until, c->now_us, until, sizeof(until)))
                fprintf(c->out, "  %s %s held for you until %s\n", k->gpu,
                        several ? "are" : "is", until);
        else
                fprintf(c->out, "  %s %s held for you\n", k->gpu, several ? "stay" : "stays");
        cli_hint(c, "To free it now: container-remove %s", k->name);
}

int stop_container(struct cli *c, const char *name, const void *options) {
        const struct stop_options *o = options;
        _cleanup_action_ struct action_result result = { 0 };
        _cleanup_buf_ struct buf body = BUF_INIT(256);
        struct json_writer w = JSON_WRITER(&body);
        char doing[128];
        int r;

        json_write_object(&w);
        if (o->has_timeout)
                json_put_int(&w, "timeout", o->timeout);
        if (o->force)
                json_put_bool(&w, "force", true);
        if (o->release)
                json_put_bool(&w, "release", true);
        json_write_object_end(&w);
        snprintf(doing, sizeof(doing), "stopping '%.64s'", name);
        r = container_act(c, name, "stop", &body, doing, &result);
        if (r != EXIT_DONE)
                return r;
        fprintf(c->out,
                result.changed ? "Stopped container '%s'\n" : "Container '%s' is already stopped\n",
                result.container.name);
        print_hold(c, &result.container);
        if (result.changed)
                action_print_notes(c->out, &result.notes);
        return EXIT_DONE;
}

/* --- remove --------------------------------------------------------------------------------- */

struct removed {
        char name[128], gpus[512], image[512], workspace[4096], kept_until[40];
        struct buf notes;
};

static void scan_freed(struct json_scan *s, struct removed *ret) {
        char gpu[64];

        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_STRING) {
                size_t n = strlen(ret->gpus);

                json_scan_str(s, gpu, sizeof(gpu));
                snprintf(ret->gpus + n, sizeof(ret->gpus) - n, "%s%s", n ? ", " : "", gpu);
        }
}

static int scan_removed(const struct buf *body, struct removed *ret) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);

        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY) {
                        if (json_scan_is(&s, "name"))
                                json_scan_get_str(&s, ret->name, sizeof(ret->name));
                        else if (json_scan_is(&s, "image_removed"))
                                json_scan_get_str(&s, ret->image, sizeof(ret->image));
                        else if (json_scan_is(&s, "kept_until"))
                                json_scan_get_str(&s, ret->kept_until, sizeof(ret->kept_until));
                        else if (json_scan_is(&s, "workspace"))
                                json_scan_get_str(&s, ret->workspace, sizeof(ret->workspace));
                        else if (json_scan_is(&s, "notes"))
                                scan_notes(&s, &ret->notes);
                        else if (json_scan_is(&s, "gpus_freed"))
                                scan_freed(&s, ret);
                        else
                                json_scan_skip(&s);
                }
        return s.failed || !ret->name[0] ? -1 : 0;
}

static void print_line(struct cli *c, const char *before, const char *value, const char *after) {
        fprintf(c->out, "  %s", before);
        put_safe(c->out, value);
        fprintf(c->out, "%s\n", after);
}

static int print_removed(struct cli *c, const struct reply *reply, bool dry_run) {
        struct removed removed = { .notes = BUF_INIT(64 * 1024) };
        int r = EXIT_DONE;

        if (scan_removed(&reply->body, &removed) < 0) {
                r = call_garbled(c, "remove");
        } else {
                fprintf(c->out,
                        dry_run ? "Would remove container '%s'\n" : "Removed container '%s'\n",
                        removed.name);
                if (removed.gpus[0])
                        print_line(c, "", removed.gpus,
                                   dry_run                      ? " would be free"
                                   : strstr(removed.gpus, ", ") ? " are free again"
                                                                : " is free again");
                if (removed.image[0])
                        print_line(c, "image ", removed.image,
                                   dry_run ? " would be removed" : " was removed");
                if (removed.workspace[0])
                        print_line(c, "your files stay in ", removed.workspace, "");
                if (removed.kept_until[0]) {
                        char moment[40];

                        format_moment_text(removed.kept_until, c->now_us, moment, sizeof(moment));
                        fprintf(c->out,
                                "  what you changed in it is kept until %s: "
                                "container-restore %s\n",
                                moment, removed.name);
                }
                action_print_notes(c->out, &removed.notes);
        }
        buf_release(&removed.notes);
        return r;
}

int remove_container(struct cli *c, const char *name, const void *options) {
        const struct remove_options *o = options;
        _cleanup_buf_ struct buf target = { 0 };
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_DELETE };
        char doing[128];
        int r;

        if (!*name) {
                cli_error(c, "the name of a container can't be empty");
                return EXIT_USAGE;
        }
        r = container_target(&target, name, NULL);
        if (r == 0 && o->stop)
                r = http_target_param(&target, "stop", "true");
        if (r == 0 && o->no_keep)
                r = http_target_param(&target, "no_keep", "true");
        if (r == 0 && o->images)
                r = http_target_param(&target, "image", "true");
        if (r == 0 && o->dry_run)
                r = http_target_param(&target, "dry_run", "true");
        if (r < 0) {
                cli_error(c, "that name is too long for a container");
                return EXIT_USAGE;
        }
        snprintf(doing, sizeof(doing), "removing '%.64s'", name);
        call.target = target.data;
        call.doing = doing;
        r = call_do(c, &call, &reply);
        return r == EXIT_DONE ? print_removed(c, &reply, o->dry_run) : r;
}
