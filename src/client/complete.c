/* See complete.h. */
#include "client/complete.h"

#include "base/str.h"
#include "client/container.h"
#include "client/image.h"
#include "client/project.h"

#include <string.h>

struct words {
        char **items;
        size_t n;
        size_t at; /* the one to complete; may be n */
};

static const char *word(const struct words *w, size_t i) {
        return i < w->n ? w->items[i] : "";
}

static void offer(struct cli *c, const char *prefix, const char *before, const char *candidate) {
        char text[640];

        snprintf(text, sizeof(text), "%s%s", before, candidate);
        if (str_starts(text, prefix))
                fprintf(c->out, "%s\n", text);
}

static void offer_commands(struct cli *c, const char *typed, const char *prefix) {
        for (size_t i = 0; i < n_commands; i++) {
                const char *const names[] = { commands[i]->name, commands[i]->alias };

                for (size_t k = 0; k < ARRAY_SIZE(names) && names[k]; k++)
                        if (str_starts(names[k], prefix))
                                offer(c, typed, "", names[k] + strlen(prefix));
        }
}

static const struct option_row *find_option(const struct command *cmd, const char *typed) {
        for (size_t i = 0; i < cmd->n_options; i++) {
                const struct option_row *row = &cmd->options[i];

                if (str_starts(typed, "--") ? str_equal(row->name, typed + 2)
                                            : typed[0] == '-' && typed[1] &&
                                                      typed[1] == row->letter && !typed[2])
                        return row;
        }
        return NULL;
}

static void offer_options(struct cli *c, const struct command *cmd, const char *typed) {
        for (size_t i = 0; i < cmd->n_options; i++)
                if (!cmd->options[i].hidden) {
                        char text[80];

                        snprintf(text, sizeof(text), "--%s%s", cmd->options[i].name,
                                 cmd->options[i].arg ? "=" : "");
                        offer(c, typed, "", text);
                }
        for (size_t i = 0; i < n_common_rows; i++)
                if (!common_rows[i].hidden)
                        offer(c, typed, "--", common_rows[i].name);
}

struct offering {
        const char *typed;
        const char *before; /* stands in front of each candidate: "--image=" */
        unsigned statuses;
        bool all;       /* images: all, by their references */
        unsigned count; /* of devices so far */
};

static int offer_container(struct cli *c, const void *row, void *data) {
        const struct offering *o = data;
        const struct container *k = row;
        char safe[128];

        str_printable(safe, sizeof(safe), k->name);
        if (container_status_bit(k->status) & o->statuses)
                offer(c, o->typed, o->before, safe);
        return EXIT_DONE;
}

static int offer_image(struct cli *c, const void *row, void *data) {
        const struct offering *o = data;
        const struct image *image = row;
        char safe[512];

        str_printable(safe, sizeof(safe), o->all ? image->reference : image->project);
        if (o->all || image->mine)
                offer(c, o->typed, o->before, safe);
        return EXIT_DONE;
}

/* Nothing is said about a ds01d that can't be reached: there is a line being typed. */
static void offer_rows(struct cli *c, const char *target, const struct row_kind *kind,
                       int (*each)(struct cli *c, const void *row, void *data),
                       struct offering *offering) {
        const struct call call = { .method = HTTP_GET, .target = target, .quiet = true };
        _cleanup_reply_ struct reply reply = { 0 };

        if (call_send(c, &call, &reply) == EXIT_DONE && reply.status == 200)
                rows_read(c, &reply.body, kind, each, offering);
}

static int offer_project(struct cli *c, const char *name, bool has_dockerfile, void *data) {
        const struct offering *o = data;

        offer(c, o->typed, o->before, name);
        return EXIT_DONE;
}

static void skip_gpu(struct json_scan *s, void *row) {
        while (json_scan_next(s) == JSON_SCAN_KEY)
                json_scan_skip(s);
}

static const struct row_kind gpu_rows = { "the devices", sizeof(char), skip_gpu };

/* "0" at first, then one more with each device. */
static int offer_gpus(struct cli *c, const void *row, void *data) {
        struct offering *o = data;
        char count[16];

        snprintf(count, sizeof(count), "%u", ++o->count);
        offer(c, o->typed, o->before, count);
        return EXIT_DONE;
}

