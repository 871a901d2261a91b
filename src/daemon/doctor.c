/* The checks, a row each, and what they rest on. See doctor.h. */
#include "daemon/doctor.h"

#include "base/fd.h"
#include "base/str.h"
#include "json/json.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

enum { HOST_FILE_MAX = 4 << 20, NFS_MAGIC = 0x6969 };

struct doctor_check;
typedef void doctor_look(struct doctor *d, const struct doctor_check *row);

struct doctor_check {
        const char *name;
        const char *risk;
        const char *mend; /* where it does not depend on what is found */
        doctor_look *look;
};

static void find(struct doctor *d, const struct doctor_check *row, const char *about,
                 const char *mend, const char *fmt, ...) _printf_(5, 6);

static void find(struct doctor *d, const struct doctor_check *row, const char *about,
                 const char *mend, const char *fmt, ...) {
        struct doctor_finding *f = calloc(1, sizeof(*f));
        va_list args;

        if (!f)
                return;
        f->check = row->name;
        f->risk = row->risk;
        str_copy(f->about, sizeof(f->about), about);
        str_copy(f->mend, sizeof(f->mend), mend ? mend : row->mend);
        va_start(args, fmt);
        vsnprintf(f->says, sizeof(f->says), fmt, args);
        va_end(args);
        if (VEC_PUSH(&d->findings, f) < 0)
                free(f);
}

static bool read_host(const struct doctor *d, const char *path, struct buf *ret) {
        char whole[PATH_MAX];

        snprintf(whole, sizeof(whole), "%s%s", d->root, path);
        return file_read(whole, ret) == 0;
}

/* --- versions ----------------------------------------------------------------------------- */

enum { VERSION_PARTS = 3 };

static bool read_version(const char *text, unsigned parts[VERSION_PARTS]) {
        text += strcspn(text, "0123456789");
        if (!*text)
                return false;
        for (size_t i = 0; i < VERSION_PARTS; i++) {
                parts[i] = 0;
                for (; *text >= '0' && *text <= '9' && parts[i] < 1000000; text++)
                        parts[i] = parts[i] * 10 + (unsigned)(*text - '0');
                if (*text == '.')
                        text++;
                else
                        text = "";
        }
        return true;
}

static int compare(const unsigned *a, const unsigned *b, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (a[i] != b[i])
                        return a[i] < b[i] ? -1 : 1;
        return 0;
}

bool doctor_version_is_good(const char *text, const char *const *good) {
        unsigned have[VERSION_PARTS], want[VERSION_PARTS] = { 0 };

        if (!read_version(text, have))
                return false;
        for (; *good; good++) {
                read_version(*good, want);
                if (compare(have, want, VERSION_PARTS - 1) == 0)
                        return have[2] >= want[2];
        }
        return compare(have, want, VERSION_PARTS) > 0;
}

static void look_at_engine(struct doctor *d, const struct doctor_check *row) {
        static const char *const good[] = { "24.0.9", "25.0.2", NULL };

        if (!d->engine_answers)
                find(d, row, "engine", "systemctl status docker", "it doesn't answer");
        else if (strcmp(d->engine.name, "docker") == 0 &&
                 !doctor_version_is_good(d->engine.version, good))
                find(d, row, "engine", NULL, "Docker %s is older than 25.0.2 (24.0.9)",
                     d->engine.version);
}

static void look_at_runtime(struct doctor *d, const struct doctor_check *row) {
        static const char *const good[] = { "1.3.6", "1.4.3", "1.5.0", NULL };

        if (d->runtime[0] && !doctor_version_is_good(d->runtime, good))
                find(d, row, "runc", NULL, "'%s' is older than 1.5.0 (1.4.3, 1.3.6)", d->runtime);
}

static void look_at_wrapper(struct doctor *d, const struct doctor_check *row) {
        if (d->engine_answers && strcmp(d->engine.name, "docker") == 0 && !d->engine.runtime)
                find(d, row, ENGINE_RUNTIME, NULL, "the engine does not know ds01-runtime");
}

