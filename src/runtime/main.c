/*
 * ds01-runtime: stands between the engine and its OCI runtime. When a container of ds01 is created,
 * or a process in one, it compares what the engine has written with what ds01d decided, closes
 * every mount to devices and set-user-ID programs, and hands over to runc or crun. The steps of
 * builds get mounts closed to devices. Containers of others, and all other commands, go straight
 * there. What it finds wrong it says in the
 * runtime's log, from where the engine takes it into its answer.
 */
#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "json/json_write.h"
#include "runtime/arguments.h"
#include "runtime/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

static const char program[] = "ds01-runtime";
enum { ID_MAX = 128, LOG_LINE_MAX = 8192 };

/* As runc writes it: engines read the last line. */
static void write_log(const struct arguments *a, const char *message) {
        _cleanup_buf_ struct buf line = BUF_INIT(LOG_LINE_MAX);
        struct json_writer w = JSON_WRITER(&line);
        _cleanup_close_ int fd = -1;
        char when[32];
        time_t now = time(NULL);
        struct tm utc;

        if (!a->log)
                return;
        gmtime_r(&now, &utc);
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
        if (a->log_format && strcmp(a->log_format, "json") == 0) {
                json_write_object(&w);
                json_put_str(&w, "level", "error");
                json_put_str(&w, "msg", message);
                json_put_str(&w, "time", when);
                json_write_object_end(&w);
                buf_addc(&line, '\n');
        } else {
                buf_addf(&line, "time=\"%s\" level=error msg=\"%s\"\n", when, message);
        }
        fd = open(a->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        if (fd >= 0)
                fd_write_all(fd, buf_str(&line), line.len, 0);
}

static int complain(const struct arguments *a, const struct err *err) {
        char shown[sizeof(err->msg)], message[sizeof(err->msg) + 32];

        str_printable(shown, sizeof(shown), err->msg);
        snprintf(message, sizeof(message), "%s: %s", program, shown);
        write_log(a, message);
        fprintf(stderr, "%s\n", message);
        return 1;
}

/* --- what was decided ------------------------------------------------------------------------- */

static bool is_id(const char *id) {
        return strlen(id) < ID_MAX && *id != '.' && !strchr(id, '/');
}

/* 0, -ENOENT (nothing was decided about it), or another -errno with @err. */
static int load_decision(const struct arguments *a, struct decision *ret, struct err *err) {
        _cleanup_buf_ struct buf text = BUF_INIT(DECISION_FILE_MAX);
        char path[PATH_MAX];
        int e;

        if (!is_id(a->id))
                return -ENOENT;
        snprintf(path, sizeof(path), "%s/" DECISION_DIR "/%s", a->run_dir, a->id);
        e = file_read(path, &text);
        /* Nothing is kept from root; podman may be run by somebody else as well. */
        if (e == -ENOENT || e == -EACCES)
                return -ENOENT;
        if (e < 0)
                return err_set(err, -e, "can't read '%s': %s", path, strerror(-e));
        return decision_parse(buf_str(&text), text.len, ret, err);
}

static int read_judged(const char *path, struct buf *text, struct err *err) {
        int e = file_read(path, text);

        return e < 0 ? err_set(err, -e, "can't read '%s': %s", path, strerror(-e)) : 0;
}

static int replace(const char *path, const struct buf *text, struct err *err) {
        int e = file_write_whole(path, 0600, buf_str(text), text->len);

        return e < 0 ? err_set(err, -e, "can't write '%s': %s", path, strerror(-e)) : 0;
}

/* --- the root directory ----------------------------------------------------------------------- */

/* A root that is no mount (the engine's "vfs" storage) becomes one, which only the runtime sees. */
static int make_mount(const char *path, struct mount_attr *attr) {
        _cleanup_close_ int tree = -1;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return -errno;
        tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, attr, sizeof(*attr)) < 0 ||
            move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return -errno;
        return 0;
}

/* What the image brings is no more than files: its device nodes and set-user-ID bits (@flags) count
 * for nothing, inside and for who looks in through /proc. The runtime's own mount of
 * the root keeps these flags. */
