/* See catalogue.h. */
#include "image/catalogue.h"

#include "base/buf.h"
#include "base/guess.h"
#include "base/str.h"
#include "config/tree.h"

#include <errno.h>
#include <string.h>

struct file {
        const char *path;
        struct err *err;
};

static void type_release(struct catalogue_type *t) {
        packages_release(&t->pip);
        packages_release(&t->apt);
}

void catalogue_release(struct catalogue *c) {
        for (size_t i = 0; i < c->types.len; i++)
                type_release(&c->types.items[i]);
        VEC_RELEASE(&c->types);
        VEC_RELEASE(&c->frameworks);
        packages_release(&c->system);
        packages_release(&c->common);
}

static int read_text(const struct file *f, const struct node *n, char *dst, size_t size) {
        if (n->kind != NODE_SCALAR || n->text[strcspn(n->text, "\r\n\t\"\\")])
                return node_error(f->path, n, f->err, "'%s' has to be a line of text", n->key);
        if (!str_copy(dst, size, n->text))
                return node_error(f->path, n, f->err, "'%s' is longer than %zu bytes", n->key,
                                  size - 1);
        return 0;
}

/* A list takes the place of the one that was there. */
static int read_packages(const struct file *f, const struct node *n, enum package_kind kind,
                         struct packages *ret) {
        _cleanup_packages_ struct packages fresh = { 0 };
        struct err why = { 0 };

        if (n->kind != NODE_LIST)
                return node_error(f->path, n, f->err, "'%s' has to be a list of packages", n->key);
        for (size_t i = 0; i < n->children.len; i++) {
                const struct node *item = &n->children.items[i];

                if (item->kind != NODE_SCALAR || packages_add(&fresh, kind, item->text, &why) < 0)
                        return node_error(f->path, item, f->err, "%s",
                                          why.msg[0] ? why.msg : "a package is a word");
        }
        packages_release(ret);
        *ret = fresh;
        fresh = (struct packages){ 0 };
        return 0;
}

static int unknown(const struct file *f, const struct node *n, const char *known) {
        return node_key_error(f->path, n, f->err, "there is no key '%s' here, only %s", n->key,
                              known);
}

static int read_framework(const struct file *f, const struct node *n,
                          struct catalogue_framework *ret) {
        int r = 0;

        if (n->kind != NODE_MAP)
                return node_error(f->path, n, f->err, "a framework has 'title' and 'base'");
        for (size_t i = 0; i < n->children.len && r == 0; i++) {
                const struct node *child = &n->children.items[i];

                if (str_equal(child->key, "title"))
                        r = read_text(f, child, ret->title, sizeof(ret->title));
                else if (str_equal(child->key, "base"))
                        r = read_text(f, child, ret->base, sizeof(ret->base));
                else
                        r = unknown(f, child, "'title' and 'base'");
        }
        return r;
}

static int read_type(const struct file *f, const struct node *n, struct catalogue_type *ret) {
        int r = 0;

        if (n->kind != NODE_MAP)
                return node_error(f->path, n, f->err, "a type has 'title', 'packages', 'system'");
        for (size_t i = 0; i < n->children.len && r == 0; i++) {
                const struct node *child = &n->children.items[i];

                if (str_equal(child->key, "title"))
                        r = read_text(f, child, ret->title, sizeof(ret->title));
                else if (str_equal(child->key, "packages"))
                        r = read_packages(f, child, PACKAGE_PIP, &ret->pip);
                else if (str_equal(child->key, "system"))
                        r = read_packages(f, child, PACKAGE_APT, &ret->apt);
                else
                        r = unknown(f, child, "'title', 'packages' and 'system'");
        }
        return r;
}

static int read_frameworks(const struct file *f, const struct node *n, struct catalogue *c) {
        if (n->kind != NODE_MAP)
                return node_error(f->path, n, f->err, "'frameworks' holds one key a framework");
        for (size_t i = 0; i < n->children.len; i++) {
                const struct node *child = &n->children.items[i];
                struct catalogue_framework fresh = { 0 };
                size_t at = 0;
                int r;

                if (!str_copy(fresh.name, sizeof(fresh.name), child->key))
                        return node_key_error(f->path, child, f->err, "the name is too long");
                r = read_framework(f, child, &fresh);
                if (r < 0)
                        return r;
                while (at < c->frameworks.len &&
                       strcmp(c->frameworks.items[at].name, fresh.name) != 0)
                        at++;
                if (at < c->frameworks.len)
                        c->frameworks.items[at] = fresh;
                else if (VEC_PUSH(&c->frameworks, fresh) < 0)
                        return err_set(f->err, ENOMEM, "no memory");
        }
        return 0;
}

