/* Making and removing pins. */
#include "daemon/pin.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

void pin_path(const char *run_dir, const char *nonce, const char *what, char *dst, size_t size) {
        snprintf(dst, size, "%s/pin/%s/%s", run_dir, nonce, what);
}

bool pin_is_mounted(const char *path) {
        struct statx st;

        /* Asks nothing of the file system that is mounted there: it may hang. */
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
               (st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int restrict_tree(int tree, const struct pin *pin, int userns) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                               (pin->read_only ? MOUNT_ATTR_RDONLY : 0),
                                   .propagation = MS_PRIVATE };

        if (userns >= 0) {
                attr.attr_set |= MOUNT_ATTR_IDMAP;
                attr.userns_fd = (uint64_t)userns;
        }
        return mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* With the map when that can be done, or without. */
static int restrict_and_map(int tree, const struct pin *pin, struct err *unmapped,
                            struct err *err) {
        _cleanup_close_ int userns = pin->map ? idmap_open(pin->map, unmapped) : -1;
        int r = 0;

        if (userns >= 0) {
                r = restrict_tree(tree, pin, userns);
                if (r == 0)
                        return 0;
                err_set(unmapped, -r, "the file system or the kernel can't: %s", strerror(-r));
        }
        r = restrict_tree(tree, pin, -1);
        return r < 0 ? err_set(err, -r, "can't restrict the mount: %s", strerror(-r)) : 0;
}

int pin_make(const char *run_dir, const char *nonce, const char *what, const struct pin *pin,
             struct err *unmapped, struct err *err) {
        _cleanup_close_ int tree = -1;
        char path[PATH_MAX];
        int r;

        *unmapped = (struct err){ 0 };
        pin_path(run_dir, nonce, what, path, sizeof(path));
        r = dir_make(path, 0700);
        if (r < 0)
                return err_set(err, -r, "can't make '%s': %s", path, strerror(-r));
        tree = open_tree(pin->fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0)
                return err_set(err, errno, "can't clone the directory: %s", strerror(errno));
        r = restrict_and_map(tree, pin, unmapped, err);
        if (r < 0)
                return r;
        if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return err_set(err, errno, "can't mount at '%s': %s", path, strerror(errno));
        return 0;
}

void pins_remove(const char *run_dir, const char *nonce) {
        static const char *const names[] = { "workspace", "data" };
        char path[PATH_MAX];

        if (*nonce == '\0')
                return;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                pin_path(run_dir, nonce, names[i], path, sizeof(path));
                while (pin_is_mounted(path) && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
                        ;
                rmdir(path);
        }
        pin_path(run_dir, nonce, "", path, sizeof(path));
        path[strlen(path) - 1] = '\0';
        rmdir(path);
}

void pins_sweep(const char *run_dir, bool (*known)(void *ctx, const char *nonce), void *ctx) {
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/pin", run_dir);
        dir = opendir(path);
        if (!dir)
                return;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && !known(ctx, entry->d_name))
                        pins_remove(run_dir, entry->d_name);
        closedir(dir);
}
