/* The routes. What is not in this table is refused. docs/API.md describes each. */
#include "daemon/call.h"

#include "base/str.h"

#include <string.h>

static const char *const list_params[] = { "all", NULL };
static const char *const remove_params[] = { "stop", "image", "dry_run", "no_keep", NULL };
static const char *const stats_params[] = { "name", NULL };
static const char *const history_params[] = { "from", "to", "events", NULL };
static const char *const report_params[] = { "from", "to", "by", NULL };
static const char *const build_params[] = { "no_cache", "dockerfile", NULL };

static const struct route routes[] = {
        { HTTP_GET, "v1/version", handle_version, NULL, false },
        { HTTP_GET, "v1/site", handle_site, NULL, false },
        { HTTP_GET, "v1/limits", handle_limits, NULL, false },
        { HTTP_GET, "v1/gpus", handle_gpus, NULL, false },
        { HTTP_GET, "v1/bin", handle_bin_list, NULL, false },
        { HTTP_GET, "v1/reservations", handle_reservation_list, NULL, false },
        { HTTP_POST, "v1/reservations", handle_reservation_create, NULL, true,
          .admin = true },
        { HTTP_DELETE, "v1/reservations/NAME", handle_reservation_remove, NULL, false,
          .admin = true },
        { HTTP_GET, "v1/fsck", handle_fsck, NULL, false },
        { HTTP_GET, "v1/queue", handle_queue, NULL, false },
        { HTTP_GET, "v1/history", handle_history, history_params, false },
        { HTTP_GET, "v1/report", handle_report, report_params, false },
        { HTTP_GET, "v1/metrics", handle_metrics, NULL, false },
        { HTTP_GET, "v1/stats", handle_stats, stats_params, false },
        { HTTP_GET, "v1/containers", handle_container_list, list_params, false },
        { HTTP_POST, "v1/containers", handle_container_create, NULL, true },
        { HTTP_GET, "v1/containers/NAME", handle_container_get, NULL, false },
        { HTTP_DELETE, "v1/containers/NAME", handle_container_remove, remove_params, false },
        { HTTP_POST, "v1/containers/NAME/start", handle_container_start, NULL, true },
        { HTTP_POST, "v1/containers/NAME/stop", handle_container_stop, NULL, true },
        { HTTP_POST, "v1/containers/NAME/pause", handle_container_pause, NULL, true },
        { HTTP_POST, "v1/containers/NAME/unpause", handle_container_unpause, NULL, true },
        { HTTP_POST, "v1/containers/NAME/extend", handle_container_extend, NULL, true },
        { HTTP_GET, "v1/containers/NAME/packages", handle_container_packages, NULL, false },
        { HTTP_POST, "v1/containers/NAME/protect", handle_container_protect, NULL, true },
        { HTTP_POST, "v1/containers/NAME/exec", handle_container_exec, NULL, true,
          .lasts = true },
        { HTTP_GET, "v1/images", handle_image_list, list_params, false },
        { HTTP_POST, "v1/images/pull", handle_image_pull, NULL, true, .lasts = true },
        { HTTP_POST, "v1/images/NAME/build", handle_image_build, build_params, true, .tar = true,
          .lasts = true },
        { HTTP_DELETE, "v1/images/NAME", handle_image_remove, NULL, false },
};

const struct route *route_table(size_t *ret_n) {
        *ret_n = ARRAY_SIZE(routes);
        return routes;
}

static bool path_matches(const char *pattern, const struct http_request *q, const char **name) {
        for (size_t i = 0; i < q->n_segments; i++) {
                size_t n = strcspn(pattern, "/");

                if (n == 4 && memcmp(pattern, "NAME", 4) == 0)
                        *name = q->segments[i];
                else if (strlen(q->segments[i]) != n || memcmp(pattern, q->segments[i], n) != 0)
                        return false;
                pattern += n;
                if (*pattern == '\0')
                        return i + 1 == q->n_segments;
                pattern++;
        }
        return false;
}

static const char person_param[] = "user";

const char *route_person(const struct http_request *q) {
        for (size_t i = 0; i < q->n_query; i++)
                if (strcmp(q->query[i].key, person_param) == 0)
                        return q->query[i].value;
        return NULL;
}

static bool params_are_allowed(const struct route *route, const struct http_request *q,
                               struct refusal *r) {
        for (size_t i = 0; i < q->n_query; i++) {
                bool known = strcmp(q->query[i].key, person_param) == 0;

                for (const char *const *p = route->params; p && *p; p++)
                        known |= strcmp(*p, q->query[i].key) == 0;
                if (!known) {
                        refuse_detail(r, REFUSAL_BAD_REQUEST, NULL, "unknown parameter '%s'",
                                      q->query[i].key);
                        return false;
                }
        }
        return true;
}

const struct route *route_find(const struct http_request *q, const char **ret_name,
                               struct refusal *r) {
        bool path_known = false;

        for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
                const char *name = NULL;

                if (!path_matches(routes[i].pattern, q, &name))
                        continue;
                path_known = true;
                if (routes[i].method != q->method)
                        continue;
                if (!params_are_allowed(&routes[i], q, r))
                        return NULL;
                if (!routes[i].body && q->length != 0) {
                        refuse_detail(r, REFUSAL_BAD_REQUEST, NULL, "this call takes no body");
                        return NULL;
                }
                *ret_name = name;
                return &routes[i];
        }
        refuse(r, path_known ? REFUSAL_METHOD_NOT_ALLOWED : REFUSAL_NO_SUCH_ROUTE, q->target);
        return NULL;
}
