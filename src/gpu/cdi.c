/*
 * CDI specs; see the header. The site's spec is read with libyaml, of whose language JSON is a
 * part, and copied edit by edit without knowing what an edit means, so that what a newer nvidia-ctk
 * adds travels too. https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
 */
#include "gpu/cdi.h"

#include "base/fd.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define SPEC_BYTES_MAX (8 * 1024 * 1024)
#define DEPTH_MAX 16
#define KEY_LENGTH_MAX 64
/* hostPath of device nodes, and names of devices that begin with a digit. */
#define VERSION_NEEDED "0.5.0"

static const char *const site_specs[] = {
        "/etc/cdi/nvidia.yaml", "/etc/cdi/nvidia.json",
        "/var/run/cdi/nvidia.yaml", "/var/run/cdi/nvidia.json",
};

/* Fields that are not strings in JSON. YAML does not say: 1 and true are what the reader wants. */
static const char *const number_fields[] = { "major", "minor", "fileMode", "uid", "gid", "timeout",
                                             "additionalGids" };
static const char *const bool_fields[] = { "enableCMT", "enableMBM", "enableMonitoring" };

static bool listed(const char *const *list, size_t n, const char *word) {
        for (size_t i = 0; i < n; i++)
                if (word && str_equal(list[i], word))
                        return true;
        return false;
}

static int write_string(struct buf *b, const char *s, size_t n) {
        int r = buf_addc(b, '"');

        for (size_t i = 0; i < n && r == 0; i++) {
                unsigned char c = (unsigned char)s[i];

                if (c == '"' || c == '\\')
                        r = buf_addf(b, "\\%c", c);
                else if (c < 0x20 || c == 0x7F)
                        r = buf_addf(b, "\\u%04x", c);
                else
                        r = buf_addc(b, (char)c);
        }
        return r < 0 ? r : buf_addc(b, '"');
}

static const char *scalar(const yaml_node_t *node) {
        return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
                                                      : NULL;
}

/* The value of @key in a mapping, or NULL. */
static yaml_node_t *member(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
        if (!map || map->type != YAML_MAPPING_NODE)
                return NULL;
        for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
             p++)
                if (str_equal(scalar(yaml_document_get_node(doc, p->key)), key))
                        return yaml_document_get_node(doc, p->value);
        return NULL;
}

/* A number as JSON has it; YAML 1.1 reads a leading 0 as octal, which modes of files have. */
static int write_number(struct buf *b, const char *text) {
        int64_t number;
        char *end = NULL;

        if (text[0] == '0' && text[1] != '\0') {
                errno = 0;
                number = strtoll(text[1] == 'o' ? text + 2 : text, &end, 8);
                if (errno || *end || number < 0)
                        return -EINVAL;
        } else if (str_to_i64(text, INT64_MIN, INT64_MAX, &number) < 0) {
                return -EINVAL;
        }
        return buf_addf(b, "%lld", (long long)number);
}

/* Writes @node as JSON; @field is the key that it (or the list around it) is the value of. */
static int write_node(yaml_document_t *doc, const yaml_node_t *node, const char *field, int depth,
                      struct buf *b) {
        const char *text = scalar(node);
        int r = 0;

        if (!node || depth > DEPTH_MAX)
                return -EINVAL;
        if (text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
                if (listed(number_fields, ARRAY_SIZE(number_fields), field))
                        return write_number(b, text);
                if (listed(bool_fields, ARRAY_SIZE(bool_fields), field))
                        return str_equal(text, "true") || str_equal(text, "false")
                                       ? buf_adds(b, text)
                                       : -EINVAL;
                if (str_equal(text, "null") || str_equal(text, "~") || str_equal(text, ""))
                        return buf_adds(b, "null");
        }
        if (text)
                return write_string(b, text, node->data.scalar.length);
        if (node->type == YAML_SEQUENCE_NODE) {
                yaml_node_item_t *start = node->data.sequence.items.start;

                r = buf_addc(b, '[');
                for (yaml_node_item_t *i = start; i < node->data.sequence.items.top && r == 0;
                     i++) {
                        if (i > start)
                                r = buf_addc(b, ',');
                        if (r == 0)
                                r = write_node(doc, yaml_document_get_node(doc, *i), field,
                                               depth + 1, b);
                }
                return r < 0 ? r : buf_addc(b, ']');
        }
        r = buf_addc(b, '{');
        for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
             p < node->data.mapping.pairs.top && r == 0; p++) {
                const yaml_node_t *name = yaml_document_get_node(doc, p->key);

                if (!scalar(name))
                        return -EINVAL;
                if (p > node->data.mapping.pairs.start)
                        r = buf_addc(b, ',');
                if (r == 0)
                        r = write_string(b, scalar(name), name->data.scalar.length);
                if (r == 0)
                        r = buf_addc(b, ':');
                if (r == 0)
                        r = write_node(doc, yaml_document_get_node(doc, p->value), scalar(name),
                                       depth + 1, b);
        }
        return r < 0 ? r : buf_addc(b, '}');
}

