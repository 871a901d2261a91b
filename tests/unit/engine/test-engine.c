/* The engine client against a scripted engine: faults, retries, versions, streams. */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "fake.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ID "6c2f5ec69c7906d7fd2542c8c1662dabd01a3e7d4701fba222d7219a6274a67e"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define TIMEOUT (400 * 1000)
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

/* An answer to inspect, with its length. */
#define INSPECT_BODY(status)                                                                      \
        "{\"Id\":\"" ID "\",\"Name\":\"/thesis\",\"Image\":\"sha256:1\",\"Created\":"             \
        "\"2026-11-23T22:51:00.5Z\",\"State\":{\"Status\":\"" status "\",\"Pid\":77,"             \
        "\"ExitCode\":3,\"OOMKilled\":false,\"StartedAt\":\"0001-01-01T00:00:00Z\"},"             \
        "\"Config\":{\"Image\":\"localhost/img:1\",\"Labels\":{\"a\":\"b\",\"c\":\"d\"}}}"

static const char *with_length(const char *line, const char *body) {
        static char text[32][2048];
        static unsigned next;
        char *at = text[next++ % 32];

        snprintf(at, sizeof(text[0]), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", line,
                 strlen(body), body);
        return at;
}

static unsigned count_fds(void) {
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

struct fixture {
        struct fake *fake;
        struct engine *e;
};

static struct fixture begin(const char *api, const char *libpod, const struct fake_answer *answers,
                            size_t n) {
        struct fixture x = { .fake = fake_start(api, libpod, answers, n) };

        x.e = engine_new(fake_path(x.fake), TIMEOUT);
        assert_non_null(x.e);
        return x;
}

static void end(struct fixture *x) {
        engine_free(x->e);
        fake_stop(x->fake);
}

/* --- answers that fail ------------------------------------------------------------------- */

struct fault {
        const char *name;
        struct fake_answer answer;
        int status;
        bool definite;
        const char *words;
};

static void run_fault(const struct fault *fault) {
        struct fixture x = begin("1.41", NULL, &fault->answer, 1);
        struct engine_container c;
        struct engine_error err = { .status = -1 };
        int64_t began = clock_mono_us();
        int r = engine_container_inspect(x.e, "thesis", &c, &err);

        if (r != -1 || err.status != fault->status || err.definite != fault->definite ||
            !strstr(err.message, fault->words))
                fail_msg("%s: r=%d status=%d definite=%d '%s'", fault->name, r, err.status,
                         err.definite, err.message);
        assert_true(clock_mono_us() - began < 5 * US_PER_S);
        /* Nothing that broke is used again. */
        if (fault->answer.after != FAKE_CLOSE)
                assert_int_equal(x.e->n_idle > 0, err.status > 0);
        end(&x);
}

static void test_faults(void **state) {
        const struct fault faults[] = {
                { "garbage", { "hello\r\n\r\n", .after = FAKE_CLOSE }, 0, false, "not HTTP" },
                { "binary", { "\0\1\2\3\r\n\r\n", 8, .after = FAKE_CLOSE }, 0, false, "not HTTP" },
                { "half JSON", { with_length("200 OK", "{\"Id\":\"6c2f"), .after = FAKE_CLOSE },
                  0, false, "not JSON" },
                { "no body", { with_length("200 OK", ""), .after = FAKE_CLOSE }, 0, false,
                  "not JSON" },
                { "other JSON", { with_length("200 OK", "[1,2]"), .after = FAKE_CLOSE }, 0, false,
                  "incomplete" },
                { "short id", { with_length("200 OK", "{\"Id\":\"6c2f\",\"Name\":\"/thesis\"}"),
                                .after = FAKE_CLOSE }, 0, false, "incomplete" },
                { "length too long", { HEAD "Content-Length: 500\r\n\r\n{}", .after = FAKE_CLOSE },
                  0, false, "broke off" },
                { "length too short", { HEAD "Content-Length: 5\r\n\r\n{\"Id\":\"x\"}",
                                        .after = FAKE_CLOSE }, 0, false, "not JSON" },
                { "length no number", { HEAD "Content-Length: 5x\r\n\r\n{}", .after = FAKE_CLOSE },
                  0, false, "not HTTP" },
                { "closed at once", { NULL, .after = FAKE_CLOSE }, 0, false, "broke" },
                { "closed in the head", { "HTTP/1.1 200 O", .after = FAKE_CLOSE }, 0, false,
                  "broke" },
                { "chunked, cut", { CHUNKED "5\r\n{\"a\":", .after = FAKE_CLOSE }, 0, false,
                  "broke off" },
                { "chunked, wrong", { CHUNKED "zz\r\n{}", .after = FAKE_CLOSE }, 0, false,
                  "broke off" },
                { "hang", { NULL, .after = FAKE_HANG }, 0, false, "does not answer" },
                { "hang in the body", { HEAD "Content-Length: 500\r\n\r\n{", .after = FAKE_HANG },
                  0, false, "middle" },
                { "drip", { HEAD "Content-Length: 2\r\n\r\n{}", .drip_us = 50000 }, 0, false,
                  "does not answer" },
                { "100 MB announced", { HEAD "Content-Length: 104857600\r\n\r\n",
                                        .after = FAKE_HANG }, 0, false, "too large" },
                { "404", { with_length("404 Not Found", "{\"message\":\"No such\"}") }, 404, true,
                  "No such" },
                { "409 text", { with_length("409 Conflict", "in\x1b[1m use") }, 409, true,
                  "in?[1m use" },
                { "301", { with_length("301 Moved Permanently", "") }, 301, true, "301" },
                { "400 empty", { with_length("400 Bad Request", "") }, 400, true, "Bad Request" },
                { "500", { with_length("500 Oh", "{\"cause\":\"x\",\"message\":\"y z\"}") }, 500,
                  false, "y z" },
                { "503", { with_length("503 Busy", "{\"message\":7}") }, 503, false,
                  "{\"message\":7}" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
                run_fault(&faults[i]);
}

static void test_endless(void **state) {
        static char chunk[65536 + 9];
        struct fake_answer answers[] = { { CHUNKED, .after = FAKE_KEEP } };
        struct engine_container *list;
        struct engine_error err;
        struct fixture x;
        char *body;
        size_t n;

        /* One answer: the head and then chunks of 64 KiB for ever (here 200 MB). */
        memset(chunk, ' ', sizeof(chunk));
        memcpy(chunk, "10000\r\n", 7);
        memcpy(chunk + 7 + 65536, "\r\n", 2);
        body = malloc(strlen(CHUNKED) + 1600 * sizeof(chunk));
        assert_non_null(body);
        memcpy(body, CHUNKED, strlen(CHUNKED));
        for (size_t i = 0; i < 1600; i++)
                memcpy(body + strlen(CHUNKED) + i * sizeof(chunk), chunk, sizeof(chunk));
        answers[0].bytes = body;
        answers[0].n = strlen(CHUNKED) + 1600 * sizeof(chunk);
        x = begin("1.41", NULL, answers, 1);
        x.e->timeout_us = 20 * US_PER_S;
        assert_int_equal(engine_container_list(x.e, "l", &list, &n, &err), -1);
        assert_int_equal(err.status, 0);
        assert_string_equal(err.message, "the engine's answer is too large");
        end(&x);
        free(body);
}

static void test_nobody_there(void **state) {
        struct engine *e = engine_new("/nonexistent/sock", TIMEOUT);
        struct engine_error err = { .status = -1 };

        assert_int_equal(engine_ping(e, &err), -1);
        assert_int_equal(err.status, 0);
        assert_true(err.definite);
        assert_int_equal(engine_container_start(e, ID, &err), -1);
        assert_true(err.definite);
        engine_free(e);
}

/* Nobody accepts and the queue is full: connect() itself must not wait for ever. */
static void test_full_queue(void **state) {
        char directory[] = "/tmp/ds01-queue-XXXXXX", path[64];
        struct engine_error err;
        struct engine *e;
        int listener, fd;
        int64_t began;

        assert_non_null(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/sock", directory);
        listener = unix_listen(path, 0600, 0);
        assert_true(listener >= 0);
        fd = unix_connect(path);
        assert_true(fd >= 0);
        e = engine_new(path, TIMEOUT);
        began = clock_mono_us();
        assert_int_equal(engine_ping(e, &err), -1);
        assert_true(err.definite);
        assert_non_null(strstr(err.message, "does not answer"));
        assert_true(clock_mono_us() - began < 5 * TIMEOUT);
        engine_free(e);
        close(fd);
        close(listener);
        unlink(path);
        rmdir(directory);
}

/* --- answers that succeed ---------------------------------------------------------------- */

static void check_thesis(struct engine_container *c) {
        assert_string_equal(c->id, ID);
        assert_string_equal(c->name, "thesis");
        assert_int_equal(c->state, ENGINE_PAUSED);
        assert_int_equal(c->pid, 77);
        assert_int_equal(c->exit_code, 3);
        assert_int_equal(c->started_us, 0);
        assert_int_equal(c->created_us % US_PER_S, 500000);
        assert_string_equal(engine_container_label(c, "c"), "d");
        assert_null(engine_container_label(c, "x"));
        engine_container_release(c);
}

static void test_inspect(void **state) {
        const char *whole = with_length("200 OK", INSPECT_BODY("paused"));
        const char *until_end = HEAD "\r\n" INSPECT_BODY("paused");
        const struct fake_answer answers[] = {
                { whole }, { whole, .drip_us = 200 }, { until_end, .after = FAKE_CLOSE }, { whole },
        };
        struct fixture x = begin("1.41", NULL, answers, ARRAY_SIZE(answers));
        _cleanup_buf_ struct buf requests = BUF_INIT(65536);
        struct engine_container c;
        struct engine_error err;

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                x.e->timeout_us = 5 * US_PER_S;
                assert_int_equal(engine_container_inspect(x.e, "thesis", &c, &err), 0);
                assert_string_equal(c.image, "localhost/img:1");
                check_thesis(&c);
        }
        /* The connection was kept until the answer that ended with it. */
        assert_int_equal(fake_connections(x.fake), 2);
        fake_requests(x.fake, &requests);
        assert_non_null(strstr(requests.data, "GET /v1.41/containers/thesis/json HTTP/1.1\r\n"));
        /* The beginning of an id is another container's name for somebody else. */
        assert_int_equal(engine_container_inspect(x.e, "6c2f", &c, &err), -1);
        assert_int_equal(err.status, 404);
        end(&x);
}

static void test_podman_names(void **state) {
        const struct fake_answer answer = { with_length("200 OK", INSPECT_BODY("paused")) };
        struct fixture x = begin("1.41", "4.3.1", &answer, 1);
        struct engine_container c;

        assert_int_equal(engine_container_inspect(x.e, ID, &c, NULL), 0);
        assert_true(engine_is_podman(x.e));
        assert_string_equal(c.image, "img:1");
        check_thesis(&c);
        end(&x);
}

static void test_versions(void **state) {
        static const struct {
                const char *api;
                const char *target; /* NULL: refused */
        } rows[] = {
                { "1.41", "/v1.41/" }, { "1.43", "/v1.41/" }, { "1.44", "/v1.44/" },
                { "1.55", "/v1.44/" }, { "1.40", NULL },      { "1.12", NULL },
                { "latest", NULL },    { NULL, NULL },
        };
        const struct fake_answer answer = { NO_CONTENT };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct fixture x = begin(rows[i].api, NULL, &answer, 1);
                _cleanup_buf_ struct buf requests = BUF_INIT(65536);
                struct engine_error err = { .status = -1 };
                int r = engine_container_start(x.e, ID, &err);

                fake_requests(x.fake, &requests);
                if (rows[i].target) {
                        assert_int_equal(r, 0);
                        assert_non_null(strstr(requests.data, rows[i].target));
                } else {
                        assert_int_equal(r, -1);
                        assert_int_equal(err.status, 0);
                        assert_true(err.definite);
                        assert_int_equal(requests.len, 0);
                }
                end(&x);
        }
}

/* --- connections that end ---------------------------------------------------------------- */

static void test_closed_while_idle(void **state) {
        const struct fake_answer answers[] = {
                { NO_CONTENT, .after = FAKE_CLOSE }, /* says nothing of closing */
                { NO_CONTENT },
        };
        struct fixture x = begin("1.41", NULL, answers, 2);
        struct engine_error err;

        assert_int_equal(engine_container_start(x.e, ID, &err), 0);
        usleep(100000);
        assert_int_equal(engine_container_start(x.e, ID, &err), 0);
        assert_int_equal(fake_connections(x.fake), 2);
        end(&x);
}

/* The engine closes just when the request arrives: reading calls are sent again, others are not,
 * since the engine may have begun. */
static void test_closed_while_asked(void **state) {
        const struct fake_answer answers[] = {
                { NO_CONTENT },
                { NULL, .after = FAKE_CLOSE },
                { with_length("200 OK", INSPECT_BODY("paused")) },
                { NULL, .after = FAKE_CLOSE },
                { NO_CONTENT },
        };
        struct fixture x = begin("1.41", NULL, answers, ARRAY_SIZE(answers));
        struct engine_container c;
        struct engine_error err = { .status = -1 };

        assert_int_equal(engine_container_start(x.e, ID, &err), 0);
        assert_int_equal(engine_container_inspect(x.e, "thesis", &c, &err), 0);
        check_thesis(&c);
        assert_int_equal(engine_container_start(x.e, ID, &err), -1);
        assert_int_equal(err.status, 0);
        assert_false(err.definite);
        end(&x);
}

/* Bytes behind an answer: the connection is not used again. */
static void test_bytes_behind(void **state) {
        const struct fake_answer answers[] = {
                { NO_CONTENT "HTTP/1.1 500 Smuggled\r\n\r\n" }, { NO_CONTENT },
        };
        struct fixture x = begin("1.41", NULL, answers, 2);

        assert_int_equal(engine_container_start(x.e, ID, NULL), 0);
        assert_int_equal(engine_container_start(x.e, ID, NULL), 0);
        assert_int_equal(fake_connections(x.fake), 2);
        end(&x);
}

static void *inspect_often(void *arg) {
        struct fixture *x = arg;

        for (int i = 0; i < 50; i++) {
                struct engine_container c;

                if (engine_container_inspect(x->e, "thesis", &c, NULL) < 0)
                        return x;
                engine_container_release(&c);
                if (i % 10 == 0 && engine_ping(x->e, NULL) < 0)
                        return x;
        }
        return NULL;
}

static void test_threads(void **state) {
        const struct fake_answer answer = { with_length("200 OK", INSPECT_BODY("paused")) };
        struct fixture x = begin("1.41", NULL, &answer, 1);
        pthread_t threads[4];

        x.e->timeout_us = 10 * US_PER_S;
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, inspect_often, &x), 0);
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
                void *failed;

                pthread_join(threads[i], &failed);
                assert_null(failed);
        }
        assert_true(fake_connections(x.fake) <= 8);
        end(&x);
}

