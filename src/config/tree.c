/*
 * libyaml's events into a tree with positions, see tree.h.
 */
#include "config/tree.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

struct reader {
        yaml_parser_t parser;
        const char *path;
        const char *text;
        size_t size;
        size_t nodes;
        struct err *err;
};

void node_release(struct node *node) {
        if (!node)
                return;
        for (size_t i = 0; i < node->children.len; i++)
                node_release(&node->children.items[i]);
        VEC_RELEASE(&node->children);
        free(node->text);
        free(node->key);
        *node = (struct node){ 0 };
}

bool node_is_null(const struct node *node) {
        static const char *const words[] = { "", "~", "null", "Null", "NULL" };

        if (node->kind != NODE_SCALAR || !node->plain)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (str_equal(node->text, words[i]))
                        return true;
        return false;
}

bool node_is_absent(const struct node *node) {
        return node->kind == NODE_SCALAR && node->plain && node->text[0] == '\0';
}

static int error_at(const char *path, int line, int column, struct err *err, const char *fmt,
                    va_list ap) {
        char words[sizeof(err->msg)];

        vsnprintf(words, sizeof(words), fmt, ap);
        return err_set(err, EINVAL, "%s:%d:%d: %s", path, line, column, words);
}

int node_error(const char *path, const struct node *node, struct err *err, const char *fmt, ...) {
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = error_at(path, node->line, node->column, err, fmt, ap);
        va_end(ap);
        return r;
}

int node_key_error(const char *path, const struct node *node, struct err *err, const char *fmt,
                   ...) {
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = error_at(path, node->key_line, node->key_column, err, fmt, ap);
        va_end(ap);
        return r;
}

_printf_(3, 4) static int mark_error(const struct reader *rd, const yaml_mark_t *mark,
                                     const char *fmt, ...) {
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = error_at(rd->path, (int)mark->line + 1, (int)mark->column + 1, rd->err, fmt, ap);
        va_end(ap);
        return r;
}

const char *node_quote(const struct node *node, char *dst) {
        char cut[NODE_QUOTE_SIZE - 8];

        if (node->kind != NODE_SCALAR) {
                str_copy(dst, NODE_QUOTE_SIZE, node->kind == NODE_LIST ? "a list" : "a mapping");
                return dst;
        }
        if (node_is_absent(node)) {
                str_copy(dst, NODE_QUOTE_SIZE, "nothing");
                return dst;
        }
        str_printable(cut, sizeof(cut), node->text);
        snprintf(dst, NODE_QUOTE_SIZE, "'%s%s'", cut,
                 strlen(cut) < strlen(node->text) ? "..." : "");
        return dst;
}

/* libyaml tells of tabs in the scanner's words ("found character that cannot start any token"),
 * which help nobody: say it when the line is indented with one. */
static bool tab_in_indentation(const struct reader *rd, size_t line, size_t *ret_column) {
        const char *p = rd->text, *end = rd->text + rd->size;

        for (size_t i = 0; i < line; i++) {
                p = memchr(p, '\n', (size_t)(end - p));
                if (!p)
                        return false;
                p++;
        }
        for (size_t column = 0; p < end && (*p == ' ' || *p == '\t'); p++, column++)
                if (*p == '\t') {
                        *ret_column = column;
                        return true;
                }
        return false;
}

static int syntax_error(struct reader *rd) {
        const yaml_parser_t *p = &rd->parser;
        yaml_mark_t mark = p->problem_mark;

        if (p->error == YAML_MEMORY_ERROR)
                return err_set(rd->err, ENOMEM, "%s: out of memory", rd->path);
        if (tab_in_indentation(rd, mark.line, &mark.column))
                return mark_error(rd, &mark, "a tab in the indentation; use spaces");
        if (!p->problem)
                return mark_error(rd, &mark, "not valid YAML");
        if (strstr(p->problem, "mapping values") || strstr(p->problem, "expected key"))
                return mark_error(rd, &mark, "not valid YAML: %s; is the indentation right?",
                                  p->problem);
        if (p->context)
                return mark_error(rd, &mark, "not valid YAML: %s (%s that begins on line %zu)",
                                  p->problem, p->context, p->context_mark.line + 1);
        return mark_error(rd, &mark, "not valid YAML: %s", p->problem);
}

