/*
 * The engine client against a real engine, whose socket DS01_TEST_ENGINE names. Needs the image
 * ds01-base:latest (anything with sh, sleep, stty and /etc/passwd). Makes and removes containers
 * called ds01-live-PID only.
 */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "http/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#define IMAGE "ds01-base:latest"
#define LABEL "ds01-live"

static struct engine *e;
static int cgroup_version;
static char name[64], directory[] = "/tmp/ds01-live-XXXXXX", label_value[32];

static void must(int r, const struct engine_error *err, const char *what) {
        if (r < 0)
                fail_msg("%s: %d %s", what, err->status, err->message);
}

static int image_refs(struct engine *x, const char *prefix, char ***ret, struct engine_error *err) {
        struct engine_image_row *rows;
        size_t n;
        int r;

        if (engine_image_list(x, NULL, &rows, &n, err) < 0)
                return -1;
        r = engine_image_rows_refs(rows, n, prefix, ret);
        engine_image_rows_free(rows, n);
        return r;
}

/* A child that ends at once on SIGTERM, as PID 1 too. */
static const char *const entrypoint[] = {
        "sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done", NULL
};

static void create(char id[ENGINE_ID_SIZE]) {
        static const char *const env[] = { "DS01_A=one", "HOME=/tmp", NULL };
        const struct engine_label labels[] = { { LABEL, label_value },
                                               { "ds01.odd", "{\"a\":\"ä\"}" } };
        const struct engine_mount mounts[] = { { directory, "/workspace", true } };
        const struct engine_container_spec spec = {
                .name = name, .image = IMAGE, .user = "1234:1235", .working_dir = "/tmp",
                .hostname = "live", .cgroup_parent = "/ds01-live", .entrypoint = entrypoint,
                .env = env, .labels = labels, .nlabels = 2, .mounts = mounts, .nmounts = 1,
                .memory_bytes = 64 << 20, .shm_bytes = 8 << 20, .pids = 50, .cpus_milli = 500,
                .disable_healthcheck = true,
        };
        struct engine_error err;

        must(engine_container_create(e, &spec, id, &err), &err, "create");
        assert_int_equal(engine_container_create(e, &spec, id, &err), -1);
        assert_int_equal(err.status, 409);
        assert_true(err.definite);
}

static void test_info(void **state) {
        struct engine_info info;
        struct engine_error err;

        must(engine_ping(e, &err), &err, "ping");
        must(engine_info(e, &info, &err), &err, "info");
        assert_string_equal(info.name, engine_is_podman(e) ? "podman" : "docker");
        assert_true(info.ncpu > 0 && info.memory_bytes > 0 && *info.version);
        cgroup_version = info.cgroup_version;
        print_message("# %s %s, cgroup v%d by %s, cdi %d\n", info.name, info.version,
                      info.cgroup_version, info.cgroup_driver, info.cdi);
}

static void test_images(void **state) {
        struct engine_image image;
        struct engine_error err;
        char **refs;
        bool found = false;

        must(engine_image_inspect(e, IMAGE, &image, &err), &err, "image inspect");
        assert_true(str_starts(image.id, "sha256:"));
        assert_true(image.size > 0);
        engine_image_release(&image);
        assert_int_equal(engine_image_inspect(e, "ds01-1001/no-such:latest", &image, &err), -1);
        assert_int_equal(err.status, 404);
        must(image_refs(e, "ds01-base", &refs, &err), &err, "refs");
        for (char **r = refs; *r; r++)
                found = found || str_equal(*r, IMAGE);
        engine_strv_free(refs);
        assert_true(found);
        must(image_refs(e, "ds01-7777/", &refs, &err), &err, "refs");
        assert_null(refs[0]);
        engine_strv_free(refs);
        assert_int_equal(engine_image_remove(e, "ds01-1001/no-such:latest", &err), -1);
        assert_int_equal(err.status, 404);
}

