/*
 * The body of a create: every key that is ever sent, in one place. Nothing is passed on from
 * elsewhere; what is not set by the struct is set here, or left to the engine's default.
 */
#include "engine/internal.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <sys/resource.h>

/* podman asks for 1048576 open files and processes on its own, whatever the hard limits are, and
 * where it may not raise them the start fails. Its service lowers its own processes to pid_max. */
static int64_t podman_ulimit(int resource) {
        _cleanup_buf_ struct buf text = BUF_INIT(32);
        struct rlimit limit;
        int64_t value = 1048576, pid_max;

        if (getrlimit(resource, &limit) == 0 && limit.rlim_max < (rlim_t)value)
                value = (int64_t)limit.rlim_max;
        if (resource == RLIMIT_NPROC && file_read("/proc/sys/kernel/pid_max", &text) == 0 &&
            text.len > 0) {
                text.data[text.len - 1] = '\0'; /* the line's end */
                if (str_to_i64(text.data, 1, value, &pid_max) == 0)
                        value = pid_max;
        }
        return value;
}

static void write_podman_ulimit(struct json_writer *w, const char *name, int resource) {
        int64_t value = podman_ulimit(resource);

        json_write_object(w);
        json_put_str(w, "Name", name);
        json_put_int(w, "Soft", value);
        json_put_int(w, "Hard", value);
        json_write_object_end(w);
}

void engine_write_strings(struct json_writer *w, const char *key, const char *const *strings) {
        json_write_key(w, key);
        json_write_array(w);
        for (; strings && *strings; strings++)
                json_write_str(w, *strings);
        json_write_array_end(w);
}

static void write_limits(struct json_writer *w, const struct engine_container_spec *spec,
                         bool podman) {
        if (spec->memory_bytes > 0) {
                json_put_int(w, "Memory", spec->memory_bytes);
                json_put_int(w, "MemorySwap", spec->memory_bytes); /* the sum: no swap at all */
        }
        if (spec->shm_bytes > 0)
                json_put_int(w, "ShmSize", spec->shm_bytes);
        if (spec->pids > 0)
                json_put_int(w, "PidsLimit", spec->pids);
        if (spec->cpus_milli > 0)
                json_put_int(w, "NanoCpus", spec->cpus_milli * 1000000);
        /* Under the host's own services when memory is short. */
        json_put_int(w, "OomScoreAdj", 200);
        json_write_key(w, "Ulimits");
        json_write_array(w);
        json_write_object(w);
        json_put_str(w, "Name", "core");
        json_put_int(w, "Soft", 0);
        json_put_int(w, "Hard", 0);
        json_write_object_end(w);
        if (podman) {
                write_podman_ulimit(w, "nofile", RLIMIT_NOFILE);
                write_podman_ulimit(w, "nproc", RLIMIT_NPROC);
        }
        json_write_array_end(w);
}

static void write_mounts(struct json_writer *w, const struct engine_container_spec *spec) {
        json_write_key(w, "Mounts");
        json_write_array(w);
        for (size_t i = 0; i < spec->nmounts; i++) {
                const struct engine_mount *m = &spec->mounts[i];

                json_write_object(w);
                json_put_str(w, "Type", "bind");
                json_put_str(w, "Source", m->source);
                json_put_str(w, "Target", m->target);
                json_put_bool(w, "ReadOnly", m->read_only);
                json_write_key(w, "BindOptions");
                json_write_object(w);
                json_put_str(w, "Propagation", "rprivate");
                json_put_bool(w, "NonRecursive", true);
                json_write_object_end(w);
                json_write_object_end(w);
        }
        json_write_array_end(w);
}

/* podman before 5.4 overlooks requests for CDI devices. Of a plain device it makes the word
 * PATH:INSIDE:PERMISSIONS, and when that is the name of a CDI device, it is one. */
static void write_old_podman_gpus(struct json_writer *w, const struct engine_container_spec *spec) {
        json_write_key(w, "Devices");
        json_write_array(w);
        for (const char *const *id = spec->gpu_ids; *id; id++) {
                json_write_object(w);
                json_put_str(w, "PathOnHost", *id);
                json_put_str(w, "PathInContainer", "gpu");
                json_put_str(w, "CgroupPermissions", "rwm");
                json_write_object_end(w);
        }
        json_write_array_end(w);
}

