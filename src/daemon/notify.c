/* sd_notify and socket activation, by hand. */
#include "daemon/notify.h"

#include "base/clock.h"
#include "base/str.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void tell(const char *text) {
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t n = path ? strlen(path) : 0;
        int fd;

        if (n == 0 || n >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
                return;
        memcpy(address.sun_path, path, n);
        if (path[0] == '@')
                address.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
        close(fd);
}

void notify_ready(void) {
        tell("READY=1");
}

void notify_reloading(void) {
        char text[64];

        snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
        tell(text);
}

void notify_stopping(void) {
        tell("STOPPING=1");
}

int notify_listen_fd(void) {
        enum { FIRST_FD = 3 };
        const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
        int64_t value;

        if (!pid || !fds || str_to_i64(pid, 1, INT32_MAX, &value) < 0 || value != getpid() ||
            str_to_i64(fds, 1, 1, &value) < 0)
                return -1;
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC);
        return FIRST_FD;
}