/* A second reference to the image, in a namespace as ds01 has them. */
static void test_references(void **state) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_POST);
        char prefix[64], repository[80], ref[96];
        struct engine_image image;
        struct engine_error err;
        char **refs;

        snprintf(prefix, sizeof(prefix), "%s/", name);
        snprintf(repository, sizeof(repository), "%sthesis", prefix);
        snprintf(ref, sizeof(ref), "%s:latest", repository);
        engine_call_path(&call, "images", IMAGE, "tag");
        engine_call_param(&call, "repo", repository);
        engine_call_param(&call, "tag", "latest");
        must(engine_do_plain(e, &call, &err), &err, "tag");
        must(engine_image_inspect(e, ref, &image, &err), &err, "inspect by reference");
        engine_image_release(&image);
        must(image_refs(e, prefix, &refs, &err), &err, "refs");
        assert_string_equal(refs[0], ref);
        assert_null(refs[1]);
        engine_strv_free(refs);
        must(engine_image_remove(e, ref, &err), &err, "remove reference");
        must(image_refs(e, prefix, &refs, &err), &err, "refs");
        assert_null(refs[0]);
        engine_strv_free(refs);
        must(engine_image_inspect(e, IMAGE, &image, &err), &err, "the image itself stays");
        engine_image_release(&image);
}

static void check_created(const char *id) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_error err;
        json_t *host;

        engine_call_path(&call, "containers", id, "json");
        must(engine_do_json(e, &call, &root, &err), &err, "raw inspect");
        host = json_object_get(root, "HostConfig");
        assert_int_equal(json_int_or(host, "Memory", 0), 64 << 20);
        assert_int_equal(json_int_or(host, "MemorySwap", 0), 64 << 20);
        assert_int_equal(json_int_or(host, "NanoCpus", 0), 500000000);
        assert_int_equal(json_int_or(host, "PidsLimit", 0), 50);
        assert_int_equal(json_int_or(host, "ShmSize", 0), 8 << 20);
        assert_int_equal(json_int_or(host, "OomScoreAdj", 0), 200);
        assert_string_equal(json_str(host, "CgroupParent"), "/ds01-live");
        assert_false(json_bool_or(host, "Privileged", true));
        assert_true(json_array_size(json_object_get(host, "CapDrop")) > 0);
        assert_string_equal(json_str(json_object_get(root, "Config"), "User"), "1234:1235");
        assert_string_equal(json_str(json_object_get(root, "Config"), "Hostname"), "live");
        assert_string_equal(json_string_value(json_array_get(
                                    json_at(root, "Config", "Healthcheck", "Test", NULL), 0)),
                            "NONE");
}

/* The output of a command without a terminal; @input is its whole stdin. */
static int run(const char *id, const char *script, const char *input, struct buf *out) {
        const char *const command[] = { "sh", "-c", script, NULL };
        static const char *const env[] = { "EXTRA=two", NULL };
        const struct engine_exec_spec spec = { .user = "1234:1235", .working_dir = "/workspace",
                                               .command = command, .env = env };
        struct http_frame_reader frames = HTTP_FRAMES_PIECEWISE;
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
        _cleanup_close_ int fd = -1;
        struct engine_exec_state exec;
        struct engine_error err;
        struct http_frame frame;
        char exec_id[ENGINE_ID_SIZE];
        size_t used = 0;

        must(engine_exec_create(e, id, &spec, exec_id, &err), &err, "exec create");
        must(engine_exec_start(e, exec_id, false, &fd, &in, &err), &err, "exec start");
        if (input)
                assert_int_equal(fd_write_all(fd, input, strlen(input), 0), 0);
        shutdown(fd, SHUT_WR);
        while (fd_read_some(fd, &in, 65536, clock_mono_us() + 20 * US_PER_S) > 0)
                ;
        while (http_frame_next(&frames, in.data, in.len, &used, &frame) > 0)
                buf_add(out, frame.bytes, frame.n);
        assert_int_equal(used, in.len);
        for (int i = 0; i < 50; i++) {
                must(engine_exec_inspect(e, exec_id, &exec, &err), &err, "exec inspect");
                if (!exec.running)
                        break;
                usleep(10000);
        }
        assert_false(exec.running);
        return exec.exit_code;
}

