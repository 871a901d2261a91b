/* See tree.h. */
#include "base/tree.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        DEPTH_MAX = 32, /* levels below the top that are open at once */
        MEASURE_DEPTH_MAX = 200,
        ENTRIES_MAX = 1000000,
        ROUNDS_MAX = 1000000, /* directories moved to the top; an end to a race against a writer */
};

struct removal {
        int top; /* where directories that are too deep are moved to */
        dev_t device;
        unsigned moved; /* for their names there */
        bool again;     /* something was moved to the top: it is to be read once more */
        int error;      /* the first one */
};

static void failed(struct removal *m, int error) {
        if (m->error == 0 && error != ENOENT)
                m->error = -error;
}

static void move_to_top(struct removal *m, int dir, const char *name) {
        char unique[32];

        if (m->moved == ROUNDS_MAX) {
                failed(m, ELOOP);
                return;
        }
        snprintf(unique, sizeof(unique), ".ds01-deep-%u", m->moved++);
        if (renameat(dir, name, m->top, unique) < 0)
                failed(m, errno);
        else
                m->again = true;
}

static void empty(struct removal *m, int dir, unsigned depth);

static void remove_directory(struct removal *m, int dir, const char *name, unsigned depth) {
        _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0) {
                failed(m, errno);
                return;
        }
        if (st.st_dev != m->device) {
                failed(m, EXDEV);
                return;
        }
        if (depth == DEPTH_MAX) {
                move_to_top(m, dir, name);
                return;
        }
        empty(m, fd, depth + 1);
        if (unlinkat(dir, name, AT_REMOVEDIR) < 0)
                failed(m, errno);
}

/* Removes what is in the directory @dir, which stays the caller's. */
static void empty(struct removal *m, int dir, unsigned depth) {
        int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *entry;

        if (!stream) {
                failed(m, errno);
                if (copy >= 0)
                        close(copy);
                return;
        }
        while ((entry = readdir(stream))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (unlinkat(dir, entry->d_name, 0) == 0)
                        continue;
                if (errno == EISDIR || errno == EPERM)
                        remove_directory(m, dir, entry->d_name, depth);
                else
                        failed(m, errno);
        }
        closedir(stream);
}

int tree_remove(const char *path) {
        _cleanup_close_ int top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct removal m = { .top = top };
        struct stat st;

        if (top < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(top, &st) < 0)
                return -errno;
        m.device = st.st_dev;
        do {
                m.again = false;
                empty(&m, top, 0);
        } while (m.again && m.error == 0);
        if (rmdir(path) < 0)
                failed(&m, errno);
        return m.error;
}

struct measurement {
        dev_t device;
        int64_t entries, bytes;
};

/* Takes over the descriptor @fd. */
static void measure(struct measurement *m, int fd, unsigned depth) {
        DIR *dir = fdopendir(fd);
        struct dirent *entry;

        if (!dir) {
                close(fd);
                return;
        }
        while (m->entries < ENTRIES_MAX && (entry = readdir(dir))) {
                struct stat st;
                int below;

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                m->entries++;
                m->bytes += S_ISREG(st.st_mode) ? st.st_size : 0;
                if (!S_ISDIR(st.st_mode) || depth == MEASURE_DEPTH_MAX)
                        continue;
                below = openat(dirfd(dir), entry->d_name,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (below >= 0 && fstat(below, &st) == 0 && st.st_dev == m->device)
                        measure(m, below, depth + 1);
                else if (below >= 0)
                        close(below);
        }
        closedir(dir);
}

int64_t tree_measure(const char *path, int64_t *ret_bytes) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct measurement m = { 0 };
        struct stat st;

        if (fd >= 0 && fstat(fd, &st) == 0) {
                m.device = st.st_dev;
                measure(&m, fd, 0);
        } else if (fd >= 0) {
                close(fd);
        }
        *ret_bytes = m.bytes;
        return m.entries;
}
