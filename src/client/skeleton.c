/* See skeleton.h. */
#include "client/skeleton.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { TEXT_MAX = 1 << 20 };

static int failed(struct cli *c, const char *what, const char *path, int error) {
        cli_error(c, "can't %s '%s': %s", what, path, strerror(error));
        return error == EACCES || error == EPERM ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

int skeleton_begin(struct cli *c, struct project *p) {
        char parent[PATH_MAX];

        str_copy(parent, sizeof(parent), p->dir);
        *strrchr(parent, '/') = '\0';
        if (mkdir(parent, 0755) < 0 && errno != EEXIST)
                return failed(c, "make", parent, errno);
        if (mkdir(p->dir, 0755) < 0 && errno != EEXIST)
                return failed(c, "make", p->dir, errno);
        p->exists = true;
        return EXIT_DONE;
}

/* --- texts ---------------------------------------------------------------------------------- */

static int read_template(struct cli *c, const char *name, struct buf *ret) {
        const char *data = getenv("DS01_DATA");
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "%s/project/%s", data && *data ? data : DS01_DATADIR, name);
        r = file_read(path, ret);
        if (r < 0) {
                cli_error(c, "can't read '%s': %s", path, strerror(-r));
                cli_error_next(c, "is ds01 installed whole? your administrator can tell");
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

/* Puts a value where its name stands between '@'. */
static void fill_in(const struct skeleton *s, const char *text, struct buf *out) {
        char date[40];
        const struct {
                const char *mark, *value;
        } rows[] = {
                { "@name@", s->project->name },
                { "@description@", s->description ? s->description : "What this is about." },
                { "@type@", s->type ? s->type : "ml" },
                { "@date@", date },
        };

        time_format(clock_real_us(), date, sizeof(date));
        date[10] = '\0'; /* the day */
        while (*text) {
                size_t i = 0;

                while (i < ARRAY_SIZE(rows) && !str_starts(text, rows[i].mark))
                        i++;
                if (i < ARRAY_SIZE(rows)) {
                        buf_adds(out, rows[i].value);
                        text += strlen(rows[i].mark);
                } else {
                        buf_addc(out, *text++);
                }
        }
}

static int fill_template(struct cli *c, const struct skeleton *s, const char *name,
                         struct buf *out) {
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);
        int r = read_template(c, name, &text);

        if (r == EXIT_DONE)
                fill_in(s, buf_str(&text), out);
        return r;
}

static void path_in(const struct skeleton *s, const char *name, char *dst, size_t size) {
        snprintf(dst, size, "%s/%s", s->project->dir, name);
}

/* Writes a file of the project's that is not there yet: one that is there is kept, and so is a link
 * that leads nowhere. */
static int write_new(struct cli *c, const struct skeleton *s, const char *template,
                     const char *name) {
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX + 64];
        int r = fill_template(c, s, template, &text);

        if (r != EXIT_DONE)
                return r;
        path_in(s, name, path, sizeof(path));
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0 && errno == EEXIST) {
                fprintf(c->out, "  kept   %s\n", name);
                return EXIT_DONE;
        }
        if (fd < 0)
                return failed(c, "write", path, errno);
        r = fd_write_all(fd, text.data, text.len, 0);
        if (r < 0)
                return failed(c, "write", path, -r);
        fprintf(c->out, "  wrote  %s\n", name);
        return EXIT_DONE;
}

/* --- parts ---------------------------------------------------------------------------------- */

/* mkdir -p below the project's directory, one component after the other: a link in the way is not
 * followed out of it. */
static int make_below(struct cli *c, const struct skeleton *s, char *relative) {
        _cleanup_close_ int at = open(s->project->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        char *rest = relative, *part;
        char shown[PATH_MAX];

        str_copy(shown, sizeof(shown), relative);
        if (at < 0)
                return failed(c, "open", s->project->dir, errno);
        while ((part = strsep(&rest, "/"))) {
                int next;

                if (mkdirat(at, part, 0755) < 0 && errno != EEXIST)
                        return failed(c, "make", shown, errno);
                next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (next < 0)
                        return failed(c, "make", shown, errno);
                close(at);
                at = next;
        }
        return EXIT_DONE;
}

int skeleton_directories(struct cli *c, const struct skeleton *s) {
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);
        int r = read_template(c, "tree", &text);
        char *rest = text.data, *line;

        while (r == EXIT_DONE && rest && (line = strsep(&rest, "\n")))
                if (*line && *line != '#') {
                        fprintf(c->out, "  folder %s/\n", line);
                        r = make_below(c, s, line);
                }
        return r;
}

int skeleton_readme(struct cli *c, const struct skeleton *s) {
        return write_new(c, s, "README.md", "README.md");
}

int skeleton_requirements(struct cli *c, const struct skeleton *s) {
        return write_new(c, s, "requirements.txt", "requirements.txt");
}

int skeleton_merge(const char *text, const char *addition, struct buf *out) {
        bool there = str_starts(text, "[tool.ds01]") || strstr(text, "\n[tool.ds01]");

        buf_adds(out, text);
        if (!there) {
                if (*text && !str_ends(text, "\n"))
                        buf_addc(out, '\n');
                buf_adds(out, addition);
        }
        return out->failed ? -ENOBUFS : 0;
}

int skeleton_pyproject(struct cli *c, const struct skeleton *s) {
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX), ours = BUF_INIT(TEXT_MAX),
                                 merged = BUF_INIT(2 * TEXT_MAX);
        char path[PATH_MAX + 64];
        bool fresh;
        int r;

        path_in(s, "pyproject.toml", path, sizeof(path));
        r = file_read(path, &text);
        fresh = r == -ENOENT;
        if (r < 0 && !fresh)
                return failed(c, "read", path, -r);
        r = fill_template(c, s, "pyproject-ds01.toml", &ours);
        if (r == EXIT_DONE && fresh)
                r = fill_template(c, s, "pyproject.toml", &text);
        if (r != EXIT_DONE)
                return r;
        if (memchr(buf_str(&text), '\0', text.len) ||
            skeleton_merge(buf_str(&text), buf_str(&ours), &merged) < 0)
                return failed(c, "read", path, EINVAL);
        if (!fresh && merged.len == text.len) {
                fputs("  kept   pyproject.toml\n", c->out);
                return EXIT_DONE;
        }
        r = file_write_atomic(path, 0644, merged.data, merged.len);
        if (r < 0)
                return failed(c, "write", path, -r);
        fputs(fresh ? "  wrote  pyproject.toml\n"
                    : "  added  [tool.ds01] to pyproject.toml (every line of it stays)\n",
              c->out);
        return EXIT_DONE;
}

static int run_git(struct cli *c, const char *dir) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                execlp("git", "git", "init", "--quiet", dir, (char *)NULL);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                return failed(c, "run", "git", errno);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
                fputs("  no git here: the project is none of its repositories\n", c->out);
                return EXIT_DONE;
        }
        if (status != 0) {
                cli_error(c, "'git init %s' has failed", dir);
                return EXIT_FAILED;
        }
        fputs("  git    init\n", c->out);
        return EXIT_DONE;
}

int skeleton_git(struct cli *c, const struct skeleton *s, bool lfs) {
        char path[PATH_MAX + 64];
        int r = write_new(c, s, "gitignore", ".gitignore");

        if (r == EXIT_DONE && lfs)
                r = write_new(c, s, "gitattributes", ".gitattributes");
        path_in(s, ".git", path, sizeof(path));
        if (r == EXIT_DONE && access(path, F_OK) < 0) {
                fflush(c->out);
                r = run_git(c, s->project->dir);
        }
        return r;
}
