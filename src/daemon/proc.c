/* See proc.h. */
#include "daemon/proc.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROC_FILE_MAX = 65536, START_FIELD = 22 /* of /proc/PID/stat, see proc(5) */ };

static int read_file(pid_t pid, const char *name, struct buf *ret) {
        char path[64];
        int r;

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        r = file_read(path, ret);
        return r == -ENOENT ? -ESRCH : r;
}

int proc_started_us(pid_t pid, int64_t *ret) {
        _cleanup_buf_ struct buf text = BUF_INIT(PROC_FILE_MAX);
        int64_t hz = sysconf(_SC_CLK_TCK), ticks;
        const char *at;
        int r = read_file(pid, "stat", &text);

        if (r < 0)
                return r;
        /* The name in brackets can hold anything; fields are counted from behind it. */
        at = strrchr(buf_str(&text), ')');
        for (int field = 2; at && field < START_FIELD; field++) {
                at = strchr(at, ' ');
                if (at)
                        at++;
        }
        if (!at || hz <= 0)
                return -EBADMSG;
        ticks = strtoll(at, NULL, 10);
        *ret = ticks / hz * US_PER_S + ticks % hz * US_PER_S / hz;
        return 0;
}

int64_t proc_network_sum(const char *text) {
        int64_t sum = 0;

        for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
                const char *name = text + strspn(text, " "), *colon = strchr(name, ':');
                unsigned long long received, sent;

                if (!colon || (size_t)(colon - text) > strcspn(text, "\n") ||
                    str_starts(name, "lo:"))
                        continue;
                /* bytes packets errs drop fifo frame compressed multicast | bytes ... */
                if (sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &received, &sent) !=
                    2)
                        continue;
                if (received < INT64_MAX / 4 && sent < INT64_MAX / 4 && sum < INT64_MAX / 4)
                        sum += (int64_t)(received + sent);
        }
        return sum;
}

int proc_network_bytes(pid_t pid, int64_t *ret) {
        _cleanup_buf_ struct buf text = BUF_INIT(PROC_FILE_MAX);
        int r = read_file(pid, "net/dev", &text);

        if (r == 0)
                *ret = proc_network_sum(buf_str(&text));
        return r;
}

static int count_entries(const char *path, int64_t *ret) {
        struct dirent *entry;
        DIR *dir = opendir(path);
        int64_t n = 0;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                n += entry->d_name[0] != '.';
        closedir(dir);
        *ret = n;
        return 0;
}

int proc_size(struct proc_size *ret) {
        _cleanup_buf_ struct buf text = BUF_INIT(PROC_FILE_MAX);
        struct proc_size size;
        unsigned long long pages;
        int r = count_entries("/proc/self/fd", &size.descriptors);

        if (r == 0)
                r = count_entries("/proc/self/task", &size.threads);
        if (r == 0)
                r = file_read("/proc/self/statm", &text);
        if (r < 0)
                return r;
        if (sscanf(buf_str(&text), "%*u %llu", &pages) != 1)
                return -EBADMSG;
        size.memory_bytes = (int64_t)pages * sysconf(_SC_PAGESIZE);
        size.descriptors--; /* the one that counted */
        *ret = size;
        return 0;
}