/* --- what podman answers differently ------------------------------------------------------ */

static void test_podman_states(void **state) {
        static const struct {
                int (*call)(struct engine *e, const char *id, struct engine_error *err);
                const char *found;
                int status;
        } rows[] = {
                { engine_container_pause, "exited", 409 },
                { engine_container_pause, "running", 500 },
                { engine_container_unpause, "running", 409 },
                { engine_container_unpause, "paused", 500 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct fake_answer answers[] = {
                        { with_length("500 Internal", "{\"message\":\"state improper\"}") },
                        { with_length("200 OK", str_equal(rows[i].found, "exited") ?
                                                        INSPECT_BODY("exited") :
                                                str_equal(rows[i].found, "running") ?
                                                        INSPECT_BODY("running") :
                                                        INSPECT_BODY("paused")) },
                };
                struct fixture x = begin("1.41", "4.3.1", answers, 2);
                struct engine_error err;

                assert_int_equal(rows[i].call(x.e, ID, &err), -1);
                assert_int_equal(err.status, rows[i].status);
                assert_int_equal(err.definite, rows[i].status == 409);
                assert_string_equal(err.message, "state improper");
                end(&x);
        }
}

static void test_podman_name_taken(void **state) {
        const struct fake_answer answers[] = {
                { with_length("500 Internal", "{\"message\":\"name is in use\"}") },
                { with_length("200 OK", INSPECT_BODY("exited")) },
        };
        const struct engine_container_spec spec = { .name = "thesis", .image = "i" };
        struct fixture x = begin("1.41", "4.3.1", answers, 2);
        char id[ENGINE_ID_SIZE];
        struct engine_error err;

        assert_int_equal(engine_container_create(x.e, &spec, id, &err), -1);
        assert_int_equal(err.status, 409);
        assert_true(err.definite);
        end(&x);
}

static void test_podman_refuses_gpus(void **state) {
        static const struct {
                const char *version;
                enum engine_gpu gpu;
                int r;
        } rows[] = {
                { "4.3.1", ENGINE_GPU_DEVICE_REQUEST, -1 }, { "4.3.1", ENGINE_GPU_CDI, 0 },
                { "5.8.6", ENGINE_GPU_DEVICE_REQUEST, -1 }, { "5.4.2", ENGINE_GPU_CDI, 0 },
        };
        static const char *const ids[] = { "ds01.local/gpu=x", NULL };
        const struct fake_answer answer = { with_length("201 Created", "{\"Id\":\"" ID "\"}") };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct engine_container_spec spec = {
                        .name = "thesis", .image = "i", .gpu = rows[i].gpu, .gpu_ids = ids,
                };
                struct fixture x = begin("1.41", rows[i].version, &answer, 1);
                char id[ENGINE_ID_SIZE];
                struct engine_error err;

                assert_int_equal(engine_container_create(x.e, &spec, id, &err), rows[i].r);
                if (rows[i].r < 0)
                        assert_true(err.definite);
                else
                        assert_string_equal(id, ID);
                end(&x);
        }
}

