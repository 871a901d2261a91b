/* See decision.h. */
#include "daemon/decision.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/aggregate.h"
#include "daemon/spec.h"
#include "daemon/workspace.h"
#include "json/json_write.h"
#include "runtime/decision.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void decision_path(const struct daemon *d, const char *id, char *dst, size_t size) {
        snprintf(dst, size, "%s/" DECISION_DIR "/%s", d->config.run_dir, id);
}

size_t decision_groups(const struct daemon *d, const struct record *r,
                       const struct person_entry *who, gid_t groups[2]) {
        char sources[2][PATH_MAX];
        struct statx st;
        size_t n = 0;

        workspace_sources(d, r, sources[0], sources[1], PATH_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                bool has = false;

                /* A server that hangs is not asked. */
                if (!sources[i][0] ||
                    statx(AT_FDCWD, sources[i], AT_STATX_DONT_SYNC, STATX_GID, &st) < 0 ||
                    st.stx_gid == r->gid || (n > 0 && groups[0] == st.stx_gid))
                        continue;
                for (int g = 0; g < who->ngroups; g++)
                        has |= who->groups[g] == st.stx_gid;
                if (has)
                        groups[n++] = st.stx_gid;
        }
        return n;
}

static void write_mounts(struct json_writer *w, const struct engine_mount *mounts, size_t n) {
        json_write_key(w, "mounts");
        json_write_array(w);
        for (size_t i = 0; i < n; i++) {
                json_write_object(w);
                json_put_str(w, "source", mounts[i].source);
                json_put_str(w, "target", mounts[i].target);
                json_put_bool(w, "read_only", mounts[i].read_only);
                json_write_object_end(w);
        }
        json_write_array_end(w);
}

static int64_t known(int64_t limit) {
        return limit == LIMIT_UNLIMITED ? 0 : limit;
}

int decision_text(const struct daemon *d, const struct record *r, const struct person_entry *who,
                  const struct engine_info *engine, struct buf *out) {
        _cleanup_buf_ struct buf gpus = BUF_INIT(SPEC_GPUS_SIZE);
        _cleanup_free_ struct spec_paths *paths = calloc(1, sizeof(*paths));
        struct engine_mount mounts[SPEC_MOUNTS_MAX];
        struct json_writer w = JSON_WRITER(out);
        struct identity_files names;
        char cgroup[64], login[64];
        gid_t groups[2];
        size_t n;

        if (!paths)
                return -ENOMEM;
        identity_login(who, login, sizeof(login));
        identity_pattern(d->config.state_dir, who, &names);
        aggregate_parent(engine->cgroup_driver, d->config.cgroup_parent, r->uid, cgroup,
                         sizeof(cgroup));
        spec_visible_gpus(r, &gpus);
        json_write_object(&w);
        json_put_int(&w, "uid", r->uid);
        json_put_int(&w, "gid", r->gid);
        json_write_key(&w, "groups");
        json_write_array(&w);
        n = decision_groups(d, r, who, groups);
        for (size_t i = 0; i < n; i++)
                json_write_int(&w, groups[i]);
        json_write_array_end(&w);
        json_put_str(&w, "cgroup", cgroup);
        json_put_str(&w, "engine_root", engine->root);
        json_put_str(&w, "gpus", buf_str(&gpus));
        json_put_bool(&w, "cdi", r->uuids && d->config.gpu_attach == ATTACH_CDI);
        json_put_bool(&w, "cgroup_namespace",
                      strcmp(engine->name, "podman") != 0 || engine->cgroup_version == 2);
        json_put_int(&w, "memory_bytes", known(r->memory_bytes));
        json_put_int(&w, "pids", known(r->pids));
        json_put_int(&w, "cpus_milli", known(r->cpus_milli));
        n = spec_mounts(d, r, login, &names, paths, mounts);
        write_mounts(&w, mounts, n);
        json_write_object_end(&w);
        return out->failed || gpus.failed ? -ENOBUFS : 0;
}

int decision_write(struct daemon *d, const struct record *r, const char *id,
                   const struct person_entry *who, const struct engine_info *engine) {
        _cleanup_buf_ struct buf text = BUF_INIT(DECISION_FILE_MAX);
        char path[PATH_MAX];
        int e;

        if (d->private_mode)
                return 0;
        decision_path(d, id, path, sizeof(path));
        e = decision_text(d, r, who, engine, &text);
        if (e == 0)
                e = file_write_whole(path, 0600, buf_str(&text), text.len);
        if (e < 0)
                log_line(LOG_ERROR, "decision", "container", r->engine_name, "path", path, "error",
                         strerror(-e), NULL);
        return e;
}

void decision_remove(const struct daemon *d, const char *id) {
        char path[PATH_MAX];

        if (d->private_mode || *id == '\0')
                return;
        decision_path(d, id, path, sizeof(path));
        unlink(path);
}

void decisions_sweep(struct daemon *d) {
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir;

        decision_path(d, "", path, sizeof(path));
        dir = d->private_mode ? NULL : opendir(path);
        while (dir && (entry = readdir(dir))) {
                bool is_known;

                ledger_lock(&d->ledger);
                is_known = ledger_find_id(&d->ledger, entry->d_name) >= 0;
                ledger_unlock(&d->ledger);
                if (!is_known && entry->d_name[0] != '.')
                        unlinkat(dirfd(dir), entry->d_name, 0);
        }
        if (dir)
                closedir(dir);
}