static int read_types(const struct file *f, const struct node *n, struct catalogue *c) {
        if (n->kind != NODE_MAP)
                return node_error(f->path, n, f->err, "'types' holds one key a type");
        for (size_t i = 0; i < n->children.len; i++) {
                const struct node *child = &n->children.items[i];
                struct catalogue_type fresh = { 0 };
                size_t at = 0;
                int r;

                if (!str_copy(fresh.name, sizeof(fresh.name), child->key))
                        return node_key_error(f->path, child, f->err, "the name is too long");
                r = read_type(f, child, &fresh);
                while (at < c->types.len && strcmp(c->types.items[at].name, fresh.name) != 0)
                        at++;
                if (r == 0 && at < c->types.len) {
                        type_release(&c->types.items[at]);
                        c->types.items[at] = fresh;
                } else if (r < 0 || VEC_PUSH(&c->types, fresh) < 0) {
                        type_release(&fresh);
                        return r < 0 ? r : err_set(f->err, ENOMEM, "no memory");
                }
        }
        return 0;
}

static int read_root(const struct file *f, const struct node *root, struct catalogue *c) {
        int r = 0;

        if (node_is_null(root))
                return 0;
        if (root->kind != NODE_MAP)
                return node_error(f->path, root, f->err, "a catalogue is a mapping");
        for (size_t i = 0; i < root->children.len && r == 0; i++) {
                const struct node *n = &root->children.items[i];

                if (str_equal(n->key, "frameworks"))
                        r = read_frameworks(f, n, c);
                else if (str_equal(n->key, "types"))
                        r = read_types(f, n, c);
                else if (str_equal(n->key, "system"))
                        r = read_packages(f, n, PACKAGE_APT, &c->system);
                else if (str_equal(n->key, "common"))
                        r = read_packages(f, n, PACKAGE_PIP, &c->common);
                else
                        r = unknown(f, n, "'frameworks', 'types', 'system' and 'common'");
        }
        return r;
}

int catalogue_load(struct catalogue *c, const char *path, struct err *err) {
        _cleanup_buf_ struct buf text = BUF_INIT(YAML_FILE_MAX);
        struct file f = { .path = path, .err = err };
        struct node root;
        int r;

        r = config_read_file(path, &text, err);
        if (r == 0)
                r = node_parse(path, buf_str(&text), text.len, &root, err);
        if (r < 0)
                return r;
        r = read_root(&f, &root, c);
        node_release(&root);
        return r;
}

const struct catalogue_framework *catalogue_framework(const struct catalogue *c, const char *name,
                                                      struct err *err) {
        _cleanup_buf_ struct buf all = BUF_INIT(2048);
        struct guess guess = { .word = name };
        char hint[128];

        for (size_t i = 0; i < c->frameworks.len; i++) {
                if (strcmp(c->frameworks.items[i].name, name) == 0)
                        return &c->frameworks.items[i];
                guess_try(&guess, c->frameworks.items[i].name);
                buf_addf(&all, "%s%s", i ? ", " : "", c->frameworks.items[i].name);
        }
        err_set(err, EINVAL, "there is no framework '%.60s' (there are: %s)%s", name, buf_str(&all),
                guess_text(&guess, hint, sizeof(hint)));
        return NULL;
}

const struct catalogue_type *catalogue_type(const struct catalogue *c, const char *name,
                                            struct err *err) {
        _cleanup_buf_ struct buf all = BUF_INIT(2048);
        struct guess guess = { .word = name };
        char hint[128];

        for (size_t i = 0; i < c->types.len; i++) {
                if (strcmp(c->types.items[i].name, name) == 0)
                        return &c->types.items[i];
                guess_try(&guess, c->types.items[i].name);
                buf_addf(&all, "%s%s", i ? ", " : "", c->types.items[i].name);
        }
        err_set(err, EINVAL, "there is no type '%.60s' (there are: %s)%s", name, buf_str(&all),
                guess_text(&guess, hint, sizeof(hint)));
        return NULL;
}
