/*
 * Building an image. The steps:
 *
 *   begin     the request is judged, the build entered            build_end()
 *   receive   the context passes through to the engine, all but   closing the connection
 *             the Dockerfile and the archive's end
 *   judge     the Dockerfile is read; its bases are found, or     the same
 *             pulled
 *   build     the Dockerfile as it was judged, and the end, go    the same; the engine removes
 *             to the engine; what comes back is told the caller   what it was doing
 *   tidy      unnamed images that are no longer of use go
 *
 * The engine begins once it has the whole archive, and moves the name to the new image when that is
 * complete. Nothing that the caller has sent gets into the request to the engine.
 */
#include "daemon/build.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/bases.h"
#include "daemon/aggregate.h"
#include "daemon/cgroup.h"
#include "daemon/context.h"
#include "daemon/image_cache.h"
#include "daemon/images.h"
#include "daemon/operation.h"
#include "daemon/seal.h"
#include "daemon/spec.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
        PIECE_MAX = 64 << 10,
        PASS_MAX = 2 * CONTEXT_OUT_MIN + PIECE_MAX,
        LOOK_US = 250000,  /* how often it is looked whether the caller is still there */
        SPARE_IMAGES = 8,  /* unnamed ones that are kept of builds that failed */
        CANCELLED = -1,
};

struct build {
        struct call *call;
        struct lines lines;
        char reference[IMAGE_REF_SIZE], project[NAME_MAX_LEN + 1];
        char dockerfile[256];
        bool no_cache;
        char before[80]; /* the id of the image until now; "" = none */
        char **cache;    /* ids */
        struct context context;
        struct recipe recipe;
        struct recipe_lines written; /* the file that the engine gets, line by line */
        struct engine_build *upstream;
        struct engine_info engine;
        char cgroup[96 + NAME_MAX_LEN]; /* of RUN; "" = the engine's own */
        int64_t deadline_us;         /* CLOCK_MONOTONIC, of the whole */
        int step;                    /* of the recipe, that goes on; -1 before the first */
        VEC(char *) made;            /* ids of complete stages; NULL-terminated when used */
};

/* --- who may, and how many ------------------------------------------------------------------ */

int build_begin(struct daemon *d, uid_t uid, const char *project, int64_t max, struct refusal *r) {
        _cleanup_buf_ struct buf names = BUF_INIT(400);
        struct builds *b = &d->builds;
        int64_t count = 0;
        bool same = false;

        pthread_mutex_lock(&b->lock);
        for (size_t i = 0; i < b->running.len; i++) {
                if (b->running.items[i].uid != uid)
                        continue;
                same |= strcmp(b->running.items[i].name, project) == 0;
                buf_addf(&names, "%s%s", count++ ? ", " : "", b->running.items[i].name);
        }
        if (same) {
                refuse(r, REFUSAL_BUILD_RUNNING, project);
        } else if (count >= max) {
                refuse_detail(r, REFUSAL_BUILD_QUOTA, project, "%s", buf_str(&names));
                r->used = count;
                r->max = max;
        } else {
                typeof(*b->running.items) item = { .uid = uid };

                str_copy(item.name, sizeof(item.name), project);
                if (VEC_PUSH(&b->running, item) < 0)
                        refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        }
        pthread_mutex_unlock(&b->lock);
        return r->reason;
}

/* The lock is held. The index, or -1. */
static int find_running(const struct builds *b, uid_t uid, const char *project) {
        for (size_t i = 0; i < b->running.len; i++)
                if (b->running.items[i].uid == uid &&
                    strcmp(b->running.items[i].name, project) == 0)
                        return (int)i;
        return -1;
}

bool build_goes_on(struct daemon *d, uid_t uid, const char *project) {
        bool found;

        pthread_mutex_lock(&d->builds.lock);
        found = find_running(&d->builds, uid, project) >= 0;
        pthread_mutex_unlock(&d->builds.lock);
        return found;
}

void build_end(struct daemon *d, uid_t uid, const char *project) {
        struct builds *b = &d->builds;
        int at;

        pthread_mutex_lock(&b->lock);
        at = find_running(b, uid, project);
        if (at >= 0)
                VEC_REMOVE(&b->running, (size_t)at);
        pthread_mutex_unlock(&b->lock);
}

