/*
 * /etc/ds01/ds01.yaml: the table of its keys, its defaults and its reader.
 */
#include "config/config.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/guess.h"
#include "base/str.h"
#include "config/site_keys.h"
#include "config/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(enum gpu_attach) == sizeof(int), "choices are stored as int");

/* In the order of enum gpu_attach. */
static const char *const attach_words[] = { "device-request", "cdi", "env", NULL };

/* In the order of enum mount_mode. */
static const char *const mode_words[] = { "strict", "groupshare", "plain", "ro" };

#define AT(field) offsetof(struct site_config, field)

const struct site_key site_keys[] = {
        { "socket", SITE_PATH, AT(socket), "/run/ds01/ds01.sock",
          .help = "The socket that people's commands talk to." },
        { "socket_group", SITE_NAME, AT(socket_group), "", .may_be_empty = true,
          .help = "The group whose members may use the socket; empty: everybody (mode 0666)." },

        { "engine.socket", SITE_PATH, AT(engine_socket), "", .may_be_empty = true,
          .help = "The container engine's socket; empty: $DOCKER_HOST, /var/run/docker.sock, "
                  "/run/podman/podman.sock, whichever answers first." },
        { "engine.timeout_s", SITE_SECONDS, AT(engine_timeout_us), "60", 1, 3600,
          .help = "The longest wait for one answer of the engine, in seconds." },
        { "engine.cgroup_parent", SITE_NAME, AT(cgroup_parent), "ds01", .may_be_empty = true,
          .help = "Every person's containers run in a cgroup below this one; empty: where the "
                  "engine puts them, without the aggregate limits." },

        { "gpu.attach", SITE_CHOICE, AT(gpu_attach), "device-request", .choices = attach_words,
          .help = "How GPUs reach a container: device-request (Docker with NVIDIA's hook), cdi, "
                  "or env (NVIDIA_VISIBLE_DEVICES for NVIDIA's runtime)." },
        { "gpu.nvml_library", SITE_STRING, AT(gpu_nvml_library), "libnvidia-ml.so.1",
          .help = "The library that knows the GPUs: a name for dlopen or an absolute path." },
        { "gpu.simulator_file", SITE_PATH, AT(gpu_simulator_file), "", .may_be_empty = true,
          .help = "What the stand-in library libds01-nvml-sim.so pretends to see; no other "
                  "library reads it." },
        { "gpu.cdi_spec", SITE_PATH, AT(gpu_cdi_spec), "/etc/cdi/nvidia.yaml",
          .help = "The site's CDI specification, as nvidia-ctk writes it (attach: cdi)." },
        { "gpu.cdi_directory", SITE_PATH, AT(gpu_cdi_directory), "/var/run/cdi",
          .help = "Where ds01d writes the CDI files of its containers; the engine reads it." },

        { "images.default", SITE_STRING, AT(default_image), "", .may_be_empty = true,
          .help = "The image of a container whose creator named none and built none; empty: "
                  "such a creation is refused." },
        { "images.bases", SITE_WORDS, AT(bases), "",
          .help = "Base images that everybody may use and sees in lists." },
        { "images.registries", SITE_WORDS, AT(registries), "",
          .help = "Registries from which missing images are pulled; empty: none, \"*\": all." },
        { "images.pip_index", SITE_URL, AT(pip_index), "", .may_be_empty = true,
          .help = "Where pip finds packages while images are built; empty: as the image has it." },
        { "images.apt_mirror", SITE_URL, AT(apt_mirror), "", .may_be_empty = true,
          .help = "The mirror of Debian's or Ubuntu's archive that image-create writes into "
                  "Dockerfiles; empty: as the image has it." },
        { "images.proxy", SITE_URL, AT(build_proxy), "", .may_be_empty = true,
          .help = "The HTTP proxy of RUN instructions while images are built; empty: none." },
        { "images.build_network", SITE_NAME, AT(build_network), "default",
          .help = "The network of RUN instructions while images are built: default, none, or the "
                  "name of one of the engine's." },
        { "images.build_timeout_s", SITE_SECONDS, AT(build_timeout_us), "14400", 1, 604800,
          .help = "The longest that one image may be built, in seconds." },
        { "images.builds_per_user", SITE_COUNT, AT(builds_per_user), "2", 1, 64,
          .help = "Images that one person may have built at the same time." },
        { "images.context_max_gb", SITE_COUNT, AT(context_max_gb), "20", 1, 1048576,
          .help = "The most that is sent of a project to build an image from, in GB." },

        { "bin.keep_days", SITE_COUNT, AT(bin_keep_days), "7", 0, 3650,
          .help = "How long what was changed in a removed container is kept, in days; 0: not." },
        { "bin.max_gb", SITE_COUNT, AT(bin_max_gb), "20", 1, 1048576,
          .help = "The most that is kept of one person's removed containers, in GB." },

        { "paths.state", SITE_PATH, AT(state_dir), "/var/lib/ds01",
          .help = "What must outlast a reboot: the seal's key, records, metadata." },
        { "paths.log", SITE_PATH, AT(log_dir), "/var/log/ds01",
          .help = "Where events.jsonl is written: what happened, a JSON object a line." },
        { "paths.run", SITE_PATH, AT(run_dir), "/run/ds01",
          .help = "What must not: pins of mounts, generated files of containers." },
        { "paths.limits", SITE_PATH, AT(limits_file), "/etc/ds01/resource-limits.yaml",
          .help = "Who may use what, see resource-limits.yaml(5)." },
        { "paths.init", SITE_PATH, AT(init_dir), "", .may_be_empty = true,
          .help = "The directory of ds01-init, mounted in every container at /.ds01; empty: "
                  "where it was installed." },

        { "history.keep_days", SITE_COUNT, AT(history_keep_days), "400", 1, 36500,
          .help = "How long every lease and event is kept, in days; of older ones sums stay." },

        { "metrics.port", SITE_COUNT, AT(metrics_port), "0", 0, 65535,
          .help = "The port on 127.0.0.1 where Prometheus finds /metrics; 0: none." },

        { "mounts.roots", SITE_ROOTS, AT(mount_roots), "~",
          .help = "Directories below which people may mount what they can read; \"~\" is each "
                  "one's own home. PATH:MODE says how: strict (the default of \"~\"), groupshare "
                  "(of others), plain or ro." },

        { "users.min_uid", SITE_COUNT, AT(min_uid), "1000", 0, UINT32_MAX - 1,
          .help = "Accounts below this uid belong to services and are refused (root is not)." },

        { "notify.command", SITE_PATH, AT(notify_command), "", .may_be_empty = true,
          .help = "A program that is run for each warning and each stop by a rule of time, and "
                  "before reservations, with JSON on its stdin, to send mail or a message; "
                  "empty: none." },

        { "daemon.max_connections", SITE_COUNT, AT(max_connections), "512", 1, 65536,
          .help = "Open connections of all people together." },
        { "daemon.max_connections_per_user", SITE_COUNT, AT(max_connections_per_user), "64", 1,
          65536, .help = "Open connections of one person." },
};
const size_t site_keys_count = ARRAY_SIZE(site_keys);

