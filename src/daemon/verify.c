/* See verify.h. */
#include "daemon/verify.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/aggregate.h"
#include "daemon/cgroup.h"
#include "daemon/identity.h"
#include "daemon/operation.h"
#include "daemon/spec.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STATUS_MAX = 65536, MOUNTINFO_MAX = 16 << 20, TARGETS_MAX = SPEC_MOUNTS_MAX };

static int differs(char why[VERIFY_WHY_SIZE], const char *fmt, ...) _printf_(2, 3);
static int differs(char why[VERIFY_WHY_SIZE], const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(why, VERIFY_WHY_SIZE, fmt, ap);
        va_end(ap);
        return 1;
}

/* --- status ----------------------------------------------------------------------------------- */

/* What follows "KEY:" at the start of a line, or NULL. */
static const char *status_value(const char *text, const char *key) {
        size_t n = strlen(key);

        for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
                if (strncmp(text, key, n) == 0 && text[n] == ':')
                        return text + n + 1;
        return NULL;
}

/* The next number of the line at *@at; false at its end. */
static bool next_number(const char **at, int base, unsigned long long *ret) {
        char *end;

        *at += strspn(*at, " \t");
        if (**at == '\n' || **at == '\0')
                return false;
        *ret = strtoull(*at, &end, base);
        if (end == *at)
                return false;
        *at = end;
        return true;
}

/* All four: real, effective, saved, of the file system. */
static int check_ids(const char *text, const char *key, unsigned long long id,
                     char why[VERIFY_WHY_SIZE]) {
        const char *at = status_value(text, key);
        unsigned long long there = 0;

        for (int i = 0; i < 4; i++)
                if (!at || !next_number(&at, 10, &there) || there != id)
                        return differs(why, "its %s is %llu instead of %llu", key, there, id);
        return 0;
}

static int check_number(const char *text, const char *key, unsigned long long value,
                        const char *meaning, char why[VERIFY_WHY_SIZE]) {
        const char *at = status_value(text, key);
        unsigned long long there;

        return at && next_number(&at, 16, &there) && there == value
                       ? 0
                       : differs(why, "%s (%s)", meaning, key);
}

static int check_groups(const char *text, gid_t gid, const gid_t *groups, size_t ngroups,
                        char why[VERIFY_WHY_SIZE]) {
        const char *at = status_value(text, "Groups");
        unsigned long long there;

        if (!at)
                return differs(why, "its groups can't be seen");
        while (next_number(&at, 10, &there)) {
                bool known = there == gid;

                for (size_t i = 0; i < ngroups; i++)
                        known |= there == groups[i];
                if (!known)
                        return differs(why, "it has the group %llu", there);
        }
        return 0;
}

int verify_status(const char *text, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups,
                  char why[VERIFY_WHY_SIZE]) {
        static const struct {
                const char *key;
                unsigned long long value;
                const char *meaning;
        } rows[] = {
                { "CapEff", 0, "it has capabilities" },
                { "CapPrm", 0, "it has capabilities" },
                { "CapInh", 0, "it has capabilities" },
                { "CapBnd", 0, "it could get capabilities" },
                { "CapAmb", 0, "it has capabilities" },
                { "NoNewPrivs", 1, "it could gain privileges" },
                { "Seccomp", 2, "no system call is kept from it" },
        };
        int bad = check_ids(text, "Uid", uid, why) || check_ids(text, "Gid", gid, why) ||
                  check_groups(text, gid, groups, ngroups, why);

        for (size_t i = 0; i < ARRAY_SIZE(rows) && !bad; i++)
                bad = check_number(text, rows[i].key, rows[i].value, rows[i].meaning, why);
        return bad;
}

/* --- control group ---------------------------------------------------------------------------- */

static bool is_within(const char *path, const char *parent) {
        char part[128];

        if (str_ends(parent, ".slice")) { /* slices lie in each other by their names */
                snprintf(part, sizeof(part), "/%s/", parent);
                return strstr(path, part) != NULL;
        }
        return str_starts(path, parent) && path[strlen(parent)] == '/';
}

int verify_cgroup(const char *text, const char *parent, const char *id,
                  char why[VERIFY_WHY_SIZE]) {
        static const char *const controllers[] = { "memory", "cpu", "pids", "" };
        char path[PATH_MAX];
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
                if (cgroup_path(text, controllers[i], path, sizeof(path)) < 0)
                        continue;
                /* With v1 there may be a v2 tree that nobody uses. */
                if (controllers[i][0] == '\0' && found)
                        break;
                found = true;
                if (!strstr(path, id) || (*parent && !is_within(path, parent)))
                        return differs(why, "its control group is '%.100s'", path);
        }
        return found ? 0 : differs(why, "it has no control group");
}

