/*
 * Several people, each with several clients, do at random what can be done with a few containers,
 * while somebody else meddles with the engine's own calls; then the history is compared with the
 * model. Run by tests/integration/cases/model.sh, as root.
 *
 *     ds01-model DS01-SOCKET ENGINE-SOCKET FIRST-UID USERS SEED SECONDS HOLD-SECONDS MOST
 *
 * The seed decides what each client does, in its order; how they meet is up to the machine.
 */
#include "history.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/vec.h"
#include "json/json_scan.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
        CLIENTS_PER_USER = 2,
        NAMES = 3,
        THINK_MS = 300,   /* at most, between two calls: so that holds end by themselves, too */
        MEDDLE_MS = 2500,
        USERS_MAX = 8,
        DEVICES = 4,
        ANSWER_MAX = 1 << 20,
        ANSWER_S = 60,
};

struct client {
        pthread_t thread;
        unsigned seed;
        int user; /* -1: the one who meddles */
};

static const char *socket_path, *engine_path;
static int first_uid, users;
static int64_t end_us;
static struct model model = { .devices = DEVICES, .unstarted_us = 1800 * US_PER_S };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static VEC(struct op) history;

/* --- one call ------------------------------------------------------------------------------- */

/* Sends a request and takes the answer. The status, 0 when it was never sent, or -1. */
static int request(const char *path, const char *method, const char *target, const char *body,
                   struct buf *answer) {
        _cleanup_close_ int fd = unix_connect(path);
        int64_t deadline = clock_mono_us() + ANSWER_S * US_PER_S;
        char head[512];
        ssize_t n;
        int status;

        if (fd < 0)
                return 0;
        n = snprintf(head, sizeof(head),
                     "%s %s HTTP/1.1\r\nHost: ds01\r\nConnection: close\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     method, target, strlen(body), body);
        if (fd_write_all(fd, head, (size_t)n, deadline) < 0)
                return -1;
        do {
                n = fd_read_some(fd, answer, 65536, deadline);
        } while (n > 0);
        if (n < 0 || sscanf(buf_str(answer), "HTTP/1.1 %d", &status) != 1)
                return -1;
        return status;
}

/* "GPU-0,GPU-2" as bits. */
static uint32_t device_bits(const char *names) {
        uint32_t bits = 0;

        for (const char *p = names; (p = strstr(p, "GPU-")); p += 4)
                bits |= 1u << (p[4] - '0');
        return bits;
}

static void scan_object(struct json_scan *s, struct op *op) {
        char gpu[128] = "";

        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "status"))
                        json_scan_get_str(s, op->status, sizeof(op->status));
                else if (json_scan_is(s, "code"))
                        json_scan_get_str(s, op->code, sizeof(op->code));
                else if (json_scan_is(s, "gpu"))
                        json_scan_get_str(s, gpu, sizeof(gpu));
                else
                        json_scan_skip(s);
        op->devices = device_bits(gpu);
}

/* {"container": {...}, "changed": true} or {"error": {...}}. */
static void read_answer(const struct buf *answer, struct op *op) {
        const char *body = strstr(buf_str(answer), "\r\n\r\n");
        struct json_scan s;

        if (!body)
                return;
        s = JSON_SCAN(body + 4, strlen(body + 4));
        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "changed"))
                        json_scan_get_bool(&s, &op->changed);
                else if ((json_scan_is(&s, "container") || json_scan_is(&s, "error")) &&
                         json_scan_next(&s) == JSON_SCAN_OBJECT)
                        scan_object(&s, op);
                else
                        json_scan_skip(&s);
}

