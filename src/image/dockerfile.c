/* See dockerfile.h. */
#include "image/dockerfile.h"

#include "base/guess.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Debian's and Ubuntu's Pythons refuse pip outside of a virtual environment (PEP 668); an image is
 * one of its own. */
#define PIP "RUN PIP_BREAK_SYSTEM_PACKAGES=1 pip install --no-cache-dir"

static const char begin_mark[] = "# ds01:begin ", end_mark[] = "# ds01:end ";

const char *const dockerfile_region_names[REGIONS] = {
        [REGION_SYSTEM] = "system",
        [REGION_REQUIREMENTS] = "requirements",
        [REGION_PACKAGES] = "packages",
        [REGION_ADDED] = "added",
};

struct span {
        size_t begin, end; /* the lines of the marks */
};

void dockerfile_release(struct dockerfile *d) {
        for (size_t i = 0; i < d->lines.len; i++)
                free(d->lines.items[i]);
        VEC_RELEASE(&d->lines);
}

/* --- lines and regions ---------------------------------------------------------------------- */

/* The region that a mark names, REGIONS for an unknown one, -1 when the line is no such mark. */
static int mark_of(const char *line, const char *mark) {
        size_t n;

        if (!str_starts(line, mark))
                return -1;
        line += strlen(mark);
        n = strcspn(line, " \t\r\n");
        for (int i = 0; i < REGIONS; i++)
                if (strlen(dockerfile_region_names[i]) == n &&
                    memcmp(dockerfile_region_names[i], line, n) == 0)
                        return i;
        return REGIONS;
}

static int check_marks(const struct dockerfile *d, struct err *err) {
        bool seen[REGIONS] = { false };
        size_t opened = 0;
        int open = -1;

        for (size_t i = 0; i < d->lines.len; i++) {
                int begin = mark_of(d->lines.items[i], begin_mark);
                int end = mark_of(d->lines.items[i], end_mark);

                if (begin == REGIONS || end == REGIONS)
                        return err_set(err, EINVAL, "line %zu: there is no such region", i + 1);
                if ((begin >= 0 && open >= 0) || (end >= 0 && end != open))
                        return err_set(err, EINVAL,
                                       "line %zu: the region that begins in line %zu "
                                       "has no end",
                                       i + 1, opened);
                if (begin >= 0 && seen[begin])
                        return err_set(err, EINVAL, "line %zu: the region '%s' is there already",
                                       i + 1, dockerfile_region_names[begin]);
                if (begin >= 0) {
                        seen[begin] = true;
                        opened = i + 1;
                        open = begin;
                }
                if (end >= 0)
                        open = -1;
        }
        if (open >= 0)
                return err_set(err, EINVAL, "line %zu: the region '%s' has no end", opened,
                               dockerfile_region_names[open]);
        return 0;
}

int dockerfile_parse(const char *bytes, size_t n, struct dockerfile *ret, struct err *err) {
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        int r;

        if (n > DOCKERFILE_MAX)
                return err_set(err, EINVAL, "it has more than %d bytes", DOCKERFILE_MAX);
        if (memchr(bytes, '\0', n))
                return err_set(err, EINVAL, "it is not a text file");
        for (size_t at = 0; at < n;) {
                const char *end = memchr(bytes + at, '\n', n - at);
                size_t length = end ? (size_t)(end - bytes) - at + 1 : n - at;
                char *line = malloc(length + 1);

                if (line) {
                        memcpy(line, bytes + at, length);
                        line[length] = '\0';
                }
                if (!line || VEC_PUSH(&d.lines, line) < 0) {
                        free(line);
                        return -ENOMEM;
                }
                at += length;
        }
        r = check_marks(&d, err);
        if (r < 0)
                return r;
        *ret = d;
        d = (struct dockerfile){ 0 };
        return 0;
}

int dockerfile_write(const struct dockerfile *d, struct buf *out) {
        for (size_t i = 0; i < d->lines.len; i++)
                buf_adds(out, d->lines.items[i]);
        return out->failed ? -ENOBUFS : 0;
}

static bool find(const struct dockerfile *d, enum dockerfile_region region, struct span *ret) {
        bool found = false;

        for (size_t i = 0; i < d->lines.len; i++) {
                if (mark_of(d->lines.items[i], begin_mark) == (int)region) {
                        ret->begin = i;
                        found = true;
                } else if (found && mark_of(d->lines.items[i], end_mark) == (int)region) {
                        ret->end = i;
                        return true;
                }
        }
        return false;
}

bool dockerfile_has(const struct dockerfile *d, enum dockerfile_region region) {
        struct span ignored;

        return find(d, region, &ignored);
}