static int restrict_root(const char *bundle, const char *rootfs, uint64_t flags, struct err *err) {
        struct mount_attr attr = { .attr_set = flags };
        char path[2 * PATH_MAX];
        int e = 0;

        snprintf(path, sizeof(path), "%s%s%s", rootfs[0] == '/' ? "" : bundle,
                 rootfs[0] == '/' ? "" : "/", rootfs);
        if (mount_setattr(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &attr, sizeof(attr)) < 0)
                e = errno == EINVAL ? make_mount(path, &attr) : -errno;
        return e < 0 ? err_set(err, -e, "can't restrict the mount '%.200s': %s", path, strerror(-e))
                     : 0;
}

/* --- commands --------------------------------------------------------------------------------- */

/* Of others, or of a build. */
static int create_undecided(const struct arguments *a, const struct buf *text, struct buf *out,
                            char rootfs[PATH_MAX], struct err *err) {
        char pins[PATH_MAX];
        int e;

        snprintf(pins, sizeof(pins), "%s/pin", a->run_dir);
        if (bundle_mounts_from(buf_str(text), text->len, pins))
                return err_set(err, EPERM, "ds01d has not decided about this container; start it "
                                           "by container-start");
        if (!bundle_is_build(buf_str(text), text->len))
                return 0;
        e = judge_build(buf_str(text), text->len, out, rootfs, err);
        return e < 0 ? e : restrict_root(a->bundle, rootfs, MOUNT_ATTR_NODEV, err);
}

static int create(const struct arguments *a, struct err *err) {
        static struct decision decision;
        _cleanup_buf_ struct buf text = BUF_INIT(JUDGE_FILE_MAX), out = BUF_INIT(JUDGE_OUT_MAX);
        char path[PATH_MAX], rootfs[PATH_MAX];
        int e = load_decision(a, &decision, err);
        bool decided = e == 0;

        if (e < 0 && e != -ENOENT)
                return e;
        snprintf(path, sizeof(path), "%s/config.json", a->bundle);
        e = read_judged(path, &text, err);
        if (e < 0)
                return e;
        if (decided) {
                e = judge_bundle(buf_str(&text), text.len, &decision, a->id, &out, rootfs, err);
                if (e == 0)
                        e = restrict_root(a->bundle, rootfs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                                          err);
        } else {
                e = create_undecided(a, &text, &out, rootfs, err);
        }
        return e < 0 || out.len == 0 ? e : replace(path, &out, err);
}

static int exec_in(const struct arguments *a, struct err *err) {
        static struct decision decision;
        _cleanup_buf_ struct buf text = BUF_INIT(JUDGE_FILE_MAX), out = BUF_INIT(JUDGE_OUT_MAX);
        int e = load_decision(a, &decision, err);

        if (e < 0)
                return e == -ENOENT ? 0 : e;
        if (!a->process)
                return err_set(err, EPERM, "a process in a container of ds01 needs --process");
        e = read_judged(a->process, &text, err);
        if (e == 0)
                e = judge_process(buf_str(&text), text.len, &decision, &out, err);
        return e < 0 ? e : replace(a->process, &out, err);
}

static int restore(const struct arguments *a, struct err *err) {
        static struct decision decision;
        int e = load_decision(a, &decision, err);

        if (e == 0)
                return err_set(err, EPERM, "containers of ds01 are not restored from checkpoints");
        return e == -ENOENT ? 0 : e;
}

static int act(const struct arguments *a, struct err *err) {
        if (!a->command || !a->id)
                return 0;
        if (strcmp(a->command, "create") == 0 || strcmp(a->command, "run") == 0)
                return create(a, err);
        if (strcmp(a->command, "exec") == 0)
                return exec_in(a, err);
        return strcmp(a->command, "restore") == 0 ? restore(a, err) : 0;
}

int main(int argc, char **argv) {
        struct arguments a = { 0 };
        struct err err = { 0 };

        if (arguments_parse(argc, argv, &a, &err) < 0 || act(&a, &err) < 0)
                return complain(&a, &err);
        a.rest[0] = (char *)a.backend;
        execvp(a.backend, a.rest);
        err_set(&err, errno, "can't run '%s': %s", a.backend, strerror(errno));
        return complain(&a, &err);
}
