/* The scripted engine of the unit tests. */
#include "fake.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64 };

struct fake {
        char directory[64], path[96];
        const char *api, *libpod;
        const struct fake_answer *answers;
        size_t n_answers;
        int listener;
        pthread_t thread;
        pthread_mutex_t lock; /* guards what is below */
        bool stopping;
        size_t next;
        unsigned connections;
        struct buf requests;
        pthread_t threads[CONNECTIONS_MAX];
        int fds[CONNECTIONS_MAX];
};

struct connection {
        struct fake *fake;
        unsigned index;
};

static bool stopping(struct fake *f) {
        bool yes;

        pthread_mutex_lock(&f->lock);
        yes = f->stopping;
        pthread_mutex_unlock(&f->lock);
        return yes;
}

/* Reads one request; false at the end of the connection. */
static bool read_request(struct fake *f, int fd, struct buf *in) {
        for (;;) {
                const char *end = in->len > 0 ? strstr(in->data, "\r\n\r\n") : NULL;
                struct pollfd p = { .fd = fd, .events = POLLIN };

                if (end) {
                        const char *length = strstr(in->data, "Content-Length: ");
                        size_t body = length && length < end ? strtoul(length + 16, NULL, 10) : 0;

                        if (in->len >= (size_t)(end + 4 - in->data) + body)
                                return true;
                }
                if (stopping(f))
                        return false;
                if (poll(&p, 1, 20) > 0 && fd_read_some(fd, in, 65536, 0) <= 0)
                        return false;
        }
}

static bool write_answer(struct fake *f, int fd, const struct fake_answer *a) {
        size_t n = !a->bytes ? 0 : a->n > 0 ? a->n : strlen(a->bytes);

        for (unsigned i = 0; i <= a->repeat && n > 0; i++) {
                if (a->drip_us == 0) {
                        if (fd_write_all(fd, a->bytes, n, 0) < 0)
                                return false;
                        continue;
                }
                for (size_t k = 0; k < n; k++) {
                        if (stopping(f) || fd_write_all(fd, a->bytes + k, 1, 0) < 0)
                                return false;
                        usleep(a->drip_us);
                }
        }
        while (a->after == FAKE_HANG && !stopping(f))
                usleep(5000);
        return a->after == FAKE_KEEP;
}

static bool write_ping(struct fake *f, int fd) {
        char text[512];
        int n = snprintf(text, sizeof(text),
                         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s%s%s%s%s%s\r\nOK",
                         f->api ? "Api-Version: " : "", f->api ? f->api : "", f->api ? "\r\n" : "",
                         f->libpod ? "Libpod-Api-Version: " : "", f->libpod ? f->libpod : "",
                         f->libpod ? "\r\n" : "");

        return fd_write_all(fd, text, (size_t)n, 0) == 0;
}

static void *serve(void *arg) {
        struct connection *c = arg;
        struct fake *f = c->fake;
        int fd = f->fds[c->index];
        struct buf in = BUF_INIT(1 << 20);
        bool go_on = true;

        while (go_on && read_request(f, fd, &in)) {
                if (strncmp(in.data, "GET /_ping ", 11) == 0) {
                        go_on = write_ping(f, fd);
                } else {
                        const struct fake_answer *a;

                        pthread_mutex_lock(&f->lock);
                        buf_add(&f->requests, in.data, in.len);
                        a = &f->answers[f->next];
                        if (f->next + 1 < f->n_answers)
                                f->next++;
                        pthread_mutex_unlock(&f->lock);
                        go_on = write_answer(f, fd, a);
                }
                buf_reset(&in);
        }
        buf_release(&in);
        close(fd);
        free(c);
        return NULL;
}

static void *listen_loop(void *arg) {
        struct fake *f = arg;

        while (!stopping(f)) {
                struct pollfd p = { .fd = f->listener, .events = POLLIN };
                struct connection *c;
                int fd;

                if (poll(&p, 1, 20) <= 0)
                        continue;
                fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        continue;
                c = malloc(sizeof(*c));
                if (!c || f->connections == CONNECTIONS_MAX)
                        abort();
                *c = (struct connection){ .fake = f, .index = f->connections };
                f->fds[c->index] = fd;
                pthread_mutex_lock(&f->lock);
                f->connections++;
                pthread_mutex_unlock(&f->lock);
                if (pthread_create(&f->threads[c->index], NULL, serve, c) != 0)
                        abort();
        }
        return NULL;
}

struct fake *fake_start(const char *api, const char *libpod, const struct fake_answer *answers,
                        size_t n) {
        struct fake *f = calloc(1, sizeof(*f));

        if (!f)
                abort();
        snprintf(f->directory, sizeof(f->directory), "/tmp/ds01-fake-XXXXXX");
        if (!mkdtemp(f->directory))
                abort();
        snprintf(f->path, sizeof(f->path), "%s/sock", f->directory);
        f->api = api;
        f->libpod = libpod;
        f->answers = answers;
        f->n_answers = n;
        f->requests = BUF_INIT(1 << 20);
        pthread_mutex_init(&f->lock, NULL);
        f->listener = unix_listen(f->path, 0600, 16);
        if (f->listener < 0 || pthread_create(&f->thread, NULL, listen_loop, f) != 0)
                abort();
        return f;
}

const char *fake_path(const struct fake *f) {
        return f->path;
}

void fake_requests(struct fake *f, struct buf *ret) {
        pthread_mutex_lock(&f->lock);
        buf_add(ret, buf_str(&f->requests), f->requests.len);
        pthread_mutex_unlock(&f->lock);
}

unsigned fake_connections(struct fake *f) {
        unsigned n;

        pthread_mutex_lock(&f->lock);
        n = f->connections;
        pthread_mutex_unlock(&f->lock);
        return n;
}

void fake_stop(struct fake *f) {
        pthread_mutex_lock(&f->lock);
        f->stopping = true;
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
        for (unsigned i = 0; i < f->connections; i++)
                pthread_join(f->threads[i], NULL);
        close(f->listener);
        unlink(f->path);
        rmdir(f->directory);
        buf_release(&f->requests);
        pthread_mutex_destroy(&f->lock);
        free(f);
}