static void call_ds01(struct op *op, unsigned *seed) {
        static const char *const actions[] = { [OP_START] = "/start", [OP_STOP] = "/stop",
                                               [OP_RELEASE] = "/stop", [OP_PAUSE] = "/pause",
                                               [OP_UNPAUSE] = "/unpause" };
        _cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
        const char *method = op->kind == OP_REMOVE ? "DELETE" : "POST";
        char target[128], body[128] = "";
        int status;

        if (op->kind == OP_CREATE) {
                op->asked = "01111222"[rand_r(seed) % 8] - '0';
                snprintf(target, sizeof(target), "/v1/containers");
                snprintf(body, sizeof(body), "{\"name\":\"m%d\",\"gpus\":%d}", op->name,
                         op->asked);
        } else if (op->kind == OP_REMOVE) {
                snprintf(target, sizeof(target), "/v1/containers/m%d?stop=true&no_keep=true",
                         op->name);
        } else {
                snprintf(target, sizeof(target), "/v1/containers/m%d%s", op->name,
                         actions[op->kind]);
        }
        if (op->kind == OP_RELEASE)
                snprintf(body, sizeof(body), "{\"force\":true,\"release\":true}");
        op->call_us = clock_mono_us();
        status = request(socket_path, method, target, body, &answer);
        op->answer_us = clock_mono_us();
        if (status > 0)
                read_answer(&answer, op);
        op->outcome = status == 0                              ? OP_REFUSED
                      : status < 0                             ? OP_UNKNOWN
                      : status < 300                           ? OP_DONE
                      : status < 500                           ? OP_REFUSED
                      : str_equal(op->code, "starting_up")     ? OP_REFUSED
                                                               : OP_UNKNOWN;
        if (status == 0 || str_equal(op->code, "starting_up"))
                poll(NULL, 0, 50); /* ds01d is being started */
}

/* What came of it is not asked: it may or may not have been done. */
static void call_engine(struct op *op) {
        _cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
        char target[128];

        snprintf(target, sizeof(target), "/v1.41/containers/m%d._.%d%s", op->name,
                 first_uid + op->user,
                 op->kind == OP_ENGINE_KILL    ? "/kill"
                 : op->kind == OP_ENGINE_START ? "/start"
                                               : "?force=1");
        op->call_us = clock_mono_us();
        (void)request(engine_path, op->kind == OP_ENGINE_REMOVE ? "DELETE" : "POST", target, "",
                      &answer);
        op->answer_us = clock_mono_us();
        op->outcome = OP_UNKNOWN;
}

/* --- the clients ---------------------------------------------------------------------------- */

static enum op_kind choose(unsigned *seed) {
        static const enum op_kind likely[] = {
                OP_CREATE, OP_CREATE, OP_CREATE, OP_CREATE,  OP_START, OP_START,   OP_START,
                OP_START,  OP_START,  OP_STOP,   OP_STOP,    OP_STOP,  OP_RELEASE, OP_PAUSE,
                OP_UNPAUSE, OP_REMOVE,
        };

        return likely[(size_t)rand_r(seed) % ARRAY_SIZE(likely)];
}

static void *run_client(void *arg) {
        struct client *c = arg;
        uid_t uid = (uid_t)(first_uid + c->user);

        /* This thread alone becomes that person: the kernel tells ds01d so. */
        if (c->user >= 0 && (syscall(SYS_setresgid, uid, uid, uid) < 0 ||
                             syscall(SYS_setresuid, uid, uid, 0) < 0))
                abort();
        while (clock_mono_us() < end_us) {
                struct op op = { .user = c->user, .name = (int)(rand_r(&c->seed) % NAMES) };

                if (c->user >= 0) {
                        poll(NULL, 0, (int)(rand_r(&c->seed) % THINK_MS));
                        op.kind = choose(&c->seed);
                        call_ds01(&op, &c->seed);
                } else {
                        poll(NULL, 0, (int)(rand_r(&c->seed) % MEDDLE_MS));
                        op.user = (int)(rand_r(&c->seed) % (unsigned)users);
                        op.kind = OP_ENGINE_KILL + rand_r(&c->seed) % 3;
                        call_engine(&op);
                }
                pthread_mutex_lock(&lock);
                if (VEC_PUSH(&history, op) < 0)
                        abort();
                pthread_mutex_unlock(&lock);
        }
        return NULL;
}

