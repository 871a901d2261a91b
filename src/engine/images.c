/* Images: inspect, list, remove, pull. */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

enum { PULL_QUIET_S = 60, IMAGE_REMOVE_S = 60 };

void engine_strv_free(char **strv) {
        if (!strv)
                return;
        for (char **s = strv; *s; s++)
                free(*s);
        free(strv);
}

/* The strings of a JSON array, NULL-terminated, without what else is in it. NULL: no memory. */
static char **strv_from(const json_t *array) {
        char **strv = calloc(json_array_size(array) + 1, sizeof(*strv));
        size_t n = 0, i;
        json_t *item;

        if (!strv)
                return NULL;
        json_array_foreach(array, i, item) {
                if (!json_is_string(item))
                        continue;
                strv[n] = strdup(json_string_value(item));
                if (!strv[n++]) {
                        engine_strv_free(strv);
                        return NULL;
                }
        }
        return strv;
}

/* Labels as "key=value". NULL: no memory. */
static char **labels_from(json_t *labels) {
        char **strv = calloc(json_object_size(labels) + 1, sizeof(*strv));
        size_t n = 0;
        const char *key;
        json_t *value;

        if (!strv)
                return NULL;
        json_object_foreach(labels, key, value) {
                const char *text = json_string_value(value);

                if (!text)
                        continue;
                if (asprintf(&strv[n], "%s=%s", key, text) < 0) {
                        strv[n] = NULL;
                        engine_strv_free(strv);
                        return NULL;
                }
                n++;
        }
        return strv;
}

const char *engine_image_label(char *const *labels, const char *key) {
        size_t n = strlen(key);

        for (; labels && *labels; labels++)
                if (strncmp(*labels, key, n) == 0 && (*labels)[n] == '=')
                        return *labels + n + 1;
        return NULL;
}

int engine_image_inspect(struct engine *e, const char *ref, struct engine_image *ret,
                         struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_image image = { 0 };
        const char *id, *test;
        json_t *config;

        engine_call_path(&call, "images", ref, "json");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        id = json_str(root, "Id");
        if (!id || !str_copy(image.id, sizeof(image.id), id))
                return engine_fail(err, 0, false, "the engine's answer has no id");
        config = json_object_get(root, "Config");
        test = json_string_value(json_array_get(json_at(config, "Healthcheck", "Test", NULL), 0));
        /* podman doesn't tell over Docker's API, and runs it all the same. */
        image.has_healthcheck = engine_is_podman(e) ||
                                (test && *test && !str_equal(test, "NONE"));
        image.size = json_int_or(root, "Size", 0);
        image.has_triggers = json_array_size(json_object_get(config, "OnBuild")) > 0;
        image.labels = labels_from(json_object_get(config, "Labels"));
        image.env = strv_from(json_object_get(config, "Env"));
        image.working_dir = strdup(json_str_or(config, "WorkingDir", ""));
        image.user = strdup(json_str_or(config, "User", ""));
        if (!image.env || !image.working_dir || !image.user || !image.labels) {
                engine_image_release(&image);
                return engine_no_memory(err);
        }
        *ret = image;
        return 0;
}

void engine_image_release(struct engine_image *image) {
        if (!image)
                return;
        engine_strv_free(image->env);
        engine_strv_free(image->labels);
        free(image->working_dir);
        free(image->user);
        *image = (struct engine_image){ 0 };
}

static bool row_from(struct engine *e, const json_t *image, struct engine_image_row *row) {
        const char *id = json_str(image, "Id");
        int64_t created;

        row->refs = strv_from(json_object_get(image, "RepoTags"));
        row->labels = labels_from(json_object_get(image, "Labels"));
        if (!row->refs || !row->labels)
                return false;
        if (id)
                str_copy(row->id, sizeof(row->id), id);
        row->size = json_int_or(image, "Size", 0);
        if (!__builtin_mul_overflow(json_int_or(image, "Created", 0), US_PER_S, &created))
                row->created_us = created;
        for (char **ref = row->refs; *ref; ref++) {
                const char *plain = engine_plain_ref(e, *ref);

                memmove(*ref, plain, strlen(plain) + 1);
        }
        return true;
}

int engine_image_list(struct engine *e, const char *unnamed_with_label,
                      struct engine_image_row **ret, size_t *ret_n, struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_image_row *rows;
        size_t i;
        json_t *image;

        if (engine_negotiate(e, err) < 0)
                return -1;
        engine_call_path(&call, "images", "json", NULL);
        if (unnamed_with_label)
                engine_call_filter(&call, "dangling", "true", "label", unnamed_with_label);
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        if (!json_is_array(root))
                return engine_fail(err, 0, false, "the engine's answer is incomplete");
        rows = calloc(json_array_size(root) + 1, sizeof(*rows));
        if (!rows)
                return engine_no_memory(err);
        json_array_foreach(root, i, image)
                if (!row_from(e, image, &rows[i])) {
                        engine_image_rows_free(rows, i + 1);
                        return engine_no_memory(err);
                }
        *ret = rows;
        *ret_n = json_array_size(root);
        return 0;
}