static void *field(struct site_config *c, const struct site_key *key) {
        return (char *)c + key->offset;
}

static void list_free(char **list) {
        for (char **p = list; p && *p; p++)
                free(*p);
        free(list);
}

static void set_string(struct site_config *c, const struct site_key *key, char *owned) {
        char **at = field(c, key);

        free(*at);
        *at = owned;
}

static void set_list(struct site_config *c, const struct site_key *key, char **owned) {
        char ***at = field(c, key);

        list_free(*at);
        *at = owned;
}

static bool is_list(const struct site_key *key) {
        return key->kind == SITE_WORDS || key->kind == SITE_ROOTS;
}

static bool is_text(const struct site_key *key) {
        return key->kind == SITE_STRING || key->kind == SITE_NAME ||
               key->kind == SITE_PATH || key->kind == SITE_URL;
}

void site_config_release(struct site_config *c) {
        if (!c)
                return;
        for (size_t i = 0; i < site_keys_count; i++)
                if (is_text(&site_keys[i]))
                        set_string(c, &site_keys[i], NULL);
                else if (is_list(&site_keys[i]))
                        set_list(c, &site_keys[i], NULL);
        *c = (struct site_config){ 0 };
}

/* The directory of ds01-init depends on the prefix of the build, so its row cannot name it. */
static char *dup_text(const struct site_key *key, const char *text) {
        if (key->offset == AT(init_dir) && text[0] == '\0')
                return strdup(DS01_LIBEXECDIR "/init");
        return strdup(text);
}