static void look_at_builds(struct doctor *d, const struct doctor_check *row) {
        if (d->engine_answers && strcmp(d->engine.name, "docker") == 0 && d->engine.runtime &&
            !d->engine.runtime_default)
                find(d, row, "default-runtime", NULL, "it isn't '" ENGINE_RUNTIME "'");
}

static void look_at_toolkit(struct doctor *d, const struct doctor_check *row) {
        static const char *const good[] = { "1.17.8", NULL };

        if (d->toolkit[0] && !doctor_version_is_good(d->toolkit, good))
                find(d, row, "nvidia-container-toolkit", NULL, "'%s' is older than 1.17.8",
                     d->toolkit);
}

static void look_at_kernel(struct doctor *d, const struct doctor_check *row) {
        static const char *const good[] = { "5.12.0", NULL };

        if (!doctor_version_is_good(d->kernel, good))
                find(d, row, "kernel", NULL, "%s is older than 5.12", d->kernel);
}

/* --- people ------------------------------------------------------------------------------- */

/* The colon-separated part @index of a line. */
static size_t part_of(const char *line, unsigned index, const char **ret) {
        for (; index > 0; index--) {
                line += strcspn(line, ":\n");
                line += *line == ':';
        }
        *ret = line;
        return strcspn(line, ":\n");
}

static void add_person(struct buf *people, const char *name, size_t n) {
        if (n == 0 || (n == 4 && memcmp(name, "root", 4) == 0))
                return;
        buf_addf(people, "%s%.*s", people->len ? ", " : "", (int)n, name);
}

static const char *next_line(const char *at) {
        at += strcspn(at, "\n");
        return at + (*at == '\n');
}

int doctor_group_people(const char *group_file, const char *passwd_file, const char *group,
                        struct buf *people) {
        const char *at, *part, *gid = NULL;
        size_t n, gid_len = 0;

        for (at = group_file; *at; at = next_line(at)) {
                n = part_of(at, 0, &part);
                if (n != strlen(group) || memcmp(part, group, n) != 0)
                        continue;
                gid_len = part_of(at, 2, &gid);
                for (n = part_of(at, 3, &part); n > 0;) {
                        size_t name = strcspn(part, ",:\n");

                        add_person(people, part, name);
                        name += part[name] == ',';
                        part += name;
                        n -= name < n ? name : n;
                }
                break;
        }
        if (!gid)
                return -ENOENT;
        for (at = passwd_file; *at && gid_len > 0; at = next_line(at))
                if (part_of(at, 3, &part) == gid_len && memcmp(part, gid, gid_len) == 0) {
                        n = part_of(at, 0, &part);
                        add_person(people, part, n);
                }
        return people->failed ? -ENOMEM : 0;
}

static void look_at_groups(struct doctor *d, const struct doctor_check *row) {
        static const char *const groups[] = { "docker", "podman", "lxd", "incus-admin", "libvirt",
                                              "disk", "kmem", "shadow" };
        _cleanup_buf_ struct buf group = BUF_INIT(HOST_FILE_MAX), passwd = BUF_INIT(HOST_FILE_MAX);

        if (!read_host(d, "/etc/group", &group) || !read_host(d, "/etc/passwd", &passwd))
                return;
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
                _cleanup_buf_ struct buf people = BUF_INIT(1 << 16);
                char mend[128];

                doctor_group_people(buf_str(&group), buf_str(&passwd), groups[i], &people);
                if (people.len == 0)
                        continue;
                snprintf(mend, sizeof(mend), "gpasswd --delete PERSON %s", groups[i]);
                find(d, row, groups[i], mend, "people in this group: %s", people.data);
        }
}

/* --- files and devices -------------------------------------------------------------------- */

