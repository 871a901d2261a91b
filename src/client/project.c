/* See project.h. */
#include "client/project.h"

#include "base/fd.h"
#include "base/guess.h"
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "image/context.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
        LARGE_CONTEXT = 500 << 20, /* bytes from which on the largest files are named */
        REQUIREMENTS_MAX = 1 << 20,
};

/* --- where things are ----------------------------------------------------------------------- */

/* As images may be called: letters and digits, with one '.', one or two '_' or dashes between. */
static bool is_name(const char *s) {
        static const char alnum[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        size_t n = strspn(s, alnum);

        if (n == 0 || strlen(s) >= 64)
                return false;
        for (s += n; *s; s += n) {
                size_t dashes = strspn(s, "-");

                s += dashes ? dashes : str_starts(s, "__") ? 2 : *s == '.' || *s == '_';
                n = strspn(s, alnum);
                if (n == 0)
                        return false;
        }
        return true;
}

static int check_name(struct cli *c, const char *typed) {
        char shown[80];

        if (is_name(typed))
                return EXIT_DONE;
        str_printable(shown, sizeof(shown), typed);
        if (*typed)
                cli_error(c, "'%s' can't be used as a project's name", shown);
        else
                cli_error(c, "a project's name can't be empty");
        cli_error_next(c, "use letters and digits, with '-', '_' or '.' between them, for example: "
                          "my-thesis");
        return EXIT_USAGE;
}

static int find_workspace(char *dst) {
        const char *home = getenv("HOME");
        int n;

        if (!home || *home != '/')
                return -ENOENT;
        n = snprintf(dst, PATH_MAX, "%s/workspace", home);
        return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool is_dir(const char *workspace, const char *name) {
        char path[PATH_MAX];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", workspace, name);
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The directories of ~/workspace with that name, whatever their capitals. */
static int find_directory(struct cli *c, const char *workspace, struct project *p) {
        _cleanup_buf_ struct buf all = BUF_INIT(4096);
        DIR *dir = opendir(workspace);
        struct dirent *entry;
        char exact[NAME_MAX + 1];
        unsigned n = 0;

        str_copy(exact, sizeof(exact), p->name);
        while (dir && (entry = readdir(dir))) {
                if (strcasecmp(entry->d_name, p->name) != 0 ||
                    !is_dir(workspace, entry->d_name))
                        continue;
                str_copy(exact, sizeof(exact), entry->d_name);
                buf_addf(&all, "%s'%s'", n++ ? " and " : "", entry->d_name);
        }
        if (dir)
                closedir(dir);
        if (n > 1) {
                cli_error(c, "%s in '%s' would have one image: names of images have no capitals",
                          buf_str(&all), workspace);
                cli_error_next(c, "rename one of them");
                return EXIT_USAGE;
        }
        p->exists = n == 1;
        snprintf(p->dir, sizeof(p->dir), "%s/%s", workspace, exact);
        return EXIT_DONE;
}

int project_find(struct cli *c, const char *typed, struct project *ret) {
        char workspace[PATH_MAX];
        struct project p = { 0 };
        int r = check_name(c, typed);

        if (r != EXIT_DONE)
                return r;
        if (find_workspace(workspace) < 0) {
                cli_error(c, "HOME is not set, so there is no ~/workspace");
                return EXIT_FAILED;
        }
        for (size_t i = 0; typed[i]; i++)
                p.name[i] = typed[i] >= 'A' && typed[i] <= 'Z' ? (char)(typed[i] - 'A' + 'a')
                                                               : typed[i];
        r = find_directory(c, workspace, &p);
        if (r != EXIT_DONE)
                return r;
        if (snprintf(p.dockerfile, sizeof(p.dockerfile), "%s/Dockerfile", p.dir) >=
            (int)sizeof(p.dockerfile)) {
                cli_error(c, "the path of '%s' is too long", typed);
                return EXIT_FAILED;
        }
        p.has_dockerfile = access(p.dockerfile, F_OK) == 0;
        *ret = p;
        return EXIT_DONE;
}

static int is_candidate(const struct dirent *entry) {
        return is_name(entry->d_name);
}

int project_each(struct cli *c,
                 int (*each)(struct cli *c, const char *name, bool has_dockerfile, void *data),
                 void *data) {
        char workspace[PATH_MAX], path[2 * PATH_MAX];
        struct dirent **entries = NULL;
        int r = EXIT_DONE, n = -1;

        if (find_workspace(workspace) == 0)
                n = scandir(workspace, &entries, is_candidate, alphasort);
        for (int i = 0; i < n; i++) {
                const char *name = entries[i]->d_name;

                snprintf(path, sizeof(path), "%s/%s/Dockerfile", workspace, name);
                if (r == EXIT_DONE && is_dir(workspace, name))
                        r = each(c, name, access(path, F_OK) == 0, data);
                free(entries[i]);
        }
        free(entries);
        return r;
}

bool project_is_here(const char *name) {
        char workspace[PATH_MAX], cwd[PATH_MAX];
        size_t n, length = strlen(name);

        if (find_workspace(workspace) < 0 || !getcwd(cwd, sizeof(cwd)))
                return false;
        n = strlen(workspace);
        return str_starts(cwd, workspace) && cwd[n] == '/' && str_starts(cwd + n + 1, name) &&
               (cwd[n + 1 + length] == '/' || !cwd[n + 1 + length]);
}

static int guess_project(struct cli *c, const char *name, bool has_dockerfile, void *data) {
        guess_try(data, name);
        return EXIT_DONE;
}

void project_suggest(struct cli *c, const char *typed) {
        struct guess guess = { .word = typed };

        project_each(c, guess_project, &guess);
        if (guess.best[0])
                cli_error_next(c, "did you mean '%s'?", guess.best);
}

int project_missing(struct cli *c, const struct project *p) {
        cli_error(c, "there is no project '%s' (no directory '%s')", p->name, p->dir);
        project_suggest(c, p->name);
        cli_error_next(c, "make one with an image of PyTorch: image-create %s --framework=pytorch",
                       p->name);
        return EXIT_NOT_FOUND;
}

/* --- catalogue and requirements ------------------------------------------------------------- */

void project_site(struct cli *c, struct project_site *ret) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/site", .quiet = true };
        _cleanup_reply_ struct reply reply = { 0 };
        struct json_scan s;

        *ret = (struct project_site){ 0 };
        if (call_send(c, &call, &reply) != EXIT_DONE || reply.status != 200)
                return;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "apt_mirror"))
                        json_scan_get_str(&s, ret->apt_mirror, sizeof(ret->apt_mirror));
                else if (json_scan_is(&s, "context_max_gb"))
                        json_scan_get_int(&s, &ret->context_max_gb);
                else
                        json_scan_skip(&s);
}

