/* Finding, checking and pinning a container's directories. */
#include "daemon/workspace.h"

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

/* Where a directory really is decides, not how it was spelt: under the person's home or one of the
 * site's roots. */
static int check_roots(const struct daemon *d, const struct caller_dir *home,
                       const struct caller_dir *dir, struct refusal *r) {
        _cleanup_buf_ struct buf roots = BUF_INIT(200);

        if (d->private_mode)
                return 0;
        for (char **root = d->config.mount_roots; root && *root; root++) {
                const char *path =
                        strcmp(*root, "~") == 0 ? (home->error ? NULL : home->resolved) : *root;

                if (path && is_under(dir->resolved, path))
                        return 0;
                buf_addf(&roots, "%s%s", roots.len ? ", " : "", *root);
        }
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
        e = caller_dirs_open(who, !d->private_mode, dirs, DIRS);
        if (e < 0)
                refused = refuse_detail(r, REFUSAL_INTERNAL, NULL, "can't look at directories: %s",
                                        strerror(-e));
        /* A container without a project of its own gets the whole of ~/workspace. */
        if (at == PROJECT && !wish->project && dirs[PROJECT].error == ENOENT)
                at = BASE;
        if (!refused && dirs[at].error)
                refused = refuse_dir(&dirs[at], r);
        if (!refused && wish->data && dirs[DATA].error)
                refused = refuse_dir(&dirs[DATA], r);
        if (!refused)
                refused = check_roots(d, &dirs[HOME], &dirs[at], r);
        if (!refused && wish->data)
                refused = check_roots(d, &dirs[HOME], &dirs[DATA], r);
        if (!refused) {
                memset(ret, 0, sizeof(*ret));
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

int workspace_pin(struct daemon *d, const char *nonce, const struct workspace *w,
                  struct refusal *r) {
        struct err err = { 0 };
        int e;

        if (d->private_mode)
                return 0;
        e = pin_make(d->config.run_dir, nonce, "workspace", w->dir.fd, false, &err);
        if (e == 0 && w->data.fd >= 0)
                e = pin_make(d->config.run_dir, nonce, "data", w->data.fd, true, &err);
        if (e < 0) {
                pins_remove(d->config.run_dir, nonce);
                return refuse_detail(r, e == -ENOSPC ? REFUSAL_STORAGE_FULL : REFUSAL_INTERNAL,
                                     NULL, "%s", err.msg);
        }
        return 0;
}

int workspace_ensure_pins(struct daemon *d, const struct person_entry *who,
                          const struct record *record, struct refusal *r) {
        char workspace[PATH_MAX], data[PATH_MAX];
        struct caller_dir *dirs;
        size_t n = record->data ? 2 : 1;
        int e, refused = 0;

        workspace_sources(d, record, workspace, data, sizeof(workspace));
        if (d->private_mode || (pin_is_mounted(workspace) && (!*data || pin_is_mounted(data))))
                return 0;
        pins_remove(d->config.run_dir, record->nonce);
        dirs = calloc(3, sizeof(*dirs));
        if (!dirs)
                return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory");
        dirs[0] = (struct caller_dir){ .path = record->workspace, .fd = -1 };
        dirs[n - 1].path = n == 2 ? record->data : record->workspace;
        dirs[n] = (struct caller_dir){ .path = who->home, .fd = -1 };
        e = caller_dirs_open(who, true, dirs, n + 1);
        if (e < 0)
                refused = refuse_detail(r, REFUSAL_INTERNAL, NULL, "can't look at directories: %s",
                                        strerror(-e));
        for (size_t i = 0; i < n && !refused; i++) {
                refused = dirs[i].error ? refuse_dir(&dirs[i], r)
                                        : check_roots(d, &dirs[n], &dirs[i], r);
        }
        if (!refused) {
                struct workspace w = { .dir = dirs[0] };

                w.data.fd = -1;
                if (n == 2)
                        w.data = dirs[1];
                refused = workspace_pin(d, record->nonce, &w, r);
        }
        caller_dirs_close(dirs, n + 1);
        free(dirs);
        return refused;
}
