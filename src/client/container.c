/* See container.h. */
#include "client/container.h"

#include "base/str.h"
#include "base/vec.h"
#include "client/format.h"
#include "client/waiting.h"
#include "http/write.h"

#include <errno.h>
#include <string.h>

enum { TARGET_MAX = 7000, NOTES_MAX = 64 * 1024 };

void put_safe(FILE *out, const char *text) {
        char safe[8192];

        str_printable(safe, sizeof(safe), text);
        fputs(safe, out);
}

static void append(char *dst, size_t size, const char *separator, const char *text) {
        size_t used = strlen(dst);

        snprintf(dst + used, size - used, "%s%s", used ? separator : "", text);
}

/* The array "gpus"; @s stands before it. */
static void scan_gpus(struct json_scan *s, struct container *c) {
        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_OBJECT) {
                char name[64] = "", model[128] = "", uuid[128] = "", text[256];

                while (json_scan_next(s) == JSON_SCAN_KEY)
                        if (json_scan_is(s, "name"))
                                json_scan_get_str(s, name, sizeof(name));
                        else if (json_scan_is(s, "model"))
                                json_scan_get_str(s, model, sizeof(model));
                        else if (json_scan_is(s, "uuid"))
                                json_scan_get_str(s, uuid, sizeof(uuid));
                        else
                                json_scan_skip(s);
                snprintf(text, sizeof(text), model[0] ? "%s (%s)" : "%s", name, model);
                append(c->gpu_text, sizeof(c->gpu_text), ", ", text);
                append(c->gpu_uuids, sizeof(c->gpu_uuids), ", ", uuid);
        }
}

void container_scan(struct json_scan *s, struct container *ret) {
        struct container *c = ret;
        const struct json_text texts[] = {
                { "name", c->name, sizeof(c->name) },
                { "status", c->status, sizeof(c->status) },
                { "image", c->image, sizeof(c->image) },
                { "project", c->project, sizeof(c->project) },
                { "gpu", c->gpu, sizeof(c->gpu) },
                { "created_at", c->created_at, sizeof(c->created_at) },
                { "started_at", c->started_at, sizeof(c->started_at) },
                { "held_until", c->held_until, sizeof(c->held_until) },
                { "stopped_why", c->stopped_why, sizeof(c->stopped_why) },
                { "stops_at", c->stops_at, sizeof(c->stops_at) },
                { "stops_because", c->stops_because, sizeof(c->stops_because) },
                { "extended_until", c->extended_until, sizeof(c->extended_until) },
                { "workspace", c->workspace, sizeof(c->workspace) },
                { "user", c->user, sizeof(c->user) },
                { "data", c->data, sizeof(c->data) },
                { "engine_name", c->engine_name, sizeof(c->engine_name) },
                { "id", c->id, sizeof(c->id) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                texts[i].dst[0] = '\0';
        c->gpu_text[0] = c->gpu_uuids[0] = '\0';
        c->uptime_seconds = -1;
        c->gpus_wanted = 0;
        c->exempt = false;
        c->gpus_lost = false;

        while (json_scan_next(s) == JSON_SCAN_KEY) {
                if (json_scan_text(s, texts, ARRAY_SIZE(texts)))
                        continue;
                if (json_scan_is(s, "uptime_seconds"))
                        json_scan_get_int(s, &c->uptime_seconds);
                else if (json_scan_is(s, "gpus_wanted"))
                        json_scan_get_int(s, &c->gpus_wanted);
                else if (json_scan_is(s, "exempt"))
                        json_scan_get_bool(s, &c->exempt);
                else if (json_scan_is(s, "gpus_lost"))
                        json_scan_get_bool(s, &c->gpus_lost);
                else if (json_scan_is(s, "gpus"))
                        scan_gpus(s, c);
                else
                        json_scan_skip(s);
        }
}

unsigned container_status_bit(const char *status) {
        static const struct {
                const char *word;
                unsigned bit;
        } table[] = {
                { "created", STATUS_CREATED },
                { "running", STATUS_RUNNING },
                { "paused", STATUS_PAUSED },
                { "stopped", STATUS_STOPPED },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); i++)
                if (str_equal(status, table[i].word))
                        return table[i].bit;
        return STATUS_OTHER;
}

int container_target(struct buf *ret, const char *name, const char *action) {
        int r;

        *ret = BUF_INIT(TARGET_MAX);
        r = buf_adds(ret, "/v1/containers");
        if (r == 0)
                r = http_target_segment(ret, name);
        if (r == 0 && action)
                r = http_target_segment(ret, action);
        return r;
}

void action_result_release(struct action_result *r) {
        buf_release(&r->notes);
}

void scan_notes(struct json_scan *s, struct buf *ret) {
        char line[2048];

        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_STRING) {
                char safe[2048];

                json_scan_str(s, line, sizeof(line));
                str_printable(safe, sizeof(safe), line);
                buf_addf(ret, "%s\n", safe);
        }
}

void action_print_notes(FILE *out, const struct buf *notes) {
        const char *line = buf_str(notes);

        while (*line) {
                size_t n = strcspn(line, "\n");

                fprintf(out, "  %.*s\n", (int)n, line);
                line += n + (line[n] == '\n');
        }
}

static void scan_result_key(struct json_scan *s, struct action_result *ret) {
        if (json_scan_is(s, "container")) {
                if (json_scan_next(s) == JSON_SCAN_OBJECT)
                        container_scan(s, &ret->container);
                else
                        json_scan_skip(s);
        } else if (json_scan_is(s, "changed")) {
                json_scan_get_bool(s, &ret->changed);
        } else if (json_scan_is(s, "notes")) {
                scan_notes(s, &ret->notes);
        } else {
                json_scan_skip(s);
        }
}