int project_catalogue(struct cli *c, struct catalogue *ret) {
        const char *data = getenv("DS01_DATA");
        char path[PATH_MAX];
        struct err err = { 0 };
        int r;

        snprintf(path, sizeof(path), "%s/catalogue.yaml", data && *data ? data : DS01_DATADIR);
        r = catalogue_load(ret, path, &err);
        if (r == 0) {
                r = catalogue_load(ret, "/etc/ds01/catalogue.yaml", &err);
                if (r == -ENOENT)
                        r = 0;
        }
        if (r == 0)
                return EXIT_DONE;
        cli_error(c, "%s", err.msg);
        cli_error_next(c, "the catalogue of frameworks and packages is your administrator's");
        return EXIT_FAILED;
}

static int refuse_requirements(struct cli *c, const char *typed, const char *why) {
        cli_error(c, "'%s' can't be used as requirements: %s", typed, why);
        return EXIT_FAILED;
}

/* Where a file is, as seen from the project's directory; either may be reached through links (a
 * home on another disk, say). False when it is not in there. */
static bool is_inside(const struct project *p, const char *path, char *dst) {
        _cleanup_free_ char *dir = realpath(p->dir, NULL), *file = realpath(path, NULL);
        size_t n = dir ? strlen(dir) : 0;
        bool inside = dir && file && strncmp(file, dir, n) == 0 && file[n] == '/';

        if (inside)
                str_copy(dst, PATH_MAX, file + n + 1);
        return inside;
}