static void check_inside(const char *id) {
        _cleanup_buf_ struct buf out = BUF_INIT(65536);

        assert_int_equal(run(id, "cat; echo after; exit 42", "line\n", &out), 42);
        assert_string_equal(buf_str(&out), "line\nafter\n");
        buf_reset(&out);
        assert_int_equal(run(id, "id -u; id -g; pwd; echo $DS01_A $EXTRA; hostname;"
                                 "grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/1/status; ulimit -c;"
                                 "touch x 2>/dev/null || echo read-only;"
                                 "cat /proc/1/oom_score_adj", NULL, &out), 0);
        assert_string_equal(buf_str(&out), "1234\n1235\n/workspace\none two\nlive\n"
                                           "CapBnd:\t0000000000000000\nNoNewPrivs:\t1\n"
                                           "Seccomp:\t2\n0\nread-only\n200\n");
        buf_reset(&out);
        run(id, "cat /proc/self/cgroup", NULL, &out);
        /* podman's Docker side does not read CgroupnsMode; its own default is private on v2. */
        if (!engine_is_podman(e) || cgroup_version == 2)
                assert_null(strstr(buf_str(&out), id));
        buf_reset(&out);
        assert_true(run(id, "exec /no/such/command", NULL, &out) >= 126);
}

static void check_terminal(const char *id) {
        static const char *const command[] = { "sh", NULL };
        const struct engine_exec_spec spec = { .user = "1234:1235", .command = command, .tty = true,
                                               .rows = 40, .columns = 120 };
        static const char typed[] = "stty size; echo \x10\x11pq; exit 9\n";
        _cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
        _cleanup_close_ int fd = -1;
        struct engine_exec_state exec;
        struct engine_error err;
        char exec_id[ENGINE_ID_SIZE];

        must(engine_exec_create(e, id, &spec, exec_id, &err), &err, "exec create");
        must(engine_exec_start(e, exec_id, true, &fd, &in, &err), &err, "exec start");
        must(engine_exec_resize(e, exec_id, 41, 121, &err), &err, "resize");
        fd_write_all(fd, typed, sizeof(typed) - 1, 0);
        while (fd_read_some(fd, &in, 65536, clock_mono_us() + 20 * US_PER_S) > 0)
                ;
        if (!strstr(buf_str(&in), "41 121"))
                fail_msg("terminal: '%s'", buf_str(&in));
        for (int i = 0; i < 50; i++) {
                must(engine_exec_inspect(e, exec_id, &exec, &err), &err, "exec inspect");
                if (!exec.running)
                        break;
                usleep(10000);
        }
        assert_int_equal(exec.exit_code, 9);
}

static void check_list(const char *id, enum engine_state wanted) {
        char label[64];
        struct engine_container *list;
        struct engine_error err;
        size_t n;

        snprintf(label, sizeof(label), LABEL "=%s", label_value);
        must(engine_container_list(e, label, &list, &n, &err), &err, "list");
        assert_int_equal(n, 1);
        assert_string_equal(list[0].id, id);
        assert_string_equal(list[0].name, name);
        assert_string_equal(list[0].image, IMAGE);
        assert_int_equal(list[0].state, wanted);
        assert_string_equal(engine_container_label(&list[0], "ds01.odd"), "{\"a\":\"ä\"}");
        engine_containers_free(list, n);
        must(engine_container_list(e, LABEL "=nobody", &list, &n, &err), &err, "list");
        assert_int_equal(n, 0);
        engine_containers_free(list, n);
}

