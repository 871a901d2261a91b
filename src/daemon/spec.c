/* The container that people get (DESIGN 6). */
#include "daemon/spec.h"

#include "base/str.h"
#include "daemon/aggregate.h"
#include "daemon/decision.h"
#include "daemon/operation.h"
#include "daemon/seal.h"
#include "daemon/workspace.h"
#include "gpu/cdi.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct env {
        VEC(char *) items;
        bool failed;
};

static void env_add(struct env *e, const char *key, const char *value) {
        char *item = NULL;

        if (asprintf(&item, "%s=%s", key, value) < 0 || VEC_PUSH(&e->items, item) < 0) {
                free(item);
                e->failed = true;
        }
}

static void env_release(struct env *e) {
        for (size_t i = 0; i < e->items.len; i++)
                free(e->items.items[i]);
        VEC_RELEASE(&e->items);
}

/* By "env" devices come from NVIDIA's runtime only, which is then the engine's default. */
static bool runs_wrapped(const struct daemon *d, const struct record *r,
                         const struct engine_info *engine) {
        bool elsewhere = d->config.gpu_attach == ATTACH_ENV && r->uuids && !engine->runtime_nvidia;

        return engine->runtime && !d->private_mode && !elsewhere;
}

void spec_visible_gpus(const struct record *r, struct buf *out) {
        for (size_t i = 0; r->uuids && r->uuids[i]; i++)
                buf_addf(out, "%s%s", i ? "," : "", r->uuids[i]);
        if (out->len == 0)
                buf_adds(out, "void");
}

/* NVIDIA's runtime takes orders from the environment, also from that of the image: CUDA images say
 * NVIDIA_VISIBLE_DEVICES=all. So every such variable is set by us, those that we do not know to
 * nothing (nvidia-container-toolkit, internal/config/image). */
static void add_gpu_env(struct env *e, const struct record *r, const struct engine_image *image) {
        _cleanup_buf_ struct buf uuids = BUF_INIT(SPEC_GPUS_SIZE);

        spec_visible_gpus(r, &uuids);
        for (char **p = image->env; p && *p; p++) {
                size_t n = strcspn(*p, "=");
                char key[128];

                if (n >= sizeof(key) || !str_starts(*p, "NVIDIA_"))
                        continue;
                memcpy(key, *p, n);
                key[n] = '\0';
                if (strcmp(key, "NVIDIA_VISIBLE_DEVICES") != 0 &&
                    strcmp(key, "NVIDIA_DRIVER_CAPABILITIES") != 0)
                        env_add(e, key, "");
        }
        env_add(e, "NVIDIA_VISIBLE_DEVICES", buf_str(&uuids));
        env_add(e, "NVIDIA_DRIVER_CAPABILITIES", r->uuids ? "compute,utility" : "");
}

static void add_env(struct env *e, const struct record *r, const struct engine_image *image,
                    const char *login) {
        char home[128];

        snprintf(home, sizeof(home), "/home/%s", login);
        env_add(e, "HOME", home);
        env_add(e, "USER", login);
        env_add(e, "LOGNAME", login);
        env_add(e, "DS01_CONTAINER", r->name);
        add_gpu_env(e, r, image);
        if (VEC_PUSH(&e->items, NULL) < 0)
                e->failed = true;
}

/* Host names have neither '_' nor '.', nor more than 63 bytes. */
static void hostname_make(const char *name, char *dst, size_t size) {
        str_copy(dst, size, name);
        for (char *p = dst; *p; p++)
                if (*p == '_' || *p == '.')
                        *p = '-';
        for (size_t n = strlen(dst); n > 0 && dst[n - 1] == '-'; n--)
                dst[n - 1] = '\0';
}

size_t spec_mounts(const struct daemon *d, const struct record *r, const char *login,
                   const struct identity_files *names, struct spec_paths *p,
                   struct engine_mount m[SPEC_MOUNTS_MAX]) {
        size_t n = 0;

        workspace_sources(d, r, p->workspace, p->data, sizeof(p->workspace));
        home_path(d, r->nonce, p->home, sizeof(p->home));
        snprintf(p->home_inside, sizeof(p->home_inside), "/home/%s", login);
        m[n++] = (struct engine_mount){ d->config.init_dir, "/.ds01", true };
        m[n++] = (struct engine_mount){ names->passwd, "/etc/passwd", true };
        m[n++] = (struct engine_mount){ names->group, "/etc/group", true };
        m[n++] = (struct engine_mount){ p->home, p->home_inside, false };
        m[n++] = (struct engine_mount){ p->workspace, "/workspace", r->workspace_read_only };
        if (p->data[0])
                m[n++] = (struct engine_mount){ p->data, "/data", true };
        return n;
}