/* Never by Count: with it Docker takes devices 0 to N-1, whoever has them. */
static void write_gpus(struct json_writer *w, const struct engine_container_spec *spec,
                       int podman) {
        if (spec->gpu == ENGINE_GPU_NONE)
                return;
        if (podman && podman < PODMAN_CDI_REQUESTS && spec->gpu == ENGINE_GPU_CDI) {
                write_old_podman_gpus(w, spec);
                return;
        }
        json_write_key(w, "DeviceRequests");
        json_write_array(w);
        json_write_object(w);
        json_put_str(w, "Driver", spec->gpu == ENGINE_GPU_CDI ? "cdi" : "nvidia");
        engine_write_strings(w, "DeviceIDs", spec->gpu_ids);
        if (spec->gpu == ENGINE_GPU_DEVICE_REQUEST) {
                static const char *const wanted[] = { "gpu", "compute", "utility", NULL };

                json_write_key(w, "Capabilities");
                json_write_array(w);
                json_write_array(w);
                for (size_t i = 0; wanted[i]; i++)
                        json_write_str(w, wanted[i]);
                json_write_array_end(w);
                json_write_array_end(w);
        }
        json_write_object_end(w);
        json_write_array_end(w);
}

static void write_host_config(struct json_writer *w, const struct engine_container_spec *spec,
                              int podman) {
        static const char *const all[] = { "ALL", NULL };
        static const char *const options[] = { "no-new-privileges:true", NULL };

        json_write_object(w);
        engine_write_strings(w, "CapDrop", all);
        engine_write_strings(w, "SecurityOpt", options); /* seccomp: the engine's own profile */
        json_put_bool(w, "Privileged", false);
        json_put_str(w, "CgroupnsMode", "private");
        json_put_str(w, "IpcMode", "private");
        json_put_bool(w, "Init", false);
        json_write_key(w, "RestartPolicy");
        json_write_object(w);
        json_put_str(w, "Name", "no");
        json_write_object_end(w);
        json_write_key(w, "LogConfig");
        json_write_object(w);
        json_put_str(w, "Type", "json-file");
        json_write_key(w, "Config");
        json_write_object(w);
        json_put_str(w, "max-size", "20m");
        json_put_str(w, "max-file", "3");
        json_write_object_end(w);
        json_write_object_end(w);
        if (spec->cgroup_parent)
                json_put_str(w, "CgroupParent", spec->cgroup_parent);
        if (spec->runtime && !podman)
                json_put_str(w, "Runtime", spec->runtime);
        write_limits(w, spec, podman);
        write_mounts(w, spec);
        write_gpus(w, spec, podman);
        json_write_object_end(w);
}

int engine_spec_write(const struct engine_container_spec *spec, int podman, struct buf *ret) {
        struct json_writer w = JSON_WRITER(ret);

        json_write_object(&w);
        json_put_str(&w, "Image", spec->image);
        if (spec->hostname)
                json_put_str(&w, "Hostname", spec->hostname);
        if (spec->user)
                json_put_str(&w, "User", spec->user);
        if (spec->working_dir)
                json_put_str(&w, "WorkingDir", spec->working_dir);
        if (spec->entrypoint)
                engine_write_strings(&w, "Entrypoint", spec->entrypoint);
        if (spec->command || spec->entrypoint)
                engine_write_strings(&w, "Cmd", spec->command);
        engine_write_strings(&w, "Env", spec->env);
        json_put_bool(&w, "Tty", false);
        json_put_bool(&w, "OpenStdin", false);
        json_put_str(&w, "StopSignal", "SIGTERM");
        if (spec->disable_healthcheck) {
                static const char *const none[] = { "NONE", NULL };

                json_write_key(&w, "Healthcheck");
                json_write_object(&w);
                engine_write_strings(&w, "Test", none);
                json_write_object_end(&w);
        }
        json_write_key(&w, "Labels");
        json_write_object(&w);
        for (size_t i = 0; i < spec->nlabels; i++)
                json_put_str(&w, spec->labels[i].key, spec->labels[i].value);
        json_write_object_end(&w);
        json_write_key(&w, "HostConfig");
        write_host_config(&w, spec, podman);
        json_write_object_end(&w);
        return ret->failed ? -ENOBUFS : 0;
}