static int judge_request(struct build *b, struct refusal *r) {
        const char *typed = http_request_param(b->call->request, "dockerfile");

        if (images_name(b->call->name, b->call->who->uid, b->reference, b->project, r))
                return r->reason;
        if (!context_path(typed ? typed : "Dockerfile", b->dockerfile, sizeof(b->dockerfile)) ||
            !b->dockerfile[0]) {
                refuse_detail(r, REFUSAL_ARGUMENT_INVALID, NULL,
                              "the Dockerfile is named by its path within the archive");
                str_copy(r->extra, sizeof(r->extra), "for example: dockerfile=docker/Dockerfile");
        }
        return r->reason;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int64_t bounded(int64_t limit, int64_t there) {
        if (there > 0 && there < limit)
                return there;
        return limit == LIMIT_UNLIMITED ? 0 : limit;
}

/* RUN lives in a group of its own within the person's, which has the limits of one container for
 * all of the person's builds together: the engine's call has none for processes. */
static void prepare_cgroup(struct build *b, struct limits *limits) {
        const struct daemon *d = b->call->daemon;
        const struct engine_info *engine = &b->engine;
        bool systemd = strcmp(engine->cgroup_driver, "systemd") == 0;
        size_t size = sizeof(b->cgroup);
        char *dst = b->cgroup;
        char person[64];
        size_t n;

        aggregate_prepare_person(d, engine, b->call->who->uid, limits, person, sizeof(person));
        if (!person[0])
                return;
        if (systemd)
                snprintf(dst, size, "%.*s-build.slice", (int)(strlen(person) - strlen(".slice")),
                         person);
        else
                snprintf(dst, size, "%s/build", person);
        limits->aggregate_cpus_milli = limits->cpus_milli;
        limits->aggregate_memory_bytes = limits->memory_bytes;
        limits->aggregate_tasks = limits->pids;
        aggregate_prepare(engine, dst, limits);
        /* podman puts RUN into the very group that it is given, so each build needs its own. */
        n = strlen(dst);
        if (!systemd && engine_is_podman(d->engine))
                snprintf(dst + n, size - n, "/%s", b->project);
}

/* podman 4.3 lets a command run on when nobody waits for it any more. */
static void end_run(const struct build *b) {
        if (b->cgroup[0] && engine_is_podman(b->call->daemon->engine))
                cgroup_kill(b->engine.cgroup_version, b->cgroup);
}

void builds_sweep(struct daemon *d) {
        struct engine_info engine;
        char pattern[128];

        daemon_engine_info(d, &engine);
        if (!engine_is_podman(d->engine) || d->private_mode || !d->config.cgroup_parent[0] ||
            strcmp(engine.cgroup_driver, "systemd") == 0)
                return;
        snprintf(pattern, sizeof(pattern), "/%s/u*/build/*", d->config.cgroup_parent);
        cgroup_kill_matching(engine.cgroup_version, pattern);
}

/* Only what the person's own builds have made is taken as done already: of others', the steps could
 * be anything (a container that was committed passes for a step). */
static void find_cache(struct build *b) {
        struct daemon *d = b->call->daemon;
        struct engine_image image = { 0 };
        struct engine_error error;
        uid_t uid = b->call->who->uid;
        bool own = false;

        if (engine_image_inspect(d->engine, b->reference, &image, &error) == 0) {
                str_copy(b->before, sizeof(b->before), image.id);
                own = image_seal_valid(d->seal_key, sizeof(d->seal_key), image.labels, uid, NULL);
                engine_image_release(&image);
        }
        if (!b->no_cache)
                b->cache = images_unnamed(d, uid, b->project, own ? b->before : NULL);
}

static int open_upstream(struct build *b, struct refusal *r) {
        struct daemon *d = b->call->daemon;
        const struct engine_info *engine = &b->engine;
        struct engine_error error;
        struct limits limits;
        struct engine_build_spec spec;

        daemon_limits(d, b->call->who, &limits);
        daemon_engine_info(d, &b->engine);
        find_cache(b);
        spec = (struct engine_build_spec){
                .tag = b->reference,
                .dockerfile = b->dockerfile,
                .network = d->config.build_network,
                .memory_bytes = bounded(limits.memory_bytes, engine->memory_bytes),
                .shm_bytes = bounded(limits.shm_bytes, engine->memory_bytes),
                .cpus_milli = bounded(limits.cpus_milli, (int64_t)engine->ncpu * 1000),
                .cache_from = (const char *const *)b->cache,
        };
        prepare_cgroup(b, &limits);
        spec.cgroup_parent = b->cgroup[0] ? b->cgroup : NULL;
        if (engine_build_open(d->engine, &spec, &b->upstream, &error) == 0)
                return 0;
        refusal_from_engine(r, &error);
        return r->reason;
}

/* --- the context ------------------------------------------------------------------------------ */

/* An engine that has answered in the middle: what it says, as a refusal. */
static int engine_broke(const struct engine_error *error, struct refusal *r) {
        refusal_from_engine(r, error);
        if (r->reason == REFUSAL_ENGINE_UNCERTAIN || r->reason == REFUSAL_ENGINE_UNREACHABLE)
                refuse_detail(r, REFUSAL_BUILD_BROKEN, NULL, "%s", error->message);
        else if (r->reason == REFUSAL_ENGINE_FAILED)
                str_copy(r->extra, sizeof(r->extra), "correct the project, then build again");
        return r->reason;
}

static int pass_on(struct build *b, struct buf *in, struct buf *out, struct refusal *r) {
        struct engine_error error;
        size_t before;

        do {
                before = in->len;
                if (context_feed(&b->context, in, out, r))
                        return r->reason;
                if (engine_build_send(b->upstream, buf_str(out), out->len, &error) < 0)
                        return engine_broke(&error, r);
                buf_reset(out);
        } while (in->len > 0 && in->len < before);
        return 0;
}

static int check_time(const struct build *b, struct refusal *r) {
        char limit[32];

        if (clock_mono_us() <= b->deadline_us)
                return 0;
        duration_format(b->call->daemon->config.build_timeout_us, limit, sizeof(limit));
        return refuse_detail(r, REFUSAL_BUILD_TIMEOUT, NULL, "%s", limit);
}

/* 0, CANCELLED, or refused. */
static int receive(struct build *b, struct refusal *r) {
        _cleanup_buf_ struct buf in = BUF_INIT(PIECE_MAX), out = BUF_INIT(PASS_MAX);

        for (;;) {
                int more = call_read_body(b->call, &in);

                if (more == -ECONNRESET)
                        return CANCELLED;
                if (more == -ETIMEDOUT)
                        return refuse_detail(r, REFUSAL_CONTEXT_INVALID, NULL,
                                             "nothing more of it came for two minutes");
                if (more < 0)
                        return refuse_detail(r, REFUSAL_BAD_REQUEST, NULL,
                                             "the body's chunks are damaged");
                if (pass_on(b, &in, &out, r) || check_time(b, r))
                        return r->reason;
                if (more == 0)
                        return context_complete(&b->context, r);
        }
}

static int judge_recipe(struct build *b, char ***ret_images, struct refusal *r) {
        struct recipe_fault fault = { 0 };
        int e = recipe_read(buf_str(&b->context.recipe), b->context.recipe.len, &b->recipe, &fault);

        if (e == -EINVAL) {
                refuse_detail(r,
                              fault.line ? REFUSAL_DOCKERFILE_INVALID : REFUSAL_DOCKERFILE_REFUSED,
                              NULL, "%s", fault.message);
                r->asked = r->line = fault.line;
                return r->reason;
        }
        if (e < 0)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        return bases_find(&b->lines, &b->recipe, ret_images, r);
}

struct prologue {
        char texts[6][600];
        const char *lines[7];
};

/* The first lines of each stage: whose image it is, and where this site's packages come from.
 * RUN sees an ARG's default as a variable; it does not stay in the image. */
static void make_prologue(const struct site_config *config, const char *labels,
                          struct prologue *ret) {
        const struct {
                const char *format, *value;
        } rows[] = {
                { "LABEL %s", labels },
                { "ARG PIP_INDEX_URL=\"%s\"", config->pip_index },
                { "ARG http_proxy=\"%s\"", config->build_proxy },
                { "ARG https_proxy=\"%s\"", config->build_proxy },
                { "ARG HTTP_PROXY=\"%s\"", config->build_proxy },
                { "ARG HTTPS_PROXY=\"%s\"", config->build_proxy },
        };
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (!*rows[i].value)
                        continue;
                snprintf(ret->texts[n], sizeof(ret->texts[n]), rows[i].format, rows[i].value);
                ret->lines[n] = ret->texts[n];
                n++;
        }
        ret->lines[n] = NULL;
}

