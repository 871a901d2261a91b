/* How a container was set up, from inspect: what a check compares with what it should be. */
#include "engine/engine.h"

#include "base/str.h"
#include "engine/internal.h"

#include <errno.h>
#include <string.h>

static int add(char ***list, size_t *n, const char *text) {
        char **grown = realloc(*list, (*n + 2) * sizeof(**list));

        if (!grown)
                return -ENOMEM;
        *list = grown;
        grown[*n] = strdup(text);
        if (!grown[*n])
                return -ENOMEM;
        grown[++*n] = NULL;
        return 0;
}

/* Each device that one request asks for; "all" when it says how many only. */
static int take_request(const json_t *request, struct engine_setup *s, size_t *nasked,
                        size_t *ncdi) {
        bool cdi = str_equal(json_str_or(request, "Driver", ""), "cdi");
        const json_t *ids = json_object_get(request, "DeviceIDs");
        int r = 0;

        if (!cdi && json_array_size(ids) == 0)
                return add(&s->asked, nasked, "all");
        for (size_t i = 0; r == 0 && i < json_array_size(ids); i++) {
                const char *id = json_string_value(json_array_get(ids, i));

                if (id)
                        r = cdi ? add(&s->cdi, ncdi, id) : add(&s->asked, nasked, id);
        }
        return r;
}

int engine_container_setup(struct engine *e, const char *id, struct engine_setup *ret,
                           struct engine_error *err) {
        static const char visible[] = "NVIDIA_VISIBLE_DEVICES=";
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_setup s = { 0 };
        const json_t *env, *requests;
        const char *shown = "";
        size_t nasked = 0, ncdi = 0;
        int r = 0;

        engine_call_path(&call, "containers", id, "json");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        env = json_at(root, "Config", "Env", NULL);
        for (size_t i = 0; i < json_array_size(env); i++) {
                const char *text = json_string_value(json_array_get(env, i));

                if (text && str_starts(text, visible))
                        shown = text + strlen(visible);
        }
        requests = json_at(root, "HostConfig", "DeviceRequests", NULL);
        for (size_t i = 0; r == 0 && i < json_array_size(requests); i++)
                r = take_request(json_array_get(requests, i), &s, &nasked, &ncdi);
        s.visible = strdup(shown);
        s.user = strdup(json_str_or(json_object_get(root, "Config"), "User", ""));
        s.cgroup_parent =
                strdup(json_str_or(json_object_get(root, "HostConfig"), "CgroupParent", ""));
        if (r < 0 || !s.visible || !s.user || !s.cgroup_parent) {
                engine_setup_release(&s);
                return engine_no_memory(err);
        }
        *ret = s;
        return 0;
}

void engine_setup_release(struct engine_setup *s) {
        free(s->visible);
        free(s->user);
        free(s->cgroup_parent);
        engine_strv_free(s->asked);
        engine_strv_free(s->cdi);
        *s = (struct engine_setup){ 0 };
}