/* What fits @pattern below /dev and is open for everybody. */
static void find_open(struct doctor *d, const struct doctor_check *row, const char *pattern) {
        char whole[PATH_MAX], mend[PATH_MAX + 32];
        glob_t found = { 0 };
        struct stat st;
        int r;

        snprintf(whole, sizeof(whole), "%s/dev/%s", d->root, pattern);
        r = glob(whole, 0, NULL, &found);
        for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
                if (stat(found.gl_pathv[i], &st) < 0 || !(st.st_mode & 06))
                        continue;
                snprintf(mend, sizeof(mend), "chmod o-rw %s", found.gl_pathv[i]);
                find(d, row, found.gl_pathv[i], row->mend ? NULL : mend,
                     "every process on the host can open it (mode %03o)", st.st_mode & 0777);
        }
        globfree(&found);
}

static void look_at_devices(struct doctor *d, const struct doctor_check *row) {
        find_open(d, row, "nvidia[0-9]*");
}

static void look_at_disks(struct doctor *d, const struct doctor_check *row) {
        static const char *const patterns[] = { "sd*", "nvme*n*", "vd*", "dm-*", "mem", "kmem" };

        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
                find_open(d, row, patterns[i]);
}

static void look_at_socket(struct doctor *d, const struct doctor_check *row) {
        char path[PATH_MAX], mend[PATH_MAX + 32];
        struct stat st;

        str_copy(path, sizeof(path), d->config->engine_socket);
        if (!path[0] && engine_find_socket(path, sizeof(path)) < 0)
                return;
        if (stat(path, &st) < 0 || !(st.st_mode & 06))
                return;
        snprintf(mend, sizeof(mend), "chmod o-rwx %s", path);
        find(d, row, path, mend, "everybody can speak to the engine (mode %03o)",
             st.st_mode & 0777);
}

/* Files and directories that nobody but root may change. */
static void look_at_paths(struct doctor *d, const struct doctor_check *row) {
        const struct site_config *c = d->config;
        char key[PATH_MAX], mend[PATH_MAX + 64];
        const char *const paths[] = { c->state_dir, c->run_dir, c->limits_file, c->init_dir, key };
        struct stat st;

        snprintf(key, sizeof(key), "%s/seal.key", c->state_dir);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                mode_t bad = paths[i] == key ? 077 : 022;

                if (stat(paths[i], &st) < 0 || (st.st_uid == 0 && !(st.st_mode & bad)))
                        continue;
                snprintf(mend, sizeof(mend), "chown root %s; chmod go-%s %s", paths[i],
                         paths[i] == key ? "rwx" : "w", paths[i]);
                find(d, row, paths[i], mend, "not only root can %s it (owner %u, mode %04o)",
                     paths[i] == key ? "read" : "change", st.st_uid, st.st_mode & 07777);
        }
}

static void look_at_limits(struct doctor *d, const struct doctor_check *row) {
        if (d->limits_error[0])
                find(d, row, d->config->limits_file, NULL, "%s", d->limits_error);
}

static void look_at_mounts(struct doctor *d, const struct doctor_check *row) {
        const char *const paths[] = { d->config->state_dir,
                                      d->engine_answers ? d->engine.root : "" };
        struct statvfs st;

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (paths[i][0] && statvfs(paths[i], &st) == 0 &&
                    !((st.f_flag & ST_NODEV) && (st.f_flag & ST_NOSUID)))
                        find(d, row, paths[i], NULL, "its file system is mounted without %s%s%s",
                             st.f_flag & ST_NOSUID ? "" : "nosuid",
                             st.f_flag & (ST_NOSUID | ST_NODEV) ? "" : " and ",
                             st.f_flag & ST_NODEV ? "" : "nodev");
}

static void look_at_nfs(struct doctor *d, const struct doctor_check *row) {
        enum mount_mode mode;
        char path[PATH_MAX];
        struct statfs st;

        for (char **p = d->config->mount_roots; p && *p; p++) {
                size_t n = mount_root_split(*p, &mode);

                snprintf(path, sizeof(path), "%.*s", (int)n, *p);
                if (strcmp(path, "~") == 0)
                        str_copy(path, sizeof(path), "/home");
                if (statfs(path, &st) == 0 && st.f_type == NFS_MAGIC)
                        find(d, row, path, NULL, "it is on NFS");
        }
        if (statfs(d->config->state_dir, &st) == 0 && st.f_type == NFS_MAGIC)
                find(d, row, d->config->state_dir, "set paths.state to a directory of a local disk",
                     "paths.state is on NFS");
}

