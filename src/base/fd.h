/*
 * Files and descriptors: whole reads and writes, with a deadline where the other side could be a
 * stranger, and files that are replaced atomically. All return 0 (or a count) or -errno; every
 * descriptor made here has O_CLOEXEC.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>
#include <sys/types.h>

/* Writes all @n bytes to a socket or file. SIGPIPE is not raised on sockets.
 * @deadline_us: CLOCK_MONOTONIC microseconds, or 0 for none; -ETIMEDOUT when it passes. */
int fd_write_all(int fd, const void *bytes, size_t n, int64_t deadline_us);

/* Appends what one read() gives (at most @max bytes) to @b. Returns the count, 0 at the end of
 * input, -ETIMEDOUT, -ENOBUFS (ceiling of @b) or another -errno. Waits until @deadline_us. */
ssize_t fd_read_some(int fd, struct buf *b, size_t max, int64_t deadline_us);

/* Waits for @events (POLLIN, POLLOUT): 1 ready, -ETIMEDOUT, or -errno. */
int fd_wait(int fd, short events, int64_t deadline_us);

int fd_set_nonblocking(int fd, int on);

/* Reads a whole file into @b, up to its ceiling (-ENOBUFS above it). */
int file_read(const char *path, struct buf *b);

/* Replaces @path by @n bytes so that a crash leaves the old or the new file, never a part:
 * temporary file in the same directory, fsync, rename, fsync of the directory. */
int file_write_atomic(const char *path, mode_t mode, const void *bytes, size_t n);

/* The same without waiting for the disk: for what does not outlive the machine's going down. */
int file_write_whole(const char *path, mode_t mode, const void *bytes, size_t n);

/* mkdir -p; every directory that it makes gets @mode. */
int dir_make(const char *path, mode_t mode);

/* Connects to a Unix stream socket (-ENAMETOOLONG when @path does not fit). Returns the fd. */
int unix_connect(const char *path);
/* Listens on @path, replacing a dead socket there; @mode is the socket file's. Returns the fd,
 * or -EADDRINUSE when a live server answers there. */
int unix_listen(const char *path, mode_t mode, int backlog);