/* --- mounts ----------------------------------------------------------------------------------- */

struct mount_line {
        char device[32], root[PATH_MAX], point[PATH_MAX], options[256];
};

static int octal(const char *s) {
        for (int i = 0; i < 3; i++)
                if (s[i] < '0' || s[i] > '7')
                        return -1;
        return (s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0');
}

/* The next word; spaces and the like are written as \040. */
static void take_word(const char **at, char *dst, size_t size) {
        size_t n = 0;

        for (; **at && **at != ' ' && **at != '\n'; ++*at) {
                int c = (unsigned char)**at;

                if (c == '\\' && octal(*at + 1) >= 0) {
                        c = octal(*at + 1);
                        *at += 3;
                }
                if (n + 1 < size)
                        dst[n++] = (char)c;
        }
        dst[n] = '\0';
        *at += **at == ' ';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" (proc_pid_mountinfo(5)) */
static void read_line(const char *at, struct mount_line *l) {
        char ignored[32];

        take_word(&at, ignored, sizeof(ignored));
        take_word(&at, ignored, sizeof(ignored));
        take_word(&at, l->device, sizeof(l->device));
        take_word(&at, l->root, sizeof(l->root));
        take_word(&at, l->point, sizeof(l->point));
        take_word(&at, l->options, sizeof(l->options));
}

static bool has_option(const struct mount_line *l, const char *word) {
        size_t n = strlen(word);

        for (const char *at = l->options; *at; at += *at == ',') {
                size_t part = strcspn(at, ",");

                if (part == n && memcmp(at, word, n) == 0)
                        return true;
                at += part;
        }
        return false;
}

const char *verify_find_mount(const char *text, const char *path) {
        struct mount_line l;
        const char *found = NULL;

        /* The last one is on top. */
        for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
                read_line(text, &l);
                if (strcmp(l.point, path) == 0)
                        found = text;
        }
        return found;
}

static bool in_kernel_tree(const char *point) {
        static const char *const trees[] = { "/dev", "/proc", "/sys" };

        for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
                if (str_starts(point, trees[i]) &&
                    (point[strlen(trees[i])] == '/' || point[strlen(trees[i])] == '\0'))
                        return true;
        return false;
}

static int check_source(const struct mount_line *l, const struct verify_mount *m,
                        char why[VERIFY_WHY_SIZE]) {
        const char *last = strrchr(m->source, '/');
        struct mount_line pin;

        if (!m->pin)
                return !last || !last[1] || str_ends(l->root, last) ?
                               0 :
                               differs(why, "'%.60s' is '%.80s'", l->point, l->root);
        read_line(m->pin, &pin);
        return strcmp(pin.device, l->device) == 0 && strcmp(pin.root, l->root) == 0 ?
                       0 :
                       differs(why, "'%.60s' is '%.80s'", l->point, l->root);
}

static int check_mount(const struct mount_line *l, const struct verify_mount *m, bool closed,
                       char why[VERIFY_WHY_SIZE]) {
        if (m && check_source(l, m, why))
                return 1;
        if (m && m->read_only && !has_option(l, "ro"))
                return differs(why, "'%.60s' can be written to", l->point);
        if (in_kernel_tree(l->point) || !(closed || (m && m->pin)))
                return 0;
        return has_option(l, "nosuid") && has_option(l, "nodev") ?
                       0 :
                       differs(why, "'%.60s' is mounted %.60s", l->point, l->options);
}

int verify_mounts(const char *text, const struct verify_mount *mounts, size_t n, bool closed,
                  char why[VERIFY_WHY_SIZE]) {
        bool met[TARGETS_MAX] = { false };

        for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
                const struct verify_mount *m = NULL;
                struct mount_line l;

                read_line(text, &l);
                for (size_t i = 0; i < n && !m; i++)
                        if (strcmp(mounts[i].target, l.point) == 0) {
                                m = &mounts[i];
                                if (met[i])
                                        return differs(why, "'%.60s' is mounted twice", l.point);
                                met[i] = true;
                        }
                if (check_mount(&l, m, closed, why))
                        return 1;
        }
        for (size_t i = 0; i < n; i++)
                if (!met[i])
                        return differs(why, "'%.60s' is missing", mounts[i].target);
        return 0;
}

/* --- a container ------------------------------------------------------------------------------ */

struct proc_texts {
        struct buf status, cgroup, mounts, own_mounts;
};

static void proc_texts_release(struct proc_texts *t) {
        buf_release(&t->status);
        buf_release(&t->cgroup);
        buf_release(&t->mounts);
        buf_release(&t->own_mounts);
}

static int read_proc(pid_t pid, const char *file, struct buf *b) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        return file_read(path, b);
}

