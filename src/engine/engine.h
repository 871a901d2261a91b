/*
 * The container engine (Docker Engine, or podman's API service) over its Unix socket. Calls are
 * synchronous, one connection a request (kept open where the engine allows it), safe to use from
 * several threads. What is sent is built from the structs below and nothing else.
 *
 * Every call returns 0, or -1 with @e filled: `status` is the engine's HTTP status, or 0 when no
 * whole answer came. `definite` tells the two kinds of failure apart: true when the engine
 * certainly did not do it (it answered 4xx, or nothing could be sent); false when it may have
 * (time-out, broken connection, 5xx). Wording of engines' messages changes between versions:
 * branch on status only.
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { ENGINE_ID_SIZE = 65 };

struct engine;

struct engine_error {
        int status;
        bool definite;
        char message[512];
};

/* @socket_path: the engine's socket; @timeout_us: longest wait for an answer to an ordinary call
 * (start, stop and pulls have longer ones of their own). Does not connect yet. NULL on ENOMEM. */
struct engine *engine_new(const char *socket_path, int64_t timeout_us);
void engine_free(struct engine *e);

/* Finds the engine's socket: $DOCKER_HOST where it is unix:// (then that one or none; its other
 * forms are not looked at), else the first that can be connected to of /var/run/docker.sock, the
 * user's own docker.sock and podman socket, and the system's podman socket. 0 or -ENOENT. */
int engine_find_socket(char *ret, size_t size);

/* The name under which Docker knows ds01-runtime. podman takes no such name over its API: there it
 * is the runtime of all containers, or of none. */
#define ENGINE_RUNTIME "ds01"

struct engine_info {
        char name[16];         /* "docker" or "podman" */
        char version[64];
        char cgroup_driver[16]; /* "cgroupfs" or "systemd" */
        int cgroup_version;     /* 1 or 2 */
        int ncpu;
        int64_t memory_bytes;
        bool cdi;               /* CDI devices can be asked for */
        bool runtime;           /* containers run by ds01-runtime */
        bool runtime_default;   /* steps of builds, too: Docker gives them its default */
        bool runtime_nvidia;    /* and it hands over to NVIDIA's runtime */
        char root[1024];        /* where it keeps its files */
};
/* Negotiates the API version by /_ping (cheap; also the health check). Every other call does it
 * itself when it has not been done; to be repeated when the engine has been restarted. */
int engine_ping(struct engine *e, struct engine_error *err);
/* /info: 5 to 250 ms, so once per engine start. */
int engine_info(struct engine *e, struct engine_info *ret, struct engine_error *err);
bool engine_is_podman(struct engine *e); /* valid after a ping */

/* Images. */
struct engine_image {
        char id[80]; /* "sha256:..." */
        char **env;      /* image's Env, NULL-terminated */
        char *working_dir;
        char *user;
        char **labels;   /* "key=value", NULL-terminated */
        bool has_healthcheck; /* or may have one: podman does not tell */
        bool has_triggers; /* ONBUILD: instructions for whatever is built from it */
        int64_t size;
};
int engine_image_inspect(struct engine *e, const char *ref, struct engine_image *ret,
                         struct engine_error *err); /* status 404: not there */
void engine_image_release(struct engine_image *image);
/* The value of a label, or NULL. */
const char *engine_image_label(char *const *labels, const char *key);
struct engine_image_row {
        char id[80];
        char **refs;   /* without podman's "localhost/" in front; NULL-terminated */
        char **labels; /* "key=value", NULL-terminated */
        int64_t size, created_us;
};
/* The images that have a name, or (@unnamed_with_label, "key=value") those with that label that
 * have none. */
int engine_image_list(struct engine *e, const char *unnamed_with_label,
                      struct engine_image_row **ret, size_t *ret_n, struct engine_error *err);
void engine_image_rows_free(struct engine_image_row *rows, size_t n);
/* Of the references in @rows those that begin with @prefix, sorted, NULL-terminated; freed with
 * engine_strv_free(). 0 or -ENOMEM. */
int engine_image_rows_refs(const struct engine_image_row *rows, size_t n, const char *prefix,
                           char ***ret);
