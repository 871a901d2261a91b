/* What is mounted, from where, and with which flags. */
#include "runtime/internal.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct mount {
        struct judge *judge;
        char destination[PATH_MAX], source[PATH_MAX], type[32];
        bool bind, read_only, nosuid, nodev, shared;
        size_t options_end; /* in front of the closing bracket; 0: there are none */
        bool options_empty;
};

/* What the engine mounts by itself, besides what it binds from its own directory. */
static const struct {
        const char *destination, *type;
        bool read_only;
} usual[] = {
        { "/proc", "proc", false },         { "/dev", "tmpfs", false },
        { "/dev/pts", "devpts", false },    { "/dev/mqueue", "mqueue", false },
        { "/dev/shm", "tmpfs", false },     { "/sys", "sysfs", true },
        { "/sys/fs/cgroup", "cgroup", true }, { "/sys/fs/cgroup", "cgroup2", true },
};

static int read_destination(struct reader *r, void *ctx) {
        struct mount *m = ctx;

        return reader_string(r, "destination", m->destination, sizeof(m->destination));
}

static int read_source(struct reader *r, void *ctx) {
        struct mount *m = ctx;

        return reader_string(r, "source", m->source, sizeof(m->source));
}

static int read_type(struct reader *r, void *ctx) {
        struct mount *m = ctx;

        return reader_string(r, "type", m->type, sizeof(m->type));
}

static int read_option(struct reader *r, void *ctx) {
        struct mount *m = ctx;
        char option[256];
        int e = reader_string(r, "mount options", option, sizeof(option));

        m->bind |= strcmp(option, "bind") == 0 || strcmp(option, "rbind") == 0;
        /* "rro": with what is mounted below it (Docker 25 and newer) */
        m->read_only |= strcmp(option, "ro") == 0 || strcmp(option, "rro") == 0;
        m->nosuid |= strcmp(option, "nosuid") == 0;
        m->nodev |= strcmp(option, "nodev") == 0;
        m->shared |= strcmp(option, "shared") == 0 || strcmp(option, "rshared") == 0;
        if (strcmp(option, "rw") == 0)
                m->read_only = false;
        if (strcmp(option, "suid") == 0)
                m->nosuid = false;
        if (strcmp(option, "dev") == 0)
                m->nodev = false;
        m->options_empty = false;
        return e;
}

static int read_options(struct reader *r, void *ctx) {
        struct mount *m = ctx;
        int e;

        m->options_empty = true;
        e = reader_array(r, "mount options", read_option, ctx);
        m->options_end = judge_at(m->judge) - 1;
        return e;
}

static bool below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        return n > 0 && strncmp(path, directory, n) == 0 && path[n] == '/' && !strstr(path, "/../");
}

/* podman keeps a container's files in a directory of the container's, in one of two places. */
static bool is_its_own(const struct mount *m) {
        char part[PATH_MAX];

        snprintf(part, sizeof(part), "/overlay-containers/%.200s/userdata/", m->judge->id);
        return strstr(m->source, part) && !strstr(m->source, "/../");
}

static int judge_decided(struct mount *m, size_t at) {
        const struct decided_mount *decided = &m->judge->decision->mounts[at];

        if (m->judge->mounts_met & 1u << at)
                return judge_differs(m->judge, "'%.200s' would be mounted twice", m->destination);
        m->judge->mounts_met |= 1u << at;
        if (!decided_source_fits(decided, m->source))
                return judge_differs(m->judge,
                                     "'%.200s' would come from '%.200s' instead of '%.200s'",
                                     m->destination, m->source, decided->source);
        if (decided->read_only && !m->read_only)
                return judge_differs(m->judge, "'%.200s' could be written to", m->destination);
        return 0;
}

/* May it be there at all? */
static int judge_place(struct mount *m) {
        const struct decision *d = m->judge->decision;

        if (m->shared)
                return judge_differs(m->judge, "mounts at '%.200s' would be seen outside",
                                     m->destination);
        for (size_t i = 0; i < d->nmounts; i++)
                if (strcmp(d->mounts[i].target, m->destination) == 0)
                        return judge_decided(m, i);
        if (!m->bind && strcmp(m->type, "bind") != 0) {
                for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
                        if (strcmp(usual[i].destination, m->destination) == 0 &&
                            strcmp(usual[i].type, m->type) == 0 &&
                            (!usual[i].read_only || m->read_only))
                                return 0;
                return judge_differs(m->judge, "a %s would be mounted at '%.200s'", m->type,
                                     m->destination);
        }
        /* Its own files (resolv.conf, volumes that the image declares), and the driver's. */
        if (below(m->source, d->engine_root) || is_its_own(m) || (d->cdi && m->read_only))
                return 0;
        return judge_differs(m->judge, "'%.200s' would be mounted at '%.200s'", m->source,
                             m->destination);
}

