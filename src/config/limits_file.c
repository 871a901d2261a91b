/*
 * /etc/ds01/resource-limits.yaml into struct limits_config. The keys that limit something are
 * core's table (core/limits.c); here is the shape of the file around them. The shape is that of
 * the predecessor's file (ds01-infra, config/runtime/resource-limits.yaml), with its two companions
 * beside it: groups/NAME.members and user-overrides.yaml.
 */
#include "config/limits_file.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/guess.h"
#include "base/str.h"
#include "config/config.h"
#include "config/tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MEMBERS_MAX = 20000, GPU_PER_RESERVATION_MAX = 1024 };

struct context {
        const char *path;
        struct limits_config *config;
        VEC(struct limits_group) groups;
        VEC(struct limits_override) overrides;
        const struct node *default_group; /* checked when all groups are known */
        bool has_overrides;
        struct err *err;
};

struct strings { /* a list under construction; strings_take() ends it with NULL */
        char **items;
        size_t len, cap;
};

/* Keys that explain a group or an exception; nothing is done with them. */
static const char *const remarks[] = {
        "description", "reason", "reservation_start", "reservation_end",
};

/* What a group may have besides limits. */
static const char *const group_words[] = { "members", "members_file", "unix_groups", "aggregate" };

static void strings_release(struct strings *s) {
        for (size_t i = 0; i < s->len; i++)
                free(s->items[i]);
        VEC_RELEASE(s);
}

static int strings_take(struct strings *s, char ***ret) {
        if (VEC_PUSH(s, NULL) < 0)
                return -ENOMEM;
        *ret = s->items;
        *s = (struct strings){ 0 };
        return 0;
}

static int no_memory(const struct context *cx) {
        return err_set(cx->err, ENOMEM, "%s: out of memory", cx->path);
}

static bool word_in(const char *const *words, size_t n, const char *word) {
        for (size_t i = 0; i < n; i++)
                if (str_equal(words[i], word))
                        return true;
        return false;
}

/* ---- limits --------------------------------------------------------------------------------- */

static const char *kind_words(enum limit_kind kind) {
        switch (kind) {
        case LIMIT_COUNT:
                return "a whole number";
        case LIMIT_GPUS:
                return "a number of GPUs such as 2 or 1.5";
        case LIMIT_CPUS:
                return "a number of CPUs such as 32 or 0.5";
        case LIMIT_BYTES:
                return "a size such as 512m or 32g";
        case LIMIT_HOURS:
                return "a number of hours such as 24 or 0.5";
        case LIMIT_MINUTES:
                return "a number of minutes such as 30";
        case LIMIT_SECONDS:
                return "a number of seconds such as 60";
        case LIMIT_MILLI:
                return "a number such as 5 or 0.8";
        case LIMIT_BOOL:
                return "true or false";
        }
        return "a value";
}

static int value_error(const struct context *cx, const struct limit_key *key,
                       const struct node *node, int r) {
        const char *or_null = key->may_be_unlimited ? ", or null for no limit" : "";
        char quote[NODE_QUOTE_SIZE];

        node_quote(node, quote);
        if (node->kind == NODE_SCALAR && node->text[0] == '-')
                return node_error(cx->path, node, cx->err, "'%s' must not be negative: %s",
                                  node->key, quote);
        if (r == -ERANGE && str_equal(node->text, "0"))
                return node_error(cx->path, node, cx->err, "'%s' must be larger than 0%s",
                                  node->key, or_null);
        if (r == -ERANGE)
                return node_error(cx->path, node, cx->err, "'%s' is out of range: %s", node->key,
                                  quote);
        return node_error(cx->path, node, cx->err, "'%s' must be %s%s, not %s", node->key,
                          kind_words(key->kind), or_null, quote);
}

