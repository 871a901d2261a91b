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

        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) == 0 &&
               (st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int pin_make(const char *run_dir, const char *nonce, const char *what, int fd, bool read_only,
             struct err *err) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                               (read_only ? MOUNT_ATTR_RDONLY : 0),
                                   .propagation = MS_PRIVATE };
        _cleanup_close_ int tree = -1;
        char path[PATH_MAX];
        int r;

        pin_path(run_dir, nonce, what, path, sizeof(path));
        r = dir_make(path, 0700);
        if (r < 0)
                return err_set(err, -r, "can't make '%s': %s", path, strerror(-r));
        tree = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0)
                return err_set(err, errno, "can't clone the directory: %s", strerror(errno));
        if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                return err_set(err, errno, "can't restrict the mount: %s", strerror(errno));
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
