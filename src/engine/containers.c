/* Containers: create, the calls that change their state, inspect, list, and a file out of one. */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
        START_S = 120,  /* images on slow disks, GPU hooks */
        CREATE_S = 60,
        KILL_S = 30,
        REMOVE_S = 60,
        STOP_MARGIN_S = 30,
};

static const unsigned alive = ENGINE_STATE(ENGINE_RUNNING) | ENGINE_STATE(ENGINE_PAUSED);

int engine_explain_500(struct engine *e, const char *id, unsigned needed,
                       struct engine_error *err) {
        struct engine_container c;
        struct engine_error why;

        if (err->status != 500)
                return -1;
        if (engine_container_inspect(e, id, &c, &why) < 0) {
                if (why.status == 404)
                        *err = why;
                return -1;
        }
        if (!(needed & ENGINE_STATE(c.state))) {
                err->status = 409;
                err->definite = true;
        }
        engine_container_release(&c);
        return -1;
}

static int simple(struct engine *e, const char *id, const char *action, int timeout_s,
                  const char *key, const char *value, struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_POST, .timeout_us = timeout_s * US_PER_S);

        engine_call_path(&call, "containers", id, action);
        if (key)
                engine_call_param(&call, key, value);
        return engine_do_plain(e, &call, err);
}

/* What podman would take without a word and not do, or do wrongly. */
static int check_podman_spec(const struct engine_container_spec *spec, struct engine_error *err) {
        if (spec->gpu == ENGINE_GPU_DEVICE_REQUEST)
                return engine_fail(err, 400, true,
                                   "podman ignores GPU device requests; use gpu.attach: cdi");
        for (size_t i = 0; i < spec->nmounts; i++)
                if (access(spec->mounts[i].source, F_OK) < 0)
                        return engine_fail(err, 400, true, "cannot mount '%s': %s",
                                           spec->mounts[i].source, strerror(errno));
        return 0;
}

static int take_id(const json_t *root, char ret_id[ENGINE_ID_SIZE], struct engine_error *err) {
        const char *id = json_str(root, "Id");

        if (!id || strlen(id) != ENGINE_ID_SIZE - 1)
                return engine_fail(err, 0, false, "the engine's answer has no id");
        str_copy(ret_id, ENGINE_ID_SIZE, id);
        return 0;
}

int engine_container_create(struct engine *e, const struct engine_container_spec *spec,
                            char ret_id[ENGINE_ID_SIZE], struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_POST, .timeout_us = CREATE_S * US_PER_S);
        _cleanup_json_ json_t *root = NULL;
        struct engine_error own;
        int podman;

        if (!err)
                err = &own;
        if (engine_negotiate(e, err) < 0)
                return -1;
        podman = engine_podman_version(e);
        if (podman && check_podman_spec(spec, err) < 0)
                return -1;
        engine_call_path(&call, "containers", "create", NULL);
        if (spec->name)
                engine_call_param(&call, "name", spec->name);
        if (engine_spec_write(spec, podman, &call.body) < 0)
                return engine_fail(err, 0, true, "the container's description is too large");
        if (engine_do_json(e, &call, &root, err) == 0)
                return take_id(root, ret_id, err);
        /* Docker: 409 when the name is taken; podman: 500. */
        if (err->status == 500 && spec->name) {
                struct engine_container c;

                if (engine_container_inspect(e, spec->name, &c, NULL) == 0) {
                        engine_container_release(&c);
                        err->status = 409;
                        err->definite = true;
                }
        }
        return -1;
}

int engine_container_start(struct engine *e, const char *id, struct engine_error *err) {
        return simple(e, id, "start", START_S, NULL, NULL, err);
}

int engine_container_stop(struct engine *e, const char *id, int timeout_s,
                          struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_POST, .timeout_us = (timeout_s + STOP_MARGIN_S) * US_PER_S);

        engine_call_path(&call, "containers", id, "stop");
        engine_call_param_int(&call, "t", timeout_s);
        return engine_do_plain(e, &call, err);
}

/* The calls whose 500 may be a "not in that state". */
static int change(struct engine *e, const char *id, const char *action, const char *key,
                  const char *value, unsigned needed, struct engine_error *err) {
        struct engine_error own;

        if (!err)
                err = &own;
        if (simple(e, id, action, KILL_S, key, value, err) < 0)
                return engine_explain_500(e, id, needed, err);
        return 0;
}

