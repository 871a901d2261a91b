/* Rules about what containers have outside the engine, and about ds01d's own process. */
#include "daemon/fsck.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "daemon/leftovers.h"
#include "daemon/pin.h"
#include "daemon/proc.h"
#include "daemon/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
        THREADS_OF_ITS_OWN = 32,
        DESCRIPTORS_A_CONNECTION = 4, /* the socket, the engine, an exec's two */
        DESCRIPTORS_OF_ITS_OWN = 128,
        MOUNTINFO_MAX = 4 << 20,
};

static bool is_known(const struct fsck *f, const char *nonce) {
        struct ledger *l = &f->daemon->ledger;
        bool known;

        for (size_t i = 0; i < f->seen.len; i++)
                if (f->seen.items[i]->sealed &&
                    strcmp(f->seen.items[i]->sealed->nonce, nonce) == 0)
                        return true;
        ledger_lock(l);
        known = ledger_find_nonce(l, nonce) >= 0;
        ledger_unlock(l);
        return known;
}

/* A mark: it is being made or removed, or ds01d sweeps it at its next start. */
static bool is_pending(const struct fsck *f, const char *nonce) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/pending/%s", f->daemon->config.state_dir, nonce);
        return access(path, F_OK) == 0;
}

/* The names in the directory @path that belong to no container, less @prefix and @suffix. @command
 * takes one away; NULL: ds01d does at its start. */
static void check_directory(struct fsck *f, const char *path, const char *prefix,
                            const char *suffix, enum fsck_rule rule, const char *what,
                            const char *command) {
        struct dirent *entry;
        DIR *dir = opendir(path);

        while (dir && (entry = readdir(dir))) {
                char name[NAME_MAX + 1], whole[PATH_MAX], line[PATH_MAX + 64];
                size_t n = strlen(prefix);

                if (entry->d_name[0] == '.' || !str_starts(entry->d_name, prefix) ||
                    !str_ends(entry->d_name, suffix))
                        continue;
                str_copy(name, sizeof(name), entry->d_name + n);
                name[strlen(name) - strlen(suffix)] = '\0';
                if (is_known(f, name) || is_pending(f, name))
                        continue;
                snprintf(whole, sizeof(whole), "%s/%s", path, entry->d_name);
                snprintf(line, sizeof(line), "%s %s   # if its container is really gone",
                         command ? command : "", whole);
                fsck_find(f, rule, whole,
                          command ? line : "systemctl restart ds01d   # it takes them away",
                          "%s of no container", what);
        }
        if (dir)
                closedir(dir);
}

static void check_pins(struct fsck *f, const struct fsck_container *s) {
        char paths[2][PATH_MAX], mend[256];

        snprintf(mend, sizeof(mend), "container-stop %s && container-start %s   # as %s",
                 s->sealed->name, s->sealed->name, s->sealed->user);
        workspace_sources(f->daemon, s->sealed, paths[0], paths[1], sizeof(paths[0]));
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                struct statvfs st;

                if (!*paths[i])
                        continue;
                if (!pin_is_mounted(paths[i]))
                        fsck_find(f, FSCK_PINS, s->c.name, mend, "it runs, and '%s' is not mounted",
                                  paths[i]);
                else if (statvfs(paths[i], &st) == 0 &&
                         (!(st.f_flag & ST_NOSUID) || !(st.f_flag & ST_NODEV)))
                        fsck_find(f, FSCK_PINS, s->c.name, mend,
                                  "'%s' is mounted without nosuid or nodev", paths[i]);
        }
}

static void check_double_mounts(struct fsck *f) {
        _cleanup_buf_ struct buf text = BUF_INIT(MOUNTINFO_MAX);
        char prefix[PATH_MAX];
        size_t n;

        n = (size_t)snprintf(prefix, sizeof(prefix), " %s/pin/", f->daemon->config.run_dir);
        if (file_read("/proc/self/mountinfo", &text) < 0)
                return;
        for (char *at = strstr(buf_str(&text), prefix); at; at = strstr(at + n, prefix)) {
                size_t length = 1 + strcspn(at + 1, " ");
                char path[PATH_MAX], mend[PATH_MAX + 16], whole[PATH_MAX + 2];

                snprintf(path, sizeof(path), "%.*s", (int)length - 1, at + 1);
                snprintf(whole, sizeof(whole), " %s ", path);
                if (!strstr(at + length, whole))
                        continue;
                snprintf(mend, sizeof(mend), "umount %s", path);
                fsck_find(f, FSCK_PINS, path, mend, "it is mounted twice");
        }
}