static int set_limit(const struct context *cx, const struct limit_key *key, const struct node *node,
                     struct limits_layer *layer) {
        int r;

        /* "memory:" with nothing behind it is a slip more often than a wish for no limit. */
        if (node_is_absent(node))
                return node_key_error(cx->path, node, cx->err, "'%s' has no value%s", node->key,
                                      key->may_be_unlimited ? "; write null for no limit" : "");
        if (node->kind != NODE_SCALAR)
                return value_error(cx, key, node, -EINVAL);
        /* In quotes, null is text like any other. */
        if (!node->plain && (node->text[0] == '\0' || str_equal(node->text, "null")))
                return value_error(cx, key, node, -EINVAL);
        r = limit_set(&layer->values, key, node->text);
        if (r < 0)
                return value_error(cx, key, node, r);
        layer->given |= UINT64_C(1) << (key - limit_keys);
        return 0;
}

static const char *key_name(const char *prefix, const struct node *node, char *dst, size_t size) {
        snprintf(dst, size, "%s%s", prefix, node->key);
        return dst;
}

/* The words that could stand where @node's key stands: limits with @prefix, and @more. */
static int unknown_key(const struct context *cx, const struct node *node, const char *prefix,
                       const char *const *more, size_t nmore) {
        struct guess guess = { .word = node->key };
        char quote[64], near[96];

        str_printable(quote, sizeof(quote), node->key);
        for (size_t i = 0; i < limit_keys_count; i++)
                if (str_starts(limit_keys[i].name, prefix) &&
                    (*prefix || !strchr(limit_keys[i].name, '.')))
                        guess_try(&guess, limit_keys[i].name + strlen(prefix));
        for (size_t i = 0; i < nmore; i++)
                guess_try(&guess, more[i]);
        return node_key_error(cx->path, node, cx->err, "unknown key '%s'%s", quote,
                              guess_text(&guess, near, sizeof(near)));
}

/* A mapping, or nothing at all (every line below it is commented out): 1, 0; else the error. */
static int is_filled_map(const struct context *cx, const struct node *node, const char *what) {
        char quote[NODE_QUOTE_SIZE];

        if (node->kind == NODE_MAP)
                return 1;
        if (node_is_null(node))
                return 0;
        return node_error(cx->path, node, cx->err, "%s must hold keys with values, not %s", what,
                          node_quote(node, quote));
}

static bool is_given(const struct limits_layer *layer, const struct limit_key *key) {
        return layer->given & (UINT64_C(1) << (key - limit_keys));
}

/* policies: is the site's housekeeping, of which one key is a limit here. It yields to a value
 * that was given among the limits. */
