/* Who runs, with which rights. */
#include "runtime/internal.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char init[] = "/.ds01/ds01-init";

/* --- user ------------------------------------------------------------------------------------- */

struct user {
        struct judge *judge;
        size_t groups_from, groups_to; /* of the array; 0: it has none */
};

static int read_id(struct judge *j, const char *what, int64_t decided) {
        int64_t id;
        int e = reader_int(&j->reader, what, &id);

        if (e < 0)
                return e;
        return id == decided ? 0
                             : judge_differs(j, "it would run with %s %lld instead of %lld", what,
                                             (long long)id, (long long)decided);
}

static int read_uid(struct reader *r, void *ctx) {
        struct user *u = ctx;

        return read_id(u->judge, "uid", u->judge->decision->uid);
}

static int read_gid(struct reader *r, void *ctx) {
        struct user *u = ctx;

        return read_id(u->judge, "gid", u->judge->decision->gid);
}

static int read_group(struct reader *r, void *ctx) {
        struct user *u = ctx;
        const struct decision *d = u->judge->decision;
        int64_t gid;
        int e = reader_int(r, "additionalGids", &gid);

        /* A CDI specification brings those that own device nodes; set_groups() drops them. */
        if (e < 0 || gid == d->gid || d->cdi)
                return e;
        for (size_t i = 0; i < d->ngroups; i++)
                if (d->groups[i] == gid)
                        return 0;
        return judge_differs(u->judge, "it would have group %lld, which its owner doesn't bring",
                             (long long)gid);
}

static int read_groups(struct reader *r, void *ctx) {
        struct user *u = ctx;
        int e;

        u->groups_from = judge_at(u->judge) - 1;
        e = reader_array(r, "additionalGids", read_group, ctx);
        u->groups_to = judge_at(u->judge);
        return e;
}

/* The engine may leave groups out, or have taken them from the image: they are set by us. */
static int set_groups(struct user *u) {
        const struct decision *d = u->judge->decision;
        bool missing = u->groups_to == 0;
        char text[sizeof(((struct edit *)0)->text)];
        size_t n, end = judge_at(u->judge) - 1; /* in front of the closing brace */

        n = (size_t)snprintf(text, sizeof(text), "%s[%lld", missing ? ",\"additionalGids\":" : "",
                             (long long)d->gid);
        for (size_t i = 0; i < d->ngroups && n < sizeof(text) - 16; i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, ",%lld", (long long)d->groups[i]);
        snprintf(text + n, sizeof(text) - n, "]");
        return missing ? judge_edit(u->judge, end, end, text)
                       : judge_edit(u->judge, u->groups_from, u->groups_to, text);
}

static int read_user(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "uid", read_uid, true },
                                                  { "gid", read_gid, true },
                                                  { "additionalGids", read_groups } };
        struct user u = { .judge = ctx };
        int e = reader_object(r, "user", keys, ARRAY_SIZE(keys), &u);

        return e < 0 ? e : set_groups(&u);
}

/* --- rights ----------------------------------------------------------------------------------- */

static int read_capability(struct reader *r, void *ctx) {
        char name[64] = "?";

        json_scan_str(&r->scan, name, sizeof(name));
        return judge_differs(ctx, "it would have the capability %s", name);
}

static int read_capability_set(struct reader *r, void *ctx) {
        return reader_array(r, "capabilities", read_capability, ctx);
}

static int read_capabilities(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "bounding", read_capability_set },
                                                  { "effective", read_capability_set },
                                                  { "inheritable", read_capability_set },
                                                  { "permitted", read_capability_set },
                                                  { "ambient", read_capability_set } };

        return reader_object(r, "capabilities", keys, ARRAY_SIZE(keys), ctx);
}

static int read_no_new_privileges(struct reader *r, void *ctx) {
        bool set;
        int e = reader_bool(r, "noNewPrivileges", &set);

        if (e < 0)
                return e;
        return set ? 0 : judge_differs(ctx, "it could gain privileges (noNewPrivileges is off)");
}

struct resource_limit {
        char type[32];
        int64_t hard;
};

static int read_limit_type(struct reader *r, void *ctx) {
        struct resource_limit *l = ctx;

        return reader_string(r, "rlimit", l->type, sizeof(l->type));
}