int engine_container_kill(struct engine *e, const char *id, const char *signal,
                          struct engine_error *err) {
        return change(e, id, "kill", "signal", signal, alive, err);
}

int engine_container_pause(struct engine *e, const char *id, struct engine_error *err) {
        return change(e, id, "pause", NULL, NULL, ENGINE_STATE(ENGINE_RUNNING), err);
}

int engine_container_unpause(struct engine *e, const char *id, struct engine_error *err) {
        return change(e, id, "unpause", NULL, NULL, ENGINE_STATE(ENGINE_PAUSED), err);
}

int engine_container_remove(struct engine *e, const char *id, bool force,
                            struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_DELETE, .timeout_us = REMOVE_S * US_PER_S);
        struct engine_error own;

        if (!err)
                err = &own;
        engine_call_path(&call, "containers", id, NULL);
        engine_call_param(&call, "v", "1"); /* the anonymous volumes of its image with it */
        if (force)
                engine_call_param(&call, "force", "1");
        if (engine_do_plain(e, &call, err) < 0) {
                if (err->status == 500)
                        engine_explain_500(e, id, force ? ~0u : ~alive, err);
                return err->status == 404 ? 0 : -1;
        }
        return 0;
}

int engine_container_rename(struct engine *e, const char *id, const char *name,
                            struct engine_error *err) {
        return simple(e, id, "rename", KILL_S, "name", name, err);
}

static enum engine_state state_from(const char *text) {
        static const struct {
                const char *text;
                enum engine_state state;
        } states[] = {
                { "created", ENGINE_CREATED },   { "running", ENGINE_RUNNING },
                { "paused", ENGINE_PAUSED },     { "restarting", ENGINE_RUNNING },
                { "exited", ENGINE_EXITED },     { "removing", ENGINE_REMOVING },
                { "dead", ENGINE_DEAD },
                /* podman's own */
                { "configured", ENGINE_CREATED }, { "initialized", ENGINE_CREATED },
                { "stopping", ENGINE_RUNNING },   { "stopped", ENGINE_EXITED },
        };

        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                if (str_equal(text, states[i].text))
                        return states[i].state;
        return ENGINE_RUNNING; /* unknown: what is cautious towards its GPUs */
}

static int take_labels(struct engine_container *c, json_t *labels) {
        size_t n = json_object_size(labels);
        const char *key;
        json_t *value;

        if (n == 0)
                return 0;
        c->labels = calloc(n, sizeof(*c->labels));
        if (!c->labels)
                return -ENOMEM;
        json_object_foreach(labels, key, value) {
                const char *text = json_string_value(value);

                if (!text)
                        continue;
                c->labels[c->nlabels].key = strdup(key);
                c->labels[c->nlabels].value = strdup(text);
                c->nlabels++;
                if (!c->labels[c->nlabels - 1].key || !c->labels[c->nlabels - 1].value)
                        return -ENOMEM;
        }
        return 0;
}

/* What inspect and list have in common. 0, -ENOMEM, or -EPROTO. */
static int take_container(struct engine *e, struct engine_container *c, const char *id,
                          const char *name, const char *image, const char *image_id,
                          json_t *labels) {
        if (!id || strlen(id) != ENGINE_ID_SIZE - 1 || !name)
                return -EPROTO;
        str_copy(c->id, sizeof(c->id), id);
        c->name = strdup(*name == '/' ? name + 1 : name);
        c->image = strdup(engine_plain_ref(e, image));
        c->image_id = strdup(image_id);
        if (!c->name || !c->image || !c->image_id)
                return -ENOMEM;
        return take_labels(c, labels);
}

static int fail_container(int r, struct engine_error *err) {
        return r == -ENOMEM ? engine_no_memory(err) :
                              engine_fail(err, 0, false, "the engine's answer is incomplete");
}