int engine_image_remove(struct engine *e, const char *ref, struct engine_error *err);
/* Calls @progress for each line of a pull; a nonzero return of it cancels (then -1 with status 0).
 * An error inside the stream is reported as status 500, definite. No tag means "latest". Gives up
 * after 60 s without a line. */
struct engine_pull_step {
        const char *id, *status;
        int64_t current, total; /* 0 when unknown */
};
int engine_image_pull(struct engine *e, const char *ref,
                      int (*progress)(void *ctx, const struct engine_pull_step *step), void *ctx,
                      struct engine_error *err);
void engine_strv_free(char **strv);

/* Building, with the classic builder: BuildKit does not keep RUN to memory and CPU limits, and its
 * cache mounts belong to nobody. Intermediate containers are always removed; what is missing is not
 * pulled. */
struct engine_build_spec {
        const char *tag;           /* moves to the new image when it is complete */
        const char *dockerfile;    /* its entry in the context */
        const char *network;       /* of RUN: "default", "none", a network's name */
        const char *cgroup_parent; /* NULL: the engine's own */
        int64_t memory_bytes, shm_bytes, cpus_milli; /* of RUN; 0: not set */
        /* Ids or names, NULL-terminated: only these images and what they are made of are taken for
         * steps that need not be done again. None: every step is done. podman would look at all
         * images, so with it every step is always done. */
        const char *const *cache_from;
};
struct engine_build;
/* Begins; to be closed in any case, which cancels what has not ended. */
int engine_build_open(struct engine *e, const struct engine_build_spec *spec,
                      struct engine_build **ret, struct engine_error *err);
void engine_build_close(struct engine_build *b);
/* The next bytes of the context, a tar. An engine that has answered already (it refuses, or its
 * disk is full) is an error. */
int engine_build_send(struct engine_build *b, const void *bytes, size_t n,
                      struct engine_error *err);
int engine_build_end(struct engine_build *b, struct engine_error *err);

enum engine_build_kind {
        ENGINE_BUILD_STEP, /* an instruction begins */
        ENGINE_BUILD_LOG,  /* a line of output */
        ENGINE_BUILD_IMAGE, /* a stage is complete; the last one is the image */
};
struct engine_build_event {
        enum engine_build_kind kind;
        int stage;        /* STEP: from 1 where the engine counts by stage, else 0 */
        int step;         /* STEP: from 1, of the file or the stage */
        const char *text; /* LOG, without escapes; IMAGE: the id. Valid until the next call */
};
enum { ENGINE_BUILD_NOTHING = 0, ENGINE_BUILD_EVENT = 1, ENGINE_BUILD_DONE = 2 };
/* What comes next: an event in @ret, nothing within @timeout_us, or the end: done, or -1. Then a
 * status of 400 is a Dockerfile that the engine will not have, and *@ret_code, when positive, what
 * the command of the current step ended with. */
int engine_build_next(struct engine_build *b, int64_t timeout_us, struct engine_build_event *ret,
                      int *ret_code, struct engine_error *err);

/* Containers. */
struct engine_label {
        const char *key, *value;
};
struct engine_mount {
        const char *source, *target; /* a bind mount; a missing source is an error */
        bool read_only;
};
enum engine_gpu { ENGINE_GPU_NONE, ENGINE_GPU_DEVICE_REQUEST, ENGINE_GPU_CDI };
struct engine_container_spec {
        const char *name, *image, *user, *working_dir, *hostname, *cgroup_parent, *runtime;
        const char *const *entrypoint; /* NULL-terminated */
        const char *const *command;    /* NULL-terminated or NULL */
        const char *const *env;        /* NULL-terminated */
        const struct engine_label *labels;
        size_t nlabels;
        const struct engine_mount *mounts;
        size_t nmounts;
        int64_t memory_bytes, shm_bytes, pids; /* 0: not set */
        int64_t cpus_milli;                    /* 0: not set */
        enum engine_gpu gpu;
        const char *const *gpu_ids; /* UUIDs, or CDI names; NULL-terminated */
        bool disable_healthcheck;
};
/* Forced by the call itself: CapDrop ALL, no-new-privileges, private cgroup namespace and IPC, no
 * restart policy, json-file log with a ceiling, MemorySwap = memory, Init false, OomScoreAdj, no
 * core files, no published ports, MaskedPaths as the engine's. 409: the name is taken; 404: no such
 * image; 400: the engine will not have it so (with podman also: GPUs that it would silently leave
 * out). Volumes that the image declares are left to the engine, so root owns them. podman 4.3 does
 * not read the cgroup namespace's mode: its own default is private with cgroup v2, host with v1. */