/* The Dockerfile and the archive's end. */
static int complete(struct build *b, char *const *images, struct refusal *r) {
        struct daemon *d = b->call->daemon;
        _cleanup_buf_ struct buf text = BUF_INIT(2 * RECIPE_MAX), out = BUF_INIT(3 * RECIPE_MAX);
        char labels[IMAGE_LABELS_SIZE];
        struct prologue prologue = { 0 };
        struct engine_error error;

        image_seal_make(d->seal_key, sizeof(d->seal_key), b->call->who->uid, b->project, labels);
        make_prologue(&d->config, labels, &prologue);
        if (recipe_write(&b->recipe, (const char *const *)images, prologue.lines, &text,
                         &b->written) < 0 ||
            context_put_recipe(&b->context, text.len, &out) < 0 ||
            buf_add(&out, text.data, text.len) < 0 || context_put_end(text.len, &out) < 0)
                return refuse_detail(r, REFUSAL_DOCKERFILE_REFUSED, NULL, "it is too long");
        if (engine_build_send(b->upstream, out.data, out.len, &error) < 0 ||
            engine_build_end(b->upstream, &error) < 0)
                return engine_broke(&error, r);
        return 0;
}

/* --- while it goes ---------------------------------------------------------------------------- */

static bool caller_has_gone(const struct build *b) {
        struct pollfd p = { .fd = b->call->fd };

        return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

/* The step of the recipe that the engine means: it counts the lines that it got, some engines by
 * stage. -1 for a line of ours. */
static int find_step(const struct build *b, const struct engine_build_event *event) {
        size_t at = (size_t)event->step - 1, n = b->written.step.len;
        int stage = 0;

        if (event->step < 1)
                return -1;
        for (size_t i = 0; event->stage > 0 && i < n; i++) {
                int step = b->written.step.items[i];

                if (step >= 0 && b->recipe.steps.items[step].word == RECIPE_FROM &&
                    ++stage == event->stage) {
                        at += i;
                        break;
                }
        }
        return at < n ? b->written.step.items[at] : -1;
}

static int tell_step(struct build *b, const struct engine_build_event *event) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINES_MAX);
        struct json_writer w = JSON_WRITER(&line);
        char text[1024];
        int step = find_step(b, event);

        if (step < 0)
                return 0;
        b->step = step;
        recipe_step_text(&b->recipe.steps.items[step], text, sizeof(text));
        json_write_object(&w);
        json_put_int(&w, "step", step + 1);
        json_put_int(&w, "steps", (int64_t)b->recipe.steps.len);
        json_put_int(&w, "line", b->recipe.steps.items[step].line);
        json_put_str(&w, "text", text);
        json_write_object_end(&w);
        return lines_send(&b->lines, &line);
}