static int read_policies(const struct context *cx, const struct node *map,
                         struct limits_layer *layer) {
        int r = is_filled_map(cx, map, "policies:");

        if (r <= 0)
                return r;
        for (size_t i = 0; i < map->children.len; i++) {
                const struct node *node = &map->children.items[i];
                const struct limit_key *key = limit_key_find(node->key);

                r = 0;
                if (key && !is_given(layer, key))
                        r = set_limit(cx, key, node, layer);
                else if (!key && !limit_key_is_known_unused(node->key))
                        r = unknown_key(cx, node, "", NULL, 0);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_layer(const struct context *cx, const struct node *map, const char *prefix,
                      struct limits_layer *layer, const char *const *skip, size_t nskip);

static int read_entry(const struct context *cx, const struct node *node, const char *prefix,
                      struct limits_layer *layer, const char *const *skip, size_t nskip) {
        char name[128];
        const struct limit_key *key = limit_key_find(key_name(prefix, node, name, sizeof(name)));
        int r;

        /* An older name yields to the name itself, which has been read before. */
        if (key && is_given(layer, key) && !str_equal(key->name, name))
                return 0;
        if (key)
                return set_limit(cx, key, node, layer);
        if (*prefix == '\0' && str_equal(node->key, "aggregate")) {
                r = is_filled_map(cx, node, "aggregate:");
                return r > 0 ? read_layer(cx, node, "aggregate.", layer, NULL, 0) : r;
        }
        if (*prefix == '\0' && str_equal(node->key, "policies"))
                return read_policies(cx, node, layer);
        if (word_in(skip, nskip, node->key) || word_in(remarks, ARRAY_SIZE(remarks), node->key) ||
            limit_key_is_known_unused(name))
                return 0;
        return unknown_key(cx, node, prefix, skip, nskip);
}

/* Reads the limits in @map; keys in @skip are somebody else's. Today's names first, so that the
 * order of lines does not decide between a name and its older form. */
static int read_layer(const struct context *cx, const struct node *map, const char *prefix,
                      struct limits_layer *layer, const char *const *skip, size_t nskip) {
        for (int older = 0; older < 2; older++)
                for (size_t i = 0; i < map->children.len; i++) {
                        const struct node *node = &map->children.items[i];
                        char name[128];
                        const struct limit_key *key =
                                limit_key_find(key_name(prefix, node, name, sizeof(name)));
                        int r;

                        if ((key && str_equal(key->name, name)) == older)
                                continue;
                        r = read_entry(cx, node, prefix, layer, skip, nskip);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* ---- people --------------------------------------------------------------------------------- */

/* A login name: what useradd or a directory service could have made, "me@school.example" too. */
static bool is_person(const char *s) {
        size_t n = strlen(s);

        if (n == 0 || n >= sizeof((struct limits_override){ 0 }.user) || *s == '-')
                return false;
        for (; *s; s++)
                if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr(":/,\"'", *s))
                        return false;
        return true;
}

static int read_names(const struct context *cx, const struct node *list, struct strings *ret) {
        char quote[NODE_QUOTE_SIZE];

        if (node_is_null(list) && !node_is_absent(list))
                return 0;
        if (list->kind != NODE_LIST)
                return node_error(cx->path, list, cx->err,
                                  "'%s' must be a list of names such as [alice, bob], not %s",
                                  list->key, node_quote(list, quote));
        for (size_t i = 0; i < list->children.len; i++) {
                const struct node *item = &list->children.items[i];
                char *name;

                if (item->kind != NODE_SCALAR || !is_person(item->text))
                        return node_error(cx->path, item, cx->err, "not a name: %s",
                                          node_quote(item, quote));
                name = strdup(item->text);
                if (!name || VEC_PUSH(ret, name) < 0) {
                        free(name);
                        return no_memory(cx);
                }
        }
        return 0;
}

/* @name, taken from the directory of the limits file unless it is absolute. */
static char *path_beside(const struct context *cx, const char *name) {
        const char *slash = strrchr(cx->path, '/');
        char *path;

        if (*name == '/' || !slash)
                return strdup(name);
        if (asprintf(&path, "%.*s/%s", (int)(slash - cx->path), cx->path, name) < 0)
                return NULL;
        return path;
}

static int read_member_line(const struct context *cx, const char *path, int number, char *line,
                            struct strings *ret) {
        struct node at = { .line = number, .column = 1 };
        char quote[64], *name, *end;

        line[strcspn(line, "#\r")] = '\0';
        while (isblank((unsigned char)*line)) {
                line++;
                at.column++;
        }
        end = line + strlen(line);
        while (end > line && isblank((unsigned char)end[-1]))
                *--end = '\0';
        if (*line == '\0')
                return 0;
        str_printable(quote, sizeof(quote), line);
        if (!is_person(line))
                return node_error(path, &at, cx->err, "not a login name: '%s'; one name a line",
                                  quote);
        if (ret->len >= MEMBERS_MAX)
                return node_error(path, &at, cx->err, "more than %d members", MEMBERS_MAX);
        name = strdup(line);
        if (!name || VEC_PUSH(ret, name) < 0) {
                free(name);
                return no_memory(cx);
        }
        return 0;
}

/* One login name a line, '#' begins a comment. */
static int read_members(const struct context *cx, const char *path, struct strings *ret) {
        _cleanup_buf_ struct buf text = BUF_INIT(YAML_FILE_MAX + 1);
        int r = config_read_file(path, &text, cx->err), number = 0;

        if (r < 0)
                return r;
        if (memchr(buf_str(&text), '\0', text.len) || !utf8_valid(buf_str(&text), text.len))
                return err_set(cx->err, EINVAL, "%s: not a text file in UTF-8", path);
        for (char *line = text.data, *next; line && *line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                r = read_member_line(cx, path, ++number, line, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_members_file(const struct context *cx, const struct node *node,
                             struct strings *ret) {
        _cleanup_free_ char *path = NULL;
        char quote[NODE_QUOTE_SIZE];
        struct err inner = { 0 };
        struct context deeper = *cx;
        int r;

        if (node->kind != NODE_SCALAR || node->text[0] == '\0')
                return node_error(cx->path, node, cx->err, "'members_file' must be a path, not %s",
                                  node_quote(node, quote));
        path = path_beside(cx, node->text);
        if (!path)
                return no_memory(cx);
        deeper.err = &inner;
        r = read_members(&deeper, path, ret);
        if (r == -ENOMEM)
                return no_memory(cx);
        /* A fault within the file has its own place; that there is no such file is told here. */
        if (r < 0 && inner.code != EINVAL)
                return node_error(cx->path, node, cx->err, "members_file: %.300s", inner.msg);
        return r < 0 ? err_set(cx->err, inner.code, "%s", inner.msg) : 0;
}

/* The predecessor keeps its members in groups/NAME.members; that file need not exist. */
static int read_usual_members(const struct context *cx, const struct limits_group *group,
                              struct strings *ret) {
        _cleanup_free_ char *path = NULL;
        char name[96];
        int r;

        snprintf(name, sizeof(name), "groups/%s.members", group->name);
        path = path_beside(cx, name);
        if (!path)
                return no_memory(cx);
        r = access(path, F_OK);
        return r < 0 && errno == ENOENT ? 0 : read_members(cx, path, ret);
}

/* ---- sections ------------------------------------------------------------------------------- */

static void list_free(char **list) {
        for (char **p = list; p && *p; p++)
                free(*p);
        free(list);
}

/* A group that did not make it into the configuration, which releases the others. */
static void group_release(struct limits_group *g) {
        list_free(g->members);
        list_free(g->unix_groups);
}

static bool is_group_name(const char *s) {
        size_t n = strlen(s);

        return n > 0 && n < sizeof((struct limits_group){ 0 }.name) && *s != '.' && *s != '-' &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

static int read_group_people(const struct context *cx, const struct node *map,
                             struct limits_group *group) {
        _cleanup_(strings_release) struct strings members = { 0 }, unix_groups = { 0 };
        bool named = false;
        int r = 0;

        for (size_t i = 0; map->kind == NODE_MAP && r == 0 && i < map->children.len; i++) {
                const struct node *node = &map->children.items[i];

                if (str_equal(node->key, "members"))
                        r = read_names(cx, node, &members);
                else if (str_equal(node->key, "members_file"))
                        r = read_members_file(cx, node, &members);
                else if (str_equal(node->key, "unix_groups"))
                        r = read_names(cx, node, &unix_groups);
                else
                        continue;
                named = true;
        }
        if (r == 0 && !named)
                r = read_usual_members(cx, group, &members);
        if (r == 0 && (strings_take(&members, &group->members) < 0 ||
                       strings_take(&unix_groups, &group->unix_groups) < 0))
                r = no_memory(cx);
        return r;
}

static int read_group(struct context *cx, const struct node *node) {
        _cleanup_(group_release) struct limits_group group = { 0 };
        char quote[64], what[96];
        int r;

        str_printable(quote, sizeof(quote), node->key);
        if (!is_group_name(node->key))
                return node_key_error(cx->path, node, cx->err,
                                      "not a group's name: '%s' (letters, digits, '_', '-', '.')",
                                      quote);
        (void)str_copy(group.name, sizeof(group.name), node->key);
        snprintf(what, sizeof(what), "group '%s'", group.name);
        r = is_filled_map(cx, node, what);
        if (r > 0)
                r = read_layer(cx, node, "", &group.layer, group_words, ARRAY_SIZE(group_words));
        if (r == 0)
                r = read_group_people(cx, node, &group);
        if (r == 0 && VEC_PUSH(&cx->groups, group) < 0)
                r = no_memory(cx);
        if (r == 0)
                group = (struct limits_group){ 0 };
        return r;
}

static int read_override(struct context *cx, const struct node *node) {
        struct limits_override o = { 0 };
        char quote[64], what[96];
        int r;

        str_printable(quote, sizeof(quote), node->key);
        if (!is_person(node->key))
                return node_key_error(cx->path, node, cx->err, "not a login name or uid: '%s'",
                                      quote);
        (void)str_copy(o.user, sizeof(o.user), node->key);
        snprintf(what, sizeof(what), "the limits of '%s'", quote);
        r = is_filled_map(cx, node, what);
        if (r > 0)
                r = read_layer(cx, node, "", &o.layer, NULL, 0);
        if (r < 0)
                return r;
        return VEC_PUSH(&cx->overrides, o) < 0 ? no_memory(cx) : 0;
}

static int read_defaults(struct context *cx, const struct node *node) {
        int r = is_filled_map(cx, node, "defaults:");

        return r > 0 ? read_layer(cx, node, "", &cx->config->defaults, NULL, 0) : r;
}

static int read_groups(struct context *cx, const struct node *node) {
        int r = is_filled_map(cx, node, "groups:");

        if (r <= 0)
                return r;
        r = 0;
        for (size_t i = 0; r == 0 && i < node->children.len; i++)
                r = read_group(cx, &node->children.items[i]);
        return r;
}

static int read_overrides(struct context *cx, const struct node *node) {
        int r = is_filled_map(cx, node, "user_overrides:");

        cx->has_overrides = true;
        if (r <= 0)
                return r;
        r = 0;
        for (size_t i = 0; r == 0 && i < node->children.len; i++)
                r = read_override(cx, &node->children.items[i]);
        return r;
}

static int read_default_group(struct context *cx, const struct node *node) {
        char quote[NODE_QUOTE_SIZE];

        if (node_is_absent(node) || node->kind != NODE_SCALAR ||
            (!node_is_null(node) && !is_group_name(node->text)))
                return node_error(cx->path, node, cx->err,
                                  "'default_group' must be the name of a group, not %s",
                                  node_quote(node, quote));
        if (!node_is_null(node))
                cx->default_group = node;
        return 0;
}

/* ---- reservations --------------------------------------------------------------------------- */

static const char *const day_words[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

/* "mon wed" as bits; 0 when that is no list of days. */
static unsigned read_days(const char *text) {
        unsigned days = 0;

        while (*text) {
                size_t n = strcspn(text, " "), i = 0;

                while (i < ARRAY_SIZE(day_words) &&
                       (n != 3 || memcmp(text, day_words[i], 3) != 0))
                        i++;
                if (i == ARRAY_SIZE(day_words))
                        return 0;
                days |= 1u << i;
                text += n;
                text += *text == ' ';
        }
        return days;
}

static int read_reserved_for(struct context *cx, const struct node *node, struct reservation *r) {
        size_t used = 0;

        for (size_t i = 0; i < node->children.len; i++) {
                const struct node *name = &node->children.items[i];

                if (name->kind != NODE_SCALAR || !is_person(name->text) ||
                    used + strlen(name->text) + 2 > sizeof(r->users))
                        return node_error(cx->path, name, cx->err,
                                          "'users' must be a list of login names");
                used += (size_t)snprintf(r->users + used, sizeof(r->users) - used, "%s%s",
                                         used ? " " : "", name->text);
        }
        return 0;
}

/* One key of a reservation. False: not in that form. */
static bool read_reservation_key(const struct node *node, struct reservation *r) {
        const char *text = node->kind == NODE_SCALAR ? node->text : "";

        if (str_equal(node->key, "gpus"))
                return str_to_i64(text, 1, GPU_PER_RESERVATION_MAX, &r->gpus) == 0;
        if (str_equal(node->key, "start"))
                return moment_parse(text, &r->start_us) == 0;
        if (str_equal(node->key, "end"))
                return moment_parse(text, &r->end_us) == 0;
        if (str_equal(node->key, "weekly"))
                return (r->days = read_days(text)) != 0;
        if (str_equal(node->key, "from"))
                return minutes_parse(text, &r->from_min) == 0;
        return minutes_parse(text, &r->to_min) == 0; /* "to" */
}

static int read_reservation(struct context *cx, const struct node *node, struct reservation *ret) {
        static const struct {
                const char *key, *form;
        } keys[] = {
                { "gpus", "a number of GPUs" },
                { "start", "a moment such as 2026-12-01 09:00" },
                { "end", "a moment such as 2026-12-01 18:00" },
                { "weekly", "days such as mon wed" },
                { "from", "a time such as 9:00" },
                { "to", "a time such as 12:00" },
        };
        struct reservation r = { .from_min = -1, .to_min = -1 };
        char quote[NODE_QUOTE_SIZE];

        if (node->kind != NODE_MAP)
                return node_error(cx->path, node, cx->err, "a reservation has keys: gpus, users, "
                                  "and start and end, or weekly, from and to");
        for (size_t i = 0; i < node->children.len; i++) {
                const struct node *key = &node->children.items[i];
                size_t k = 0;

                if (str_equal(key->key, "reason"))
                        continue;
                if (str_equal(key->key, "users")) {
                        if (read_reserved_for(cx, key, &r) < 0)
                                return -EINVAL;
                        continue;
                }
                while (k < ARRAY_SIZE(keys) && !str_equal(key->key, keys[k].key))
                        k++;
                if (k == ARRAY_SIZE(keys)) {
                        str_printable(quote, sizeof(quote), key->key);
                        return node_key_error(cx->path, key, cx->err, "a reservation has no '%s'",
                                              quote);
                }
                if (!read_reservation_key(key, &r))
                        return node_error(cx->path, key, cx->err, "'%s' must be %s, not %s",
                                          keys[k].key, keys[k].form, node_quote(key, quote));
        }
        if (r.gpus == 0 || !r.users[0])
                return node_error(cx->path, node, cx->err, "a reservation needs gpus and users");
        if (r.days ? r.from_min < 0 || r.to_min < 0 || r.from_min == r.to_min
                   : !r.start_us || r.end_us <= r.start_us)
                return node_error(cx->path, node, cx->err, "a reservation needs start and a later "
                                  "end, or weekly, from and to");
        *ret = r;
        return 0;
}

static int read_reservations(struct context *cx, const struct node *node) {
        size_t n = node->children.len;
        struct reservation *list;

        if (node_is_null(node) || node->kind == NODE_MAP)
                return 0; /* the predecessor had a mapping there and did nothing with it */
        if (node->kind != NODE_LIST || n > RESERVATIONS_MAX)
                return node_error(cx->path, node, cx->err,
                                  "'reservations' must be a list, of at most %d",
                                  RESERVATIONS_MAX);
        list = calloc(n + 1, sizeof(*list));
        if (!list)
                return no_memory(cx);
        cx->config->reservations = list;
        for (size_t i = 0; i < n; i++) {
                if (read_reservation(cx, &node->children.items[i], &list[i]) < 0)
                        return -EINVAL;
                cx->config->nreservations++;
        }
        return 0;
}

static int read_site_policies(struct context *cx, const struct node *node) {
        return read_policies(cx, node, &cx->config->defaults);
}

/* In the order in which they are read, whatever the file's: policies yield to defaults. */
static const struct section {
        const char *name;
        const char *alias;
        int (*read)(struct context *cx, const struct node *node);
} sections[] = {
        { "defaults", "default", read_defaults },
        { "policies", NULL, read_site_policies },
        { "groups", NULL, read_groups },
        { "default_group", NULL, read_default_group },
        { "user_overrides", NULL, read_overrides },
        { "reservations", NULL, read_reservations },
};

static int unknown_section(const struct context *cx, const struct node *node) {
        const char *words[ARRAY_SIZE(sections)];
        const struct limit_key *key = limit_key_find(node->key);
        struct guess guess = { .word = node->key };
        char quote[64], near[96];

        if (key || str_equal(node->key, "aggregate"))
                return node_key_error(cx->path, node, cx->err,
                                      "'%s' belongs under 'defaults:', a group or a person",
                                      node->key);
        if (word_in(group_words, ARRAY_SIZE(group_words), node->key))
                return node_key_error(cx->path, node, cx->err, "'%s' belongs under a group",
                                      node->key);
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
                words[i] = sections[i].name;
                guess_try(&guess, words[i]);
        }
        str_printable(quote, sizeof(quote), node->key);
        return node_key_error(cx->path, node, cx->err, "unknown section '%s'%s", quote,
                              guess_text(&guess, near, sizeof(near)));
}

static bool is_section(const struct section *s, const struct node *node) {
        return str_equal(node->key, s->name) || (s->alias && str_equal(node->key, s->alias));
}

static int check_sections(const struct context *cx, const struct node *root) {
        const struct node *seen[ARRAY_SIZE(sections)] = { NULL };

        for (size_t i = 0; i < root->children.len; i++) {
                const struct node *node = &root->children.items[i];
                size_t s = 0;

                while (s < ARRAY_SIZE(sections) && !is_section(&sections[s], node))
                        s++;
                if (s == ARRAY_SIZE(sections)) {
                        if (!limit_key_is_known_unused(node->key))
                                return unknown_section(cx, node);
                        continue;
                }
                if (seen[s])
                        return node_key_error(cx->path, node, cx->err,
                                              "'%s' and '%s' (line %d) are the same section",
                                              node->key, seen[s]->key, seen[s]->key_line);
                seen[s] = node;
        }
        return 0;
}

static int check_default_group(struct context *cx) {
        const struct node *node = cx->default_group;
        struct guess guess = { .word = node ? node->text : "" };
        char near[96];

        if (!node)
                return 0;
        for (size_t i = 0; i < cx->groups.len; i++) {
                if (str_equal(cx->groups.items[i].name, node->text)) {
                        (void)str_copy(cx->config->default_group, sizeof(cx->config->default_group),
                                       node->text);
                        return 0;
                }
                guess_try(&guess, cx->groups.items[i].name);
        }
        return node_error(cx->path, node, cx->err, "'default_group': no group is called '%s'%s",
                          node->text, guess_text(&guess, near, sizeof(near)));
}

/* The predecessor moved its overrides to a file of their own; it is read when the limits file has
 * no user_overrides. */
static int read_overrides_beside(struct context *cx) {
        _cleanup_free_ char *path = path_beside(cx, "user-overrides.yaml");
        _cleanup_buf_ struct buf text = BUF_INIT(YAML_FILE_MAX + 1);
        _cleanup_(node_release) struct node root = { 0 };
        struct context deeper;
        int r;

        if (!path)
                return no_memory(cx);
        if (cx->has_overrides || (access(path, F_OK) < 0 && errno == ENOENT))
                return 0;
        r = config_read_file(path, &text, cx->err);
        if (r == 0)
                r = node_parse(path, buf_str(&text), text.len, &root, cx->err);
        if (r < 0)
                return r;
        deeper = *cx;
        deeper.path = path;
        r = read_overrides(&deeper, &root);
        cx->overrides = deeper.overrides;
        return r;
}

static int read_root(struct context *cx, const struct node *root) {
        int r = is_filled_map(cx, root, "the file");

        if (r == 0)
                return node_error(cx->path, root, cx->err,
                                  "the file is empty; 'defaults:' is the least it needs");
        if (r > 0)
                r = check_sections(cx, root);
        for (size_t s = 0; r == 0 && s < ARRAY_SIZE(sections); s++)
                for (size_t i = 0; r == 0 && i < root->children.len; i++)
                        if (is_section(&sections[s], &root->children.items[i]))
                                r = sections[s].read(cx, &root->children.items[i]);
        if (r == 0)
                r = check_default_group(cx);
        if (r == 0)
                r = read_overrides_beside(cx);
        return r;
}

int limits_config_parse(const char *path, const char *text, size_t n, struct limits_config *ret,
                        struct err *err) {
        _cleanup_(limits_config_release) struct limits_config config = { 0 };
        _cleanup_(node_release) struct node root = { 0 };
        struct context cx = { .path = path, .config = &config, .err = err };
        int r = node_parse(path, text, n, &root, err);

        if (r < 0)
                return r;
        r = read_root(&cx, &root);
        config.groups = cx.groups.items;
        config.ngroups = cx.groups.len;
        config.overrides = cx.overrides.items;
        config.noverrides = cx.overrides.len;
        if (r < 0)
                return r;
        *ret = config;
        config = (struct limits_config){ 0 };
        return 0;
}

int limits_config_load(const char *path, struct limits_config *ret, struct err *err) {
        _cleanup_buf_ struct buf text = BUF_INIT(YAML_FILE_MAX + 1);
        int r = config_read_file(path, &text, err);

        return r < 0 ? r : limits_config_parse(path, buf_str(&text), text.len, ret, err);
}
