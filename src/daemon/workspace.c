/* Finding, checking and pinning a container's directories. */
#include "daemon/workspace.h"

#include "base/log.h"
#include "base/str.h"
#include "daemon/pin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool is_under(const char *path, const char *root) {
        size_t n = strlen(root);

        while (n > 1 && root[n - 1] == '/')
                n--;
        return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

static int refuse_dir(const struct caller_dir *d, struct refusal *r) {
        switch (d->error) {
        case ENOENT:
                return refuse(r, REFUSAL_PATH_NOT_FOUND, d->path);
        case ENOTDIR:
                refuse_detail(r, REFUSAL_PATH_INVALID, d->path, "it is not a directory");
                str_copy(r->extra, sizeof(r->extra), "give the directory that holds it");
                return r->reason;
        case EACCES:
        case EPERM:
                return refuse_detail(r, REFUSAL_PATH_NOT_PERMITTED, d->path,
                                     "you may not read and enter it");
        case ETIMEDOUT:
                refuse(r, REFUSAL_PATH_TIMEOUT, d->path);
                r->max = CALLER_DIR_TIMEOUT_S;
                return r->reason;
        default:
                refuse_detail(r, REFUSAL_PATH_INVALID, d->path, "%s", strerror(d->error));
                str_copy(r->extra, sizeof(r->extra), "give another directory");
                return r->reason;
        }
}

/* Why no directory could be looked at. */
static int refuse_look(int error, const char *path, struct refusal *r) {
        if (error == -EBUSY) {
                refuse(r, REFUSAL_PATH_TIMEOUT, path);
                r->max = CALLER_DIR_TIMEOUT_S;
                return r->reason;
        }
        return refuse_detail(r, REFUSAL_INTERNAL, NULL, "can't look at directories: %s",
                             strerror(-error));
}

/* Where a directory really is decides, not how it was spelt: under the person's home or one of the
 * site's roots. The longest of those that fit says how it is mounted. */
static int check_roots(const struct daemon *d, const struct caller_dir *home,
                       const struct caller_dir *dir, enum mount_mode *ret_mode,
                       struct refusal *r) {
        _cleanup_buf_ struct buf roots = BUF_INIT(200);
        size_t best = 0;

        *ret_mode = MOUNT_PLAIN;
        if (d->private_mode)
                return 0;
        for (char **item = d->config.mount_roots; item && *item; item++) {
                enum mount_mode mode;
                char root[PATH_MAX];
                size_t n = mount_root_split(*item, &mode);

                buf_addf(&roots, "%s%.*s", roots.len ? ", " : "", (int)n, *item);
                if (n == 1 && **item == '~')
                        str_copy(root, sizeof(root), home->error ? "" : home->resolved);
                else
                        snprintf(root, sizeof(root), "%.*s", (int)n, *item);
                n = strlen(root);
                if (n <= best || !is_under(dir->resolved, root))
                        continue;
                best = n;
                *ret_mode = mode;
        }
        if (best > 0)
                return 0;
        refuse_detail(r, REFUSAL_PATH_NOT_PERMITTED, dir->path,
                      "it is at '%s', and this site mounts from %s only", dir->resolved,
                      roots.len ? roots.data : "nowhere");
        return r->reason;
}

static int check_absolute(const char *path, struct refusal *r) {
        if (!path || (path[0] == '/' && strlen(path) < PATH_MAX))
                return 0;
        refuse_detail(r, REFUSAL_PATH_INVALID, path,
                      path[0] == '/' ? "the path is too long" : "the path must be absolute");
        str_copy(r->extra, sizeof(r->extra), "give the path from / on");
        return r->reason;
}

enum { HOME, BASE, PROJECT, WORKSPACE, DATA, DIRS };

int workspace_resolve(struct daemon *d, const struct person_entry *who,
                      const struct workspace_wish *wish, struct workspace *ret, struct refusal *r) {
        const char *project = wish->project ? wish->project : wish->name;
        struct caller_dir *dirs = calloc(DIRS, sizeof(*dirs));
        char base[PATH_MAX], project_path[PATH_MAX];
        int at = wish->workspace ? WORKSPACE : PROJECT, e, refused = 0;
        enum mount_mode modes[2] = { MOUNT_PLAIN, MOUNT_PLAIN };

        if (!dirs)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        if (check_absolute(wish->workspace, r) || check_absolute(wish->data, r)) {
                free(dirs);
                return r->reason;
        }
        snprintf(base, sizeof(base), "%.2000s/workspace", who->home);
        snprintf(project_path, sizeof(project_path), "%.3000s/%s", base, project);
        dirs[HOME].path = who->home;
        dirs[BASE] = (struct caller_dir){ .path = base, .make = !wish->workspace };
        dirs[PROJECT].path = project_path;
        dirs[WORKSPACE].path = wish->workspace ? wish->workspace : who->home;
        dirs[DATA].path = wish->data ? wish->data : who->home;
        for (int i = 0; i < DIRS; i++)
                dirs[i].fd = -1;
        e = caller_dirs_open(d, who, dirs, DIRS);
        if (e < 0)
                refused = refuse_look(e, wish->workspace ? wish->workspace : who->home, r);
        /* A container without a project of its own gets the whole of ~/workspace. */
        if (at == PROJECT && !wish->project && dirs[PROJECT].error == ENOENT)
                at = BASE;
        if (!refused && dirs[at].error)
                refused = refuse_dir(&dirs[at], r);
        if (!refused && wish->data && dirs[DATA].error)
                refused = refuse_dir(&dirs[DATA], r);
        if (!refused)
                refused = check_roots(d, &dirs[HOME], &dirs[at], &modes[0], r);
        if (!refused && wish->data)
                refused = check_roots(d, &dirs[HOME], &dirs[DATA], &modes[1], r);
        if (!refused) {
                *ret = (struct workspace){ .dir_mode = modes[0], .data_mode = modes[1] };
                ret->dir = dirs[at];
                ret->data.fd = -1;
                dirs[at].fd = -1;
                if (wish->data) {
                        ret->data = dirs[DATA];
                        dirs[DATA].fd = -1;
                }
                str_copy(ret->project, sizeof(ret->project),
                         at == PROJECT   ? project
                         : wish->project ? wish->project
                                         : "");
        }
        caller_dirs_close(dirs, DIRS);
        free(dirs);
        return refused;
}