static enum engine_gpu gpu_mode(const struct daemon *d, const struct record *r) {
        if (!r->uuids)
                return ENGINE_GPU_NONE;
        switch (d->config.gpu_attach) {
        case ATTACH_DEVICE_REQUEST:
                return ENGINE_GPU_DEVICE_REQUEST;
        case ATTACH_CDI:
                return ENGINE_GPU_CDI;
        case ATTACH_ENV:
                break;
        }
        return ENGINE_GPU_NONE; /* the environment is set for every mode */
}

int spec_create(struct daemon *d, const struct record *r, const char *engine_name,
                const struct engine_image *image, const struct person_entry *who,
                const struct engine_info *engine, const struct limits *limits,
                const struct identity_files *names, char ret_id[ENGINE_ID_SIZE],
                struct engine_error *error) {
        static const char *const entrypoint[] = { "/.ds01/ds01-init", NULL };
        char user[32], hostname[NAME_MAX_LEN + 1], parent[64], login[64], cdi_name[80];
        const char *const cdi_names[] = { cdi_name, NULL };
        struct engine_mount mounts[SPEC_MOUNTS_MAX];
        struct sealed_labels labels = { .n = 0 };
        struct env env = { 0 };
        struct spec_paths *paths = calloc(1, sizeof(*paths));
        struct engine_container_spec spec;
        int e = -1;

        *error = (struct engine_error){ .definite = true, .message = "no memory" };
        if (!paths)
                return -1;
        snprintf(user, sizeof(user), "%u:%u", r->uid, r->gid);
        snprintf(cdi_name, sizeof(cdi_name), "%s=%s", CDI_KIND, r->nonce);
        hostname_make(r->name, hostname, sizeof(hostname));
        identity_login(who, login, sizeof(login));
        aggregate_prepare_person(d, engine, r->uid, limits, parent, sizeof(parent));
        add_env(&env, r, image, login);
        spec = (struct engine_container_spec){
                .name = engine_name,
                .image = image->id, /* by id: a tag may move between the look and the create */
                .user = user,
                .working_dir = "/workspace",
                .hostname = hostname,
                .cgroup_parent = parent[0] ? parent : NULL,
                .runtime = runs_wrapped(d, r, engine) ? ENGINE_RUNTIME : NULL,
                .entrypoint = entrypoint,
                .env = (const char *const *)env.items.items,
                .labels = labels.labels,
                .mounts = mounts,
                .nmounts = spec_mounts(d, r, login, names, paths, mounts),
                .memory_bytes = r->memory_bytes == LIMIT_UNLIMITED ? 0 : r->memory_bytes,
                .shm_bytes = r->shm_bytes == LIMIT_UNLIMITED ? 0 : r->shm_bytes,
                .pids = r->pids,
                .cpus_milli = r->cpus_milli == LIMIT_UNLIMITED ? 0 : r->cpus_milli,
                .gpu = gpu_mode(d, r),
                .disable_healthcheck = image->has_healthcheck,
        };
        spec.gpu_ids = spec.gpu == ENGINE_GPU_CDI ? cdi_names : (const char *const *)r->uuids;
        if (!env.failed && seal_make(d->seal_key, sizeof(d->seal_key), r, &labels) == 0) {
                spec.nlabels = labels.n;
                e = engine_container_create(d->engine, &spec, ret_id, error);
        }
        if (e == 0 && spec.runtime)
                decision_write(d, r, ret_id, who, engine);
        sealed_labels_release(&labels);
        env_release(&env);
        free(paths);
        return e;
}

int spec_prepare_devices(struct daemon *d, const struct record *r, struct refusal *refusal) {
        char names[GPU_PER_CONTAINER_MAX][24];
        const char *pointers[GPU_PER_CONTAINER_MAX];
        struct err err = { 0 };
        char site_spec[PATH_MAX];
        size_t n = 0;

        daemon_cdi_site_spec(d, site_spec, sizeof(site_spec));
        if (d->config.gpu_attach != ATTACH_CDI || !r->uuids)
                return 0;
        ledger_lock(&d->ledger);
        for (; r->uuids[n] && n < GPU_PER_CONTAINER_MAX; n++) {
                int at = gpu_inventory_find(&d->ledger.inventory, r->uuids[n]);

                names[n][0] = '\0';
                if (at >= 0)
                        cdi_index_name(&d->ledger.inventory.devices[at], names[n],
                                       sizeof(names[n]));
                pointers[n] = names[n];
        }
        ledger_unlock(&d->ledger);
        if (cdi_write(d->config.gpu_cdi_directory, r->nonce, (const char *const *)r->uuids,
                      pointers, n, site_spec[0] ? site_spec : NULL, &err) < 0)
                return refuse_detail(refusal, REFUSAL_INTERNAL, NULL,
                                     "the GPU can't be described to the engine: %s", err.msg);
        return 0;
}