/* Devices are in /dev, and their names for terminals in /dev/pts; a specification of the site's may
 * bind others into it. */
static bool has_devices(const struct mount *m) {
        const struct decision *d = m->judge->decision;

        if (strcmp(m->destination, "/dev") == 0 || strcmp(m->destination, "/dev/pts") == 0)
                return true;
        return d && d->cdi && str_starts(m->destination, "/dev/") &&
               str_starts(m->source, "/dev/");
}

static int restrict_mount(struct mount *m, size_t end) {
        /* A build has use for set-user-ID programs, such as sudo; from outside, from another mount
         * namespace, they make nobody root (mnt_may_suid() in the kernel). */
        bool nosuid = !m->nosuid && m->judge->decision, nodev = !m->nodev && !has_devices(m);
        char words[64], text[96];

        if (!nosuid && !nodev)
                return 0;
        snprintf(words, sizeof(words), "%s%s%s", nosuid ? "\"nosuid\"" : "",
                 nosuid && nodev ? "," : "", nodev ? "\"nodev\"" : "");
        if (m->options_end == 0) {
                snprintf(text, sizeof(text), ",\"options\":[%s]", words);
                return judge_edit(m->judge, end, end, text);
        }
        snprintf(text, sizeof(text), "%s%s", m->options_empty ? "" : ",", words);
        return judge_edit(m->judge, m->options_end, m->options_end, text);
}

static int read_mount(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "destination", read_destination, true },
                                                  { "source", read_source },
                                                  { "type", read_type },
                                                  { "options", read_options } };
        struct mount m = { .judge = ctx };
        int e = reader_object(r, "mount", keys, ARRAY_SIZE(keys), &m);

        if (e == 0 && m.judge->decision)
                e = judge_place(&m);
        return e < 0 ? e : restrict_mount(&m, judge_at(ctx) - 1);
}

int judge_read_mounts(struct reader *r, void *ctx) {
        struct judge *j = ctx;
        int e = reader_array(r, "mounts", read_mount, ctx);

        for (size_t i = 0; j->decision && i < j->decision->nmounts && e == 0; i++)
                if (!(j->mounts_met & 1u << i))
                        e = judge_differs(j, "'%.200s' would be missing",
                                          j->decision->mounts[i].target);
        return e;
}

/* --- whose container is it? ------------------------------------------------------------------- */

struct search {
        const char *directory;
        bool found;
};

static int look_source(struct reader *r, void *ctx) {
        struct search *search = ctx;
        char source[PATH_MAX];

        if (r->scan.token == JSON_SCAN_STRING &&
            json_scan_str(&r->scan, source, sizeof(source)) == 0)
                search->found |= below(source, search->directory);
        json_scan_skip(&r->scan);
        return 0;
}

static int look_mount(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "source", look_source } };

        return reader_object(r, "mount", keys, ARRAY_SIZE(keys), ctx);
}

static int look_mounts(struct reader *r, void *ctx) {
        return reader_array(r, "mounts", look_mount, ctx);
}

bool bundle_mounts_from(const char *text, size_t n, const char *directory) {
        static const struct reader_key keys[] = { { "mounts", look_mounts } };
        struct reader r = { .scan = JSON_SCAN(text, n) };
        struct search search = { .directory = directory };

        json_scan_next(&r.scan);
        reader_object(&r, "container", keys, ARRAY_SIZE(keys), &search);
        return search.found;
}

/* Digits, and then @rest? */
static bool is_number_and(const char *text, const char *rest) {
        size_t digits = strspn(text, "0123456789");

        return digits > 0 && str_starts(text + digits, rest);
}

static int look_cgroup(struct reader *r, void *ctx) {
        char path[PATH_MAX];
        bool *found = ctx;

        if (r->scan.token != JSON_SCAN_STRING || json_scan_str(&r->scan, path, sizeof(path)) < 0)
                path[0] = '\0';
        for (const char *at = path; (at = strchr(at, 'u')) && !*found; at++)
                if (at > path && at[-1] == '/')
                        *found = is_number_and(at + 1, "/build/");
                else if (at > path && at[-1] == '-')
                        *found = is_number_and(at + 1, "-build.slice:");
        json_scan_skip(&r->scan);
        return 0;
}

static int look_linux(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "cgroupsPath", look_cgroup } };

        return reader_object(r, "linux", keys, ARRAY_SIZE(keys), ctx);
}

bool bundle_is_build(const char *text, size_t n) {
        static const struct reader_key keys[] = { { "linux", look_linux } };
        struct reader r = { .scan = JSON_SCAN(text, n) };
        bool found = false;

        json_scan_next(&r.scan);
        reader_object(&r, "container", keys, ARRAY_SIZE(keys), &found);
        return found;
}
