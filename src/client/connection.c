/* Where ds01d listens; see connection.h. Starting a private one is private.c's. */
#include "client/connection.h"

#include "base/fd.h"
#include "base/str.h"
#include "client/private.h"
#include "http/write.h"

#include <errno.h>
#include <string.h>

static const char system_socket[] = "/run/ds01/ds01.sock";
static const char admin_socket[] = "/run/ds01/admin.sock";

static void say_unreachable(struct cli *c, const char *path, int error, bool chosen) {
        switch (error) {
        case ENOENT:
                cli_error(c, "ds01d is not running on this machine (no socket '%s')", path);
                break;
        case ECONNREFUSED:
                cli_error(c, "ds01d is not running (nobody answers on '%s')", path);
                break;
        case EACCES:
        case EPERM:
                cli_error(c, "you may not open the socket of ds01d ('%s')", path);
                break;
        default:
                cli_error(c, "can't reach ds01d on '%s': %s", path, strerror(error));
        }
        if (chosen)
                cli_error_next(c, "that socket is named by DS01_SOCKET");
        else
                cli_error_next(c, "ask your administrator; systemctl status ds01d says more");
}

int connection_open(struct cli *c, bool may_start) {
        const char *path = c->socket ? c->socket : system_socket;
        int fd = c->socket || geteuid() != 0 ? -1 : unix_connect(admin_socket);

        if (fd >= 0)
                return fd;
        fd = unix_connect(path);
        if (fd >= 0)
                return fd;
        if (fd == -ENOENT && !c->socket) {
                int r = private_connect(c, may_start);

                if (r >= 0)
                        return r;
                if (r != -ENOENT) /* tried, failed, said so */
                        return -1;
        }
        if (may_start)
                say_unreachable(c, path, -fd, c->socket != NULL);
        return -1;
}

bool connection_administers(const struct cli *c) {
        const char *path = c->socket ? c->socket : admin_socket;

        return geteuid() == 0 && str_ends(path, strrchr(admin_socket, '/')) &&
               access(path, F_OK) == 0;
}

int connection_target(const struct cli *c, const char *target, struct buf *ret) {
        int r = buf_adds(ret, target);

        return r < 0 || !c->person ? r : http_target_param(ret, "user", c->person);
}