void engine_image_rows_free(struct engine_image_row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                engine_strv_free(rows[i].refs);
                engine_strv_free(rows[i].labels);
        }
        free(rows);
}

static int compare_refs(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int engine_image_rows_refs(const struct engine_image_row *rows, size_t n, const char *prefix,
                           char ***ret) {
        VEC(char *) refs = { 0 };

        for (size_t i = 0; i < n; i++)
                for (char **ref = rows[i].refs; *ref; ref++) {
                        char *copy;

                        if (!str_starts(*ref, prefix) || str_starts(*ref, "<none>"))
                                continue;
                        copy = strdup(*ref);
                        if (!copy || VEC_PUSH(&refs, copy) < 0) {
                                free(copy);
                                goto fail;
                        }
                }
        if (refs.len > 0)
                qsort(refs.items, refs.len, sizeof(*refs.items), compare_refs);
        if (VEC_PUSH(&refs, NULL) < 0)
                goto fail;
        *ret = refs.items;
        return 0;
fail:
        for (size_t i = 0; i < refs.len; i++)
                free(refs.items[i]);
        VEC_RELEASE(&refs);
        return -ENOMEM;
}

int engine_image_remove(struct engine *e, const char *ref, struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_DELETE, .timeout_us = IMAGE_REMOVE_S * US_PER_S);

        engine_call_path(&call, "images", ref, NULL);
        return engine_do_plain(e, &call, err);
}

/* "host:5000/x:1" is ("host:5000/x", "1"); without a tag or digest the tag is "latest", because
 * engines pull every tag when none is given. */
static int pull_target(struct engine_call *call, const char *ref) {
        _cleanup_free_ char *name = strdup(ref);
        char *slash, *mark;

        if (!name)
                return -ENOMEM;
        mark = strchr(name, '@');
        if (!mark) {
                slash = strrchr(name, '/');
                mark = strchr(slash ? slash : name, ':');
        }
        if (mark)
                *mark = '\0';
        engine_call_path(call, "images", "create", NULL);
        engine_call_param(call, "fromImage", name);
        engine_call_param(call, "tag", mark ? mark + 1 : "latest");
        return 0;
}

/* One line of the stream: 0, or -1 with @err when it says that the pull failed or was cancelled. */
static int pull_line(const json_t *line,
                     int (*progress)(void *ctx, const struct engine_pull_step *step), void *ctx,
                     struct engine_error *err) {
        json_t *detail = json_object_get(line, "progressDetail");
        const char *error = json_str(json_object_get(line, "errorDetail"), "message");
        struct engine_pull_step step = {
                .id = json_str_or(line, "id", ""),
                .status = json_str_or(line, "status", ""),
                .current = json_int_or(detail, "current", 0),
                .total = json_int_or(detail, "total", 0),
        };

        if (!error)
                error = json_str(line, "error");
        if (error)
                return engine_fail(err, 500, true, "%s", error);
        if (progress && progress(ctx, &step) != 0)
                return engine_fail(err, 0, true, "the pull was cancelled");
        return 0;
}

static int pull_stream(struct engine_stream *s,
                       int (*progress)(void *ctx, const struct engine_pull_step *step), void *ctx,
                       struct engine_error *err) {
        _cleanup_buf_ struct buf in = BUF_INIT(ENGINE_LINE_MAX);
        int r = 1;

        while (r > 0) {
                r = engine_stream_read(s, &in, clock_mono_us() + PULL_QUIET_S * US_PER_S);
                if (r == -ETIMEDOUT)
                        return engine_fail(err, 0, false, "the pull stopped making progress");
                if (r < 0)
                        return engine_fail(err, 0, false, "the pull broke off: %s", strerror(-r));
                if (r == 0 && in.len > 0)
                        buf_addc(&in, '\n'); /* the last line may lack its end */
                for (;;) {
                        _cleanup_json_ json_t *line = NULL;
                        int got = engine_next_line(&in, &line);

                        if (got == 0)
                                break;
                        if (got < 0)
                                return engine_fail(err, 0, false, "the pull's answer is not JSON");
                        if (pull_line(line, progress, ctx, err) < 0)
                                return -1;
                }
        }
        return 0;
}

int engine_image_pull(struct engine *e, const char *ref,
                      int (*progress)(void *ctx, const struct engine_pull_step *step), void *ctx,
                      struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_POST);
        _cleanup_buf_ struct buf body = BUF_INIT(65536);
        struct engine_stream s;
        int64_t deadline = clock_mono_us() + PULL_QUIET_S * US_PER_S;
        int status, r;

        if (pull_target(&call, ref) < 0)
                return engine_no_memory(err);
        if (engine_stream_open(e, &call, deadline, &s, err) < 0)
                return -1;
        status = s.reader.head.status;
        if (status < 300) {
                r = pull_stream(&s, progress, ctx, err);
        } else {
                while (engine_stream_read(&s, &body, deadline) > 0)
                        ;
                r = engine_fail_answer(err, status, &body);
        }
        engine_stream_close(e, &s);
        return r;
}
