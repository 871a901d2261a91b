/* The parser behind the option rows; see options.h. */
#include "client/options.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const format_choices[] = { "table", "json", "simple", NULL };
const char *const record_format_choices[] = { "table", "json", NULL };

const struct option_row common_rows[] = {
        OPTION_FLAG('h', "help", struct common_options, help, "show this help"),
        OPTION_FLAG(0, "version", struct common_options, version, "show the version",
                    .hidden = true),
        OPTION_FLAG(0, "info", struct common_options, info, "the manual page", .hidden = true),
        OPTION_FLAG(0, "concepts", struct common_options, concepts, "what one should know first",
                    .hidden = true),
        OPTION_FLAG(0, "guided", struct common_options, guided,
                    "explain each step while doing it", .hidden = true),
        OPTION_FLAG(0, "plain", struct common_options, plain,
                    "without a name: choose from numbered lines",
                    .hidden = true),
        OPTION_STRING(0, "user", "NAME", struct common_options, user,
                      "for root: do it for NAME, as NAME", .hidden = true),
};
const size_t n_common_rows = ARRAY_SIZE(common_rows);

struct parser {
        const struct option_set *sets;
        size_t n_sets;
        struct option_fault *fault;
};

static int fault_set(struct option_fault *f, const char *fmt, ...) _printf_(2, 3);
static int fault_set(struct option_fault *f, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(f->message, sizeof(f->message), fmt, ap);
        va_end(ap);
        return -EINVAL;
}

/* The row of a long name of @len bytes, or of a letter when @name is NULL. */
static const struct option_row *find_row(const struct parser *p, const char *name, size_t len,
                                         char letter, void **ret_into) {
        for (size_t s = 0; s < p->n_sets; s++)
                for (size_t i = 0; i < p->sets[s].n; i++) {
                        const struct option_row *row = &p->sets[s].rows[i];
                        bool same = name ? strlen(row->name) == len &&
                                                   memcmp(row->name, name, len) == 0
                                         : row->letter == letter;

                        if (same) {
                                *ret_into = p->sets[s].into;
                                return row;
                        }
                }
        return NULL;
}

static int unknown_long(struct parser *p, const char *name, size_t len) {
        const char *best = NULL;
        unsigned best_distance = 3; /* more than two slips is another word */
        char typed[65];

        snprintf(typed, sizeof(typed), "%.*s", (int)(len < 64 ? len : 64), name);
        for (size_t s = 0; s < p->n_sets; s++)
                for (size_t i = 0; i < p->sets[s].n; i++) {
                        const struct option_row *row = &p->sets[s].rows[i];
                        unsigned d = str_distance(typed, row->name);

                        /* "--work" for "--workspace": a beginning counts as one slip */
                        if (d > 1 && len >= 3 && str_starts(row->name, typed))
                                d = 1;
                        if (!row->hidden && d < best_distance) {
                                best_distance = d;
                                best = row->name;
                        }
                }
        if (best)
                snprintf(p->fault->next, sizeof(p->fault->next), "did you mean --%s?", best);
        return fault_set(p->fault, "unknown option '--%s'", typed);
}

static int store_choice(struct parser *p, const struct option_row *row, const char *spelling,
                        const char *value, int *ret) {
        char list[128] = "";
        size_t used = 0;

        for (int i = 0; row->choices[i]; i++) {
                if (str_equal(row->choices[i], value)) {
                        *ret = i;
                        return 0;
                }
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                         i ? ", " : "", row->choices[i]);
        }
        return fault_set(p->fault, "%s takes one of %s, not '%s'", spelling, list, value);
}