static void check_state(const char *id, enum engine_state wanted, int exit_code) {
        struct engine_container c;
        struct engine_error err;

        must(engine_container_inspect(e, id, &c, &err), &err, "inspect");
        assert_int_equal(c.state, wanted);
        assert_string_equal(c.id, id);
        assert_string_equal(c.image, IMAGE);
        assert_true(c.created_us > clock_real_us() - 600 * US_PER_S);
        assert_int_equal(c.pid > 0, wanted == ENGINE_RUNNING || wanted == ENGINE_PAUSED);
        assert_int_equal(c.started_us > 0, wanted != ENGINE_CREATED);
        assert_int_equal(c.exit_code, exit_code);
        if (wanted == ENGINE_EXITED)
                assert_true(c.finished_us >= c.started_us);
        engine_container_release(&c);
}

static void conflict(int r, const struct engine_error *err, const char *what) {
        if (r == 0 || err->status != 409 || !err->definite)
                fail_msg("%s: r=%d status=%d '%s'", what, r, err->status, err->message);
}

/* The kinds that matter, in the order in which they must come. */
static void check_events(struct engine_events *events, const char *id) {
        static const enum engine_event_kind wanted[] = {
                ENGINE_EVENT_CREATE, ENGINE_EVENT_START, ENGINE_EVENT_PAUSE, ENGINE_EVENT_UNPAUSE,
                ENGINE_EVENT_DIE, ENGINE_EVENT_START, ENGINE_EVENT_DIE, ENGINE_EVENT_DESTROY,
        };
        struct engine_event event;
        int codes[] = { 5, 137 };
        size_t at = 0, dies = 0;

        while (at < ARRAY_SIZE(wanted)) {
                int r = engine_events_next(events, 5 * US_PER_S, &event);

                if (r != 1)
                        fail_msg("event %zu: r=%d", at, r);
                if (event.kind == ENGINE_EVENT_OTHER)
                        continue;
                assert_string_equal(event.id, id);
                assert_true(event.time_us > clock_real_us() - 600 * US_PER_S);
                if (event.kind != wanted[at])
                        fail_msg("event %zu is %d", at, event.kind);
                if (event.kind == ENGINE_EVENT_DIE)
                        assert_int_equal(event.exit_code, codes[dies++]);
                at++;
        }
}

static void check_errors(const char *id) {
        static const char *const command[] = { "true", NULL };
        const struct engine_exec_spec exec = { .command = command };
        struct engine_error err;
        struct engine_container c;
        char exec_id[ENGINE_ID_SIZE];

        conflict(engine_container_pause(e, id, &err), &err, "pause");
        conflict(engine_container_unpause(e, id, &err), &err, "unpause");
        conflict(engine_container_kill(e, id, "KILL", &err), &err, "kill");
        conflict(engine_exec_create(e, id, &exec, exec_id, &err), &err, "exec create");
        assert_int_equal(engine_container_inspect(e, "ds01-live-none", &c, &err), -1);
        assert_int_equal(err.status, 404);
        assert_int_equal(engine_container_start(e, "ds01-live-none", &err), -1);
        assert_int_equal(err.status, 404);
        assert_true(err.definite);
}

static void check_missing_source(void) {
        const struct engine_mount mounts[] = { { "/tmp/ds01-live/none/there", "/x", false } };
        const struct engine_container_spec spec = { .image = IMAGE, .entrypoint = entrypoint,
                                                    .mounts = mounts, .nmounts = 1 };
        struct engine_container_spec no_image = { .image = "ds01-1001/no-such:latest",
                                                  .entrypoint = entrypoint };
        char id[ENGINE_ID_SIZE];
        struct engine_error err;

        assert_int_equal(engine_container_create(e, &spec, id, &err), -1);
        assert_int_equal(err.status, 400);
        assert_int_equal(access("/tmp/ds01-live", F_OK), -1);
        assert_int_equal(engine_container_create(e, &no_image, id, &err), -1);
        assert_int_equal(err.status, 404);
}