/* Puts the lines of @text in the place of the lines from @from up to, without, @to. */
static int replace(struct dockerfile *d, size_t from, size_t to, const char *text) {
        struct dockerfile fresh = { 0 };
        struct dockerfile all = { 0 };
        int r = dockerfile_parse(text, strlen(text), &fresh, NULL);

        for (size_t i = 0; r == 0 && i < from; i++)
                r = VEC_PUSH(&all.lines, d->lines.items[i]);
        for (size_t i = 0; r == 0 && i < fresh.lines.len; i++)
                r = VEC_PUSH(&all.lines, fresh.lines.items[i]);
        for (size_t i = to; r == 0 && i < d->lines.len; i++)
                r = VEC_PUSH(&all.lines, d->lines.items[i]);
        if (r < 0) {
                dockerfile_release(&fresh);
                VEC_RELEASE(&all.lines);
                return r;
        }
        for (size_t i = from; i < to; i++)
                free(d->lines.items[i]);
        VEC_RELEASE(&d->lines);
        VEC_RELEASE(&fresh.lines);
        *d = all;
        return 0;
}

/* --- what a region installs ------------------------------------------------------------------- */

static bool is_comment(const char *line) {
        return line[strspn(line, " \t")] == '#';
}

static bool is_instruction(const char *line, const char *word) {
        line += strspn(line, " \t");
        return strncasecmp(line, word, strlen(word)) == 0 && strchr(" \t\r\n", line[strlen(word)]);
}

/* The next word of a shell's line, quotes taken away; false at the end. */
static bool next_word(const char **at, char *dst, size_t size) {
        const char *s = *at;
        size_t n = 0;
        char quote = '\0';

        while (*s && strchr(" \t\r\n", *s))
                s++;
        if (!*s)
                return false;
        for (; *s && (quote || !strchr(" \t\r\n", *s)); s++) {
                if (quote ? *s == quote : *s == '\'' || *s == '"')
                        quote = quote ? '\0' : *s;
                else if (n + 1 < size)
                        dst[n++] = *s;
        }
        dst[n] = '\0';
        *at = s;
        return true;
}

enum package_kind dockerfile_kind(enum dockerfile_region region) {
        return region == REGION_SYSTEM ? PACKAGE_APT : PACKAGE_PIP;
}

/* A word of the instructions that are written here; @options: behind "install". */
static bool is_own_word(const char *word, bool options, enum dockerfile_region region) {
        static const char *const behind[] = { "--no-cache-dir", "-y", "--no-install-recommends" };
        static const char *const words[] = {
                "RUN",   "PIP_BREAK_SYSTEM_PACKAGES=1",    "pip",       "pip3",
                "sed",   "DEBIAN_FRONTEND=noninteractive", "apt-get",   "update",
                "rm",    "/var/lib/apt/lists/*",           "-rf",       "find",
                "-name", "/etc/apt",                       "*.sources", "*.list",
                "-o",    "xargs",                          "|",         "-i",
                "-E",
        };

        for (size_t i = 0; i < ARRAY_SIZE(behind) && options; i++)
                if (strcmp(behind[i], word) == 0)
                        return true;
        for (size_t i = 0; i < ARRAY_SIZE(words) && !options; i++)
                if (strcasecmp(words[i], word) == 0)
                        return true;
        if (region == REGION_REQUIREMENTS)
                return strcmp(word, "-r") == 0 || strcmp(word, "/tmp/requirements.txt") == 0;
        return !options && str_starts(word, "s#https?://(deb");
}

struct scan {
        enum dockerfile_region region;
        bool inside;                   /* behind "install", up to the next command */
        char foreign[2 * PACKAGE_MAX]; /* the first word that is not of our own form, or "" */
        size_t line;                   /* where that is */
};

/* The words behind "install" are packages, options left away. */
static int scan_line(struct scan *s, const char *line, size_t number, struct packages *ret,
                     struct err *err) {
        bool lists = s->region != REGION_REQUIREMENTS;
        char word[2 * PACKAGE_MAX];
        int r = 0;

        if (!lists && is_instruction(line, "COPY"))
                return 0;
        while (r == 0 && next_word(&line, word, sizeof(word))) {
                if (strcmp(word, "&&") == 0 || strcmp(word, ";") == 0 || strcmp(word, "||") == 0) {
                        s->inside = false;
                } else if (strcmp(word, "install") == 0) {
                        s->inside = true;
                } else if (lists && s->inside && word[0] != '-' && strcmp(word, "\\") != 0) {
                        r = packages_add(ret, dockerfile_kind(s->region), word, err);
                } else if (strcmp(word, "\\") != 0 && !s->foreign[0] &&
                           !is_own_word(word, s->inside, s->region)) {
                        str_copy(s->foreign, sizeof(s->foreign), word);
                        s->line = number;
                }
        }
        return r;
}