int engine_container_create(struct engine *e, const struct engine_container_spec *spec,
                            char ret_id[ENGINE_ID_SIZE], struct engine_error *err);
/* Already running is 0. A failed start is status 500, and the container stays created or exited. */
int engine_container_start(struct engine *e, const char *id, struct engine_error *err);
/* SIGTERM, then SIGKILL after @timeout_s. Already stopped is 0. The caller unpauses first. */
int engine_container_stop(struct engine *e, const char *id, int timeout_s,
                          struct engine_error *err);
/* These three, and remove: 409 when the container is not in a state for it, with podman too. Kill
 * returns after the end of the container for @signal KILL, at once for others. */
int engine_container_kill(struct engine *e, const char *id, const char *signal,
                          struct engine_error *err);
int engine_container_pause(struct engine *e, const char *id, struct engine_error *err);
int engine_container_unpause(struct engine *e, const char *id, struct engine_error *err);
/* Already gone is 0. @force: a running one too. Its image's anonymous volumes go with it. */
int engine_container_remove(struct engine *e, const char *id, bool force, struct engine_error *err);

enum engine_state {
        ENGINE_CREATED,
        ENGINE_RUNNING, /* also what is restarting, and states unknown here */
        ENGINE_PAUSED,
        ENGINE_EXITED,
        ENGINE_REMOVING,
        ENGINE_DEAD
};
struct engine_container { /* from inspect: everything; from list: no pid, times, exit code */
        char id[ENGINE_ID_SIZE];
        char *name;     /* without the leading slash */
        char *image;    /* reference as given at create */
        char *image_id;
        enum engine_state state;
        struct {
                char *key, *value;
        } *labels;
        size_t nlabels;
        pid_t pid; /* 0 when not running */
        int exit_code;
        bool oom_killed;
        bool wrapped; /* runs by ENGINE_RUNTIME; podman doesn't tell */
        int64_t created_us, started_us, finished_us; /* 0 = never */
};
/* By the whole id or the name; the beginning of an id is 404 here. */
int engine_container_inspect(struct engine *e, const char *id_or_name, struct engine_container *ret,
                             struct engine_error *err);
/* All containers (running or not) that carry label @label ("key" or "key=value"); NULL: all. */
int engine_container_list(struct engine *e, const char *label, struct engine_container **ret,
                          size_t *ret_n, struct engine_error *err);
const char *engine_container_label(const struct engine_container *c, const char *key); /* or NULL */
void engine_container_release(struct engine_container *c);
void engine_containers_free(struct engine_container *list, size_t n);

/* What a container was set up with, for checks. */
struct engine_setup {
        char *user, *cgroup_parent; /* as given at create; "" without */
        char *visible;              /* NVIDIA_VISIBLE_DEVICES; "" without */
        char **asked; /* devices requested; "all" when only their number was; NULL: none */
        char **cdi;   /* CDI names requested; NULL: none */
};
int engine_container_setup(struct engine *e, const char *id, struct engine_setup *ret,
                           struct engine_error *err);
void engine_setup_release(struct engine_setup *s);

/* The bytes of one regular file out of a container (created is enough), added to @ret; at most
 * 4 MiB and its ceiling. The last part of @path is not followed when it is a symbolic link: status
 * 0, definite, when @path is not a regular file. 404: not there. */
int engine_container_read_file(struct engine *e, const char *id, const char *path, struct buf *ret,
                               struct engine_error *err);

/* 409: the name is taken. */
int engine_container_rename(struct engine *e, const char *id, const char *name,
                            struct engine_error *err);

