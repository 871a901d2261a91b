/* Whatever the engine answers to a call: the first byte says which, the rest is the body. A
 * stand-in serves it over a real socket, so that nothing between socket and struct is left out. */
#include "base/cleanup.h"
#include "base/fd.h"
#include "engine/internal.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy: the stand-in may still be at an answer that the client has given up reading. */
static pthread_mutex_t answer_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *answer;
static size_t answer_len;

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static uint8_t *copy(const uint8_t *data, size_t size) {
        uint8_t *ret = malloc(size + 1);

        check(ret != NULL);
        if (size > 0)
                memcpy(ret, data, size);
        return ret;
}

static void set_answer(const uint8_t *data, size_t size) {
        pthread_mutex_lock(&answer_lock);
        free(answer);
        answer = copy(data, size);
        answer_len = size;
        pthread_mutex_unlock(&answer_lock);
}

static void serve(int fd) {
        _cleanup_free_ uint8_t *body = NULL;
        char head[16384];
        size_t n = 0, body_len;
        ssize_t r;
        int len;

        do {
                r = read(fd, head + n, sizeof(head) - n);
                n += r > 0 ? (size_t)r : 0;
        } while (r > 0 && n < sizeof(head) && !memmem(head, n, "\r\n\r\n", 4));
        pthread_mutex_lock(&answer_lock);
        body = copy(answer, answer_len);
        body_len = answer_len;
        pthread_mutex_unlock(&answer_lock);
        len = snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
                       "application/json\r\nContent-Length: %zu\r\n\r\n",
                       body_len);
        (void)(fd_write_all(fd, head, (size_t)len, 0) == 0 &&
               fd_write_all(fd, body, body_len, 0) == 0);
}

static void *server(void *arg) {
        int listener = (int)(intptr_t)arg;

        for (;;) {
                int fd = accept(listener, NULL, NULL);

                if (fd < 0)
                        return NULL;
                serve(fd);
                close(fd);
        }
}

static char dir[] = "/tmp/ds01-fuzz.XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void end(void) {
        unlink(address.sun_path);
        rmdir(dir);
}

static struct engine *begin(void) {
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct engine *e;
        pthread_t thread;

        check(listener >= 0 && mkdtemp(dir) && atexit(end) == 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
        check(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
        check(listen(listener, 8) == 0);
        check(pthread_create(&thread, NULL, server, (void *)(intptr_t)listener) == 0);
        pthread_detach(thread);
        e = engine_new(address.sun_path, 10000000);
        check(e != NULL);
        e->minor = 41;
        return e;
}

static int each_change(void *ctx, const char *path, enum engine_change kind) {
        check(path && kind <= ENGINE_CHANGE_DELETED);
        ++*(int *)ctx;
        return 0;
}

static int each_step(void *ctx, const struct engine_pull_step *step) {
        check(!step->status || strlen(step->status) < ENGINE_LINE_MAX);
        ++*(int *)ctx;
        return 0;
}

static void call_containers(struct engine *e, int which, struct engine_error *err) {
        struct engine_container c = { 0 }, *list = NULL;
        struct engine_setup setup = { 0 };
        struct engine_exec_state state;
        size_t n = 0;

        if (which == 0 && engine_container_inspect(e, "x", &c, err) == 0)
                engine_container_release(&c);
        else if (which == 1 && engine_container_list(e, NULL, &list, &n, err) == 0)
                engine_containers_free(list, n);
        else if (which == 2 && engine_container_setup(e, "x", &setup, err) == 0)
                engine_setup_release(&setup);
        else if (which == 3)
                (void)engine_exec_inspect(e, "x", &state, err);
}

static void call_images(struct engine *e, int which, struct engine_error *err) {
        _cleanup_buf_ struct buf file = BUF_INIT(1 << 20);
        struct engine_image image = { 0 };
        struct engine_image_row *rows = NULL;
        struct engine_info info;
        int64_t layer;
        size_t n = 0;
        int count = 0;

        if (which == 4 && engine_image_inspect(e, "x", &image, err) == 0)
                engine_image_release(&image);
        else if (which == 5 && engine_image_list(e, NULL, &rows, &n, err) == 0)
                engine_image_rows_free(rows, n);
        else if (which == 6)
                (void)engine_info(e, &info, err);
        else if (which == 7)
                (void)engine_container_changes(e, "x", each_change, &count, err);
        else if (which == 8)
                (void)engine_container_layer_size(e, "x", &layer, err);
        else if (which == 9)
                (void)engine_container_read_file(e, "x", "/etc/passwd", &file, err);
        else if (which == 10)
                (void)engine_image_pull(e, "x", each_step, &count, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct engine *e;
        struct engine_error err = { 0 };

        if (size == 0)
                return 0;
        if (!e)
                e = begin();
        set_answer(data + 1, size - 1);
        if (data[0] % 11 < 4)
                call_containers(e, data[0] % 11, &err);
        else
                call_images(e, data[0] % 11, &err);
        check(strlen(err.message) < sizeof(err.message));
        return 0;
}