static int read_limit_hard(struct reader *r, void *ctx) {
        struct resource_limit *l = ctx;

        if (json_scan_int(&r->scan, &l->hard) < 0)
                l->hard = INT64_MAX; /* the kernel's infinity does not fit */
        return 0;
}

/* Those that take from others: real-time priority, a better nice value, core files on the host. */
static int read_limit(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = { { "type", read_limit_type, true },
                                                  { "hard", read_limit_hard } };
        static const char *const none[] = { "RLIMIT_CORE", "RLIMIT_RTPRIO", "RLIMIT_NICE" };
        struct resource_limit l = { 0 };
        int e = reader_object(r, "rlimit", keys, ARRAY_SIZE(keys), &l);

        for (size_t i = 0; i < ARRAY_SIZE(none) && e == 0; i++)
                if (strcmp(l.type, none[i]) == 0 && l.hard != 0)
                        e = judge_differs(ctx, "it would have %s %lld", l.type, (long long)l.hard);
        return e;
}

static int read_limits(struct reader *r, void *ctx) {
        return reader_array(r, "rlimits", read_limit, ctx);
}

static int read_oom(struct reader *r, void *ctx) {
        int64_t value;
        int e = reader_int(r, "oomScoreAdj", &value);

        return e < 0 || value >= 0 ? e : judge_differs(ctx, "memory would be taken from others "
                                                            "first (oomScoreAdj is negative)");
}

/* --- what runs -------------------------------------------------------------------------------- */

static int read_args(struct reader *r, void *ctx) {
        struct judge *j = ctx;
        struct json_scan *s = &r->scan;
        bool ours;

        if (s->token != JSON_SCAN_ARRAY || json_scan_next(s) != JSON_SCAN_STRING)
                return reader_malformed(r, "args");
        ours = json_scan_is(s, init);
        while (json_scan_next(s) != JSON_SCAN_ARRAY_END)
                if (s->failed || s->token != JSON_SCAN_STRING)
                        return reader_malformed(r, "args");
        return !j->bundle || ours ? 0 : judge_differs(j, "it would not begin with %s", init);
}

/* The directory is entered before the capabilities are given up. */
static int read_cwd(struct reader *r, void *ctx) {
        char path[PATH_MAX];
        int e = reader_string(r, "cwd", path, sizeof(path));

        if (e < 0)
                return e;
        return path[0] == '/' && !str_starts(path, "/proc/")
                       ? 0
                       : judge_differs(ctx, "it would begin in '%s'", path);
}

/* NVIDIA's hook takes orders from the environment, which images have a say in. */
static int read_variable(struct reader *r, void *ctx) {
        static const char devices[] = "NVIDIA_VISIBLE_DEVICES=",
                          driver[] = "NVIDIA_DRIVER_CAPABILITIES=compute,utility";
        struct judge *j = ctx;
        const struct decision *d = j->decision;
        char text[DECISION_GPUS_SIZE];
        int e = r->scan.token == JSON_SCAN_STRING ? json_scan_str(&r->scan, text, sizeof(text))
                                                  : -EINVAL;

        if (e == -EINVAL)
                return reader_malformed(r, "env");
        if (!str_starts(text, "NVIDIA_"))
                return 0;
        if (str_starts(text, devices)) {
                const char *value = text + strlen(devices);

                if (e == 0 && (strcmp(value, d->gpus) == 0 || strcmp(value, "void") == 0))
                        return 0;
                return judge_differs(j, "it would see the GPUs '%.200s' instead of '%.200s'", value,
                                     d->gpus);
        }
        if (d->cdi || str_ends(text, "=") || strcmp(text, driver) == 0)
                return 0;
        return judge_differs(j, "its environment has '%.200s'", text);
}

static int read_env(struct reader *r, void *ctx) {
        return reader_array(r, "env", read_variable, ctx);
}

int judge_read_process(struct reader *r, void *ctx) {
        static const struct reader_key keys[] = {
                { "user", read_user, true },
                { "args", read_args, true },
                { "cwd", read_cwd, true },
                { "env", read_env },
                { "capabilities", read_capabilities },
                { "noNewPrivileges", read_no_new_privileges, true },
                { "rlimits", read_limits },
                { "oomScoreAdj", read_oom },
        };

        return reader_object(r, "process", keys, ARRAY_SIZE(keys), ctx);
}
