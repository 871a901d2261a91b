/* Descriptors, files and Unix sockets. */
#include "base/fd.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int fd_wait(int fd, short events, int64_t deadline_us) {
        struct pollfd p = { .fd = fd, .events = events };

        for (;;) {
                int timeout = -1, r;

                if (deadline_us > 0) {
                        int64_t left = deadline_us - clock_mono_us();

                        if (left <= 0)
                                return -ETIMEDOUT;
                        timeout = left > 3600000000LL ? 3600000 : (int)((left + 999) / 1000);
                }
                r = poll(&p, 1, timeout);
                if (r > 0)
                        return 1;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
}

int fd_write_all(int fd, const void *bytes, size_t n, int64_t deadline_us) {
        const char *p = bytes;
        int flags = MSG_NOSIGNAL | (deadline_us > 0 ? MSG_DONTWAIT : 0);
        bool plain_file = false;

        while (n > 0) {
                ssize_t w = plain_file ? write(fd, p, n) : send(fd, p, n, flags);

                if (w >= 0) {
                        p += w;
                        n -= (size_t)w;
                } else if (errno == ENOTSOCK && !plain_file) {
                        plain_file = true;
                } else if (errno == EAGAIN) {
                        int r = fd_wait(fd, POLLOUT, deadline_us);

                        if (r < 0)
                                return r;
                } else if (errno != EINTR) {
                        return -errno;
                }
        }
        return 0;
}

ssize_t fd_read_some(int fd, struct buf *b, size_t max, int64_t deadline_us) {
        size_t room = b->max - b->len;
        char *at;

        if (room == 0)
                return -ENOBUFS;
        if (max > room)
                max = room;
        at = buf_reserve(b, max);
        if (!at)
                return -ENOMEM;
        for (;;) {
                ssize_t n;

                if (deadline_us > 0) {
                        int r = fd_wait(fd, POLLIN, deadline_us);

                        if (r < 0)
                                return r;
                }
                n = read(fd, at, max);
                if (n >= 0) {
                        buf_commit(b, (size_t)n);
                        return n;
                }
                if (errno == EAGAIN) {
                        int r = fd_wait(fd, POLLIN, deadline_us);

                        if (r < 0)
                                return r;
                } else if (errno != EINTR) {
                        return -errno;
                }
        }
}

int fd_set_nonblocking(int fd, int on) {
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0)
                return -errno;
        flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int file_read(const char *path, struct buf *b) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t n;

        if (fd < 0)
                return -errno;
        for (;;) {
                if (b->len == b->max) {
                        char extra;

                        n = read(fd, &extra, 1);
                        return n == 0 ? 0 : n > 0 ? -ENOBUFS : -errno;
                }
                n = fd_read_some(fd, b, 65536, 0);
                if (n <= 0)
                        return (int)n;
        }
}

static int sync_directory_of(const char *path) {
        _cleanup_free_ char *dir = strdup(path);
        _cleanup_close_ int fd = -1;
        char *slash;

        if (!dir)
                return -ENOMEM;
        slash = strrchr(dir, '/');
        if (slash)
                slash[slash == dir] = '\0';
        fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

static int replace_file(const char *path, mode_t mode, const void *bytes, size_t n, bool sync) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, bytes, n, 0);
        if (r == 0 && (fchmod(fd, mode) < 0 || (sync && fsync(fd) < 0)))
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0) {
                unlink(temporary);
                return r;
        }
        return sync ? sync_directory_of(path) : 0;
}

int file_write_atomic(const char *path, mode_t mode, const void *bytes, size_t n) {
        return replace_file(path, mode, bytes, n, true);
}

int file_write_whole(const char *path, mode_t mode, const void *bytes, size_t n) {
        return replace_file(path, mode, bytes, n, false);
}

int dir_make(const char *path, mode_t mode) {
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(copy, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
                return -errno;
        return 0;
}

static int unix_address(const char *path, struct sockaddr_un *ret) {
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (strlen(path) >= sizeof(ret->sun_path))
                return -ENAMETOOLONG;
        memcpy(ret->sun_path, path, strlen(path));
        return 0;
}

int unix_connect(const char *path) {
        struct sockaddr_un address;
        _cleanup_close_ int fd = -1;
        int r = unix_address(path, &address);

        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int unix_listen(const char *path, mode_t mode, int backlog) {
        struct sockaddr_un address;
        _cleanup_close_ int fd = -1;
        int probe, r = unix_address(path, &address);

        if (r < 0)
                return r;
        probe = unix_connect(path);
        if (probe >= 0) {
                close(probe);
                return -EADDRINUSE;
        }
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        unlink(path);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, mode) < 0 ||
            listen(fd, backlog) < 0)
                return -errno;
        return TAKE_FD(fd);
}