static void offer_catalogue(struct cli *c, enum names names, const struct offering *o) {
        _cleanup_catalogue_ struct catalogue catalogue = { 0 };

        if (project_catalogue(c, &catalogue) != EXIT_DONE)
                return;
        for (size_t i = 0; names == NAMES_FRAMEWORKS && i < catalogue.frameworks.len; i++)
                offer(c, o->typed, o->before, catalogue.frameworks.items[i].name);
        for (size_t i = 0; names == NAMES_TYPES && i < catalogue.types.len; i++)
                offer(c, o->typed, o->before, catalogue.types.items[i].name);
}

static void offer_names(struct cli *c, enum names names, struct offering o) {
        switch (names) {
        case NAMES_NONE:
                break;
        case NAMES_CONTAINERS:
                offer_rows(c, "/v1/containers?all=true", &container_rows, offer_container, &o);
                break;
        case NAMES_ALL_IMAGES:
                o.all = true;
                offer_rows(c, "/v1/images?all=true", &image_rows, offer_image, &o);
                break;
        case NAMES_IMAGES:
                offer_rows(c, "/v1/images", &image_rows, offer_image, &o);
                break;
        case NAMES_PROJECTS:
                project_each(c, offer_project, &o);
                break;
        case NAMES_GPUS:
                offer(c, o.typed, o.before, "0");
                offer_rows(c, "/v1/gpus", &gpu_rows, offer_gpus, &o);
                break;
        case NAMES_FRAMEWORKS:
        case NAMES_TYPES:
                offer_catalogue(c, names, &o);
                break;
        }
}

/* The words after the command's name. */
static void complete_arguments(struct cli *c, const struct command *cmd, const struct words *w,
                               size_t first) {
        const char *typed = word(w, w->at);
        const struct option_row *row = NULL;
        const char *value = typed;
        char before[80] = "";

        /* bash splits words at '=': "--format" "=" "js" */
        if (str_equal(typed, "=") && w->at > first) {
                row = find_option(cmd, word(w, w->at - 1));
                value = "";
        } else if (w->at > first + 1 && str_equal(word(w, w->at - 1), "=")) {
                row = find_option(cmd, word(w, w->at - 2));
        } else if (str_starts(typed, "--") && strchr(typed, '=')) {
                size_t n = (size_t)(strchr(typed, '=') - typed);

                snprintf(before, sizeof(before), "%.*s", (int)n, typed);
                row = find_option(cmd, before);
                snprintf(before, sizeof(before), "%.*s=", (int)n, typed);
        } else if (w->at > first) {
                row = find_option(cmd, word(w, w->at - 1));
                if (row && (row->kind == OPTION_KIND_FLAG || row->kind == OPTION_KIND_OPTIONAL))
                        row = NULL;
        }
        if (row) {
                for (size_t i = 0; row->kind == OPTION_KIND_CHOICE && row->choices[i]; i++)
                        offer(c, value, before, row->choices[i]);
                offer_names(c, row->names, (struct offering){ .typed = value, .before = before });
                return;
        }
        for (size_t i = first; i < w->at; i++)
                if (str_equal(word(w, i), "--"))
                        return; /* a command's own words */
        if (typed[0] == '-')
                offer_options(c, cmd, typed);
        else
                offer_names(c, cmd->statuses ? NAMES_CONTAINERS : cmd->names,
                            (struct offering){ .typed = typed, .before = "",
                                               .statuses = cmd->statuses });
}

int complete(struct cli *c, int argc, char **argv) {
        struct words w = { .items = argv + 1, .n = argc > 0 ? (size_t)argc - 1 : 0 };
        const struct command *cmd = NULL;
        size_t first = 1; /* the word behind the name */
        const char *name;
        int64_t at;

        if (argc < 2 || str_to_i64(argv[0], 1, 10000, &at) < 0 || (size_t)at > w.n)
                return EXIT_DONE;
        w.at = (size_t)at;
        name = strrchr(word(&w, 0), '/') ? strrchr(word(&w, 0), '/') + 1 : word(&w, 0);

        if (str_equal(name, "ds01")) {
                if (w.at == 1) {
                        offer_commands(c, word(&w, 1), "");
                        return EXIT_DONE;
                }
                name = word(&w, 1);
                first = 2;
        }
        cmd = command_find(name);
        if (!cmd) { /* "container create" */
                char full[128], prefix[64];

                snprintf(prefix, sizeof(prefix), "%.60s-", name);
                if (w.at == first) {
                        offer_commands(c, word(&w, first), prefix);
                        return EXIT_DONE;
                }
                snprintf(full, sizeof(full), "%s%.60s", prefix, word(&w, first));
                cmd = command_find(full);
                first++;
        }
        if (cmd)
                complete_arguments(c, cmd, &w, first);
        return EXIT_DONE;
}
