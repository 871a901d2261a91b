/* Finding the engine's socket, and agreeing with what answers there on a version of the API. */
#include "engine/internal.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 1.41 (Docker 20.10) is the oldest version in which everything that create sends has its meaning:
 * below it the private cgroup namespace would be ignored. Docker 29.0 to 29.2 answer nothing
 * below 1.44, so that one is spoken where it is known. */
enum { API_LEAST = 41, API_MOST = 44 };

static bool socket_answers(const char *path) {
        _cleanup_close_ int fd = unix_connect(path);

        return fd >= 0;
}

int engine_find_socket(char *ret, size_t size) {
        const char *host = getenv("DOCKER_HOST"), *run = getenv("XDG_RUNTIME_DIR");
        char own_docker[256] = "", own_podman[256] = "";
        const char *places[] = { "/var/run/docker.sock", own_docker, own_podman,
                                 "/run/podman/podman.sock" };

        /* Somebody who names an engine must not get another one. */
        if (host && str_starts(host, "unix://")) {
                host += strlen("unix://");
                return socket_answers(host) && str_copy(ret, size, host) ? 0 : -ENOENT;
        }
        if (run && strlen(run) < sizeof(own_docker) - 32) {
                snprintf(own_docker, sizeof(own_docker), "%s/docker.sock", run);
                snprintf(own_podman, sizeof(own_podman), "%s/podman/podman.sock", run);
        }
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (*places[i] && socket_answers(places[i]) && str_copy(ret, size, places[i]))
                        return 0;
        return -ENOENT;
}

/* "1.44" is 144, "5.4.2" is 504 with @scale 100; -1 when there are no two numbers. */
static int parse_version(const char *text, int scale) {
        int major, minor;

        /* The strings come from a bounded header; sscanf() stops at what is no number. */
        if (sscanf(text, "%3d.%3d", &major, &minor) != 2 || major < 0 || minor < 0)
                return -1;
        return major * scale + minor;
}

int engine_ping(struct engine *e, struct engine_error *err) {
        _cleanup_call_ struct engine_call call =
                ENGINE_CALL(HTTP_GET, .unversioned = true, .answer_max = 65536);
        _cleanup_answer_ struct engine_answer a = { 0 };
        int version, minor;

        engine_call_path(&call, "_ping", NULL, NULL);
        if (engine_do(e, &call, &a, err) < 0)
                return -1;
        version = parse_version(a.api_version, 1000);
        if (version < 0)
                return engine_fail(err, 0, true, "what answers at '%s' is not a container engine",
                                   e->socket_path);
        minor = version - 1000;
        if (minor < API_LEAST)
                return engine_fail(err, 0, true,
                                   "the engine's API %s is too old: 1.%d (Docker 20.10) is needed",
                                   a.api_version, API_LEAST);
        pthread_mutex_lock(&e->lock);
        e->minor = minor >= API_MOST ? API_MOST : API_LEAST;
        e->podman = *a.libpod_version != '\0';
        e->podman_version = e->podman ? parse_version(a.libpod_version, 100) : 0;
        pthread_mutex_unlock(&e->lock);
        return 0;
}

static int known_minor(struct engine *e) {
        int minor;

        pthread_mutex_lock(&e->lock);
        minor = e->minor;
        pthread_mutex_unlock(&e->lock);
        return minor;
}

int engine_negotiate(struct engine *e, struct engine_error *err) {
        int minor = known_minor(e);

        if (minor == 0) {
                if (engine_ping(e, err) < 0) {
                        /* Whatever became of the ping, the call itself was not sent. */
                        if (err)
                                err->definite = true;
                        return -1;
                }
                minor = known_minor(e);
        }
        return minor;
}

int engine_podman_version(struct engine *e) {
        int version;

        pthread_mutex_lock(&e->lock);
        version = e->podman_version;
        pthread_mutex_unlock(&e->lock);
        return version;
}

bool engine_is_podman(struct engine *e) {
        bool podman;

        pthread_mutex_lock(&e->lock);
        podman = e->podman;
        pthread_mutex_unlock(&e->lock);
        return podman;
}

const char *engine_plain_ref(struct engine *e, const char *ref) {
        static const char *const added[] = { "localhost/", "docker.io/library/", "docker.io/" };

        if (engine_is_podman(e))
                for (size_t i = 0; i < ARRAY_SIZE(added); i++)
                        if (str_starts(ref, added[i]))
                                return ref + strlen(added[i]);
        return ref;
}

static bool backend_is_nvidia(const json_t *arguments) {
        const json_t *word;
        size_t i;

        json_array_foreach(arguments, i, word) {
                const char *text = json_string_value(word);

                if (text && str_starts(text, "--ds01-backend=") &&
                    str_ends(text, "nvidia-container-runtime"))
                        return true;
        }
        return false;
}

int engine_info(struct engine *e, struct engine_info *ret, struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_info info = { .cgroup_version = 1 };
        const char *runtime;
        bool podman;

        engine_call_path(&call, "info", NULL, NULL);
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        podman = engine_is_podman(e);
        runtime = json_str_or(root, "DefaultRuntime", "");
        str_copy(info.name, sizeof(info.name), podman ? "podman" : "docker");
        str_copy(info.version, sizeof(info.version), json_str_or(root, "ServerVersion", ""));
        str_copy(info.cgroup_driver, sizeof(info.cgroup_driver),
                 json_str_or(root, "CgroupDriver", "cgroupfs"));
        if (str_equal(json_str(root, "CgroupVersion"), "2"))
                info.cgroup_version = 2;
        info.ncpu = (int)json_int_or(root, "NCPU", 0);
        info.memory_bytes = json_int_or(root, "MemTotal", 0);
        /* Docker lists the directories where it looks (an empty list means off). */
        info.cdi = podman || json_array_size(json_object_get(root, "CDISpecDirs")) > 0;
        info.runtime = podman ? str_equal(runtime, ENGINE_RUNTIME) ||
                                        str_ends(runtime, "/ds01-runtime")
                              : json_at(root, "Runtimes", ENGINE_RUNTIME, NULL) != NULL;
        info.runtime_default = podman ? info.runtime : str_equal(runtime, ENGINE_RUNTIME);
        info.runtime_nvidia = backend_is_nvidia(json_at(root, "Runtimes", ENGINE_RUNTIME,
                                                        "runtimeArgs", NULL));
        str_copy(info.root, sizeof(info.root), json_str_or(root, "DockerRootDir", ""));
        *ret = info;
        return 0;
}