static void test_remove(void **state) {
        const struct fake_answer answers[] = {
                { with_length("404 Not Found", "{\"message\":\"gone\"}") },
                { with_length("409 Conflict", "{\"message\":\"running\"}") },
        };
        struct fixture x = begin("1.41", NULL, answers, 2);
        _cleanup_buf_ struct buf requests = BUF_INIT(65536);
        struct engine_error err;

        assert_int_equal(engine_container_remove(x.e, ID, true, &err), 0);
        assert_int_equal(engine_container_remove(x.e, ID, false, &err), -1);
        assert_int_equal(err.status, 409);
        fake_requests(x.fake, &requests);
        assert_non_null(strstr(requests.data, "DELETE /v1.41/containers/" ID "?v=1&force=1 "));
        end(&x);
}

/* --- streams ------------------------------------------------------------------------------ */

#define EVENT(action, more)                                                                       \
        "{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" ID               \
        "\",\"Attributes\":{" more "}},\"time\":1700000000,\"timeNano\":1700000000123456789}\n"

static void append_chunk(struct buf *b, const char *text) {
        buf_addf(b, "%zx\r\n%s\r\n", strlen(text), text);
}

static void test_events(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(65536), requests = BUF_INIT(65536);
        struct fake_answer answer = { NULL, .after = FAKE_HANG };
        struct engine_events *ev;
        struct engine_event event;
        struct engine_error err;
        struct fixture x;

        buf_adds(&out, CHUNKED);
        append_chunk(&out, EVENT("start", "") "{\"Type\":\"network\",\"Action\":\"x\"}\n" "\n");
        append_chunk(&out, "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"x\",");
        append_chunk(&out, "\"Attributes\":{\"exitCode\":\"137\"}},\"time\":5}\n");
        append_chunk(&out, EVENT("exec_start: sh -c x", ""));
        answer.bytes = out.data;
        x = begin("1.41", NULL, &answer, 1);
        assert_int_equal(engine_events_open(x.e, "ds01.owner", &ev, &err), 0);
        assert_int_equal(engine_events_next(ev, US_PER_S, &event), 1);
        assert_int_equal(event.kind, ENGINE_EVENT_START);
        assert_string_equal(event.id, ID);
        assert_int_equal(event.time_us, 1700000000123456);
        assert_int_equal(engine_events_next(ev, US_PER_S, &event), 1);
        assert_int_equal(event.kind, ENGINE_EVENT_DIE);
        assert_int_equal(event.exit_code, 137);
        assert_int_equal(event.time_us, 5 * US_PER_S);
        assert_int_equal(engine_events_next(ev, US_PER_S, &event), 1);
        assert_int_equal(event.kind, ENGINE_EVENT_OTHER);
        assert_int_equal(engine_events_next(ev, 20000, &event), 0);
        assert_int_equal(engine_events_next(ev, 0, &event), 0);
        engine_events_close(ev);
        fake_requests(x.fake, &requests);
        assert_non_null(strstr(requests.data,
                               "/events?filters=%7B%22type%22%3A%5B%22container%22%5D"
                               "%2C%22label%22%3A%5B%22ds01.owner%22%5D%7D "));
        end(&x);
}