/* The items of a list that is being written: where each ends in the buffer. */
struct items {
        VEC(size_t) ends;
};

static bool have_item(const struct buf *b, size_t start, const struct items *items,
                      const struct buf *item) {
        for (size_t i = 0; i < items->ends.len; i++) {
                size_t end = items->ends.items[i];

                if (end - start == item->len && memcmp(b->data + start, item->data, item->len) == 0)
                        return true;
                start = end + 1; /* the comma */
        }
        return false;
}

/* Adds the items of one device's @list; what is there already, which two devices have in common, is
 * not added again. @start is where the items in @b begin. */
static int add_items(yaml_document_t *doc, const yaml_node_t *list, const char *field, size_t start,
                     struct items *items, struct buf *b) {
        int r = 0;

        for (yaml_node_item_t *i = list->data.sequence.items.start;
             i < list->data.sequence.items.top && r == 0; i++) {
                _cleanup_buf_ struct buf item = BUF_INIT(SPEC_BYTES_MAX);

                r = write_node(doc, yaml_document_get_node(doc, *i), field, 2, &item);
                if (r < 0 || have_item(b, start, items, &item))
                        continue;
                if (items->ends.len)
                        r = buf_addc(b, ',');
                if (r == 0)
                        r = buf_add(b, item.data, item.len);
                if (r == 0)
                        r = VEC_PUSH(&items->ends, b->len);
        }
        return r;
}

/* One field of the merged edits: lists are joined, anything else is the first device's. */
static int merge_field(yaml_document_t *doc, yaml_node_t *const *edits, size_t n, const char *field,
                       const yaml_node_t *first, struct buf *b) {
        struct items items = { 0 };
        size_t start;
        int r;

        if (first->type != YAML_SEQUENCE_NODE)
                return write_node(doc, first, field, 1, b);
        r = buf_addc(b, '[');
        start = b->len;
        for (size_t i = 0; i < n && r == 0; i++) {
                const yaml_node_t *list = member(doc, edits[i], field);

                if (list && list->type == YAML_SEQUENCE_NODE)
                        r = add_items(doc, list, field, start, &items, b);
        }
        VEC_RELEASE(&items.ends);
        return r < 0 ? r : buf_addc(b, ']');
}

/* True when an earlier one of the edits has @field: it was written with that one. */
static bool written(yaml_document_t *doc, yaml_node_t *const *edits, size_t n, const char *field) {
        for (size_t i = 0; i < n; i++)
                if (member(doc, edits[i], field))
                        return true;
        return false;
}

static int merge_edits(yaml_document_t *doc, yaml_node_t *const *edits, size_t n, struct buf *b) {
        bool comma = false;
        int r = buf_addc(b, '{');

        for (size_t i = 0; i < n && r == 0; i++) {
                if (!edits[i] || edits[i]->type != YAML_MAPPING_NODE)
                        return -EINVAL;
                for (yaml_node_pair_t *p = edits[i]->data.mapping.pairs.start;
                     p < edits[i]->data.mapping.pairs.top && r == 0; p++) {
                        const yaml_node_t *value = yaml_document_get_node(doc, p->value);
                        const char *field = scalar(yaml_document_get_node(doc, p->key));

                        if (!field || !value)
                                return -EINVAL;
                        if (written(doc, edits, i, field))
                                continue;
                        if (comma)
                                r = buf_addc(b, ',');
                        comma = true;
                        if (r == 0)
                                r = write_string(b, field, strlen(field));
                        if (r == 0)
                                r = buf_addc(b, ':');
                        if (r == 0)
                                r = merge_field(doc, edits, n, field, value, b);
                }
        }
        return r < 0 ? r : buf_addc(b, '}');
}

