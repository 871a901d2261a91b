/* See judge.h. */
#include "runtime/internal.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int judge_differs(struct judge *j, const char *fmt, ...) {
        char text[400];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        return err_set(j->reader.err, EPERM, "not as ds01d decided: %s", text);
}

size_t judge_at(const struct judge *j) {
        return (size_t)(j->reader.scan.at - j->reader.scan.start);
}

int judge_edit(struct judge *j, size_t from, size_t to, const char *text) {
        struct edit edit = { .from = from, .to = to };

        str_copy(edit.text, sizeof(edit.text), text);
        if (VEC_PUSH(&j->edits, edit) < 0)
                return err_set(j->reader.err, ENOMEM, "no memory");
        return 0;
}

/* --- hooks ------------------------------------------------------------------------------------ */

struct hook {
        char path[PATH_MAX], name[64];
};

static int read_hook_path(struct reader *r, void *ctx) {
        struct hook *h = ctx;

        return reader_string(r, "hook", h->path, sizeof(h->path));
}

static int read_hook_args(struct reader *r, void *ctx) {
        struct hook *h = ctx;
        struct json_scan *s = &r->scan;
        int e = 0;

        if (s->token != JSON_SCAN_ARRAY)
                return reader_malformed(r, "hook");
        if (json_scan_next(s) == JSON_SCAN_STRING)
                e = json_scan_str(s, h->name, sizeof(h->name));
        while (!s->failed && s->token != JSON_SCAN_ARRAY_END)
                json_scan_next(s);
        return s->failed || e == -EINVAL ? reader_malformed(r, "hook") : 0;
}

/* Docker's own hook for the network, and with a GPU those of NVIDIA's toolkit. */
static bool is_known(const struct judge *j, const struct hook *h) {
        static const char *const nvidia[] = { "nvidia-container-runtime-hook",
                                              "nvidia-container-toolkit", "nvidia-cdi-hook",
                                              "nvidia-ctk" };
        const char *base = strrchr(h->path, '/');

        if (!base || h->path[0] != '/')
                return false;
        if (str_starts(h->path, "/proc/") && strcmp(base, "/exe") == 0)
                return strcmp(h->name, "libnetwork-setkey") == 0;
        for (size_t i = 0; i < ARRAY_SIZE(nvidia); i++)
                if (strcmp(base + 1, nvidia[i]) == 0)
                        return strcmp(j->decision->gpus, "void") != 0;
        return false;
}

static int read_hook(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "path", read_hook_path, true },
                                                  { "args", read_hook_args } };
        struct hook h = { 0 };
        int e = reader_object(r, "hook", keys, ARRAY_SIZE(keys), &h);

        if (e < 0 || is_known(ctx, &h))
                return e;
        return judge_differs(ctx, "'%.200s' would be run on the host (a hook)", h.path);
}

static int read_hooks_of(struct reader *r, void *ctx) {
        return reader_array(r, "hooks", read_hook, ctx);
}

static int read_hooks(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = {
                { "prestart", read_hooks_of },        { "createRuntime", read_hooks_of },
                { "createContainer", read_hooks_of }, { "startContainer", read_hooks_of },
                { "poststart", read_hooks_of },       { "poststop", read_hooks_of },
        };

        return reader_object(r, "hooks", keys, ARRAY_SIZE(keys), ctx);
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Runtimes take orders from some of them. podman's own say how systemd stops a container. */
static bool is_order(const char *name) {
        static const char *const orders[] = { "org.systemd.property.", "run.oci.", "org.criu.",
                                              "module.wasm." };

        if (strcmp(name, "org.systemd.property.KillSignal") == 0 ||
            strcmp(name, "org.systemd.property.TimeoutStopUSec") == 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
                if (str_starts(name, orders[i]))
                        return true;
        return false;
}

static int read_annotations(struct reader *r, void *ctx) {
        struct json_scan *s = &r->scan;
        char name[256];

        if (s->token != JSON_SCAN_OBJECT)
                return reader_malformed(r, "annotations");
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                json_scan_str(s, name, sizeof(name));
                if (is_order(name))
                        return judge_differs(ctx, "it has the annotation '%.200s'", name);
                json_scan_next(s);
                json_scan_skip(s);
        }
        return s->token == JSON_SCAN_OBJECT_END ? 0 : reader_malformed(r, "annotations");
}

static int read_root_path(struct reader *r, void *ctx) {
        struct judge *j = ctx;

        return reader_string(r, "root", j->rootfs, sizeof(j->rootfs));
}

static int read_root(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "path", read_root_path, true } };

        return reader_object(r, "root", keys, ARRAY_SIZE(keys), ctx);
}

/* The text with what was to be changed. */
static int write_out(const struct judge *j, struct buf *out) {
        const struct json_scan *s = &j->reader.scan;
        size_t at = 0;

        for (size_t i = 0; i < j->edits.len; i++) {
                const struct edit *edit = &j->edits.items[i];

                buf_add(out, s->start + at, edit->from - at);
                buf_adds(out, edit->text);
                at = edit->to;
        }
        buf_add(out, s->start + at, (size_t)(s->end - s->start) - at);
        return out->failed ? err_set(j->reader.err, ENOMEM, "no memory") : 0;
}

static int judge(struct judge *j, int (*read)(struct judge *j), struct buf *out) {
        int e;

        json_scan_next(&j->reader.scan);
        e = read(j);
        if (e == 0 && json_scan_next(&j->reader.scan) != JSON_SCAN_END)
                e = reader_malformed(&j->reader, "container");
        if (e == 0)
                e = write_out(j, out);
        VEC_RELEASE(&j->edits);
        return e;
}

static int read_bundle(struct judge *j) {
        static const struct reader_key keys[] = {
                { "process", judge_read_process, true },
                { "root", read_root, true },
                { "mounts", judge_read_mounts, true },
                { "linux", judge_read_linux, true },
                { "hooks", read_hooks },
                { "annotations", read_annotations },
        };

        return reader_object(&j->reader, "container", keys, ARRAY_SIZE(keys), j);
}

static int read_process(struct judge *j) {
        return judge_read_process(&j->reader, j);
}

int judge_bundle(const char *text, size_t n, const struct decision *d, const char *id,
                 struct buf *out, char rootfs[PATH_MAX], struct err *err) {
        struct judge j = { .reader = { .scan = JSON_SCAN(text, n), .err = err },
                           .decision = d,
                           .id = id,
                           .bundle = true };
        int e = judge(&j, read_bundle, out);

        if (e == 0)
                memcpy(rootfs, j.rootfs, PATH_MAX);
        return e;
}

static int read_step(struct judge *j) {
        static const struct reader_key keys[] = { { "root", read_root, true },
                                                  { "mounts", judge_read_mounts } };

        return reader_object(&j->reader, "container", keys, ARRAY_SIZE(keys), j);
}

int judge_build(const char *text, size_t n, struct buf *out, char rootfs[PATH_MAX],
                struct err *err) {
        struct judge j = { .reader = { .scan = JSON_SCAN(text, n), .err = err } };
        int e = judge(&j, read_step, out);

        if (e == 0)
                memcpy(rootfs, j.rootfs, PATH_MAX);
        return e;
}

int judge_process(const char *text, size_t n, const struct decision *d, struct buf *out,
                  struct err *err) {
        struct judge j = { .reader = { .scan = JSON_SCAN(text, n), .err = err }, .decision = d };

        return judge(&j, read_process, out);
}
