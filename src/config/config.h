/*
 * The two files that an administrator writes: /etc/ds01/ds01.yaml (how this site is set up) and
 * /etc/ds01/resource-limits.yaml (who may use what). Read with libyaml into structs; every error
 * says file:line:column. A table with one row a key drives the reader, the checks and the manual.
 */
#pragma once

#include "base/err.h"
#include "core/limits.h"

#include <stdio.h>

enum gpu_attach { ATTACH_DEVICE_REQUEST, ATTACH_CDI, ATTACH_ENV };

/* How directories below a root are mounted; see docs/ADMIN.md, "Directories". */
enum mount_mode { MOUNT_STRICT, MOUNT_GROUPSHARE, MOUNT_PLAIN, MOUNT_RO };

/* ds01.yaml. Strings are never NULL; all belong to the struct. */
struct site_config {
        char *socket;            /* socket: /run/ds01/ds01.sock */
        char *socket_group;      /* "" = everybody (mode 0666) */
        char *engine_socket;     /* engine.socket: "" = $DOCKER_HOST, Docker's, podman's */
        int64_t engine_timeout_us; /* engine.timeout_s: longest wait for an answer */
        enum gpu_attach gpu_attach; /* gpu.attach: device-request | cdi | env */
        char *gpu_nvml_library;  /* gpu.nvml_library: libnvidia-ml.so.1 */
        char *gpu_simulator_file; /* gpu.simulator_file: description for the stand-in library */
        char *gpu_cdi_spec;      /* gpu.cdi_spec: the site's spec, /etc/cdi/nvidia.yaml */
        char *gpu_cdi_directory; /* gpu.cdi_directory: where ours are written, /var/run/cdi */
        char *default_image;     /* images.default: "" = none */
        char **bases;            /* images.bases: base images shown to everybody */
        char **registries;       /* images.registries: pulls allowed; empty = none, "*" = all */
        char *pip_index;         /* images.pip_index: "" = the image's own */
        char *apt_mirror;        /* images.apt_mirror: "" = none */
        char *build_proxy;       /* images.proxy: "" = none */
        int64_t bin_keep_days;   /* bin.keep_days: 0 = nothing is kept */
        int64_t bin_max_gb;      /* bin.max_gb: of one person */
        char *build_network;     /* images.build_network: "default", "none", a network's name */
        int64_t build_timeout_us; /* images.build_timeout_s */
        int64_t builds_per_user; /* images.builds_per_user */
        int64_t context_max_gb;  /* images.context_max_gb */
        char *state_dir;         /* paths.state: /var/lib/ds01 */
        char *run_dir;           /* paths.run: /run/ds01 */
        char *log_dir;           /* paths.log: /var/log/ds01 */
        int64_t metrics_port;      /* metrics.port, 0 = none */
        int64_t history_keep_days; /* history.keep_days */
        char *limits_file;       /* paths.limits: /etc/ds01/resource-limits.yaml */
        char *init_dir;          /* paths.init: directory with ds01-init, mounted at /.ds01 */
        char **mount_roots;      /* mounts.roots: items for mount_root_split() */
        char *cgroup_parent;     /* engine.cgroup_parent: "ds01"; "" = the engine's own */
        char *notify_command;    /* notify.command, "" = none */
        int64_t min_uid;         /* users.min_uid: smaller uids are not people (1000) */
        int64_t max_connections; /* daemon.max_connections, of all together */
        int64_t max_connections_per_user;
};

/* All defaults; 0 or -ENOMEM. */
int site_config_init(struct site_config *c);
void site_config_release(struct site_config *c);

/* Reads @path over the defaults in @c. A file that does not exist is -ENOENT and leaves the
 * defaults. On any error *@c is unchanged and @err says file:line:column: what. */
int site_config_load(const char *path, struct site_config *c, struct err *err);

/* An item of mounts.roots, "PATH" or "PATH:MODE" ("~" for each one's home): returns the length of
 * the path. Without a mode a home is strict, anything else groupshare. */
size_t mount_root_split(const char *item, enum mount_mode *ret_mode);
const char *mount_mode_word(enum mount_mode mode);

/* Reads a limits file into @ret (a fresh one; released with limits_config_release()).
 * Members files are read relative to the limits file's directory. On error @ret is untouched. */
int limits_config_load(const char *path, struct limits_config *ret, struct err *err);

/* Writes the table of keys with defaults and explanations, as a commented example file. */
void site_config_print_example(FILE *out);
void limits_config_print_example(FILE *out);