/* --- the site's spec --- */

/* containerEdits of the device called @name, or NULL. */
static yaml_node_t *find_device(yaml_document_t *doc, const char *name) {
        const yaml_node_t *devices = member(doc, yaml_document_get_root_node(doc), "devices");

        if (!devices || devices->type != YAML_SEQUENCE_NODE || !name || !*name)
                return NULL;
        for (yaml_node_item_t *i = devices->data.sequence.items.start;
             i < devices->data.sequence.items.top; i++) {
                const yaml_node_t *device = yaml_document_get_node(doc, *i);

                if (str_equal(scalar(member(doc, device, "name")), name))
                        return member(doc, device, "containerEdits");
        }
        return NULL;
}

/* The site's cdiVersion, or what we need where that is more. NULL: it has none that we know. */
static const char *version(yaml_document_t *doc) {
        const char *text = scalar(member(doc, yaml_document_get_root_node(doc), "cdiVersion"));
        unsigned major, minor, patch;
        int end = 0;

        if (!text || sscanf(text, "%3u.%3u.%3u%n", &major, &minor, &patch, &end) != 3 || text[end])
                return NULL;
        return major == 0 && minor < 5 ? VERSION_NEEDED : text;
}

static int read_site_spec(const char *path, struct buf *b, yaml_document_t *doc, struct err *e) {
        yaml_parser_t parser;
        int r = path ? file_read(path, b) : -ENOENT;

        for (size_t i = 0; !path && r == -ENOENT && i < ARRAY_SIZE(site_specs); i++)
                r = file_read(site_specs[i], b);
        if (r < 0)
                return err_set(e, -r,
                               "the site's CDI spec '%s': %s (nvidia-ctk cdi generate makes it)",
                               path ? path : site_specs[0], strerror(-r));
        if (!yaml_parser_initialize(&parser))
                return err_set(e, ENOMEM, "out of memory");
        yaml_parser_set_input_string(&parser, (const unsigned char *)buf_str(b), b->len);
        if (!yaml_parser_load(&parser, doc)) {
                r = err_set(e, EINVAL, "%s:%zu: %s", path ? path : "the site's CDI spec",
                            parser.problem_mark.line + 1,
                            parser.problem ? parser.problem : "no YAML");
                yaml_parser_delete(&parser);
                return r;
        }
        yaml_parser_delete(&parser);
        return 0;
}

static bool key_valid(const char *key) {
        size_t n = strlen(key);

        if (n == 0 || n > KEY_LENGTH_MAX || !isalnum((unsigned char)key[0]) ||
            !isalnum((unsigned char)key[n - 1]))
                return false;
        for (const char *c = key; *c; c++)
                if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
                        return false;
        return true;
}

static int build_spec(yaml_document_t *doc, const char *key, yaml_node_t *const *edits, size_t n,
                      struct buf *b) {
        static const char *const suffixes[] = { "", CDI_ALIAS };
        yaml_node_t *common = member(doc, yaml_document_get_root_node(doc), "containerEdits");
        int r;

        r = buf_adds(b, "{\"cdiVersion\":");
        if (r == 0)
                r = write_string(b, version(doc), strlen(version(doc)));
        if (r == 0)
                r = buf_adds(b, ",\"kind\":\"" CDI_KIND "\",\"devices\":[");
        for (size_t i = 0; i < ARRAY_SIZE(suffixes) && r == 0; i++) {
                r = buf_addf(b, "%s{\"name\":\"%s%s\",\"containerEdits\":", i ? "," : "", key,
                             suffixes[i]);
                if (r == 0)
                        r = merge_edits(doc, edits, n, b);
                if (r == 0)
                        r = buf_addc(b, '}');
        }
        if (r == 0)
                r = buf_addc(b, ']');
        if (r == 0 && common) {
                r = buf_adds(b, ",\"containerEdits\":");
                if (r == 0)
                        r = write_node(doc, common, NULL, 0, b);
        }
        return r < 0 ? r : buf_adds(b, "}\n");
}