static void test_events_of_podman(void **state) {
        _cleanup_buf_ struct buf requests = BUF_INIT(65536);
        const struct fake_answer answer = { CHUNKED, .after = FAKE_HANG };
        struct fixture x = begin("1.41", "4.3.1", &answer, 1);
        struct engine_events *ev;
        struct engine_error err;

        assert_int_equal(engine_ping(x.e, &err), 0);
        assert_int_equal(engine_events_open(x.e, "ds01.owner", &ev, &err), 0);
        engine_events_close(ev);
        fake_requests(x.fake, &requests);
        assert_non_null(strstr(requests.data,
                               "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D "));
        end(&x);
}

static void test_events_end(void **state) {
        static const char *const answers[] = {
                CHUNKED "6\r\nhello\n\r\n", CHUNKED "0\r\n\r\n", CHUNKED "3\r\n{\"", HEAD "\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                const struct fake_answer answer = { answers[i], .after = FAKE_CLOSE };
                struct fixture x = begin("1.41", NULL, &answer, 1);
                struct engine_events *ev;
                struct engine_event event;

                assert_int_equal(engine_events_open(x.e, "l", &ev, NULL), 0);
                assert_int_equal(engine_events_next(ev, US_PER_S, &event), -1);
                engine_events_close(ev);
                end(&x);
        }
}