static int next_event(struct reader *rd, yaml_event_t *event) {
        yaml_event_delete(event);
        return yaml_parser_parse(&rd->parser, event) ? 0 : syntax_error(rd);
}

/* Anchors, tags and aliases: one more way to write every value, and a small file can unfold into
 * a huge one. */
static int refuse_extras(struct reader *rd, const yaml_event_t *event) {
        const yaml_char_t *anchor = NULL, *tag = NULL;

        switch (event->type) {
        case YAML_ALIAS_EVENT:
                return mark_error(rd, &event->start_mark,
                                  "aliases ('*%.40s') are not supported; write the value out",
                                  (const char *)event->data.alias.anchor);
        case YAML_SCALAR_EVENT:
                anchor = event->data.scalar.anchor;
                tag = event->data.scalar.tag;
                break;
        case YAML_SEQUENCE_START_EVENT:
                anchor = event->data.sequence_start.anchor;
                tag = event->data.sequence_start.tag;
                break;
        case YAML_MAPPING_START_EVENT:
                anchor = event->data.mapping_start.anchor;
                tag = event->data.mapping_start.tag;
                break;
        default:
                break;
        }
        if (anchor)
                return mark_error(rd, &event->start_mark, "anchors ('&%.40s') are not supported",
                                  (const char *)anchor);
        if (tag)
                return mark_error(rd, &event->start_mark, "tags ('%.40s') are not supported",
                                  (const char *)tag);
        return 0;
}

static int copy_scalar(struct reader *rd, const yaml_event_t *event, char **ret) {
        const char *value = (const char *)event->data.scalar.value;
        char *text;

        if (strlen(value) != event->data.scalar.length)
                return mark_error(rd, &event->start_mark, "a NUL character ('\\0') in a value");
        text = strdup(value);
        if (!text)
                return err_set(rd->err, ENOMEM, "%s: out of memory", rd->path);
        *ret = text;
        return 0;
}

static int read_key(struct reader *rd, const yaml_event_t *event, const struct node *map,
                    struct node *ret) {
        int r = refuse_extras(rd, event);

        if (r < 0)
                return r;
        if (event->type != YAML_SCALAR_EVENT || event->data.scalar.length == 0)
                return mark_error(rd, &event->start_mark, "a key must be a word");
        r = copy_scalar(rd, event, &ret->key);
        if (r < 0)
                return r;
        ret->key_line = (int)event->start_mark.line + 1;
        ret->key_column = (int)event->start_mark.column + 1;
        for (size_t i = 0; i < map->children.len; i++)
                if (str_equal(map->children.items[i].key, ret->key))
                        return mark_error(rd, &event->start_mark,
                                          "duplicate key '%.60s'; it was given on line %d already",
                                          ret->key, map->children.items[i].key_line);
        return 0;
}

static int read_node(struct reader *rd, const yaml_event_t *event, int depth, struct node *ret);

static int read_children(struct reader *rd, int depth, struct node *ret) {
        for (;;) {
                _cleanup_(yaml_event_delete) yaml_event_t event = { 0 };
                _cleanup_(node_release) struct node child = { 0 };
                int r = next_event(rd, &event);

                if (r < 0)
                        return r;
                if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
                        return 0;
                if (ret->kind == NODE_MAP) {
                        r = read_key(rd, &event, ret, &child);
                        if (r == 0)
                                r = next_event(rd, &event);
                        if (r < 0)
                                return r;
                }
                r = read_node(rd, &event, depth + 1, &child);
                if (r < 0)
                        return r;
                if (VEC_PUSH(&ret->children, child) < 0)
                        return err_set(rd->err, ENOMEM, "%s: out of memory", rd->path);
                child = (struct node){ 0 };
        }
}