int engine_container_inspect(struct engine *e, const char *id_or_name, struct engine_container *ret,
                             struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_container c = { 0 };
        json_t *state;
        int r;

        engine_call_path(&call, "containers", id_or_name, "json");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        state = json_object_get(root, "State");
        r = take_container(e, &c, json_str(root, "Id"), json_str(root, "Name"),
                           json_str_or(json_object_get(root, "Config"), "Image", ""),
                           json_str_or(root, "Image", ""), json_at(root, "Config", "Labels", NULL));
        if (r < 0 || !json_is_object(state)) {
                engine_container_release(&c);
                return fail_container(r, err);
        }
        /* Engines take the beginning of an id for the whole one; nobody here means that. */
        if (!str_equal(c.id, id_or_name) && !str_equal(c.name, id_or_name)) {
                engine_container_release(&c);
                return engine_fail(err, 404, true, "no container '%s'", id_or_name);
        }
        c.state = state_from(json_str(state, "Status"));
        c.exit_code = (int)json_int_or(state, "ExitCode", 0);
        c.oom_killed = json_bool_or(state, "OOMKilled", false);
        c.wrapped = str_equal(json_str(json_object_get(root, "HostConfig"), "Runtime"),
                              ENGINE_RUNTIME);
        if (ENGINE_STATE(c.state) & alive)
                c.pid = (pid_t)json_int_or(state, "Pid", 0);
        engine_set_time(&c.created_us, json_str(root, "Created"));
        engine_set_time(&c.started_us, json_str(state, "StartedAt"));
        engine_set_time(&c.finished_us, json_str(state, "FinishedAt"));
        *ret = c;
        return 0;
}

void engine_set_time(int64_t *ret, const char *text) {
        int64_t us;

        if (text && time_parse(text, &us) == 0)
                *ret = us;
}

int engine_container_list(struct engine *e, const char *label, struct engine_container **ret,
                          size_t *ret_n, struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_container *list;
        size_t n = 0, i;
        json_t *item;
        int r = 0;

        engine_call_path(&call, "containers", "json", NULL);
        engine_call_param(&call, "all", "1");
        if (label)
                engine_call_filter(&call, "label", label, NULL, NULL);
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        if (!json_is_array(root))
                return fail_container(-EPROTO, err);
        list = calloc(json_array_size(root) + 1, sizeof(*list));
        if (!list)
                return engine_no_memory(err);
        json_array_foreach(root, i, item) {
                struct engine_container *c = &list[n++];

                r = take_container(e, c, json_str(item, "Id"),
                                   json_string_value(json_array_get(json_object_get(item, "Names"),
                                                                    0)),
                                   json_str_or(item, "Image", ""), json_str_or(item, "ImageID", ""),
                                   json_object_get(item, "Labels"));
                if (r < 0)
                        break;
                c->state = state_from(json_str(item, "State"));
        }
        if (r < 0) {
                engine_containers_free(list, n);
                return fail_container(r, err);
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

const char *engine_container_label(const struct engine_container *c, const char *key) {
        for (size_t i = 0; i < c->nlabels; i++)
                if (str_equal(c->labels[i].key, key))
                        return c->labels[i].value;
        return NULL;
}

void engine_container_release(struct engine_container *c) {
        if (!c)
                return;
        for (size_t i = 0; i < c->nlabels; i++) {
                free(c->labels[i].key);
                free(c->labels[i].value);
        }
        free(c->labels);
        free(c->name);
        free(c->image);
        free(c->image_id);
        *c = (struct engine_container){ 0 };
}

void engine_containers_free(struct engine_container *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                engine_container_release(&list[i]);
        free(list);
}

int engine_container_read_file(struct engine *e, const char *id, const char *path, struct buf *ret,
                               struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_GET, .answer_max = ENGINE_FILE_MAX + 65536);
        _cleanup_answer_ struct engine_answer a = { 0 };
        int r;

        engine_call_path(&call, "containers", id, "archive");
        engine_call_param(&call, "path", path);
        if (engine_do(e, &call, &a, err) < 0)
                return -1;
        r = engine_tar_file(buf_str(&a.body), a.body.len, ret);
        if (r == -ENOMEM)
                return engine_no_memory(err);
        if (r == -ENOTSUP)
                return engine_fail(err, 0, true, "'%s' is not a regular file", path);
        if (r == -E2BIG)
                return engine_fail(err, 0, true, "'%s' is too large", path);
        if (r < 0)
                return engine_fail(err, 0, true, "the engine sent no file for '%s'", path);
        return 0;
}
