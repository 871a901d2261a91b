/* See package.h. */
#include "image/package.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static bool is_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool one_of(char c, const char *set) {
        return c && strchr(set, c);
}

void packages_release(struct packages *p) {
        for (size_t i = 0; i < p->list.len; i++)
                free(p->list.items[i]);
        VEC_RELEASE(&p->list);
}

/* How long the name at the beginning is. */
static size_t name_length(const char *s) {
        size_t n = 0;

        while (is_alnum(s[n]) || one_of(s[n], "-_."))
                n++;
        while (n > 0 && !is_alnum(s[n - 1]))
                n--;
        return is_alnum(s[0]) ? n : 0;
}

static const char *skip_extras(const char *s) {
        if (*s != '[')
                return s;
        for (s++; *s && *s != ']'; s++)
                if (!is_alnum(*s) && !one_of(*s, "-_.,"))
                        return NULL;
        return *s ? s + 1 : NULL;
}

/* ">=1.0,<2": comparisons with versions. */
static bool versions_ok(const char *s) {
        while (*s) {
                size_t op = strspn(s, "<>=!~"), version;

                if (op == 0 || op > 3)
                        return false;
                s += op;
                for (version = 0; is_alnum(s[version]) || one_of(s[version], ".*+!-_"); version++)
                        ;
                if (version == 0)
                        return false;
                s += version;
                if (*s == ',')
                        s++;
                else if (*s)
                        return false;
        }
        return true;
}

/* "@https://...", "@git+https://...": an address without anything that a shell would mind. */
static bool address_ok(const char *s) {
        static const char *const schemes[] = { "https://",    "http://",    "git+https://",
                                               "git+http://", "git+ssh://", "file:///" };
        bool known = false;

        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                known |= str_starts(s, schemes[i]);
        for (; known && *s; s++)
                if (!is_alnum(*s) && !one_of(*s, "-_.~:/?#[]@&+,=%"))
                        return false;
        return known;
}

static int check_pip(const char *text, struct err *err) {
        size_t n = name_length(text);
        const char *rest = skip_extras(text + n);

        if (text[0] == '-')
                return err_set(err, EINVAL, "'%s' is an option, not a package", text);
        if (n == 0 || !rest)
                return err_set(err, EINVAL,
                               "'%s' is no package: names have letters, digits, "
                               "'-', '_' and '.'",
                               text);
        if (*rest == '@' ? address_ok(rest + 1) : versions_ok(rest))
                return 0;
        if (strchr(rest, ';'))
                return err_set(err, EINVAL,
                               "'%s' has a condition; that is for a requirements "
                               "file",
                               text);
        return err_set(err, EINVAL,
                       "'%s' is no package: '%s' is not understood behind the name; "
                       "for example: pandas>=2.0 or numpy==1.26.*",
                       text, rest);
}

static int check_apt(const char *text, struct err *err) {
        size_t n = 0;

        while ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= '0' && text[n] <= '9') ||
               (n > 0 && one_of(text[n], "+-.")))
                n++;
        if (n >= 2 && text[n] == ':')
                for (n++; is_alnum(text[n]); n++)
                        ;
        if (n >= 2 && text[n] == '=')
                for (n++; is_alnum(text[n]) || one_of(text[n], ".+-~:"); n++)
                        ;
        if (n < 2 || text[n])
                return err_set(err, EINVAL,
                               "'%s' is no package of the system: names have small "
                               "letters, digits, '+', '-' and '.'",
                               text);
        return 0;
}

int package_check(enum package_kind kind, const char *text, struct err *err) {
        char shown[PACKAGE_MAX];

        str_printable(shown, sizeof(shown), text);
        if (strlen(text) >= PACKAGE_MAX)
                return err_set(err, EINVAL, "'%.40s...' is too long for a package", shown);
        if (strcmp(shown, text) != 0)
                return err_set(err, EINVAL, "'%s' is no package", shown);
        return kind == PACKAGE_PIP ? check_pip(text, err) : check_apt(text, err);
}

