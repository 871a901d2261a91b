/* Reading the command line. Which options have a value must be known to find what follows them. */
#include "runtime/arguments.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

struct option {
        const char *name; /* "--bundle", "-b" */
        bool has_value;
        int kind;
};

enum { OTHER, LOG, LOG_FORMAT, BUNDLE, PROCESS };

static const struct option global_options[] = {
        { "--log", true, LOG },        { "--log-format", true, LOG_FORMAT },
        { "--log-level", true },       { "--root", true },
        { "--criu", true },            { "--rootless", true },
        { "--cgroup-manager", true },  { "--debug", false },
        { "--systemd-cgroup", false }, { "--help", false },
        { "-h", false },               { "--version", false },
        { "-v", false },
};
static const struct option create_options[] = {
        { "--bundle", true, BUNDLE }, { "-b", true, BUNDLE },
        { "--console-socket", true }, { "--pidfd-socket", true },
        { "--pid-file", true },       { "--preserve-fds", true },
        { "--no-pivot", false },      { "--no-new-keyring", false },
        { "--no-subreaper", false },  { "--keep", false },
        { "--detach", false },        { "-d", false },
};
/* "run" is a create that goes on; the config.json of crun's --config would not be the bundle's. */
static const struct option exec_options[] = {
        { "--process", true, PROCESS }, { "-p", true, PROCESS },
        { "--console-socket", true },   { "--pidfd-socket", true },
        { "--cwd", true },              { "--env", true },
        { "-e", true },                 { "--user", true },
        { "-u", true },                 { "--additional-gids", true },
        { "-g", true },                 { "--pid-file", true },
        { "--process-label", true },    { "--apparmor", true },
        { "--cap", true },              { "-c", true },
        { "--preserve-fds", true },     { "--cgroup", true },
        { "--tty", false },             { "-t", false },
        { "--detach", false },          { "-d", false },
        { "--no-new-privs", false },    { "--ignore-paused", false },
};

static const struct option *find(const struct option *options, size_t n, const char *word,
                                 const char **ret_value) {
        for (size_t i = 0; i < n; i++) {
                size_t length = strlen(options[i].name);

                *ret_value = NULL;
                if (strncmp(options[i].name, word, length) != 0)
                        continue;
                if (word[length] == '=')
                        *ret_value = word + length + 1;
                if (word[length] == '=' || word[length] == '\0')
                        return &options[i];
        }
        return NULL;
}

static void take(struct arguments *a, int kind, const char *value) {
        const char **at = kind == LOG          ? &a->log
                          : kind == LOG_FORMAT ? &a->log_format
                          : kind == BUNDLE     ? &a->bundle
                          : kind == PROCESS    ? &a->process
                                               : NULL;

        if (at)
                *at = value;
}

/* The options at **@at, which afterwards is at the first word that is none. */
static int read_options(struct arguments *a, char ***at, const struct option *options, size_t n,
                        struct err *err) {
        for (; **at && ***at == '-'; ++*at) {
                const char *word = **at, *value;
                const struct option *o = find(options, n, word, &value);

                if (!o)
                        return err_set(err, EINVAL, "unknown option '%.100s'", word);
                if (o->has_value && !value) {
                        value = *++*at;
                        if (!value)
                                return err_set(err, EINVAL, "'%s' needs a value", word);
                }
                take(a, o->kind, value);
        }
        return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *ret, struct err *err) {
        static const char run_option[] = "--ds01-run=", backend_option[] = "--ds01-backend=";
        struct arguments a = { .run_dir = "/run/ds01", .backend = "runc", .bundle = "." };
        char **at = argv + 1;
        int e;

        if (argc < 1)
                return err_set(err, EINVAL, "no arguments at all");
        for (; *at; at++) {
                if (str_starts(*at, run_option))
                        a.run_dir = *at + strlen(run_option);
                else if (str_starts(*at, backend_option))
                        a.backend = *at + strlen(backend_option);
                else
                        break;
        }
        a.rest = at - 1;
        e = read_options(&a, &at, global_options, ARRAY_SIZE(global_options), err);
        if (e == 0 && *at) {
                a.command = *at++;
                if (strcmp(a.command, "create") == 0 || strcmp(a.command, "run") == 0)
                        e = read_options(&a, &at, create_options, ARRAY_SIZE(create_options), err);
                else if (strcmp(a.command, "exec") == 0)
                        e = read_options(&a, &at, exec_options, ARRAY_SIZE(exec_options), err);
                a.id = *at;
        }
        if (e == 0)
                *ret = a;
        return e;
}
