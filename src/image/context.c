/* See context.h. */
#include "image/context.h"

#include "base/str.h"
#include "base/tar.h"
#include "base/vec.h"
#include "image/ignore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { IGNORE_MAX = 1 << 20, LARGEST = 5, DEPTH_MAX = 1000 };

struct entry {
        char *path, *link; /* a symbolic link's target; else NULL */
        mode_t mode;
        int64_t size, mtime;
};

struct image_context {
        int root;
        char *dockerfile;
        const char *bytes; /* in place of the Dockerfile, or NULL */
        size_t n;
        struct ignore ignore;
        bool defaults; /* there was no .dockerignore */
        VEC(struct entry) entries;
        struct image_context_info info;
        size_t largest[LARGEST]; /* indices into entries */
        size_t nlargest;
        /* the second pass */
        size_t at;
        int fd;       /* of the entry whose data goes out, or -1 */
        int64_t left; /* of its data */
        bool ended;
};

/* What is rarely part of an image and often large; image-update's backup would only make steps be
 * built anew. */
static const char default_rules[] =
        ".git\n.venv\nvenv\n.cache\ndata\ndatasets\ncheckpoints\nmodels\n"
        "outputs\nruns\nwandb\nmlruns\nnode_modules\nDockerfile.before-update\n**/__pycache__\n"
        "**/.ipynb_checkpoints\n**/.pytest_cache\n";

static void entry_release(struct entry *e) {
        free(e->path);
        free(e->link);
}

void image_context_free(struct image_context *c) {
        if (!c)
                return;
        for (size_t i = 0; i < c->entries.len; i++)
                entry_release(&c->entries.items[i]);
        VEC_RELEASE(&c->entries);
        ignore_release(&c->ignore);
        if (c->root >= 0)
                close(c->root);
        if (c->fd >= 0)
                close(c->fd);
        free(c->dockerfile);
        free(c);
}

const struct image_context_info *image_context_info(const struct image_context *c) {
        return &c->info;
}

/* --- the first pass ------------------------------------------------------------------------- */

static void size_text(int64_t bytes, char *dst, size_t size) {
        static const char units[] = "KMGT";
        double value = (double)bytes / 1024;
        int unit = 0;

        for (; value >= 1000 && units[unit + 1]; unit++)
                value /= 1024;
        (void)snprintf(dst, size, value < 10 ? "%.1f%cB" : "%.0f%cB", value, units[unit]);
}

static void note_largest(struct image_context *c, size_t index) {
        size_t i = c->nlargest;

        while (i > 0 && c->entries.items[c->largest[i - 1]].size < c->entries.items[index].size)
                i--;
        if (i == LARGEST)
                return;
        if (c->nlargest < LARGEST)
                c->nlargest++;
        memmove(&c->largest[i + 1], &c->largest[i], (c->nlargest - 1 - i) * sizeof(*c->largest));
        c->largest[i] = index;
}

static int put_headers(const struct entry *e, struct buf *out) {
        if (S_ISLNK(e->mode))
                return tar_put_entry(out, '2', e->path, e->link, 0, 0777, e->mtime);
        return tar_put_entry(out, S_ISDIR(e->mode) ? '5' : '0', e->path, "", e->size,
                             e->mode & 0777, e->mtime);
}