struct pulled {
        unsigned steps, cancel_at;
        int64_t total;
};

static int count_step(void *ctx, const struct engine_pull_step *step) {
        struct pulled *p = ctx;

        p->total += step->total;
        return ++p->steps == p->cancel_at;
}

static void test_pull(void **state) {
        static const struct {
                const char *ref, *answer, *target;
                unsigned cancel_at, steps;
                int r, status;
        } rows[] = {
                { "host:5000/a/b", HEAD "\r\n{\"status\":\"x\",\"id\":\"l\",\"progressDetail\":"
                  "{\"current\":1,\"total\":9}}\r\n{\"status\":\"done\"}",
                  "fromImage=host%3A5000%2Fa%2Fb&tag=latest ", 0, 2, 0, -1 },
                { "a:7", HEAD "\r\n{\"status\":\"x\"}\n{\"error\":\"e\",\"errorDetail\":"
                  "{\"message\":\"no space\"}}\n", "fromImage=a&tag=7 ", 0, 1, -1, 500 },
                { "a@sha256:12", HEAD "\r\n{}\n{}\n{}\n", "fromImage=a&tag=sha256%3A12 ", 2, 2, -1,
                  0 },
                { "a", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "tag=latest ", 0, 0,
                  -1, 404 },
                { "a", HEAD "\r\nwhat\n", "tag=latest ", 0, 0, -1, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct fake_answer answer = { rows[i].answer, .after = FAKE_CLOSE };
                struct fixture x = begin("1.41", NULL, &answer, 1);
                _cleanup_buf_ struct buf requests = BUF_INIT(65536);
                struct pulled p = { .cancel_at = rows[i].cancel_at };
                struct engine_error err = { .status = -1 };

                assert_int_equal(engine_image_pull(x.e, rows[i].ref, count_step, &p, &err),
                                 rows[i].r);
                assert_int_equal(err.status, rows[i].status);
                assert_int_equal(p.steps, rows[i].steps);
                fake_requests(x.fake, &requests);
                assert_non_null(strstr(requests.data, rows[i].target));
                end(&x);
        }
}

static void test_exec_start(void **state) {
        static const char upgraded[] =
                "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n\1\0\0\0\0\0\0\2hi";
        const struct fake_answer answers[] = {
                { upgraded, sizeof(upgraded) - 1, .after = FAKE_CLOSE },
                { with_length("409 Conflict", "{\"message\":\"twice\"}") },
                { with_length("200 OK", "") },
        };
        struct fixture x = begin("1.41", NULL, answers, 3);
        _cleanup_buf_ struct buf early = BUF_INIT(65536), requests = BUF_INIT(65536);
        struct engine_error err;
        int fd = -1;

        assert_int_equal(engine_exec_start(x.e, ID, true, &fd, &early, &err), 0);
        while (fd_read_some(fd, &early, 100, clock_mono_us() + US_PER_S) > 0)
                ;
        close(fd);
        assert_int_equal(early.len, 10);
        assert_memory_equal(early.data + 8, "hi", 2);
        assert_int_equal(engine_exec_start(x.e, ID, true, &fd, &early, &err), -1);
        assert_int_equal(err.status, 409);
        assert_int_equal(engine_exec_start(x.e, ID, true, &fd, &early, &err), -1);
        assert_int_equal(err.status, 0);
        assert_false(err.definite);
        fake_requests(x.fake, &requests);
        assert_non_null(strstr(requests.data, "Upgrade: tcp\r\n"));
        assert_non_null(strstr(requests.data, "\r\n\r\n{\"Detach\":false,\"Tty\":true}"));
        end(&x);
}

static void test_exec_states(void **state) {
        const struct fake_answer answers[] = {
                { with_length("200 OK", "{\"Running\":true,\"ExitCode\":null,\"Pid\":12}") },
                { with_length("200 OK", "{\"Running\":true,\"ExitCode\":0,\"Pid\":12}") },
                { with_length("200 OK", "{\"Running\":false,\"ExitCode\":42,\"Pid\":12}") },
                { with_length("200 OK", "{}") },
        };
        static const int codes[] = { -1, -1, 42 };
        struct fixture x = begin("1.41", NULL, answers, ARRAY_SIZE(answers));
        struct engine_exec_state got;

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
                assert_int_equal(engine_exec_inspect(x.e, ID, &got, NULL), 0);
                assert_int_equal(got.running, i < 2);
                assert_int_equal(got.exit_code, codes[i]);
        }
        assert_int_equal(engine_exec_inspect(x.e, ID, &got, NULL), -1);
        end(&x);
}

