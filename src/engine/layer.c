/* A container's own layer: what was changed in it, how large that is, and keeping it as an image.
 */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <string.h>

enum {
        COMMIT_S = 3600, /* the whole layer is read and written once more */
        CHANGES_S = 300, /* with some storage drivers two whole trees are compared */
};

int engine_container_changes(struct engine *e, const char *id, engine_change_fn *each, void *ctx,
                             struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_GET, .timeout_us = CHANGES_S * US_PER_S);
        _cleanup_json_ json_t *root = NULL;
        size_t i;
        json_t *item;

        engine_call_path(&call, "containers", id, "changes");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        /* Docker says null when there are none. */
        json_array_foreach(root, i, item) {
                const char *path = json_str(item, "Path");
                int64_t kind = json_int_or(item, "Kind", ENGINE_CHANGE_MODIFIED);

                if (path && kind >= ENGINE_CHANGE_MODIFIED && kind <= ENGINE_CHANGE_DELETED &&
                    each(ctx, path, (enum engine_change)kind) != 0)
                        return 0;
        }
        return 0;
}

int engine_container_layer_size(struct engine *e, const char *id, int64_t *ret,
                                struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_GET, .timeout_us = CHANGES_S * US_PER_S);
        _cleanup_json_ json_t *root = NULL;

        engine_call_path(&call, "containers", id, "json");
        engine_call_param(&call, "size", "1");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        *ret = json_int_or(root, "SizeRw", 0);
        return 0;
}

int engine_container_commit(struct engine *e, const char *id, const char *reference,
                            const char *changes, char ret_id[ENGINE_IMAGE_ID_SIZE],
                            struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_POST, .timeout_us = COMMIT_S * US_PER_S);
        _cleanup_json_ json_t *root = NULL;
        const char *image;

        engine_call_path(&call, "commit", NULL, NULL);
        engine_call_param(&call, "container", id);
        engine_call_param(&call, "pause", "false");
        if (reference) {
                const char *tag = strrchr(reference, ':');
                char repository[512];

                snprintf(repository, sizeof(repository), "%.*s",
                         tag ? (int)(tag - reference) : (int)strlen(reference), reference);
                engine_call_param(&call, "repo", repository);
                engine_call_param(&call, "tag", tag ? tag + 1 : "latest");
        }
        if (changes)
                engine_call_param(&call, "changes", changes);
        if (engine_is_podman(e)) /* it reads a body at any rate, and Docker takes no empty one */
                buf_adds(&call.body, "{}");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        image = json_str(root, "Id");
        if (!image || !*image)
                return engine_fail(err, 0, false, "the engine's answer has no id");
        /* podman leaves the algorithm away. */
        snprintf(ret_id, ENGINE_IMAGE_ID_SIZE, "%s%s", strchr(image, ':') ? "" : "sha256:", image);
        return 0;
}