static int tell_log(struct build *b, const char *text) {
        _cleanup_buf_ struct buf line = BUF_INIT(LINES_MAX);
        struct json_writer w = JSON_WRITER(&line);

        json_write_object(&w);
        json_put_str(&w, "log", text);
        json_write_object_end(&w);
        return line.failed ? 0 : lines_send(&b->lines, &line); /* 4096 control bytes, say */
}

static int tell(struct build *b, const struct engine_build_event *event) {
        char *id;

        switch (event->kind) {
        case ENGINE_BUILD_STEP:
                return tell_step(b, event);
        case ENGINE_BUILD_LOG:
                return tell_log(b, event->text);
        case ENGINE_BUILD_IMAGE:
                id = strdup(event->text);
                if (!id || VEC_PUSH(&b->made, id) < 0)
                        free(id);
                break;
        }
        return 0;
}

/* "dockerfile parse error line 5: ..." is about the file as the engine got it. */
static int64_t line_in_message(const struct build *b, const char *message) {
        const char *at = strstr(message, " line ");
        int64_t line = 0;
        int step;

        for (at = at ? at + 6 : ""; *at >= '0' && *at <= '9' && line < 1000000; at++)
                line = line * 10 + (*at - '0');
        line -= b->written.first + 1;
        if (line < 0 || (size_t)line >= b->written.step.len)
                return 0;
        step = b->written.step.items[line];
        return step < 0 ? 0 : b->recipe.steps.items[step].line;
}

/* Why the engine has not built it, and which line is to blame. */
static int explain(const struct build *b, const struct engine_error *error, int code,
                   struct refusal *r) {
        char text[120];

        engine_broke(error, r);
        if (r->reason != REFUSAL_ENGINE_FAILED)
                return r->reason;
        if (error->status == 400) {
                int64_t line = line_in_message(b, error->message);

                refuse_detail(r, line ? REFUSAL_DOCKERFILE_INVALID : REFUSAL_DOCKERFILE_REFUSED,
                              NULL, "%s", error->message);
                r->asked = r->line = line;
        } else if (b->step >= 0) {
                recipe_step_text(&b->recipe.steps.items[b->step], text, sizeof(text));
                if (code > 0)
                        refuse_detail(r, REFUSAL_STEP_FAILED, text, "it ended with exit code %d%s",
                                      code, code == 137 ? "; it was killed, for too much memory "
                                                          "perhaps (check-limits)" : "");
                else
                        refuse_detail(r, REFUSAL_STEP_FAILED, text, "%s", error->message);
                r->asked = r->line = b->recipe.steps.items[b->step].line;
        }
        return r->reason;
}

