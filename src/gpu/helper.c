/*
 * The helper process: answers one request at a time with what the library says. It ends when the
 * socket does, when its parent dies, and after it has said that the library cannot be used; the
 * parent then starts a new one, which also is the only clean way to load an updated driver library.
 */
#include "gpu/helper.h"

#include "base/fd.h"
#include "base/str.h"
#include "gpu/nvml.h"
#include "gpu/protocol.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int read_request(int fd, struct protocol_head *ret) {
        _cleanup_buf_ struct buf b = BUF_INIT(sizeof(*ret));

        while (b.len < sizeof(*ret)) {
                ssize_t n = fd_read_some(fd, &b, sizeof(*ret) - b.len, 0);

                if (n <= 0)
                        return n < 0 ? (int)n : -EPIPE;
        }
        memcpy(ret, b.data, sizeof(*ret));
        return 0;
}

static int answer(int fd, struct nvml *n, enum protocol_request request) {
        _cleanup_(protocol_answer_release) struct protocol_answer a = { 0 };
        _cleanup_buf_ struct buf b = BUF_INIT(PROTOCOL_BYTES_MAX + sizeof(struct protocol_head));
        struct err e = { 0 };
        int r;

        if (request == PROTOCOL_SAMPLE)
                a.status = nvml_read_sample(n, &a.sample, &e);
        else
                a.status = nvml_read_inventory(n, &a.inventory, &a.processes, &e);
        str_copy(a.message, sizeof(a.message), e.msg);
        r = protocol_write_answer(request, &a, &b);
        return r < 0 ? r : fd_write_all(fd, b.data, b.len, 0);
}

/* Tells the parent why there is nothing to read here. */
static int refuse(int fd, enum protocol_request request, int status, const struct err *why) {
        _cleanup_buf_ struct buf b = BUF_INIT(4096);
        struct protocol_answer a = { .status = status };
        int r;

        str_copy(a.message, sizeof(a.message), why->msg);
        r = protocol_write_answer(request, &a, &b);
        return r < 0 ? r : fd_write_all(fd, b.data, b.len, 0);
}

int gpu_helper_main(int fd, const char *library) {
        struct protocol_head head;
        struct nvml *n = NULL;
        struct err e = { 0 };
        int r;

        /* Foreign code runs here: leave it no descriptor of the daemon. Errors of prctl() do not
         * matter, the end of the socket says the same. */
        (void)close_range((unsigned)fd + 1, ~0U, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, "ds01d-gpu");
        while (read_request(fd, &head) == 0) {
                enum protocol_request request =
                        head.request == PROTOCOL_SAMPLE ? PROTOCOL_SAMPLE : PROTOCOL_INVENTORY;

                r = n ? 0 : nvml_open(library, &n, &e);
                if (r < 0) {
                        (void)refuse(fd, request, r, &e);
                        return 1;
                }
                if (answer(fd, n, request) < 0)
                        break;
        }
        nvml_close(n);
        return 0;
}