static void check_own_files(struct fsck *f, const struct fsck_container *s) {
        const struct daemon *d = f->daemon;
        char path[PATH_MAX], mend[PATH_MAX + 64];
        struct facts facts;

        if (facts_load(d, s->sealed->nonce, &facts) < 0) {
                snprintf(path, sizeof(path), "%s/facts/%s", d->config.state_dir, s->sealed->nonce);
                snprintf(mend, sizeof(mend), "rm %s   # costs protection, early release, extension",
                         path);
                fsck_find(f, FSCK_FILES, s->c.name, mend, "'%s' is damaged", path);
        }
        home_path(d, s->sealed->nonce, path, sizeof(path));
        if (access(path, F_OK) < 0) {
                snprintf(mend, sizeof(mend), "mkdir -m 700 %s && chown %u:%u %s", path,
                         s->sealed->uid, s->sealed->gid, path);
                fsck_find(f, FSCK_FILES, s->c.name, mend, "its home directory '%s' is gone", path);
        }
        snprintf(path, sizeof(path), "%s/container-metadata/%s.json", d->config.state_dir,
                 s->c.name);
        if (!f->offline && access(path, F_OK) < 0)
                fsck_find(f, FSCK_FILES, s->c.name, "systemctl restart ds01d   # writes it",
                          "its metadata file '%s' is missing", path);
}

/* Metadata files go by the container's name. */
static void check_metadata(struct fsck *f) {
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/container-metadata", f->daemon->config.state_dir);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                char name[NAME_MAX + 1], mend[PATH_MAX + NAME_MAX + 8];
                bool found = false;

                if (entry->d_name[0] == '.' || !str_ends(entry->d_name, ".json"))
                        continue;
                str_copy(name, sizeof(name), entry->d_name);
                name[strlen(name) - strlen(".json")] = '\0';
                for (size_t i = 0; i < f->seen.len && !found; i++)
                        found = f->seen.items[i]->sealed &&
                                strcmp(f->seen.items[i]->c.name, name) == 0;
                if (found)
                        continue;
                snprintf(mend, sizeof(mend), "rm %s/%s", path, entry->d_name);
                fsck_find(f, FSCK_FILES, entry->d_name, mend, "metadata of no container");
        }
        if (dir)
                closedir(dir);
}

/* More than all connections that are allowed could need. */
static void check_process(struct fsck *f) {
        int64_t connections = f->daemon->config.max_connections;
        struct proc_size size;

        if (proc_size(&size) < 0)
                return;
        if (size.threads > connections + THREADS_OF_ITS_OWN)
                fsck_find(f, FSCK_PROCESS, "ds01d", "systemctl restart ds01d",
                          "it has %lld threads", (long long)size.threads);
        if (size.descriptors > connections * DESCRIPTORS_A_CONNECTION + DESCRIPTORS_OF_ITS_OWN)
                fsck_find(f, FSCK_PROCESS, "ds01d", "systemctl restart ds01d",
                          "it has %lld open files", (long long)size.descriptors);
}

void fsck_files(struct fsck *f) {
        const struct site_config *config = &f->daemon->config;
        char path[PATH_MAX];

        for (size_t i = 0; i < f->seen.len; i++) {
                const struct fsck_container *s = f->seen.items[i];

                if (!s->sealed)
                        continue;
                check_own_files(f, s);
                if (s->up && !f->daemon->private_mode)
                        check_pins(f, s);
        }
        snprintf(path, sizeof(path), "%s/pin", config->run_dir);
        check_directory(f, path, "", "", FSCK_PINS, "a pin", NULL);
        snprintf(path, sizeof(path), "%s/home", config->state_dir);
        check_directory(f, path, "", "", FSCK_FILES, "a home directory", "rm -r");
        snprintf(path, sizeof(path), "%s/facts", config->state_dir);
        check_directory(f, path, "", "", FSCK_FILES, "a file of facts", "rm");
        if (config->gpu_attach == ATTACH_CDI)
                check_directory(f, config->gpu_cdi_directory, "ds01-", ".json", FSCK_FILES,
                                "a CDI spec", "rm");
        check_metadata(f);
        check_double_mounts(f);
        if (!f->offline)
                check_process(f);
}
