/* Marks, and the sweep at start. */
#include "daemon/leftovers.h"

#include "base/log.h"
#include "base/str.h"
#include "base/tree.h"
#include "daemon/bin.h"
#include "daemon/decision.h"
#include "daemon/pin.h"
#include "daemon/view.h"
#include "gpu/cdi.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void home_path(const struct daemon *d, const char *nonce, char *dst, size_t size) {
        snprintf(dst, size, "%s/home/%s", d->config.state_dir, nonce);
}

static void mark_path(const struct daemon *d, const char *nonce, char *dst, size_t size) {
        snprintf(dst, size, "%s/pending/%s", d->config.state_dir, nonce);
}

int leftovers_mark(const struct daemon *d, const char *nonce) {
        char path[PATH_MAX];
        int fd;

        mark_path(d, nonce, path, sizeof(path));
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        close(fd);
        return 0;
}

void leftovers_clear(const struct daemon *d, const char *nonce) {
        char path[PATH_MAX];

        mark_path(d, nonce, path, sizeof(path));
        unlink(path);
}

static void discard_nonce(struct daemon *d, const char *nonce) {
        char path[PATH_MAX];
        int e;

        if (!d->private_mode)
                pins_remove(d->config.run_dir, nonce);
        if (d->config.gpu_attach == ATTACH_CDI)
                cdi_remove(d->config.gpu_cdi_directory, nonce);
        bin_take_home(d, nonce);
        home_path(d, nonce, path, sizeof(path));
        e = tree_remove(path); /* the owner filled it, and may hold a descriptor of it */
        if (e < 0)
                log_line(LOG_WARN, "home-not-removed", "path", path, "error", strerror(-e), NULL);
        facts_remove(d, nonce);
        leftovers_clear(d, nonce);
}

void container_discard(struct daemon *d, const struct record *r) {
        if (r->nonce[0] == '\0')
                return;
        metadata_remove(d->config.state_dir, r);
        decision_remove(d, r->id);
        discard_nonce(d, r->nonce);
}

static bool nonce_is_known(void *ctx, const char *nonce) {
        struct daemon *d = ctx;
        bool known;

        ledger_lock(&d->ledger);
        known = ledger_find_nonce(&d->ledger, nonce) >= 0;
        ledger_unlock(&d->ledger);
        return known;
}

static bool metadata_is_current(struct daemon *d, const char *file) {
        char name[NAME_MAX_LEN + 1], engine_name[NAME_MAX + 1];
        bool known;
        uid_t uid;

        str_copy(engine_name, sizeof(engine_name), file);
        if (!str_ends(engine_name, ".json"))
                return true; /* not one of ours */
        engine_name[strlen(engine_name) - strlen(".json")] = '\0';
        if (engine_name_split(engine_name, name, &uid) < 0)
                return true;
        ledger_lock(&d->ledger);
        known = ledger_find(&d->ledger, uid, name) >= 0;
        ledger_unlock(&d->ledger);
        return known;
}

static void sweep_metadata(struct daemon *d) {
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/container-metadata", d->config.state_dir);
        dir = opendir(path);
        if (!dir)
                return;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && !metadata_is_current(d, entry->d_name))
                        unlinkat(dirfd(dir), entry->d_name, 0);
        closedir(dir);
}

void leftovers_sweep(struct daemon *d) {
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/pending", d->config.state_dir);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                if (nonce_is_known(d, entry->d_name)) {
                        leftovers_clear(d, entry->d_name); /* it was made, or not removed */
                        continue;
                }
                log_line(LOG_INFO, "swept", "nonce", entry->d_name, NULL);
                discard_nonce(d, entry->d_name);
        }
        if (dir)
                closedir(dir);
        if (!d->private_mode)
                pins_sweep(d->config.run_dir, nonce_is_known, d);
        decisions_sweep(d);
        sweep_metadata(d);
}