static void test_lists(void **state) {
        const struct fake_answer answers[] = {
                { with_length("200 OK",
                              "[{\"Id\":\"" ID "\",\"Names\":[\"/a\"],\"Image\":\"i\",\"ImageID\":"
                              "\"sha256:2\",\"State\":\"exited\",\"Labels\":{\"k\":\"v\"}}]") },
                { with_length("200 OK", "[]") },
                { with_length("200 OK", "[{\"Id\":\"x\"}]") },
                { with_length("200 OK", "[{\"RepoTags\":[\"ds01-1/b:2\",\"x:1\"]},{\"RepoTags\":"
                              "null},{\"RepoTags\":[\"ds01-1/a:1\",5]}]") },
        };
        struct fixture x = begin("1.41", NULL, answers, ARRAY_SIZE(answers));
        struct engine_image_row *rows;
        struct engine_container *list;
        struct engine_error err;
        char **refs;
        size_t n;

        assert_int_equal(engine_container_list(x.e, "k=v", &list, &n, &err), 0);
        assert_int_equal(n, 1);
        assert_int_equal(list[0].state, ENGINE_EXITED);
        assert_string_equal(list[0].name, "a");
        assert_string_equal(engine_container_label(&list[0], "k"), "v");
        engine_containers_free(list, n);
        assert_int_equal(engine_container_list(x.e, "k=v", &list, &n, &err), 0);
        assert_int_equal(n, 0);
        engine_containers_free(list, n);
        assert_int_equal(engine_container_list(x.e, "k=v", &list, &n, &err), -1);
        assert_int_equal(engine_image_list(x.e, NULL, &rows, &n, &err), 0);
        assert_int_equal(n, 3);
        assert_int_equal(engine_image_rows_refs(rows, n, "ds01-1/", &refs), 0);
        engine_image_rows_free(rows, n);
        assert_string_equal(refs[0], "ds01-1/a:1");
        assert_string_equal(refs[1], "ds01-1/b:2");
        assert_null(refs[2]);
        engine_strv_free(refs);
        end(&x);
}

static unsigned fds_before;

static void test_no_leaks(void **state) {
        assert_int_equal(count_fds(), fds_before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_endless),
                cmocka_unit_test(test_nobody_there),
                cmocka_unit_test(test_full_queue),
                cmocka_unit_test(test_inspect),
                cmocka_unit_test(test_podman_names),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_closed_while_idle),
                cmocka_unit_test(test_closed_while_asked),
                cmocka_unit_test(test_bytes_behind),
                cmocka_unit_test(test_threads),
                cmocka_unit_test(test_podman_states),
                cmocka_unit_test(test_podman_name_taken),
                cmocka_unit_test(test_podman_refuses_gpus),
                cmocka_unit_test(test_remove),
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_events_of_podman),
                cmocka_unit_test(test_events_end),
                cmocka_unit_test(test_pull),
                cmocka_unit_test(test_exec_start),
                cmocka_unit_test(test_exec_states),
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_no_leaks),
        };

        fds_before = count_fds();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