static int act(struct cli *c, const char *name, const char *action, const struct buf *body,
               const char *doing, int (*send)(struct cli *, const struct call *, struct reply *),
               struct action_result *ret) {
        _cleanup_buf_ struct buf target = { 0 };
        _cleanup_reply_ struct reply reply = { 0 };
        struct call call = { .method = HTTP_POST, .body = body, .doing = doing };
        struct json_scan s;
        int r;

        if (!*name) {
                cli_error(c, "the name of a container can't be empty");
                return EXIT_USAGE;
        }
        if (container_target(&target, name, action) < 0) {
                cli_error(c, "that name is too long for a container");
                return EXIT_USAGE;
        }
        call.target = target.data;
        r = send(c, &call, &reply);
        if (r == EXIT_DONE && reply.status >= 400)
                r = reply_print_error(c, &reply);
        if (r != EXIT_DONE)
                return r;

        ret->notes = BUF_INIT(NOTES_MAX);
        ret->changed = true;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY)
                        scan_result_key(&s, ret);
        if (s.failed || !ret->container.name[0])
                return call_garbled(c, action);
        return EXIT_DONE;
}

int container_act(struct cli *c, const char *name, const char *action, const struct buf *body,
                  const char *doing, struct action_result *ret) {
        return act(c, name, action, body, doing, call_send, ret);
}

int container_act_waiting(struct cli *c, const char *name, const char *action,
                          const struct buf *body, struct action_result *ret) {
        return act(c, name, action, body, NULL, waiting_send, ret);
}

int for_each_name(struct cli *c, const struct operands *names,
                  int (*each)(struct cli *c, const char *name, const void *options),
                  const void *options) {
        int first = EXIT_DONE;

        for (size_t i = 0; i < names->n; i++) {
                int r = each(c, names->items[i], options);

                if (first == EXIT_DONE)
                        first = r;
        }
        return first;
}

static void scan_container(struct json_scan *s, void *row) {
        container_scan(s, row);
}

const struct row_kind container_rows = {
        "the list of containers", sizeof(struct container), scan_container,
};

void container_list_release(struct container_list *l) {
        for (size_t i = 0; i < l->rows.len; i++)
                free(l->rows.items[i]);
        VEC_RELEASE(&l->rows);
}

struct wanted {
        unsigned statuses;
        const char *image;
        struct container_list *list;
};

static int keep_wanted(struct cli *c, const void *row, void *data) {
        const struct container *k = row;
        struct wanted *w = data;
        struct container *copy;

        if (!(container_status_bit(k->status) & w->statuses) ||
            (w->image && !str_equal(k->image, w->image)))
                return EXIT_DONE;
        copy = malloc(sizeof(*copy));
        if (copy)
                *copy = *k;
        if (copy && VEC_PUSH(&w->list->rows, copy) == 0)
                return EXIT_DONE;
        free(copy);
        cli_error(c, "out of memory");
        return EXIT_FAILED;
}

int container_list_get(struct cli *c, unsigned statuses, const char *image,
                       struct container_list *ret) {
        struct wanted wanted = { .statuses = statuses, .image = image, .list = ret };

        return rows_get(c, "/v1/containers?all=true", &container_rows, keep_wanted, &wanted);
}

void container_list_names(const struct container_list *l, char *dst, size_t size) {
        *dst = '\0';
        for (size_t i = 0; i < l->rows.len; i++)
                append(dst, size, ", ", l->rows.items[i]->name);
}

int for_all(struct cli *c, unsigned statuses, const char *verb, const char *none,
            int (*each)(struct cli *c, const char *name, const void *options),
            const void *options) {
        _cleanup_containers_ struct container_list list = { 0 };
        char names[512];
        int first = container_list_get(c, statuses, NULL, &list);

        if (first != EXIT_DONE)
                return first;
        if (list.rows.len == 0) {
                fprintf(c->err, "%s\n", none);
                return EXIT_DONE;
        }
        container_list_names(&list, names, sizeof(names));
        if (verb && !cli_confirm(c, "%s %zu container%s (%s)?", verb, list.rows.len,
                                 list.rows.len == 1 ? "" : "s", names)) {
                fprintf(c->err, "Nothing was done.\n");
                return EXIT_DONE;
        }
        for (size_t i = 0; i < list.rows.len; i++) {
                int r = each(c, list.rows.items[i]->name, options);

                if (first == EXIT_DONE)
                        first = r;
        }
        return first;
}

static void scan_bin_entry(struct json_scan *s, void *ret) {
        struct bin_entry *r = ret;

        *r = (struct bin_entry){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "name"))
                        json_scan_get_str(s, r->name, sizeof(r->name));
                else if (json_scan_is(s, "kept_at"))
                        json_scan_get_str(s, r->kept_at, sizeof(r->kept_at));
                else if (json_scan_is(s, "kept_until"))
                        json_scan_get_str(s, r->kept_until, sizeof(r->kept_until));
                else if (json_scan_is(s, "bytes"))
                        json_scan_get_int(s, &r->bytes);
                else
                        json_scan_skip(s);
}

const struct row_kind bin_rows = { "the bin", sizeof(struct bin_entry), scan_bin_entry };

int check_names_or_all(struct cli *c, const struct operands *names, bool all) {
        if (all && names->n > 0) {
                cli_error(c, "names and --all exclude each other");
                return EXIT_USAGE;
        }
        if (!all && names->n == 0) {
                cli_error(c, "the name of a container is missing");
                cli_error_next(c, "%s NAME, or %s --all; container-list --all shows the names",
                               c->name, c->name);
                return EXIT_USAGE;
        }
        return EXIT_DONE;
}