static void check_file(const char *id) {
        _cleanup_buf_ struct buf file = BUF_INIT(ENGINE_FILE_MAX);
        struct engine_error err;

        must(engine_container_read_file(e, id, "/etc/passwd", &file, &err), &err, "read file");
        assert_non_null(strstr(buf_str(&file), "root:"));
        assert_int_equal(engine_container_read_file(e, id, "/etc/none", &file, &err), -1);
        assert_int_equal(err.status, 404);
        assert_int_equal(engine_container_read_file(e, id, "/etc", &file, &err), -1);
        assert_int_equal(err.status, 0);
        assert_true(err.definite);
}

static void test_life(void **state) {
        struct engine_events *events;
        struct engine_error err;
        char id[ENGINE_ID_SIZE], label[64];
        int64_t began;

        snprintf(label, sizeof(label), LABEL "=%s", label_value);
        must(engine_events_open(e, label, &events, &err), &err, "events");
        create(id);
        check_created(id);
        check_state(id, ENGINE_CREATED, 0);
        check_file(id);
        check_errors(id);
        check_missing_source();
        must(engine_container_start(e, id, &err), &err, "start");
        must(engine_container_start(e, id, &err), &err, "start twice");
        check_state(id, ENGINE_RUNNING, 0);
        check_inside(id);
        check_terminal(id);
        conflict(engine_container_remove(e, id, false, &err), &err, "remove a running one");
        must(engine_container_pause(e, id, &err), &err, "pause");
        check_state(id, ENGINE_PAUSED, 0);
        conflict(engine_container_pause(e, id, &err), &err, "pause twice");
        must(engine_container_unpause(e, id, &err), &err, "unpause");
        began = clock_mono_us();
        must(engine_container_stop(e, id, 10, &err), &err, "stop");
        assert_true(clock_mono_us() - began < 8 * US_PER_S);
        must(engine_container_stop(e, id, 10, &err), &err, "stop twice");
        check_state(id, ENGINE_EXITED, 5);
        check_list(id, ENGINE_EXITED);
        must(engine_container_start(e, id, &err), &err, "start again");
        must(engine_container_kill(e, id, "KILL", &err), &err, "kill");
        check_state(id, ENGINE_EXITED, 137);
        must(engine_container_remove(e, id, false, &err), &err, "remove");
        must(engine_container_remove(e, id, false, &err), &err, "remove twice");
        check_events(events, id);
        engine_events_close(events);
}

static void test_pull_fails(void **state) {
        struct engine_error err = { 0 };

        assert_int_equal(engine_image_pull(e, "127.0.0.1:1/none/such:1", NULL, NULL, &err), -1);
        assert_true(err.status >= 400);
}

static int leave(void **state) {
        struct engine_container c;

        if (engine_container_inspect(e, name, &c, NULL) == 0) {
                engine_container_remove(e, c.id, true, NULL);
                engine_container_release(&c);
        }
        rmdir(directory);
        engine_free(e);
        return 0;
}

int main(void) {
        const char *path = getenv("DS01_TEST_ENGINE");
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_info),
                cmocka_unit_test(test_images),
                cmocka_unit_test(test_references),
                cmocka_unit_test(test_life),
                cmocka_unit_test(test_pull_fails),
        };

        if (!path) {
                printf("1..0 # SKIP DS01_TEST_ENGINE does not name an engine's socket\n");
                return 0;
        }
        if (str_starts(path, "unix://"))
                path += strlen("unix://");
        snprintf(name, sizeof(name), "ds01-live-%d", (int)getpid());
        snprintf(label_value, sizeof(label_value), "%d", (int)getpid());
        if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
                return 1;
        e = engine_new(path, 10 * US_PER_S);
        return e ? cmocka_run_group_tests(tests, NULL, leave) : 1;
}