/* Fills @ret from @event and what follows it; keeps the key that is there. */
static int read_node(struct reader *rd, const yaml_event_t *event, int depth, struct node *ret) {
        int r = refuse_extras(rd, event);

        if (r < 0)
                return r;
        if (++rd->nodes > YAML_NODES_MAX)
                return mark_error(rd, &event->start_mark, "more than %d values in one file",
                                  YAML_NODES_MAX);
        ret->line = (int)event->start_mark.line + 1;
        ret->column = (int)event->start_mark.column + 1;
        if (event->type == YAML_SCALAR_EVENT) {
                ret->kind = NODE_SCALAR;
                ret->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
                return copy_scalar(rd, event, &ret->text);
        }
        if (depth >= YAML_DEPTH_MAX)
                return mark_error(rd, &event->start_mark, "more than %d levels of nesting",
                                  YAML_DEPTH_MAX);
        ret->kind = event->type == YAML_MAPPING_START_EVENT ? NODE_MAP : NODE_LIST;
        return read_children(rd, depth, ret);
}

static int null_node(struct node *ret) {
        ret->text = strdup("");
        ret->plain = true;
        ret->line = ret->column = 1;
        return ret->text ? 0 : -ENOMEM;
}

static int read_stream(struct reader *rd, struct node *ret) {
        _cleanup_(yaml_event_delete) yaml_event_t event = { 0 };
        int r = next_event(rd, &event); /* the start of the stream */

        if (r == 0)
                r = next_event(rd, &event);
        if (r < 0)
                return r;
        if (event.type == YAML_STREAM_END_EVENT)
                return null_node(ret);
        r = next_event(rd, &event);
        if (r == 0)
                r = read_node(rd, &event, 0, ret);
        if (r == 0)
                r = next_event(rd, &event); /* the end of the document */
        if (r == 0)
                r = next_event(rd, &event);
        if (r == 0 && event.type != YAML_STREAM_END_EVENT)
                return mark_error(rd, &event.start_mark, "a second document begins here; a file "
                                                         "is one document");
        return r;
}

/* libyaml guesses UTF-16 and reports broken bytes without a line; look before it does. */
static int check_text(const char *path, const char *text, size_t n, struct err *err) {
        const char *line = text, *end = text + n;

        for (int number = 1; line < end; number++) {
                const char *newline = memchr(line, '\n', (size_t)(end - line));
                size_t len = (size_t)((newline ? newline : end) - line);

                if (memchr(line, '\0', len) || !utf8_valid(line, len))
                        return err_set(err, EINVAL, "%s:%d:1: not a text file in UTF-8", path,
                                       number);
                line += len + 1;
        }
        return 0;
}

int node_parse(const char *path, const char *text, size_t n, struct node *ret, struct err *err) {
        struct reader rd = { .path = path, .text = text, .size = n, .err = err };
        _cleanup_(node_release) struct node root = { 0 };
        int r;

        if (n > YAML_FILE_MAX)
                return err_set(err, EINVAL, "%s: larger than %d KiB", path, YAML_FILE_MAX / 1024);
        r = check_text(path, text, n, err);
        if (r < 0)
                return r;
        if (!yaml_parser_initialize(&rd.parser))
                return err_set(err, ENOMEM, "%s: out of memory", path);
        yaml_parser_set_encoding(&rd.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&rd.parser, (const unsigned char *)text, n);
        r = read_stream(&rd, &root);
        yaml_parser_delete(&rd.parser);
        if (r < 0)
                return r;
        *ret = root;
        root = (struct node){ 0 };
        return 0;
}

int config_read_file(const char *path, struct buf *ret, struct err *err) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0) {
                int code = errno;

                return err_set(err, code, "%s: cannot be read: %s", path, strerror(code));
        }
        if (!S_ISREG(st.st_mode))
                return err_set(err, ENOTSUP, "%s: not a regular file", path);
        if (st.st_size > YAML_FILE_MAX)
                return err_set(err, EFBIG, "%s: larger than %d KiB", path, YAML_FILE_MAX / 1024);
        do
                n = fd_read_some(fd, ret, 65536, 0);
        while (n > 0);
        if (n == -ENOBUFS)
                return err_set(err, EFBIG, "%s: larger than %d KiB", path, YAML_FILE_MAX / 1024);
        return n < 0 ? err_set(err, (int)-n, "%s: cannot be read: %s", path, strerror((int)-n)) : 0;
}