void workspace_close(struct workspace *w) {
        caller_dirs_close(&w->dir, 1);
        caller_dirs_close(&w->data, 1);
}

void workspace_sources(const struct daemon *d, const struct record *record, char *workspace,
                       char *data, size_t size) {
        *data = '\0';
        if (d->private_mode) {
                str_copy(workspace, size, record->workspace);
                if (record->data)
                        str_copy(data, size, record->data);
                return;
        }
        pin_path(d->config.run_dir, record->nonce, "workspace", workspace, size);
        if (record->data)
                pin_path(d->config.run_dir, record->nonce, "data", data, size);
}

static int pin(struct daemon *d, const struct person_entry *who, const struct record *record,
               const char *what, const struct caller_dir *dir, enum mount_mode mode, bool read_only,
               struct err *err) {
        struct idmap map = { .uid = who->uid,
                             .gid = who->gid,
                             .groups = who->groups,
                             .ngroups = (size_t)who->ngroups,
                             .owner = dir->owner,
                             .group = dir->group,
                             .shared = mode == MOUNT_GROUPSHARE,
                             .min_uid = (uid_t)d->config.min_uid };
        struct pin pin = { .fd = dir->fd,
                           .read_only = read_only || mode == MOUNT_RO,
                           .map = mode == MOUNT_PLAIN ? NULL : &map };
        struct err unmapped;
        int e = pin_make(d->config.run_dir, record->nonce, what, &pin, &unmapped, err);

        if (e == 0 && unmapped.code)
                log_line(LOG_WARN, "pin", "container", record->engine_name, "path", dir->resolved,
                         "mode", mount_mode_word(mode), "unmapped", unmapped.msg, NULL);
        return e;
}

int workspace_pin(struct daemon *d, const struct person_entry *who, struct record *record,
                  const struct workspace *w, struct refusal *r) {
        struct err err = { 0 };
        int e;

        if (d->private_mode)
                return 0;
        record->workspace_read_only = w->dir_mode == MOUNT_RO;
        e = pin(d, who, record, "workspace", &w->dir, w->dir_mode, false, &err);
        if (e == 0 && w->data.fd >= 0)
                e = pin(d, who, record, "data", &w->data, w->data_mode, true, &err);
        if (e < 0) {
                pins_remove(d->config.run_dir, record->nonce);
                return refuse_detail(r, e == -ENOSPC ? REFUSAL_STORAGE_FULL : REFUSAL_INTERNAL,
                                     NULL, "%s", err.msg);
        }
        return 0;
}

enum { OLD_DIR, OLD_DATA, OLD_HOME, OLD };

int workspace_pin_anew(struct daemon *d, const struct person_entry *who, struct record *record,
                       struct refusal *r) {
        struct workspace w = { .data.fd = -1 };
        struct caller_dir *dirs;
        int e, refused = 0;

        if (d->private_mode || !record->workspace)
                return 0;
        dirs = calloc(OLD, sizeof(*dirs));
        if (!dirs)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        for (int i = 0; i < OLD; i++)
                dirs[i] = (struct caller_dir){ .path = who->home, .fd = -1 };
        dirs[OLD_DIR].path = record->workspace;
        if (record->data)
                dirs[OLD_DATA].path = record->data;
        e = caller_dirs_open(d, who, dirs, OLD);
        if (e < 0)
                refused = refuse_look(e, record->workspace, r);
        if (!refused)
                refused = dirs[OLD_DIR].error ? refuse_dir(&dirs[OLD_DIR], r) :
                                                check_roots(d, &dirs[OLD_HOME], &dirs[OLD_DIR],
                                                            &w.dir_mode, r);
        if (!refused && record->data)
                refused = dirs[OLD_DATA].error ? refuse_dir(&dirs[OLD_DATA], r) :
                                                 check_roots(d, &dirs[OLD_HOME], &dirs[OLD_DATA],
                                                             &w.data_mode, r);
        if (!refused) {
                w.dir = dirs[OLD_DIR];
                if (record->data)
                        w.data = dirs[OLD_DATA];
                pins_remove(d->config.run_dir, record->nonce);
                refused = workspace_pin(d, who, record, &w, r);
        }
        caller_dirs_close(dirs, OLD);
        free(dirs);
        return refused;
}