static int scan_region(const struct dockerfile *d, struct span span, struct scan *s,
                       struct packages *ret, struct err *err) {
        int r = 0;

        for (size_t i = span.begin + 1; r == 0 && i < span.end; i++) {
                const char *line = d->lines.items[i];
                size_t n = strcspn(line, "\r\n");

                if (is_comment(line))
                        continue;
                r = scan_line(s, line, i + 1, ret, err);
                if (r == -EINVAL)
                        return err_wrap(err, "line %zu", i + 1);
                if (n == 0 || line[n - 1] != '\\')
                        s->inside = false;
        }
        return r;
}

int dockerfile_packages(const struct dockerfile *d, enum dockerfile_region region,
                        struct packages *ret, struct err *err) {
        struct scan s = { .region = region };
        struct span span;

        if (region == REGION_REQUIREMENTS || !find(d, region, &span))
                return 0;
        return scan_region(d, span, &s, ret, err);
}

/* --- writing a region ----------------------------------------------------------------------- */

static void put_word(struct buf *out, const char *text) {
        bool plain = text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_.+=:")] == '\0';

        buf_addf(out, plain ? "%s" : "'%s'", text);
}

static void put_list(struct buf *out, const struct packages *p) {
        for (size_t i = 0; i < p->list.len; i++) {
                buf_adds(out, " \\\n        ");
                put_word(out, p->list.items[i]);
        }
}

static void put_system(struct buf *out, const struct packages *p, const char *mirror) {
        if (p->list.len == 0)
                return;
        buf_adds(out, "RUN ");
        if (mirror)
                buf_addf(out,
                         "find /etc/apt -name '*.list' -o -name '*.sources' | xargs sed -i -E \\\n"
                         "        "
                         "'s#https?://(deb\\.debian\\.org|([a-z]+\\.)?archive\\.ubuntu\\.com)"
                         "#%s#' && \\\n    ",
                         mirror);
        buf_adds(out,
                 "apt-get update && \\\n"
                 "    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends");
        put_list(out, p);
        buf_adds(out, " && \\\n    rm -rf /var/lib/apt/lists/*\n");
}

int dockerfile_region_text(enum dockerfile_region region, const struct packages *packages,
                           const char *requirements, const char *mirror, struct buf *out) {
        const char *name = dockerfile_region_names[region];

        buf_addf(out, "%s%s\n", begin_mark, name);
        if (region == REGION_SYSTEM) {
                put_system(out, packages, mirror);
        } else if (region == REGION_REQUIREMENTS) {
                buf_addf(out,
                         "COPY [\"%s\", \"/tmp/requirements.txt\"]\n" PIP
                         " -r /tmp/requirements.txt\n",
                         requirements);
        } else if (packages->list.len > 0) {
                buf_adds(out, PIP);
                put_list(out, packages);
                buf_addc(out, '\n');
        }
        buf_addf(out, "%s%s\n", end_mark, name);
        return out->failed ? -ENOBUFS : 0;
}

/* What people have written into a region beside packages would be lost with its next writing. */
static int check_own(const struct dockerfile *d, enum dockerfile_region region, struct span span,
                     struct err *err) {
        _cleanup_packages_ struct packages ignored = { 0 };
        struct scan s = { .region = region };
        char shown[2 * PACKAGE_MAX];
        int r = scan_region(d, span, &s, &ignored, err);

        if (r < 0 || !s.foreign[0])
                return r;
        str_printable(shown, sizeof(shown), s.foreign);
        return err_set(err, EINVAL,
                       "line %zu: '%s' between the marks of '%s' would be lost; move what you "
                       "wrote there behind '%s%s'",
                       s.line, shown, dockerfile_region_names[region], end_mark,
                       dockerfile_region_names[region]);
}

/* Comments that people have put into a region stay, in front of what it installs; so does a
 * mirror, which only image-create knows. */