static int set_number(struct site_config *c, const struct site_key *key, const char *text) {
        int64_t number;
        int r = str_to_i64(text, key->min, key->max, &number);

        if (r < 0)
                return r;
        *(int64_t *)field(c, key) = key->kind == SITE_SECONDS ? number * US_PER_S : number;
        return 0;
}

static int set_choice(struct site_config *c, const struct site_key *key, const char *text) {
        for (int i = 0; key->choices[i]; i++)
                if (str_equal(key->choices[i], text)) {
                        *(int *)field(c, key) = i;
                        return 0;
                }
        return -EINVAL;
}

/* A list of copies of the @n strings at @items. */
static char **list_new(const char *const *items, size_t n) {
        char **list = calloc(n + 1, sizeof(*list));

        for (size_t i = 0; list && i < n; i++) {
                list[i] = strdup(items[i]);
                if (!list[i]) {
                        list_free(list);
                        return NULL;
                }
        }
        return list;
}

static int set_default(struct site_config *c, const struct site_key *key) {
        if (is_text(key)) {
                char *text = dup_text(key, key->value);

                set_string(c, key, text);
                return text ? 0 : -ENOMEM;
        }
        if (is_list(key)) {
                char **list = list_new(&key->value, key->value[0] != '\0');

                set_list(c, key, list);
                return list ? 0 : -ENOMEM;
        }
        if (key->kind == SITE_CHOICE)
                return set_choice(c, key, key->value);
        return set_number(c, key, key->value);
}

int site_config_init(struct site_config *c) {
        struct site_config fresh = { 0 };

        for (size_t i = 0; i < site_keys_count; i++) {
                int r = set_default(&fresh, &site_keys[i]);

                if (r < 0) {
                        site_config_release(&fresh);
                        return r;
                }
        }
        *c = fresh;
        return 0;
}

static int copy_config(const struct site_config *from, struct site_config *ret) {
        struct site_config copy = *from;
        int r = 0;

        for (size_t i = 0; i < site_keys_count; i++) {
                const struct site_key *key = &site_keys[i];
                void *at = field(&copy, key);

                if (is_text(key)) {
                        *(char **)at = strdup(*(char **)at);
                        r = *(char **)at ? r : -ENOMEM;
                } else if (is_list(key)) {
                        char **list = *(char ***)at;
                        size_t n = 0;

                        while (list && list[n])
                                n++;
                        *(char ***)at = list_new((const char *const *)list, n);
                        r = *(char ***)at ? r : -ENOMEM;
                }
        }
        if (r < 0)
                site_config_release(&copy);
        else
                *ret = copy;
        return r;
}

/* Why @text cannot be a value of @key, or NULL. */
static const char *text_fault(const struct site_key *key, const char *text) {
        if (text[0] == '\0')
                return key->may_be_empty ? NULL : "must not be empty";
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return "must not contain control characters";
        if (key->kind == SITE_PATH && text[0] != '/')
                return "must be an absolute path";
        if (key->kind == SITE_PATH && strlen(text) >= 4096)
                return "is too long for a path";
        if (key->offset == AT(socket) && strlen(text) >= 108) /* sun_path of unix(7) */
                return "is too long for a socket (107 bytes)";
        if (key->kind == SITE_NAME)
                for (const char *p = text; *p; p++)
                        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-.", *p) || text[0] == '.' || text[0] == '-')
                                return "must be a name of letters, digits, '_', '-' and '.'";
        if (key->kind == SITE_URL && *text &&
            ((!str_starts(text, "http://") && !str_starts(text, "https://")) ||
             strlen(text) > 512 || text[strcspn(text, " \"'\\$`#<>|;&")]))
                return "must be an address that begins with http:// or https://";
        return NULL;
}

const char *mount_mode_word(enum mount_mode mode) {
        return mode_words[mode];
}