int project_requirements(struct cli *c, const struct project *p, const char *typed, char *dst) {
        _cleanup_buf_ struct buf text = BUF_INIT(REQUIREMENTS_MAX),
                                 there = BUF_INIT(REQUIREMENTS_MAX);
        char inside[PATH_MAX];
        struct err err = { 0 };
        int r;

        /* As seen from here, else from the project. */
        snprintf(inside, sizeof(inside), "%s/%s", p->dir, typed);
        if (access(typed, F_OK) < 0 && typed[0] != '/' && access(inside, F_OK) == 0)
                typed = inside;
        r = file_read(typed, &text);
        if (r < 0) {
                cli_error(c, "can't read '%s': %s", typed,
                          r == -ENOBUFS ? "it is too large" : strerror(-r));
                return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;
        }
        if (requirements_check(buf_str(&text), text.len, &err) < 0)
                return refuse_requirements(c, typed, err.msg);
        if (is_inside(p, typed, dst))
                return EXIT_DONE;
        str_copy(dst, PATH_MAX, "requirements.txt");
        snprintf(inside, sizeof(inside), "%s/requirements.txt", p->dir);
        r = file_read(inside, &there);
        if (r == 0 && (there.len != text.len || memcmp(there.data, text.data, text.len) != 0)) {
                cli_error(c, "'%s' is not in the project, and '%s' is there with other lines",
                          typed, inside);
                cli_error_next(c, "put what you need into the project's own file");
                return EXIT_FAILED;
        }
        if (r == -ENOENT)
                r = file_write_atomic(inside, 0644, buf_str(&text), text.len);
        if (r < 0) {
                cli_error(c, "can't write '%s': %s", inside, strerror(-r));
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

int project_read(struct cli *c, const struct project *p, struct dockerfile *ret) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        struct err err = { 0 };
        int r = file_read(p->dockerfile, &text);

        if (r < 0) {
                cli_error(c, "can't read '%s': %s", p->dockerfile, strerror(-r));
                return EXIT_FAILED;
        }
        if (dockerfile_parse(buf_str(&text), text.len, ret, &err) < 0) {
                cli_error(c, "%s: %s", p->dockerfile, err.msg);
                cli_error_next(c, "mend the marks that begin with '# ds01:', or take them out");
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

void project_backup_path(const struct project *p, char *dst, size_t size) {
        snprintf(dst, size, "%s.before-update", p->dockerfile);
}

int project_keep_backup(struct cli *c, const struct project *p) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        char path[PATH_MAX + 16];
        int r;

        project_backup_path(p, path, sizeof(path));
        if (access(path, F_OK) == 0)
                return EXIT_DONE;
        r = file_read(p->dockerfile, &text);
        if (r == 0)
                r = file_write_atomic(path, 0644, buf_str(&text), text.len);
        if (r < 0) {
                cli_error(c, "can't keep a copy as '%s': %s", path, strerror(-r));
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

int project_write(struct cli *c, const struct project *p, const struct dockerfile *d) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX), before = BUF_INIT(DOCKERFILE_MAX);
        int r = dockerfile_write(d, &text);

        if (r == 0)
                r = file_read(p->dockerfile, &before);
        if (r == 0 && text.len == before.len && memcmp(text.data, before.data, text.len) == 0)
                return EXIT_DONE;
        if (r == 0 && project_keep_backup(c, p) != EXIT_DONE)
                return EXIT_FAILED;
        if (r == 0)
                r = file_write_atomic(p->dockerfile, 0644, buf_str(&text), text.len);
        if (r < 0) {
                cli_error(c, "can't write '%s': %s", p->dockerfile, strerror(-r));
                return EXIT_FAILED;
        }
        fprintf(c->out, "Changed %s\n", p->dockerfile);
        return EXIT_DONE;
}

/* --- building ------------------------------------------------------------------------------- */

struct source {
        struct cli *cli;
        struct image_context *context;
};

static int next_piece(void *ctx, struct buf *piece) {
        struct source *s = ctx;
        struct err err = { 0 };
        int r = image_context_next(s->context, piece, &err);

        if (r < 0)
                cli_error(s->cli, "%s", err.msg);
        return r;
}

static void say_what_is_sent(struct cli *c, const struct image_context_info *info) {
        char size[32];

        if (info->left_out[0])
                fprintf(c->err,
                        "Left out of the build: %s (a .dockerignore of your own decides "
                        "otherwise)\n",
                        info->left_out);
        if (info->total_bytes < LARGE_CONTEXT)
                return;
        format_bytes(info->total_bytes, size, sizeof(size));
        fprintf(c->err,
                "Sending %s of the project; the largest: %s\n"
                "  what the image does not need: list it in .dockerignore\n",
                size, info->largest);
}

/* Better before gigabytes have been sent than after. */
static int check_size(struct cli *c, const struct project *p,
                      const struct image_context_info *info) {
        struct project_site site;
        char size[32];

        if (info->total_bytes < LARGE_CONTEXT)
                return EXIT_DONE;
        project_site(c, &site);
        if (site.context_max_gb == 0 || info->total_bytes >> 30 < site.context_max_gb)
                return EXIT_DONE;
        format_bytes(info->total_bytes, size, sizeof(size));
        cli_error(c,
                  "the project has %s, and the site builds images from %lldGB at most; the largest "
                  "files: %s",
                  size, (long long)site.context_max_gb, info->largest);
        cli_error_next(c,
                       "leave data out: list it in '%s/.dockerignore'; containers see it in "
                       "/workspace anyway",
                       p->dir);
        return EXIT_FAILED;
}

/* A Dockerfile outside of the directory goes along under a name of its own. */
static int open_context(struct cli *c, const struct project *p, const char *path, struct buf *text,
                        char *entry, struct image_context **ret) {
        struct err err = { 0 };
        int r = 0;

        str_copy(entry, PATH_MAX, "Dockerfile");
        if (path && is_inside(p, path, entry)) {
                path = NULL;
        } else if (path) {
                str_copy(entry, PATH_MAX, ".ds01.Dockerfile");
                r = file_read(path, text);
        }
        if (r < 0) {
                cli_error(c, "can't read '%s': %s", path, strerror(-r));
                return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;
        }
        r = image_context_open(p->dir, entry, path ? buf_str(text) : NULL, path ? text->len : 0,
                               ret, &err);
        if (r == 0)
                return EXIT_DONE;
        cli_error(c, "%s", err.msg);
        cli_error_next(c, "what the image does not need can be listed in '%s/.dockerignore'",
                       p->dir);
        return r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

static int send(struct cli *c, const struct project *p, const char *entry,
                struct image_context *context, bool no_cache) {
        _cleanup_build_ struct build_result result = { 0 };
        struct source source = { .cli = c, .context = context };
        const struct build_request request = {
                .project = p->name,
                .dockerfile = entry,
                .no_cache = no_cache,
                .next_piece = next_piece,
                .source = &source,
                .total_bytes = image_context_info(context)->total_bytes,
        };
        char size[32];
        int r;

        say_what_is_sent(c, image_context_info(context));
        r = build_image(c, &request, &result);
        if (r != EXIT_DONE) {
                if (result.line > 0)
                        cli_error_next(c, "see line %lld of %s/%s", (long long)result.line, p->dir,
                                       entry);
                return r;
        }
        format_bytes(result.size_bytes, size, sizeof(size));
        fprintf(c->out, "Built image '%s' (%s)\n", result.image, size);
        action_print_notes(c->out, &result.notes);
        return EXIT_DONE;
}

int project_build(struct cli *c, const struct project *p, const char *path, bool no_cache) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        struct image_context *context = NULL;
        char entry[PATH_MAX], backup[PATH_MAX + 16];
        int r = open_context(c, p, path, &text, entry, &context);

        if (r == EXIT_DONE)
                r = check_size(c, p, image_context_info(context));
        if (r == EXIT_DONE)
                r = send(c, p, entry, context, no_cache);
        image_context_free(context);
        if (r == EXIT_DONE && !path) {
                project_backup_path(p, backup, sizeof(backup));
                unlink(backup);
        }
        return r;
}