static int compare_mounts(const struct daemon *d, const struct record *r,
                          const struct person_entry *who, const struct proc_texts *t,
                          char why[VERIFY_WHY_SIZE]) {
        _cleanup_free_ struct spec_paths *paths = calloc(1, sizeof(*paths));
        struct verify_mount expected[SPEC_MOUNTS_MAX];
        struct engine_mount mounts[SPEC_MOUNTS_MAX];
        struct identity_files names;
        char login[64];
        size_t n;

        if (!paths)
                return differs(why, "there was no memory to look");
        identity_login(who, login, sizeof(login));
        identity_pattern(d->config.state_dir, who, &names);
        n = spec_mounts(d, r, login, &names, paths, mounts);
        for (size_t i = 0; i < n; i++) {
                bool pinned = mounts[i].source == paths->workspace ||
                              mounts[i].source == paths->data;

                expected[i] = (struct verify_mount){
                        .target = mounts[i].target,
                        .source = mounts[i].source,
                        .pin = pinned ? verify_find_mount(buf_str(&t->own_mounts),
                                                          mounts[i].source) :
                                        NULL,
                        .read_only = mounts[i].read_only,
                };
                if (pinned && !expected[i].pin)
                        return differs(why, "the pin of '%.60s' is gone", mounts[i].target);
        }
        return verify_mounts(buf_str(&t->mounts), expected, n, r->wrapped, why);
}

static int compare(struct daemon *d, const struct record *r, const struct proc_texts *t,
                   char why[VERIFY_WHY_SIZE]) {
        _cleanup_free_ struct person_entry *who = calloc(1, sizeof(*who));
        struct engine_info engine;
        char parent[64];

        if (!who || people_lookup(&d->people, r->uid, who) < 0)
                return 0; /* the account is gone: no more starts, and nothing to compare with */
        daemon_engine_info(d, &engine);
        aggregate_parent(engine.cgroup_driver, d->config.cgroup_parent, r->uid, parent,
                         sizeof(parent));
        return verify_status(buf_str(&t->status), r->uid, r->gid, who->groups,
                             (size_t)who->ngroups, why) ||
               verify_cgroup(buf_str(&t->cgroup), parent, r->id, why) ||
               compare_mounts(d, r, who, t, why);
}

/* Nonzero when it is not as decided. A pid may be somebody else's by the time that it is read: the
 * descriptor says whether the process has lived through all of the reading, and a process
 * that is not in the container's control group then is a finding, too. */
int verify_look(struct daemon *d, const struct record *r, char why[VERIFY_WHY_SIZE]) {
        _cleanup_(proc_texts_release) struct proc_texts t = {
                .status = BUF_INIT(STATUS_MAX),
                .cgroup = BUF_INIT(STATUS_MAX),
                .mounts = BUF_INIT(MOUNTINFO_MAX),
                .own_mounts = BUF_INIT(MOUNTINFO_MAX),
        };
        _cleanup_close_ int fd = -1;
        struct pollfd p;
        bool read_all;

        if (d->private_mode || r->pid <= 0)
                return 0;
        fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
        if (fd < 0)
                return 0;
        read_all = read_proc(r->pid, "status", &t.status) == 0 &&
                   read_proc(r->pid, "cgroup", &t.cgroup) == 0 &&
                   read_proc(r->pid, "mountinfo", &t.mounts) == 0 &&
                   file_read("/proc/self/mountinfo", &t.own_mounts) == 0;
        p = (struct pollfd){ .fd = fd, .events = POLLIN };
        if (poll(&p, 1, 0) != 0)
                return 0; /* it has ended */
        return read_all ? compare(d, r, &t, why)
                        : differs(why, "the kernel doesn't say what it is");
}

int verify_start(struct daemon *d, struct record *r, struct refusal *refusal) {
        struct engine_error error = { 0 };
        char why[VERIFY_WHY_SIZE];

        if (r->state != CONTAINER_RUNNING || !verify_look(d, r, why))
                return 0;
        log_line(LOG_ERROR, "not-as-decided", "container", r->engine_name, "why", why, "action",
                 "kill", NULL);
        if (engine_container_kill(d->engine, r->id, "KILL", &error) < 0 && error.status != 409)
                log_line(LOG_ERROR, "not-as-decided", "container", r->engine_name, "error",
                         error.message, NULL);
        operation_refresh(d, r, &error);
        return refuse_detail(refusal, REFUSAL_NOT_AS_DECIDED, NULL, "%s", why);
}

void verify_running(struct daemon *d, struct record *r) {
        char why[VERIFY_WHY_SIZE];

        if (r->state == CONTAINER_RUNNING && verify_look(d, r, why))
                log_line(LOG_ERROR, "not-as-decided", "container", r->engine_name, "why", why,
                         "action", "none: it ran before ds01d did", NULL);
}