size_t mount_root_split(const char *item, enum mount_mode *ret_mode) {
        const char *colon = strrchr(item, ':');

        *ret_mode = item[0] == '~' ? MOUNT_STRICT : MOUNT_GROUPSHARE;
        for (size_t i = 0; colon && i < ARRAY_SIZE(mode_words); i++)
                if (str_equal(colon + 1, mode_words[i])) {
                        *ret_mode = (enum mount_mode)i;
                        return (size_t)(colon - item);
                }
        return strlen(item);
}

/* Why @item cannot be one of mounts.roots, or NULL. */
static const char *root_fault(const char *item) {
        enum mount_mode ignored;
        size_t n = mount_root_split(item, &ignored);
        const char *colon = strrchr(item, ':');

        if (n == strlen(item) && colon && !strchr(colon, '/'))
                return "the mode of an item must be strict, groupshare, plain or ro";
        if (item[0] != '/' && !(n == 1 && item[0] == '~'))
                return "an item must be an absolute path or \"~\"";
        return NULL;
}

static const char *item_fault(const struct site_key *key, const struct node *item) {
        if (item->kind != NODE_SCALAR || item->text[0] == '\0' ||
            (key->kind == SITE_WORDS && node_is_null(item)))
                return "an item must be a word";
        if (key->kind == SITE_ROOTS && root_fault(item->text))
                return root_fault(item->text);
        for (const char *p = item->text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f ||
                    (*p == ' ' && key->kind == SITE_WORDS))
                        return "an item must not contain blanks or control characters";
        return NULL;
}

static int read_list(const char *path, const struct site_key *key, const struct node *node,
                     struct site_config *c, struct err *err) {
        char quote[NODE_QUOTE_SIZE];
        char **list;

        if (node->kind != NODE_LIST)
                return node_error(path, node, err, "'%s' must be a list such as [a, b], not %s",
                                  node->key, node_quote(node, quote));
        list = calloc(node->children.len + 1, sizeof(*list));
        if (!list)
                return err_set(err, ENOMEM, "%s: out of memory", path);
        for (size_t i = 0; i < node->children.len; i++) {
                const struct node *item = &node->children.items[i];
                const char *fault = item_fault(key, item);

                if (!fault && (list[i] = strdup(item->text)))
                        continue;
                list_free(list);
                if (!fault)
                        return err_set(err, ENOMEM, "%s: out of memory", path);
                return node_error(path, item, err, "'%s': %s, not %s", node->key, fault,
                                  node_quote(item, quote));
        }
        set_list(c, key, list);
        return 0;
}

static int choice_error(const char *path, const struct site_key *key, const struct node *node,
                        struct err *err) {
        char quote[NODE_QUOTE_SIZE], near[64], words[128] = "";
        struct guess guess = { .word = node->text };

        for (size_t i = 0, used = 0; key->choices[i]; i++) {
                used += (size_t)snprintf(words + used, sizeof(words) - used, "%s'%s'",
                                         i == 0 ? "" : key->choices[i + 1] ? ", " : " or ",
                                         key->choices[i]);
                guess_try(&guess, key->choices[i]);
        }
        return node_error(path, node, err, "'%s' must be %s, not %s%s", node->key, words,
                          node_quote(node, quote), guess_text(&guess, near, sizeof(near)));
}

static int read_value(const char *path, const struct site_key *key, const struct node *node,
                      struct site_config *c, struct err *err) {
        char quote[NODE_QUOTE_SIZE];
        const char *fault;
        char *text;

        if (node_is_null(node))
                return node_key_error(path, node, err,
                                      "'%s' has no value; leave the line out for the default",
                                      node->key);
        if (is_list(key))
                return read_list(path, key, node, c, err);
        if (node->kind != NODE_SCALAR)
                return node_error(path, node, err, "'%s' must be one value, not %s", node->key,
                                  node_quote(node, quote));
        if (key->kind == SITE_CHOICE)
                return set_choice(c, key, node->text) < 0 ? choice_error(path, key, node, err) : 0;
        if (key->kind == SITE_COUNT || key->kind == SITE_SECONDS)
                return set_number(c, key, node->text) == 0 ? 0 :
                       node_error(path, node, err, "'%s' must be a whole number from %lld to %lld, "
                                                   "not %s",
                                  node->key, (long long)key->min, (long long)key->max,
                                  node_quote(node, quote));
        fault = text_fault(key, node->text);
        if (fault)
                return node_error(path, node, err, "'%s' %s: %s", node->key, fault,
                                  node_quote(node, quote));
        text = dup_text(key, node->text);
        if (!text)
                return err_set(err, ENOMEM, "%s: out of memory", path);
        set_string(c, key, text);
        return 0;
}