int cdi_write(const char *dir, const char *key, const char *const *uuids,
              const char *const *names, size_t n, const char *site_spec_path, struct err *e) {
        _cleanup_buf_ struct buf text = BUF_INIT(SPEC_BYTES_MAX), out = BUF_INIT(SPEC_BYTES_MAX);
        yaml_node_t *edits[GPU_PER_CONTAINER_MAX];
        _cleanup_free_ char *path = NULL;
        yaml_document_t doc;
        int r;

        if (!key_valid(key) || n == 0 || n > GPU_PER_CONTAINER_MAX)
                return err_set(e, EINVAL, "'%.80s' is no name for a CDI device of %zu GPUs", key,
                               n);
        r = read_site_spec(site_spec_path, &text, &doc, e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n && r == 0; i++) {
                edits[i] = find_device(&doc, uuids[i]);
                if (!edits[i] && names)
                        edits[i] = find_device(&doc, names[i]);
                if (!edits[i])
                        r = err_set(e, ENODEV,
                                    "the site's CDI spec has no device '%s': generate it "
                                    "anew (nvidia-ctk cdi generate "
                                    "--device-name-strategy=uuid)",
                                    uuids[i]);
        }
        if (r == 0) {
                r = version(&doc) ? build_spec(&doc, key, edits, n, &out) : -EINVAL;
                if (r < 0)
                        err_set(e, -r, "the site's CDI spec cannot be used: %s",
                                r == -EINVAL ? "it is not of the form of CDI" : strerror(-r));
        }
        yaml_document_delete(&doc);
        if (r < 0)
                return r;
        r = dir_make(dir, 0755);
        if (r == 0 && asprintf(&path, "%s/ds01-%s.json", dir, key) < 0) {
                path = NULL;
                r = -ENOMEM;
        }
        if (r == 0)
                r = file_write_atomic(path, 0644, out.data, out.len);
        return r < 0 ? err_set(e, -r, "the CDI spec in '%s': %s", dir, strerror(-r)) : 0;
}

int cdi_remove(const char *dir, const char *key) {
        _cleanup_free_ char *path = NULL;

        if (!key_valid(key))
                return -EINVAL;
        if (asprintf(&path, "%s/ds01-%s.json", dir, key) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

void cdi_index_name(const struct gpu_device *d, char *dst, size_t size) {
        if (d->instance < 0)
                snprintf(dst, size, "%d", d->gpu);
        else
                str_copy(dst, size, "");
}

static int add_simulated(struct buf *b, const char *name, int minor, bool comma) {
        return buf_addf(
                b,
                "%s\n  {\"name\": \"%s\", \"containerEdits\": {\"deviceNodes\": [{\"path\": "
                "\"/dev/nvidia%d\", \"hostPath\": \"/dev/null\", \"type\": \"c\", "
                "\"permissions\": \"rw\"}]}}",
                comma ? "," : "", name, minor);
}

int cdi_write_simulated_site_spec(const char *path, const struct gpu_inventory *inv,
                                  struct err *e) {
        static const char tail[] =
                "\n ],\n \"containerEdits\": {\n"
                "  \"env\": [\"NVIDIA_VISIBLE_DEVICES=void\"],\n  \"deviceNodes\": [\n"
                "   {\"path\": \"/dev/nvidiactl\", \"hostPath\": \"/dev/null\", \"type\": \"c\"},\n"
                "   {\"path\": \"/dev/nvidia-uvm\", \"hostPath\": \"/dev/null\", \"type\": \"c\"}\n"
                "  ]}\n}\n";
        _cleanup_buf_ struct buf b = BUF_INIT(SPEC_BYTES_MAX);
        bool comma = false;
        int r = buf_adds(&b,
                         "{\"cdiVersion\": \"" VERSION_NEEDED "\", \"kind\": \"nvidia.com/gpu\",\n"
                         " \"devices\": [");

        for (size_t i = 0; i < inv->ndevices && r == 0; i++) {
                const struct gpu_device *d = &inv->devices[i];
                char index[24];

                cdi_index_name(d, index, sizeof(index));
                r = add_simulated(&b, d->uuid, d->minor < 0 ? d->gpu : d->minor, comma);
                comma = true;
                if (r == 0 && *index)
                        r = add_simulated(&b, index, d->minor < 0 ? d->gpu : d->minor, true);
        }
        if (r == 0)
                r = buf_adds(&b, tail);
        if (r == 0)
                r = file_write_atomic(path, 0644, b.data, b.len);
        return r < 0 ? err_set(e, -r, "the simulated CDI spec '%s': %s", path, strerror(-r)) : 0;
}