static int add_entry(struct image_context *c, const char *path, mode_t mode, int64_t size,
                     int64_t mtime, struct err *err) {
        struct entry e = { .mode = mode, .size = S_ISREG(mode) ? size : 0, .mtime = mtime };
        _cleanup_buf_ struct buf headers = BUF_INIT(TAR_ENTRY_MAX);
        char target[PATH_MAX], shown[256];
        ssize_t n = 0;

        for (const char *p = path; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f) {
                        str_printable(shown, sizeof(shown), path);
                        return err_set(err, EINVAL,
                                       "the name of '%s' has control characters", shown);
                }
        if (strlen(path) >= TAR_NAME_MAX)
                return err_set(err, ENAMETOOLONG, "'%.80s...' is too deep", path);
        if (c->entries.len == IMAGE_CONTEXT_FILES_MAX)
                return err_set(err, E2BIG, "there are more than %d files", IMAGE_CONTEXT_FILES_MAX);
        if (S_ISLNK(mode))
                n = readlinkat(c->root, path, target, sizeof(target));
        if (n < 0)
                return err_set(err, errno, "can't read the link '%s': %s", path, strerror(errno));
        e.path = strdup(path);
        e.link = S_ISLNK(mode) ? strndup(target, (size_t)n) : NULL;
        if (!e.path || (S_ISLNK(mode) && !e.link) || put_headers(&e, &headers) < 0 ||
            VEC_PUSH(&c->entries, e) < 0) {
                entry_release(&e);
                return err_set(err, ENOMEM, "no memory");
        }
        c->info.total_bytes += (int64_t)headers.len;
        c->info.total_bytes += (e.size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        if (S_ISREG(mode)) {
                c->info.files++;
                note_largest(c, c->entries.len - 1);
        }
        return 0;
}

struct name {
        char *name;
        struct stat st;
};

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

struct names {
        VEC(struct name) list;
};

static void names_release(struct names *n) {
        for (size_t i = 0; i < n->list.len; i++)
                free(n->list.items[i].name);
        VEC_RELEASE(&n->list);
}

/* What is in the directory @path, in order, so that the same files give the same archive. */
static int read_names(struct image_context *c, const char *path, struct names *ret,
                      struct err *err) {
        const char *shown = *path ? path : ".";
        int fd = openat(c->root, shown, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        int r = 0;

        if (!dir) {
                r = err_set(err, errno, "can't read the directory '%s': %s", shown,
                            strerror(errno));
                if (fd >= 0)
                        close(fd);
                return r;
        }
        while (r == 0 && (entry = readdir(dir))) {
                struct name n = { 0 };

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (fstatat(fd, entry->d_name, &n.st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue; /* it has gone meanwhile */
                n.name = strdup(entry->d_name);
                if (!n.name || VEC_PUSH(&ret->list, n) < 0) {
                        free(n.name);
                        r = err_set(err, ENOMEM, "no memory");
                }
        }
        closedir(dir);
        if (ret->list.len > 1)
                qsort(ret->list.items, ret->list.len, sizeof(*ret->list.items), by_name);
        return r;
}

static void say_left_out(struct image_context *c, const char *path) {
        size_t n = strlen(c->info.left_out);

        if (c->defaults && !strchr(path, '/'))
                (void)snprintf(c->info.left_out + n, sizeof(c->info.left_out) - n, "%s%s",
                               n ? ", " : "", path);
}

static int walk(struct image_context *c, const char *path, unsigned depth, struct err *err);

static int take(struct image_context *c, const char *path, const struct stat *st, unsigned depth,
                struct err *err) {
        bool out = ignore_matches(&c->ignore, path), is_recipe = strcmp(path, c->dockerfile) == 0;
        int r = 0;

        if (is_recipe && c->bytes)
                return 0; /* it comes at the end */
        if (S_ISDIR(st->st_mode)) {
                if (out)
                        say_left_out(c, path);
                else
                        r = add_entry(c, path, st->st_mode, 0, st->st_mtime, err);
                if (r == 0 && (!out || ignore_may_keep_below(&c->ignore) ||
                               (str_starts(c->dockerfile, path) &&
                                c->dockerfile[strlen(path)] == '/')))
                        r = walk(c, path, depth + 1, err);
                return r;
        }
        if (out && !is_recipe && strcmp(path, ".dockerignore") != 0)
                return 0;
        if (!S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode)) {
                c->info.skipped++;
                return 0;
        }
        if (S_ISREG(st->st_mode) && faccessat(c->root, path, R_OK, 0) < 0)
                return err_set(err, errno, "can't read '%s': %s", path, strerror(errno));
        return add_entry(c, path, st->st_mode, st->st_size, st->st_mtime, err);
}

static int walk(struct image_context *c, const char *path, unsigned depth, struct err *err) {
        _cleanup_(names_release) struct names names = { 0 };
        _cleanup_free_ char *below = NULL;
        int r;

        if (depth > DEPTH_MAX)
                return err_set(err, ELOOP, "'%.80s...' is too deep", path);
        r = read_names(c, path, &names, err);
        for (size_t i = 0; r == 0 && i < names.list.len; i++) {
                const struct name *n = &names.list.items[i];

                free(below);
                if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", n->name) < 0) {
                        below = NULL;
                        return err_set(err, ENOMEM, "no memory");
                }
                r = take(c, below, &n->st, depth, err);
        }
        return r;
}

static int read_ignore(struct image_context *c, struct err *err) {
        _cleanup_close_ int fd =
                openat(c->root, ".dockerignore", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        _cleanup_buf_ struct buf text = BUF_INIT(IGNORE_MAX);

        if (fd < 0 && errno == ENOENT) {
                c->defaults = true;
                return ignore_add(&c->ignore, default_rules, strlen(default_rules));
        }
        for (;;) {
                char *room = fd < 0 ? NULL : buf_reserve(&text, 4096);
                ssize_t n = room ? read(fd, room, 4096) : -1;

                if (n < 0)
                        return err_set(err, errno ? errno : E2BIG, "can't read '.dockerignore': %s",
                                       fd >= 0 && !room ? "it is too large" : strerror(errno));
                if (n == 0)
                        break;
                buf_commit(&text, (size_t)n);
        }
        return ignore_add(&c->ignore, buf_str(&text), text.len);
}

static void name_largest(struct image_context *c) {
        for (size_t i = 0; i < c->nlargest; i++) {
                const struct entry *e = &c->entries.items[c->largest[i]];
                size_t n = strlen(c->info.largest);
                char size[32];

                size_text(e->size, size, sizeof(size));
                (void)snprintf(c->info.largest + n, sizeof(c->info.largest) - n, "%s%s (%s)",
                               n ? ", " : "", e->path, size);
        }
}

int image_context_open(const char *dir, const char *dockerfile, const char *bytes, size_t n,
                       struct image_context **ret, struct err *err) {
        struct image_context *c = calloc(1, sizeof(*c));
        int r = 0;

        if (!c)
                return err_set(err, ENOMEM, "no memory");
        c->fd = -1;
        c->bytes = bytes;
        c->n = n;
        c->dockerfile = strdup(dockerfile);
        c->root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (c->root < 0 || !c->dockerfile)
                r = err_set(err, errno, "can't open '%s': %s", dir, strerror(errno));
        if (r == 0)
                r = read_ignore(c, err);
        if (r == 0)
                r = walk(c, "", 0, err);
        if (r == 0 && bytes)
                r = add_entry(c, dockerfile, S_IFREG | 0644, (int64_t)n, 0, err);
        if (r < 0) {
                image_context_free(c);
                return r;
        }
        name_largest(c);
        c->info.total_bytes += 2L * TAR_BLOCK;
        *ret = c;
        return 0;
}

/* --- the second pass ------------------------------------------------------------------------ */

static bool is_bytes(const struct image_context *c, const struct entry *e) {
        return c->bytes && strcmp(e->path, c->dockerfile) == 0;
}

static int begin_entry(struct image_context *c, struct buf *piece, struct err *err) {
        const struct entry *e = &c->entries.items[c->at];

        if (!S_ISREG(e->mode)) {
                c->at++;
                return put_headers(e, piece);
        }
        if (!is_bytes(c, e)) {
                c->fd = openat(c->root, e->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
                if (c->fd < 0)
                        return err_set(err, errno, "can't read '%s': %s", e->path, strerror(errno));
        }
        c->left = e->size;
        return put_headers(e, piece);
}

static void end_entry(struct image_context *c, struct buf *piece) {
        tar_put_padding(piece, c->entries.items[c->at].size);
        if (c->fd >= 0)
                close(c->fd);
        c->fd = -1;
        c->at++;
}

static int put_data(struct image_context *c, struct buf *piece, struct err *err) {
        const struct entry *e = &c->entries.items[c->at];
        size_t room = IMAGE_CONTEXT_PIECE / 4;
        size_t wanted = c->left < (int64_t)room ? (size_t)c->left : room;
        char *to = buf_reserve(piece, wanted);
        ssize_t n = 0;

        if (!to)
                return err_set(err, ENOMEM, "no memory");
        if (is_bytes(c, e)) {
                memcpy(to, c->bytes + (e->size - c->left), wanted);
                n = (ssize_t)wanted;
        } else {
                n = read(c->fd, to, wanted);
                if (n < 0)
                        return err_set(err, errno, "can't read '%s': %s", e->path, strerror(errno));
        }
        if (n == 0) { /* it has become shorter */
                memset(to, 0, wanted);
                n = (ssize_t)wanted;
        }
        buf_commit(piece, (size_t)n);
        c->left -= n;
        return 0;
}

int image_context_next(struct image_context *c, struct buf *piece, struct err *err) {
        size_t before = piece->len;
        int r = 0;

        if (c->ended)
                return 0;
        while (r == 0 && piece->len - before < IMAGE_CONTEXT_PIECE / 2 &&
               (c->left > 0 || c->at < c->entries.len)) {
                size_t at = c->at;

                r = c->left > 0 ? put_data(c, piece, err) : begin_entry(c, piece, err);
                if (r == 0 && c->at == at && c->left == 0)
                        end_entry(c, piece);
        }
        if (r < 0)
                return r;
        if (c->left == 0 && c->at == c->entries.len) {
                c->ended = true;
                return tar_put_end(piece) < 0 ? err_set(err, ENOBUFS, "no room") : 1;
        }
        return 1;
}