static int by_call(const void *a, const void *b) {
        const struct op *x = a, *y = b;

        return (x->call_us > y->call_us) - (x->call_us < y->call_us);
}

/* --- afterwards ----------------------------------------------------------------------------- */

/* What the last word on a container was is what its owner sees. */
static size_t check_ends(void) {
        size_t bad = 0;

        for (int user = 0; user < users; user++)
                for (int name = 0; name < NAMES; name++) {
                        const struct op *last =
                                history_last(history.items, history.len, user, name);
                        _cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
                        uid_t uid = (uid_t)(first_uid + user);
                        struct op seen = { 0 };
                        char target[64];
                        int status;

                        if (!last)
                                continue;
                        snprintf(target, sizeof(target), "/v1/containers/m%d", name);
                        if (syscall(SYS_setresuid, -1, uid, 0) < 0)
                                abort();
                        status = request(socket_path, "GET", target, "", &answer);
                        if (syscall(SYS_setresuid, -1, 0, 0) < 0)
                                abort();
                        if (status == 200) { /* the container itself, not in an object */
                                const char *body = strstr(buf_str(&answer), "\r\n\r\n") + 4;
                                struct json_scan s = JSON_SCAN(body, strlen(body));

                                if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                                        scan_object(&s, &seen);
                        }
                        if (last->kind == OP_REMOVE ? status == 404
                                                    : str_equal(seen.status, last->status))
                                continue;
                        printf("# user %d, container %d: the last that was done to it is '%s', "
                               "and it is '%s' (%d)\n",
                               user, name, op_names[last->kind], seen.status, status);
                        bad++;
                }
        return bad;
}

static void count(void) {
        size_t done = 0, refused = 0, unknown = 0;

        for (size_t i = 0; i < history.len; i++) {
                done += history.items[i].outcome == OP_DONE;
                refused += history.items[i].outcome == OP_REFUSED;
                unknown += history.items[i].outcome == OP_UNKNOWN;
        }
        printf("# %zu done, %zu refused, %zu unknown\n", done, refused, unknown);
}

/* One of the arguments; ends the program when it is no number. */
static int64_t number(const char *text) {
        int64_t value;

        if (str_to_i64(text, 0, INT32_MAX, &value) < 0) {
                fprintf(stderr, "ds01-model: '%s' is not a number\n", text);
                exit(2);
        }
        return value;
}

int main(int argc, char **argv) {
        struct client clients[USERS_MAX * CLIENTS_PER_USER + 1];
        size_t n = 0, bad;

        if (argc != 9 || number(argv[4]) > USERS_MAX) {
                fprintf(stderr, "usage: ds01-model DS01-SOCKET ENGINE-SOCKET FIRST-UID USERS SEED "
                                "SECONDS HOLD-SECONDS MOST\n");
                return 2;
        }
        socket_path = argv[1];
        engine_path = argv[2];
        first_uid = (int)number(argv[3]);
        users = (int)number(argv[4]);
        end_us = clock_mono_us() + number(argv[6]) * US_PER_S;
        model.hold_us = number(argv[7]) * US_PER_S;
        model.most_per_user = (int)number(argv[8]);
        for (int i = 0; i <= users * CLIENTS_PER_USER; i++, n++) {
                clients[n].seed = (unsigned)(number(argv[5]) + i * 7919);
                clients[n].user = i < users * CLIENTS_PER_USER ? i / CLIENTS_PER_USER : -1;
                if (pthread_create(&clients[n].thread, NULL, run_client, &clients[n]) != 0)
                        return 1;
        }
        for (size_t i = 0; i < n; i++)
                pthread_join(clients[i].thread, NULL);
        qsort(history.items, history.len, sizeof(history.items[0]), by_call);
        count();
        bad = history_check(history.items, history.len, &model, stdout) + check_ends();
        VEC_RELEASE(&history);
        return bad > 0;
}