/* 0 when it is built, CANCELLED, or refused. */
static int follow(struct build *b, struct refusal *r) {
        for (;;) {
                struct engine_build_event event;
                struct engine_error error;
                int code, e = engine_build_next(b->upstream, LOOK_US, &event, &code, &error);

                if (e < 0)
                        return explain(b, &error, code, r);
                if (e == ENGINE_BUILD_DONE)
                        return 0;
                if (e == ENGINE_BUILD_EVENT && tell(b, &event) < 0)
                        return CANCELLED;
                if (caller_has_gone(b) || b->call->daemon->stopping)
                        return CANCELLED;
                if (check_time(b, r))
                        return r->reason;
        }
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Containers go on with the image that they were made from. */
static void write_notes(struct json_writer *w, struct build *b, const char *id) {
        struct ledger *l = &b->call->daemon->ledger;

        json_write_key(w, "notes");
        json_write_array(w);
        ledger_lock(l);
        for (size_t i = 0; i < l->records.len && strcmp(id, b->before) != 0; i++) {
                const struct record *k = l->records.items[i];
                char note[256];

                if (strcmp(k->image, b->reference) != 0)
                        continue;
                snprintf(note, sizeof(note),
                         "container '%s' has the image from before until it is made anew", k->name);
                json_write_str(w, note);
        }
        ledger_unlock(l);
        json_write_array_end(w);
}

static int describe(struct build *b, struct buf *line, struct refusal *r) {
        struct json_writer w = JSON_WRITER(line);
        struct engine_image image;
        struct engine_error error;

        if (engine_image_inspect(b->call->daemon->engine, b->reference, &image, &error) < 0)
                return engine_broke(&error, r);
        json_write_object(&w);
        json_put_bool(&w, "done", true);
        json_put_str(&w, "id", image.id);
        json_put_str(&w, "image", b->reference);
        json_put_int(&w, "size_bytes", image.size);
        write_notes(&w, b, image.id);
        json_write_object_end(&w);
        engine_image_release(&image);
        return 0;
}

static int carry_out(struct build *b, struct refusal *r) {
        char **images = NULL;
        int e;

        e = open_upstream(b, r);
        if (e == 0)
                e = receive(b, r);
        if (e == 0)
                e = judge_recipe(b, &images, r);
        if (e == 0)
                e = complete(b, images, r);
        if (e == 0)
                e = follow(b, r);
        bases_free(images, b->recipe.steps.len);
        /* Closing cancels, and what it leaves is unnamed by now. */
        engine_build_close(b->upstream);
        if (e != 0)
                end_run(b);
        return e;
}

/* Who has read the last line may build again at once, so all is over before it is sent. */
static void run(struct build *b) {
        _cleanup_buf_ struct buf last = BUF_INIT(LINES_MAX);
        struct daemon *d = b->call->daemon;
        uid_t uid = b->call->who->uid;
        struct refusal r = { 0 };
        bool built;
        int e;

        b->deadline_us = clock_mono_us() + d->config.build_timeout_us;
        e = carry_out(b, &r);
        built = e == 0;
        image_cache_changed(d);
        if (built)
                e = describe(b, &last, &r);
        if (VEC_PUSH(&b->made, NULL) == 0)
                images_sweep(d, uid, b->project, b->made.items, built ? 0 : SPARE_IMAGES);
        build_end(d, uid, b->project);
        if (e > 0)
                lines_refuse(&b->lines, &r);
        else if (e == CANCELLED)
                b->call->streamed = true; /* nobody is there to be answered */
        else
                lines_end(&b->lines, &last);
}

void handle_image_build(struct call *c) {
        struct build *b = calloc(1, sizeof(*b));
        struct refusal *r = &c->refusal;

        if (!b) {
                call_fail(c, REFUSAL_INTERNAL, "no memory");
                return;
        }
        b->call = b->lines.call = c;
        b->step = -1;
        context_init(&b->context, b->dockerfile, c->daemon->config.context_max_gb << 30);
        if (call_ready(c) && call_flag(c, "no_cache", &b->no_cache) == 0) {
                if (judge_request(b, r) || build_begin(c->daemon, c->who->uid, b->project,
                                                       c->daemon->config.builds_per_user, r))
                        call_refuse(c, r);
                else
                        run(b);
        }
        for (size_t i = 0; i < b->made.len; i++)
                free(b->made.items[i]);
        VEC_RELEASE(&b->made);
        engine_strv_free(b->cache);
        recipe_lines_release(&b->written);
        recipe_release(&b->recipe);
        context_release(&b->context);
        free(b);
}