static int rewrite(struct dockerfile *d, enum dockerfile_region region,
                   const struct packages *packages, const char *requirements, struct err *err) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX), all = BUF_INIT(DOCKERFILE_MAX);
        char mirror[512] = "";
        const char *body;
        struct span span;
        int r;

        if (!find(d, region, &span))
                return -ENOENT;
        r = check_own(d, region, span, err);
        if (r < 0)
                return r;
        buf_adds(&all, d->lines.items[span.begin]);
        for (size_t i = span.begin + 1; i < span.end; i++) {
                const char *line = d->lines.items[i];
                const char *at = strstr(line, "archive\\.ubuntu\\.com)#");

                if (is_comment(line))
                        buf_adds(&all, line);
                if (at) {
                        at += strlen("archive\\.ubuntu\\.com)#");
                        (void)snprintf(mirror, sizeof(mirror), "%.*s", (int)strcspn(at, "#"), at);
                }
        }
        dockerfile_region_text(region, packages, requirements, *mirror ? mirror : NULL, &text);
        body = strchr(buf_str(&text), '\n') + 1;
        buf_add(&all, body, strlen(body) - strlen(strstr(body, end_mark)));
        buf_adds(&all, d->lines.items[span.end]);
        if (text.failed || all.failed)
                return -ENOBUFS;
        return replace(d, span.begin, span.end + 1, buf_str(&all));
}

/* --- where a new region goes ---------------------------------------------------------------- */

/* Behind the last instruction of the last stage that is about what is in the image: USER, CMD and
 * the like at its end stay where they are. */
static size_t place_for_region(const struct dockerfile *d) {
        static const char *const tail[] = { "USER",   "CMD",         "ENTRYPOINT",
                                            "EXPOSE", "HEALTHCHECK", "STOPSIGNAL" };
        bool continued = false, last = false; /* is this instruction one of the tail? */
        size_t place = 0;

        for (size_t i = 0; i < d->lines.len; i++) {
                const char *line = d->lines.items[i];
                size_t n = strcspn(line, "\r\n");
                bool blank = line[strspn(line, " \t")] == line[n];

                if (is_comment(line) && mark_of(line, end_mark) < 0)
                        continue;
                last &= continued;
                for (size_t t = 0; t < ARRAY_SIZE(tail) && !continued; t++)
                        last |= is_instruction(line, tail[t]);
                if (!last && (continued || !blank))
                        place = i + 1;
                continued = n > 0 && line[n - 1] == '\\';
        }
        return place;
}

static int make_region(struct dockerfile *d, enum dockerfile_region region,
                       const struct packages *packages, const char *requirements) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        size_t at = place_for_region(d);
        const char *before = at > 0 ? d->lines.items[at - 1] : "\n";

        if (!str_ends(before, "\n"))
                buf_addc(&text, '\n'); /* the file's last line has no end of its own */
        buf_addc(&text, '\n');
        dockerfile_region_text(region, packages, requirements, NULL, &text);
        if (text.failed)
                return -ENOBUFS;
        return replace(d, at, at, buf_str(&text));
}

/* --- edits ---------------------------------------------------------------------------------- */

static int read_regions(const struct dockerfile *d, enum package_kind kind,
                        struct packages regions[REGIONS], struct err *err) {
        int r = 0;

        for (int i = 0; i < REGIONS && r == 0; i++)
                if (dockerfile_kind(i) == kind && i != REGION_REQUIREMENTS)
                        r = dockerfile_packages(d, i, &regions[i], err);
        return r;
}

static void release_regions(struct packages regions[REGIONS]) {
        for (int i = 0; i < REGIONS; i++)
                packages_release(&regions[i]);
}

static int write_region(struct dockerfile *d, enum dockerfile_region region,
                        const struct packages *packages, struct err *err) {
        return dockerfile_has(d, region) ? rewrite(d, region, packages, NULL, err)
                                         : make_region(d, region, packages, NULL);
}

int dockerfile_add(struct dockerfile *d, enum package_kind kind, const struct packages *wanted,
                   unsigned *ret_changed, struct err *err) {
        enum dockerfile_region fresh = kind == PACKAGE_APT ? REGION_SYSTEM : REGION_ADDED;
        struct packages regions[REGIONS] = { 0 };
        bool touched[REGIONS] = { false };
        int r = read_regions(d, kind, regions, err);

        *ret_changed = 0;
        for (size_t i = 0; r == 0 && i < wanted->list.len; i++) {
                const char *text = wanted->list.items[i];
                int to = (int)fresh, at = -1;

                for (int region = 0; region < REGIONS && at < 0; region++) {
                        at = packages_find(&regions[region], kind, text);
                        if (at >= 0)
                                to = region;
                }
                if (at >= 0 && strcmp(regions[to].list.items[at], text) == 0)
                        continue;
                r = packages_add(&regions[to], kind, text, err);
                touched[to] = true;
                ++*ret_changed;
        }
        for (int i = 0; i < REGIONS && r == 0; i++)
                if (touched[i])
                        r = write_region(d, i, &regions[i], err);
        release_regions(regions);
        return r;
}