void package_name(enum package_kind kind, const char *text, char *dst) {
        size_t n = 0, length = kind == PACKAGE_PIP ? name_length(text) : strcspn(text, "=");

        for (size_t i = 0; i < length && n < PACKAGE_MAX - 1; i++) {
                char c = text[i];

                if (kind == PACKAGE_PIP && one_of(c, "-_.")) {
                        if (n > 0 && dst[n - 1] == '-')
                                continue;
                        c = '-';
                } else if (kind == PACKAGE_PIP && c >= 'A' && c <= 'Z') {
                        c = (char)(c - 'A' + 'a');
                }
                dst[n++] = c;
        }
        dst[n] = '\0';
}

int packages_find(const struct packages *p, enum package_kind kind, const char *text) {
        char wanted[PACKAGE_MAX], name[PACKAGE_MAX];

        package_name(kind, text, wanted);
        for (size_t i = 0; i < p->list.len; i++) {
                package_name(kind, p->list.items[i], name);
                if (strcmp(name, wanted) == 0)
                        return (int)i;
        }
        return -1;
}

static int add_one(struct packages *p, enum package_kind kind, const char *text, struct err *err) {
        char *copy;
        int at, r = package_check(kind, text, err);

        if (r < 0)
                return r;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        at = packages_find(p, kind, text);
        if (at >= 0) {
                free(p->list.items[at]);
                p->list.items[at] = copy;
                return 0;
        }
        r = VEC_PUSH(&p->list, copy);
        if (r < 0)
                free(copy);
        return r;
}

static int end_item(struct packages *p, enum package_kind kind, struct buf *item, struct err *err) {
        int r = 0;

        if (item->failed)
                return err_set(err, EINVAL, "a package in the list is too long");
        if (item->len > 0)
                r = add_one(p, kind, buf_str(item), err);
        buf_reset(item);
        return r;
}

int packages_add(struct packages *p, enum package_kind kind, const char *text, struct err *err) {
        _cleanup_buf_ struct buf item = BUF_INIT(16 * PACKAGE_MAX);
        bool gap = false, extras = false;
        int r = 0;

        for (; *text && r == 0; text++) {
                char last = item.len ? item.data[item.len - 1] : '\0';

                if (*text == '\'' || *text == '"')
                        continue;
                if (is_blank(*text)) {
                        gap = true;
                        continue;
                }
                /* "numpy >= 1, < 2" is one package, "numpy, pandas" are two. */
                if (*text == ',' && !extras &&
                    !one_of(text[1 + strspn(text + 1, " \t")], "<>=!~")) {
                        r = end_item(p, kind, &item, err);
                        continue;
                }
                if (gap && !extras && !one_of(*text, "<>=!~@[,") && !one_of(last, "<>=!~@,"))
                        r = end_item(p, kind, &item, err);
                gap = false;
                extras = *text == '[' || (extras && *text != ']');
                buf_addc(&item, *text);
        }
        return r == 0 ? end_item(p, kind, &item, err) : r;
}

int requirements_check(const char *bytes, size_t n, struct err *err) {
        static const char *const options[] = {
                "-i",
                "--index-url",
                "--extra-index-url",
                "-f",
                "--find-links",
                "--no-index",
                "--pre",
                "--prefer-binary",
                "--only-binary",
                "--no-binary",
                "--require-hashes",
                "--hash",
                "--trusted-host",
        };
        size_t line = 1;

        if (memchr(bytes, '\0', n) || !utf8_valid(bytes, n))
                return err_set(err, EINVAL, "it is not a text file");
        for (size_t at = 0; at < n; line++) {
                const char *start = bytes + at, *end = memchr(start, '\n', n - at);
                size_t length = end ? (size_t)(end - start) : n - at, word;
                bool known = false;

                at += length + 1;
                while (length > 0 && is_blank(*start))
                        start++, length--;
                if (length == 0 || *start != '-')
                        continue;
                for (word = 0; word < length && !is_blank(start[word]) && start[word] != '=';
                     word++)
                        ;
                for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                        known |= strlen(options[i]) == word && memcmp(options[i], start, word) == 0;
                if (!known)
                        return err_set(err, EINVAL,
                                       "line %zu: the option '%.*s' can't be used in "
                                       "an image's requirements",
                                       line, (int)word, start);
        }
        return 0;
}