/* True when @key is @leaf in @section ("" = on top). */
static bool key_is(const struct site_key *key, const char *section, const char *leaf) {
        size_t n = strlen(section);

        if (n == 0)
                return str_equal(key->name, leaf);
        return strncmp(key->name, section, n) == 0 && key->name[n] == '.' &&
               str_equal(key->name + n + 1, leaf);
}

/* The section of @key as a word of its own: sections are few and short. */
static const char *section_of(const struct site_key *key, char *dst, size_t size) {
        const char *dot = strchr(key->name, '.');

        snprintf(dst, size, "%.*s", dot ? (int)(dot - key->name) : 0, key->name);
        return dst;
}

static int unknown_key(const char *path, const char *section, const struct node *node,
                       struct err *err) {
        char own[32], quote[64], near[96];
        struct guess guess = { .word = node->key };
        char sections[ARRAY_SIZE(site_keys)][32];

        str_printable(quote, sizeof(quote), node->key);
        for (size_t i = 0; i < site_keys_count; i++) {
                const struct site_key *key = &site_keys[i];
                const char *dot = strchr(key->name, '.'), *leaf = dot ? dot + 1 : key->name;

                section_of(key, sections[i], sizeof(sections[i]));
                if (str_equal(sections[i], section))
                        guess_try(&guess, leaf);
                else if (section[0] == '\0')
                        guess_try(&guess, sections[i]);
        }
        for (size_t i = 0; i < site_keys_count && !guess.best[0]; i++) {
                const char *dot = strchr(site_keys[i].name, '.');

                if (str_equal(dot ? dot + 1 : site_keys[i].name, node->key))
                        return node_key_error(path, node, err, "'%s' belongs %s%s%s", quote,
                                              dot ? "under '" : "at the left margin",
                                              section_of(&site_keys[i], own, sizeof(own)),
                                              dot ? ":'" : "");
        }
        return node_key_error(path, node, err, "unknown key '%s'%s", quote,
                              guess_text(&guess, near, sizeof(near)));
}

static bool is_section(const char *word) {
        char section[32];

        for (size_t i = 0; i < site_keys_count; i++)
                if (word[0] && str_equal(section_of(&site_keys[i], section, sizeof(section)), word))
                        return true;
        return false;
}

static int read_map(const char *path, const char *section, const struct node *map,
                    struct site_config *c, struct err *err) {
        char quote[NODE_QUOTE_SIZE];

        if (node_is_null(map)) /* everything below it is commented out */
                return 0;
        if (map->kind != NODE_MAP)
                return node_error(path, map, err, "%s%s must hold keys with values, not %s",
                                  section[0] ? section : "the file", section[0] ? ":" : "",
                                  node_quote(map, quote));
        for (size_t i = 0; i < map->children.len; i++) {
                const struct node *node = &map->children.items[i];
                size_t k = 0;
                int r;

                while (k < site_keys_count && !key_is(&site_keys[k], section, node->key))
                        k++;
                if (k < site_keys_count)
                        r = read_value(path, &site_keys[k], node, c, err);
                else if (section[0] == '\0' && is_section(node->key))
                        r = read_map(path, node->key, node, c, err);
                else
                        r = unknown_key(path, section, node, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int site_config_load(const char *path, struct site_config *c, struct err *err) {
        _cleanup_(node_release) struct node root = { 0 };
        _cleanup_(site_config_release) struct site_config fresh = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT(YAML_FILE_MAX + 1);
        int r = config_read_file(path, &text, err);

        if (r == 0)
                r = node_parse(path, buf_str(&text), text.len, &root, err);
        if (r < 0)
                return r;
        r = copy_config(c, &fresh);
        if (r < 0)
                return err_set(err, -r, "%s: out of memory", path);
        r = read_map(path, "", &root, &fresh, err);
        if (r < 0)
                return r;
        site_config_release(c);
        *c = fresh;
        fresh = (struct site_config){ 0 };
        return 0;
}
