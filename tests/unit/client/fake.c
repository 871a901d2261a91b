/* See fake.h. Reads and writes HTTP by hand, so that it shares no code with what it tests. */
#include "fake.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/dispatch.h"

static void write_all(int fd, const void *bytes, size_t n) {
        const char *p = bytes;

        while (n > 0) {
                ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

                if (r <= 0)
                        return;
                p += r;
                n -= (size_t)r;
        }
}

static bool read_all(int fd, void *bytes, size_t n) {
        char *p = bytes;

        while (n > 0) {
                ssize_t r = read(fd, p, n);

                if (r <= 0)
                        return false;
                p += r;
                n -= (size_t)r;
        }
        return true;
}

void send_frame(int fd, int type, const void *bytes, size_t n) {
        const unsigned char head[8] = { (unsigned char)type,
                                        0,
                                        0,
                                        0,
                                        (unsigned char)(n >> 24),
                                        (unsigned char)(n >> 16),
                                        (unsigned char)(n >> 8),
                                        (unsigned char)n };

        write_all(fd, head, sizeof(head));
        write_all(fd, bytes, n);
}

int read_frame(int fd, char *bytes, size_t *ret_n) {
        unsigned char head[8];
        size_t n;

        if (!read_all(fd, head, sizeof(head)))
                return -1;
        n = (size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 | head[7];
        if (n > 65536 || !read_all(fd, bytes, n))
                return -1;
        *ret_n = n;
        return head[0];
}

/* Reads a head byte by byte and then its body, into @dst with the body at *@ret_body. */
static bool read_request(int fd, char *dst, size_t size, char **ret_body) {
        size_t used = 0, length = 0;
        const char *field;

        while (used < 4 || memcmp(dst + used - 4, "\r\n\r\n", 4) != 0)
                if (used + 1 >= size || !read_all(fd, dst + used++, 1))
                        return false;
        dst[used] = '\0';
        field = strstr(dst, "Content-Length: ");
        if (field)
                length = strtoul(field + 16, NULL, 10);
        if (used + length + 1 > size || !read_all(fd, dst + used, length))
                return false;
        *ret_body = dst + used;
        used += length;
        if (strstr(dst, "Transfer-Encoding: chunked"))
                while (dst + used < *ret_body + 5 || memcmp(dst + used - 5, "0\r\n\r\n", 5) != 0)
                        if (used + 1 >= size || !read_all(fd, dst + used++, 1))
                                return false;
        dst[used] = '\0';
        return true;
}

static void serve(struct fake *f, const struct fake_answer *a, int fd) {
        static char request[65536];
        char head[256], *body, *line_end;

        if (read_request(fd, request, sizeof(request), &body) == a->cut) {
                snprintf(f->problem, sizeof(f->problem), "%s whole request came",
                         a->cut ? "a" : "no");
                return;
        }
        if (a->cut)
                return;
        line_end = strstr(request, " HTTP/1.1\r\n");
        if (!line_end || strlen(a->expect) != (size_t)(line_end - request) ||
            strncmp(request, a->expect, strlen(a->expect)) != 0)
                snprintf(f->problem, sizeof(f->problem), "expected '%s', got '%.200s'", a->expect,
                         request);
        else if (a->body && strcmp(a->body, body) != 0)
                snprintf(f->problem, sizeof(f->problem),
                         "expected the body '%.2000s', got '%.2000s'", a->body, body);
        if (a->stream) {
                static const char upgrade[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                              "Connection: Upgrade\r\nUpgrade: ds01-stream\r\n\r\n";

                write_all(fd, upgrade, sizeof(upgrade) - 1);
                a->stream(fd);
        } else if (a->status) {
                snprintf(head, sizeof(head),
                         "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                         a->status, strlen(a->reply));
                write_all(fd, head, strlen(head));
                write_all(fd, a->reply, strlen(a->reply));
        }
}

static void *thread(void *arg) {
        struct fake *f = arg;

        while (f->used < f->n) {
                int fd = accept(f->listen_fd, NULL, NULL);

                if (fd < 0)
                        break;
                serve(f, &f->answers[f->used], fd);
                f->used++;
                close(fd);
        }
        return NULL;
}

void fake_start(struct fake *f, const struct fake_answer *answers, size_t n) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        *f = (struct fake){ .answers = answers, .n = n, .dir = "/tmp/ds01-test-XXXXXX" };
        assert_non_null(mkdtemp(f->dir));
        snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
        memcpy(address.sun_path, f->path, sizeof(f->path));
        f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(f->listen_fd, 8), 0);
        assert_int_equal(pthread_create(&f->thread, NULL, thread, f), 0);
}

void fake_stop(struct fake *f) {
        shutdown(f->listen_fd, SHUT_RDWR);
        pthread_join(f->thread, NULL);
        close(f->listen_fd);
        unlink(f->path);
        rmdir(f->dir);
        if (f->problem[0])
                fail_msg("%s", f->problem);
        if (f->used != f->n)
                fail_msg("%zu of %zu requests came", f->used, f->n);
}

/* A stream of the client's on a file in memory. */
static FILE *memory_stream(int *ret_fd) {
        *ret_fd = memfd_create("stream", MFD_CLOEXEC);
        assert_true(*ret_fd >= 0);
        return fdopen(dup(*ret_fd), "w");
}

static void take_text(int fd, char *dst, size_t size) {
        ssize_t n = pread(fd, dst, size - 1, 0);

        assert_true(n >= 0);
        dst[n] = '\0';
        close(fd);
}

static void run(struct fake *f, struct ran *ret, int (*part)(struct cli *c, void *arg), void *arg,
                struct cli *c) {
        c->utf8 = true;
        c->now_us = 1795529820LL * 1000000; /* 2026-11-24 14:17:00 UTC */
        c->socket = f ? f->path : "/nonexistent/ds01.sock";
        snprintf(c->name, sizeof(c->name), "ds01");
        setenv("TZ", "UTC", 1);
        c->out = memory_stream(&c->out_fd);
        c->err = memory_stream(&c->err_fd);
        ret->code = part(c, arg);
        fclose(c->out);
        fclose(c->err);
        take_text(c->out_fd, ret->out, sizeof(ret->out));
        take_text(c->err_fd, ret->err, sizeof(ret->err));
}

void run_part(struct fake *f, struct ran *ret, int (*part)(struct cli *c, void *arg), void *arg,
              bool live) {
        struct cli c = { .in_fd = -1, .err_tty = live, .redraws = live };

        run(f, ret, part, arg, &c);
}

struct words {
        int argc;
        char *argv[64];
};

static int run_words(struct cli *c, void *arg) {
        struct words *w = arg;

        return client_run(c, w->argc, w->argv);
}

void run_client(struct fake *f, struct ran *ret, const char *line, const char *input,
                unsigned columns) {
        char text[2048], *save = NULL;
        struct cli c = { .columns = columns };
        struct words words = { 0 };

        snprintf(text, sizeof(text), "%s", line);
        for (char *w = strtok_r(text, " ", &save); w && words.argc < 63;
             w = strtok_r(NULL, " ", &save))
                words.argv[words.argc++] = w;
        c.in_fd = memfd_create("input", MFD_CLOEXEC);
        if (input)
                assert_int_equal(write(c.in_fd, input, strlen(input)), strlen(input));
        lseek(c.in_fd, 0, SEEK_SET);
        run(f, ret, run_words, &words, &c);
        close(c.in_fd);
}