/* A container's own layer. Each difference from its image, whether a person made it or the engine
 * (mount points); ends early when @each returns nonzero. */
enum engine_change { ENGINE_CHANGE_MODIFIED, ENGINE_CHANGE_ADDED, ENGINE_CHANGE_DELETED };
typedef int engine_change_fn(void *ctx, const char *path, enum engine_change kind);
int engine_container_changes(struct engine *e, const char *id, engine_change_fn *each, void *ctx,
                             struct engine_error *err);
/* Bytes in the layer. */
int engine_container_layer_size(struct engine *e, const char *id, int64_t *ret,
                                struct engine_error *err);
/* Makes an image of the container as it is: its layer on top of its image, its configuration and
 * labels. The container is not paused meanwhile, so it should be stopped. @reference: "name:tag",
 * NULL for an image without a name; @changes: lines of a Dockerfile (LABEL, ENV, ...) or NULL.
 * Takes as long as copying the layer does, an hour at most; when it fails no image is left. */
enum { ENGINE_IMAGE_ID_SIZE = 80 };
int engine_container_commit(struct engine *e, const char *id, const char *reference,
                            const char *changes, char ret_id[ENGINE_IMAGE_ID_SIZE],
                            struct engine_error *err);

/* Exec. */
struct engine_exec_spec {
        const char *user, *working_dir;
        const char *const *command;
        const char *const *env;
        bool tty;
        int rows, columns; /* with tty; 0 = unknown */
};
/* 409: the container does not run, or is paused. */
int engine_exec_create(struct engine *e, const char *container, const struct engine_exec_spec *spec,
                       char ret_id[ENGINE_ID_SIZE], struct engine_error *err);
/* Starts it and hands over the upgraded connection (a blocking socket, the caller's); bytes that
 * came with the head are added to @early, which needs a ceiling of 32 KiB. Without a terminal the
 * stream is framed as http/frame.h, with one it is raw. shutdown(SHUT_WR) ends the input of a
 * session without a terminal; with one Docker drops the session. A command that is missing is no
 * error here: its exit code is 126 or 127. @tty as at create. */
int engine_exec_start(struct engine *e, const char *exec_id, bool tty, int *ret_fd,
                      struct buf *early, struct engine_error *err);
/* After the start; where the API is below 1.42, rows and columns of the spec do nothing, so once
 * right after it too. */
int engine_exec_resize(struct engine *e, const char *exec_id, int rows, int columns,
                       struct engine_error *err);
struct engine_exec_state {
        bool running;
        int exit_code; /* -1 while running */
        pid_t pid;     /* on the host */
};
int engine_exec_inspect(struct engine *e, const char *exec_id, struct engine_exec_state *ret,
                        struct engine_error *err);

/* Events of containers that carry @label (podman: of all containers), from now on. One thread at a
 * time may use a stream. podman sends no OOM and polls four times a second. */
struct engine_events;
enum engine_event_kind {
        ENGINE_EVENT_CREATE,
        ENGINE_EVENT_START,
        ENGINE_EVENT_DIE,
        ENGINE_EVENT_PAUSE,
        ENGINE_EVENT_UNPAUSE,
        ENGINE_EVENT_DESTROY,
        ENGINE_EVENT_RENAME,
        ENGINE_EVENT_OOM,
        ENGINE_EVENT_OTHER
};
struct engine_event {
        enum engine_event_kind kind;
        char id[ENGINE_ID_SIZE];
        int64_t time_us;
        int exit_code; /* DIE */
};
int engine_events_open(struct engine *e, const char *label, struct engine_events **ret,
                       struct engine_error *err);
/* 1: an event; 0: none within @timeout_us (0: what is there already); -1: the stream ended
 * (reconnect and list anew). */
int engine_events_next(struct engine_events *ev, int64_t timeout_us, struct engine_event *ret);
void engine_events_close(struct engine_events *ev);
/* Events of images, of which it is only told that one has come: the same results as above. */
int engine_image_events_open(struct engine *e, struct engine_events **ret,
                             struct engine_error *err);
int engine_events_any(struct engine_events *ev, int64_t timeout_us);
