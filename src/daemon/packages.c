/* What was installed inside of a container since it was made: pip's and the system's packages,
 * found by what they have added to its layer and to its home directory. */
#include "daemon/packages.h"

#include "base/str.h"
#include "daemon/operation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { PACKAGES_MAX = 2000 };

bool package_of_path(const char *path, enum package_origin *ret_origin, char *dst, size_t size) {
        static const char info[] = ".dist-info", list[] = ".list", dpkg[] = "/var/lib/dpkg/info/";
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        char text[512], *dash;

        if (!str_copy(text, sizeof(text), name))
                return false;
        if (str_starts(path, dpkg) && path + strlen(dpkg) == name && str_ends(text, list)) {
                text[strlen(text) - strlen(list)] = '\0';
                text[strcspn(text, ":")] = '\0'; /* the architecture */
                *ret_origin = PACKAGE_OF_SYSTEM;
                return *text && str_copy(dst, size, text);
        }
        if (!slash || !str_ends(text, info) || !(slash - path >= 14) ||
            (strncmp(slash - 14, "/site-packages", 14) != 0 &&
             strncmp(slash - 14, "/dist-packages", 14) != 0))
                return false;
        text[strlen(text) - strlen(info)] = '\0';
        dash = strrchr(text, '-');
        if (!dash || dash == text || !dash[1])
                return false;
        *dash = '\0';
        *ret_origin = PACKAGE_OF_PIP;
        return (size_t)snprintf(dst, size, "%s==%s", text, dash + 1) < size;
}

struct found {
        VEC(char *) of[2];
};

static void found_release(struct found *f) {
        for (size_t o = 0; o < ARRAY_SIZE(f->of); o++) {
                for (size_t i = 0; i < f->of[o].len; i++)
                        free(f->of[o].items[i]);
                VEC_RELEASE(&f->of[o]);
        }
}

static void take_path(struct found *f, const char *path) {
        enum package_origin origin;
        char text[512], *copy;

        if (!package_of_path(path, &origin, text, sizeof(text)) ||
            f->of[origin].len == PACKAGES_MAX)
                return;
        copy = strdup(text);
        if (!copy || VEC_PUSH(&f->of[origin], copy) < 0)
                free(copy);
}

static int take_change(void *ctx, const char *path, enum engine_change kind) {
        if (kind == ENGINE_CHANGE_ADDED)
                take_path(ctx, path);
        return 0;
}

/* People are not root inside, so pip puts what they install into ~/.local. The directories are the
 * person's, so no link is followed. */
static void look_into_home(struct daemon *d, const struct record *r, struct found *f) {
        static const char *const steps[] = { ".local", "lib", NULL, "site-packages" };
        char path[PATH_MAX];
        int lib, at;
        DIR *dir;
        struct dirent *entry;

        home_path(d, r->nonce, path, sizeof(path));
        lib = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        for (size_t i = 0; i < 2 && lib >= 0; i++) {
                at = openat(lib, steps[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                close(lib);
                lib = at;
        }
        dir = lib < 0 ? NULL : fdopendir(lib);
        while (dir && (entry = readdir(dir))) {
                DIR *packages = NULL;
                struct dirent *package;

                if (!str_starts(entry->d_name, "python"))
                        continue;
                at = openat(dirfd(dir), entry->d_name,
                            O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (at >= 0) {
                        int inner = openat(at, steps[3],
                                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                        close(at);
                        packages = inner < 0 ? NULL : fdopendir(inner);
                }
                while (packages && (package = readdir(packages))) {
                        snprintf(path, sizeof(path), "/site-packages/%s", package->d_name);
                        take_path(f, path);
                }
                if (packages)
                        closedir(packages);
        }
        if (dir)
                closedir(dir);
}

void handle_container_packages(struct call *c) {
        static const char *const keys[] = { [PACKAGE_OF_PIP] = "pip", [PACKAGE_OF_SYSTEM] = "apt" };
        _cleanup_(found_release) struct found found = { 0 };
        struct json_writer w = JSON_WRITER(&c->answer);
        struct engine_error error = { 0 };
        struct record *r;

        if (call_acquire(c, &r) < 0)
                return;
        if (engine_container_changes(c->daemon->engine, r->id, take_change, &found, &error) < 0) {
                call_engine_error(c, &error);
                operation_end(c->daemon, r, false);
                return;
        }
        look_into_home(c->daemon, r, &found);
        operation_end(c->daemon, r, false);
        json_write_object(&w);
        for (size_t o = 0; o < ARRAY_SIZE(found.of); o++) {
                json_write_key(&w, keys[o]);
                json_write_array(&w);
                for (size_t i = 0; i < found.of[o].len; i++)
                        json_write_str(&w, found.of[o].items[i]);
                json_write_array_end(&w);
        }
        json_write_object_end(&w);
}