/* Packages of either kind may have been meant. */
static int no_such_package(const struct dockerfile *d, const char *name, struct err *err) {
        static const enum package_kind kinds[] = { PACKAGE_PIP, PACKAGE_APT };
        struct packages regions[REGIONS] = { 0 };
        struct guess guess = { .word = name };
        char near[GUESS_MAX + 32];

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                (void)read_regions(d, kinds[i], regions, NULL);
        for (int region = 0; region < REGIONS; region++)
                for (size_t i = 0; i < regions[region].list.len; i++) {
                        char known[PACKAGE_MAX];

                        package_name(dockerfile_kind(region), regions[region].list.items[i], known);
                        guess_try(&guess, known);
                }
        release_regions(regions);
        return err_set(err, ENOENT, "'%s' is in no list of packages there%s", name,
                       guess_text(&guess, near, sizeof(near)));
}

int dockerfile_remove(struct dockerfile *d, enum package_kind kind, const struct packages *names,
                      struct err *err) {
        struct packages regions[REGIONS] = { 0 };
        bool touched[REGIONS] = { false };
        int r = read_regions(d, kind, regions, err);

        for (size_t i = 0; r == 0 && i < names->list.len; i++) {
                bool found = false;

                for (int region = 0; region < REGIONS; region++) {
                        int at = packages_find(&regions[region], kind, names->list.items[i]);

                        if (at < 0)
                                continue;
                        free(regions[region].list.items[at]);
                        VEC_REMOVE(&regions[region].list, (size_t)at);
                        touched[region] = found = true;
                }
                if (!found)
                        r = no_such_package(d, names->list.items[i], err);
        }
        for (int i = 0; i < REGIONS && r == 0; i++)
                if (touched[i])
                        r = write_region(d, i, &regions[i], err);
        release_regions(regions);
        return r;
}

int dockerfile_file_check(const char *file, struct err *err) {
        size_t n = strcspn(file, "\"\\\n\r\t$*?[");

        if (file[n])
                return err_set(err, EINVAL, "'%s' can't be named in a Dockerfile: '%c' means "
                               "something there", file, file[n]);
        return 0;
}

int dockerfile_set_requirements(struct dockerfile *d, const char *file, struct err *err) {
        const struct packages none = { 0 };

        if (dockerfile_file_check(file, err) < 0)
                return -EINVAL;
        return dockerfile_has(d, REGION_REQUIREMENTS)
                       ? rewrite(d, REGION_REQUIREMENTS, &none, file, err)
                       : make_region(d, REGION_REQUIREMENTS, &none, file);
}

/* --- the base ------------------------------------------------------------------------------- */

/* The last FROM, and where in its line the image stands. False when there is none. */
static bool find_base(const struct dockerfile *d, size_t *ret_line, struct span *ret) {
        bool continued = false, found = false;

        for (size_t i = 0; i < d->lines.len; i++) {
                const char *line = d->lines.items[i], *at = line + strspn(line, " \t");
                size_t n = strcspn(line, "\r\n");

                if (is_comment(line))
                        continue;
                if (!continued && is_instruction(line, "FROM")) {
                        do {
                                at += strcspn(at, " \t\r\n");
                                at += strspn(at, " \t");
                        } while (*at == '-');
                        *ret_line = i;
                        ret->begin = (size_t)(at - line);
                        ret->end = ret->begin + strcspn(at, " \t\r\n");
                        found = ret->end > ret->begin;
                }
                continued = n > 0 && line[n - 1] == '\\';
        }
        return found;
}

void dockerfile_base(const struct dockerfile *d, char *dst, size_t size) {
        struct span word;
        size_t line;

        *dst = '\0';
        if (find_base(d, &line, &word))
                snprintf(dst, size, "%.*s", (int)(word.end - word.begin),
                         d->lines.items[line] + word.begin);
}

int dockerfile_set_base(struct dockerfile *d, const char *image, struct err *err) {
        _cleanup_buf_ struct buf text = BUF_INIT(DOCKERFILE_MAX);
        struct span word;
        size_t line;
        int r;

        if (!*image || *image == '-' ||
            image[strspn(image, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.:/@")])
                return err_set(err, EINVAL, "'%s' is not the name of an image", image);
        if (!find_base(d, &line, &word))
                return err_set(err, EINVAL, "it has no FROM with an image");
        r = buf_addf(&text, "%.*s%s%s", (int)word.begin, d->lines.items[line], image,
                     d->lines.items[line] + word.end);
        return r < 0 ? r : replace(d, line, line + 1, text.data);
}