static int store(struct parser *p, const struct option_row *row, void *into, const char *spelling,
                 const char *value) {
        char *member = (char *)into + row->offset;

        if (row->seen_offset)
                *(bool *)((char *)into + row->seen_offset) = true;
        switch (row->kind) {
        case OPTION_KIND_FLAG:
                *(bool *)member = true;
                return 0;
        case OPTION_KIND_STRING:
                if (!*value)
                        return fault_set(p->fault, "%s needs a value that is not empty", spelling);
                *(const char **)member = value;
                return 0;
        case OPTION_KIND_OPTIONAL:
                *(const char **)member = value ? value : "";
                return 0;
        case OPTION_KIND_INT:
                if (str_to_i64(value, row->min, row->max, (int64_t *)member) < 0)
                        return fault_set(p->fault,
                                         "%s takes a whole number from %" PRId64 " to %" PRId64
                                         ", not '%s'",
                                         spelling, row->min, row->max, value);
                return 0;
        case OPTION_KIND_CHOICE:
                return store_choice(p, row, spelling, value, (int *)member);
        }
        return -EINVAL;
}

/* "--name", "--name=value"; @next is the following argument or NULL. Returns 1 when it was used. */
static int parse_long(struct parser *p, const char *text, const char *next) {
        const char *equals = strchr(text, '=');
        size_t len = equals ? (size_t)(equals - text) : strlen(text);
        const struct option_row *row;
        char spelling[80];
        void *into;
        int r;

        row = find_row(p, text, len, 0, &into);
        if (!row)
                return unknown_long(p, text, len);
        snprintf(spelling, sizeof(spelling), "--%s", row->name);
        if (row->kind == OPTION_KIND_FLAG) {
                if (equals)
                        return fault_set(p->fault, "%s takes no value", spelling);
                return store(p, row, into, spelling, NULL);
        }
        if (row->kind == OPTION_KIND_OPTIONAL)
                return store(p, row, into, spelling, equals ? equals + 1 : NULL);
        if (!equals && !next)
                return fault_set(p->fault, "%s needs a value: %s=%s", spelling, spelling, row->arg);
        r = store(p, row, into, spelling, equals ? equals + 1 : next);
        return r < 0 ? r : !equals;
}

/* "-x", "-xyz" (flags), "-xVALUE", "-x=VALUE". */
static int parse_short(struct parser *p, const char *text, const char *next) {
        for (; *text; text++) {
                const char spelling[] = { '-', *text, '\0' };
                const struct option_row *row;
                const char *value;
                void *into;
                int r;

                row = find_row(p, NULL, 0, *text, &into);
                if (!row)
                        return fault_set(p->fault, "unknown option '-%.*s'",
                                         (unsigned char)*text < 0x80 ? 1 : 8, text);
                if (row->kind == OPTION_KIND_FLAG) {
                        r = store(p, row, into, spelling, NULL);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (row->kind == OPTION_KIND_OPTIONAL)
                        return store(p, row, into, spelling,
                                     text[1] ? text + 1 + (text[1] == '=') : NULL);
                value = text[1] == '=' ? text + 2 : text[1] ? text + 1 : next;
                if (!value)
                        return fault_set(p->fault, "%s needs a value: %s %s", spelling, spelling,
                                         row->arg);
                r = store(p, row, into, spelling, value);
                return r < 0 ? r : text[1] == '\0';
        }
        return 0;
}

int options_parse(const struct option_set *sets, size_t n_sets, int argc, char **argv,
                  struct operands *ret, struct option_fault *fault) {
        struct parser p = { .sets = sets, .n_sets = n_sets, .fault = fault };
        size_t n = 0, before = 0;
        bool ended = false;

        *fault = (struct option_fault){ 0 };
        for (int i = 0; i < argc; i++) {
                char *arg = argv[i];
                const char *next = i + 1 < argc ? argv[i + 1] : NULL;
                int r;

                if (ended || arg[0] != '-' || arg[1] == '\0') {
                        argv[n++] = arg;
                        continue;
                }
                if (str_equal(arg, "--")) {
                        ended = true;
                        before = n;
                        continue;
                }
                r = arg[1] == '-' ? parse_long(&p, arg + 2, next) : parse_short(&p, arg + 1, next);
                if (r < 0)
                        return r;
                i += r;
        }
        *ret = (struct operands){ .items = argv, .n = n, .before = ended ? before : n };
        return 0;
}
