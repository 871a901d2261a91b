/* See ignore.h. */
#include "image/ignore.h"

#include "base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { STEPS_MAX = 100000 }; /* of one comparison: a pattern of stars only cannot take for ever */

void ignore_release(struct ignore *i) {
        for (size_t n = 0; n < i->rules.len; n++)
                free(i->rules.items[n].pattern);
        VEC_RELEASE(&i->rules);
}

/* Takes "." and empty components away, and resolves "..", as Docker does before it compares. */
static char *clean(const char *s, size_t n) {
        char *out = malloc(n + 1);
        size_t len = 0;

        if (!out)
                return NULL;
        while (n > 0) {
                const char *slash = memchr(s, '/', n);
                size_t part = slash ? (size_t)(slash - s) : n;

                if (part == 2 && memcmp(s, "..", 2) == 0) {
                        while (len > 0 && out[--len] != '/')
                                ;
                } else if (part > 0 && !(part == 1 && *s == '.')) {
                        if (len > 0)
                                out[len++] = '/';
                        memcpy(out + len, s, part);
                        len += part;
                }
                s += part + (slash != NULL);
                n -= part + (slash != NULL);
        }
        out[len] = '\0';
        return out;
}

static int add_line(struct ignore *i, const char *s, size_t n) {
        struct ignore_rule rule = { 0 };

        while (n > 0 && strchr(" \t\r", s[n - 1]))
                n--;
        while (n > 0 && strchr(" \t", *s))
                s++, n--;
        if (n == 0 || *s == '#')
                return 0;
        if (*s == '!') {
                rule.keep = true;
                s++, n--;
                while (n > 0 && strchr(" \t", *s))
                        s++, n--;
        }
        rule.pattern = clean(s, n);
        if (!rule.pattern)
                return -ENOMEM;
        if (!*rule.pattern || VEC_PUSH(&i->rules, rule) < 0) {
                bool empty = !*rule.pattern;

                free(rule.pattern);
                return empty ? 0 : -ENOMEM;
        }
        return 0;
}

int ignore_add(struct ignore *i, const char *bytes, size_t n) {
        int r = 0;

        if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
                bytes += 3, n -= 3;
        while (n > 0 && r == 0) {
                const char *end = memchr(bytes, '\n', n);
                size_t length = end ? (size_t)(end - bytes) : n;

                r = add_line(i, bytes, length);
                bytes += length + (end != NULL);
                n -= length + (end != NULL);
        }
        return r;
}

/* "[a-z]" or "[^x]" at *@p against @c; *@p moves behind it. A bracket that does not end matches
 * nothing. */
static bool match_class(const char **p, char c) {
        const char *s = *p + 1;
        bool negated = *s == '^', found = false;

        s += negated;
        for (bool first = true; *s && (*s != ']' || first); first = false) {
                char low = *s == '\\' && s[1] ? *++s : *s, high = low;

                s++;
                if (*s == '-' && s[1] && s[1] != ']') {
                        s++;
                        high = *s == '\\' && s[1] ? *++s : *s;
                        s++;
                }
                found |= (unsigned char)c >= (unsigned char)low &&
                         (unsigned char)c <= (unsigned char)high;
        }
        if (!*s)
                return false;
        *p = s + 1;
        return found != negated && c != '/';
}

static bool match(const char *p, const char *s, unsigned *steps) {
        for (;;) {
                if (++*steps > STEPS_MAX)
                        return false;
                if (p[0] == '*' && p[1] == '*') {
                        p += 2;
                        /* Any number of directories, none too; at the end, anything. */
                        if (!*p)
                                return true;
                        if (*p == '/' && match(p + 1, s, steps))
                                return true;
                        for (; *s; s++)
                                if (match(p, s, steps))
                                        return true;
                        return match(p, s, steps);
                }
                if (*p == '*') {
                        for (p++; *s && *s != '/'; s++)
                                if (match(p, s, steps))
                                        return true;
                        continue;
                }
                if (!*p || !*s)
                        return !*p && !*s;
                if (*p == '[') {
                        if (!match_class(&p, *s))
                                return false;
                } else if (*p == '?') {
                        if (*s == '/')
                                return false;
                        p++;
                } else {
                        if (*p == '\\' && p[1])
                                p++;
                        if (*p++ != *s)
                                return false;
                }
                s++;
        }
}

bool ignore_glob(const char *pattern, const char *path) {
        unsigned steps = 0;

        return match(pattern, path, &steps);
}

/* The path itself or one of the directories that it is in. */
static bool rule_matches(const struct ignore_rule *rule, const char *path) {
        char parent[PATH_MAX];

        if (ignore_glob(rule->pattern, path))
                return true;
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                size_t n = (size_t)(slash - path);

                if (n >= sizeof(parent))
                        return false;
                memcpy(parent, path, n);
                parent[n] = '\0';
                if (ignore_glob(rule->pattern, parent))
                        return true;
        }
        return false;
}

bool ignore_matches(const struct ignore *i, const char *path) {
        for (size_t n = i->rules.len; n > 0; n--)
                if (rule_matches(&i->rules.items[n - 1], path))
                        return !i->rules.items[n - 1].keep;
        return false;
}

bool ignore_may_keep_below(const struct ignore *i) {
        for (size_t n = 0; n < i->rules.len; n++)
                if (i->rules.items[n].keep)
                        return true;
        return false;
}