static void look_at_sysctls(struct doctor *d, const struct doctor_check *row) {
        static const char *const names[] = { "protected_symlinks", "protected_hardlinks",
                                             "protected_fifos", "protected_regular" };
        char path[128], mend[128];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_buf_ struct buf value = BUF_INIT(64);

                snprintf(path, sizeof(path), "/proc/sys/fs/%s", names[i]);
                if (!read_host(d, path, &value) || buf_str(&value)[0] != '0')
                        continue;
                snprintf(mend, sizeof(mend), "sysctl -w fs.%s=1   # and in /etc/sysctl.d",
                         names[i]);
                find(d, row, path, mend, "it is off");
        }
}

/* --- how the engine is set up ------------------------------------------------------------- */

static void look_at_daemon_json(struct doctor *d, const struct doctor_check *row) {
        _cleanup_buf_ struct buf text = BUF_INIT(HOST_FILE_MAX);
        _cleanup_json_ json_t *root = NULL;
        const char *runtime, *host;
        struct err err = { 0 };
        json_t *hosts;

        if (!read_host(d, "/etc/docker/daemon.json", &text))
                return;
        if (json_parse(buf_str(&text), text.len, &root, &err) < 0) {
                find(d, row, "/etc/docker/daemon.json", NULL, "%s", err.msg);
                return;
        }
        runtime = json_str(root, "default-runtime");
        if (runtime && strcmp(runtime, "nvidia") == 0)
                find(d, row, "/etc/docker/daemon.json",
                     "take \"default-runtime\" out, then: systemctl restart docker",
                     "the default runtime is 'nvidia': an image's variables open GPUs");
        hosts = json_at(root, "hosts", NULL);
        for (size_t i = 0; i < json_array_size(hosts); i++) {
                host = json_string_value(json_array_get(hosts, i));
                if (host && str_starts(host, "tcp:"))
                        find(d, row, "/etc/docker/daemon.json",
                             "take it out of \"hosts\", then: systemctl restart docker",
                             "the engine listens on '%s'", host);
        }
}

/* With systemd's driver a daemon-reload sets the rules for devices anew, from the links in
 * /dev/char; devices without a link are lost to running containers. */
static void look_for_lost_gpus(struct doctor *d, const struct doctor_check *row) {
        char path[PATH_MAX];
        struct stat st;

        if (!d->engine_answers || strcmp(d->engine.cgroup_driver, "systemd") != 0)
                return;
        snprintf(path, sizeof(path), "%s/dev/nvidiactl", d->root);
        if (stat(path, &st) < 0)
                return;
        snprintf(path, sizeof(path), "%s/dev/char/195:255", d->root);
        if (lstat(path, &st) < 0)
                find(d, row, path, NULL, "the driver's devices have no links in /dev/char");
}

static void look_at_losses(struct doctor *d, const struct doctor_check *row) {
        for (size_t i = 0; i < d->losses.len; i++)
                find(d, row, d->losses.items[i].container, NULL, "it may not use %s any more",
                     d->losses.items[i].devices);
}

static void look_at_clock(struct doctor *d, const struct doctor_check *row) {
        if (!d->clock_is_set)
                find(d, row, "clock", NULL, "it is not synchronised");
}

static void look_at_daemon(struct doctor *d, const struct doctor_check *row) {
        if (!d->daemon_answers)
                find(d, row, "ds01d", NULL, "nothing answers on '%s'", d->config->socket);
}

