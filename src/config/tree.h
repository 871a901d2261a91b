/*
 * A YAML file as a tree that knows where everything stood. Built on libyaml's events; what makes
 * configuration surprising or expensive is refused in words: anchors, aliases, tags, duplicate
 * keys, several documents, keys that are not words. For config/ and image/ only.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

enum {
        YAML_FILE_MAX = 1 << 20, /* bytes of a file */
        YAML_DEPTH_MAX = 16,     /* mappings and lists within each other */
        YAML_NODES_MAX = 20000,
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
        enum node_kind kind;
        int line, column; /* of its first character, from 1 */
        bool plain;       /* a scalar without quotes */
        char *text;       /* the scalar, UTF-8 without NUL; NULL for others */
        char *key;        /* its key, where it is the value in a mapping; else NULL */
        int key_line, key_column;
        VEC(struct node) children;
};

/* Reads @n bytes of @text into @ret; @path is for messages only. A text without a document (empty,
 * comments only) gives a null scalar. 0, -EINVAL (@err says path:line:column) or -ENOMEM; on
 * failure *@ret is untouched. */
int node_parse(const char *path, const char *text, size_t n, struct node *ret, struct err *err);
void node_release(struct node *node);

/* An unquoted null, ~ or nothing at all. */
bool node_is_null(const struct node *node);
/* A value that was left away altogether: "key:" and no more. */
bool node_is_absent(const struct node *node);

/* Set @err to "path:line:column: message" and return -EINVAL; at the value or at its key. */
int node_error(const char *path, const struct node *node, struct err *err, const char *fmt, ...)
        _printf_(4, 5);
int node_key_error(const char *path, const struct node *node, struct err *err, const char *fmt, ...)
        _printf_(4, 5);

/* The text of a scalar for a message: printable and cut; "a list" or "a mapping" for others.
 * @dst holds at least NODE_QUOTE_SIZE bytes. Returns @dst. */
enum { NODE_QUOTE_SIZE = 64 };
const char *node_quote(const struct node *node, char *dst);

/* Reads a regular file of at most YAML_FILE_MAX bytes: never waits for a pipe or a device.
 * 0 or -errno with words in @err. */
struct buf;
int config_read_file(const char *path, struct buf *ret, struct err *err);