/* clang-format off */
static const struct doctor_check checks[] = {
        { "engine", "known holes: a build can be given another's steps",
          "install a newer Docker", look_at_engine },
        { "runtime", "known ways out of a container, and groups taken by name",
          "install a newer runc, or crun", look_at_runtime },
        { "ds01-runtime", "containers are looked at only after they have begun",
          "see docs/ADMIN.md, ds01-runtime, then: systemctl reload docker", look_at_wrapper },
        { "builds", "a step can make a device node, which its person then opens from outside: any "
          "disk",
          "\"default-runtime\": \"ds01\" in /etc/docker/daemon.json, then: systemctl reload docker",
          look_at_builds },
        { "toolkit", "known ways from a container with a GPU to root",
          "install a newer nvidia-container-toolkit", look_at_toolkit },
        { "kernel", "ids of mounted directories can't be mapped",
          "install a newer kernel", look_at_kernel },
        { "groups", "whoever is in it is root by another name", NULL, look_at_groups },
        { "gpu-devices", "people use GPUs without a container, whatever their limits",
          "options nvidia NVreg_DeviceFileMode=0660   # in /etc/modprobe.d, then restart",
          look_at_devices },
        { "devices", "people read and write what is on it, whoever's it is", NULL, look_at_disks },
        { "engine-socket", "whoever speaks to the engine is root", NULL, look_at_socket },
        { "paths", "who can change it decides who gets what, or is root", NULL, look_at_paths },
        { "limits", "the limits of before stay in force; a restart of ds01d fails",
          "mend that line; ds01d --check-config says if it is good", look_at_limits },
        { "mounts", "set-uid files and devices of containers count on the host, where ds01-runtime"
          " does not see to it",
          "add nosuid,nodev to its line in /etc/fstab, then: mount -o remount", look_at_mounts },
        { "nfs", "a server that hangs holds up those who live on it, and root is nobody there",
          "mount it with soft,timeo=..., or keep workspaces on a local disk", look_at_nfs },
        { "sysctl", "links in /tmp lead programs of others astray", NULL, look_at_sysctls },
        { "engine-config", "GPUs or root for who is not meant to have them",
          "correct the file, then: systemctl restart docker", look_at_daemon_json },
        { "gpu-loss", "systemctl daemon-reload takes the GPUs from running containers",
          "nvidia-ctk system create-dev-char-symlinks --create-all   # and at each boot",
          look_for_lost_gpus },
        { "gpu-lost", "programs in it fail with \"Failed to initialize NVML: Unknown Error\"",
          "its owner: container-stop NAME, then container-start NAME; ds01d mends what it can",
          look_at_losses },
        { "clock", "times that people are told, and of logs, are wrong; leases are not",
          "timedatectl set-ntp true", look_at_clock },
        { "ds01d", "nobody can work", "systemctl restart ds01d; its log: journalctl -u ds01d",
          look_at_daemon },
};
/* clang-format on */

size_t doctor_report(struct doctor *d, struct buf *out) {
        struct json_writer w = JSON_WRITER(out);

        for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
                checks[i].look(d, &checks[i]);
        json_write_object(&w);
        json_put_bool(&w, "ds01d", d->daemon_answers);
        json_put_int(&w, "checks", ARRAY_SIZE(checks));
        json_write_key(&w, "findings");
        json_write_array(&w);
        for (size_t i = 0; i < d->findings.len; i++) {
                const struct doctor_finding *f = d->findings.items[i];

                json_write_object(&w);
                json_put_str(&w, "rule", f->check);
                json_put_str(&w, "meaning", f->risk);
                json_put_str(&w, "about", f->about);
                json_put_str(&w, "finding", f->says);
                json_put_str(&w, "mend", f->mend);
                json_write_object_end(&w);
        }
        json_write_array_end(&w);
        json_write_object_end(&w);
        return d->findings.len;
}

void doctor_forget(struct doctor *d) {
        for (size_t i = 0; i < d->findings.len; i++)
                free(d->findings.items[i]);
        VEC_RELEASE(&d->findings);
        VEC_RELEASE(&d->losses);
}
