/* Listing and deleting images, and tidying up behind builds. */
#include "daemon/images.h"

#include "base/clock.h"
#include "base/guess.h"
#include "base/str.h"
#include "daemon/build.h"
#include "daemon/image_cache.h"
#include "daemon/operation.h"
#include "daemon/seal.h"

#include <stdio.h>
#include <string.h>

enum {
        UNNAMED_KEPT_H = 7 * 24,
        CACHE_MAX = 128, /* images that one build looks at for steps that are done */
};

void images_project(const char *reference, char project[NAME_MAX_LEN + 1]) {
        const char *slash = strchr(reference, '/'), *name = slash ? slash + 1 : reference;

        snprintf(project, NAME_MAX_LEN + 1, "%.*s", (int)strcspn(name, ":"), name);
}

int images_name(const char *typed, uid_t uid, char reference[IMAGE_REF_SIZE],
                char project[NAME_MAX_LEN + 1], struct refusal *r) {
        if (project_name_check(typed, project, r))
                return r->reason;
        if (!image_of_project(project, uid, reference, IMAGE_REF_SIZE))
                return refuse_detail(r, REFUSAL_NAME_INVALID, typed,
                                     "an image can't be called that");
        images_project(reference, project);
        return 0;
}

/* --- what builds leave ---------------------------------------------------------------------- */

static int compare_created(const void *a, const void *b) {
        const struct engine_image_row *x = a, *y = b;

        return (x->created_us < y->created_us) - (x->created_us > y->created_us);
}

/* All unnamed images that builds of the person have left, newest first. */
static int list_unnamed(struct daemon *d, uid_t uid, struct engine_image_row **ret, size_t *ret_n) {
        char label[64];
        struct engine_error error;

        snprintf(label, sizeof(label), "%s=%u", image_uid_label, uid);
        if (engine_image_list(d->engine, label, ret, ret_n, &error) < 0)
                return -1;
        if (*ret_n > 0)
                qsort(*ret, *ret_n, sizeof(**ret), compare_created);
        return 0;
}

static bool row_is_of(struct daemon *d, const struct engine_image_row *row, uid_t uid,
                      char project[NAME_MAX_LEN + 1]) {
        return row->id[0] &&
               image_seal_valid(d->seal_key, sizeof(d->seal_key), row->labels, uid, project);
}

char **images_unnamed(struct daemon *d, uid_t uid, const char *project, const char *first) {
        struct engine_image_row *rows;
        char name[NAME_MAX_LEN + 1], **ids;
        size_t n, k = 0;

        if (list_unnamed(d, uid, &rows, &n) < 0)
                return NULL;
        ids = calloc(n + 2, sizeof(*ids));
        if (ids && first && (ids[0] = strdup(first)))
                k = 1;
        for (size_t i = 0; ids && i < n && k < CACHE_MAX; i++)
                if (row_is_of(d, &rows[i], uid, name) && strcmp(name, project) == 0) {
                        ids[k] = strdup(rows[i].id);
                        k += ids[k] != NULL;
                }
        engine_image_rows_free(rows, n);
        return ids;
}

static bool is_in(char *const *list, const char *id) {
        for (; list && *list; list++)
                if (strcmp(*list, id) == 0)
                        return true;
        return false;
}

void images_sweep(struct daemon *d, uid_t uid, const char *project, char *const *keep,
                  size_t spare) {
        int64_t old = clock_real_us() - UNNAMED_KEPT_H * US_PER_H;
        struct engine_image_row *rows;
        char name[NAME_MAX_LEN + 1];
        size_t n;

        if (list_unnamed(d, uid, &rows, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                struct engine_error ignored;
                bool same;

                if (!row_is_of(d, &rows[i], uid, name))
                        continue;
                same = strcmp(name, project) == 0;
                if (same && spare > 0)
                        spare--;
                else if (same ? !is_in(keep, rows[i].id)
                              : rows[i].created_us < old && !build_goes_on(d, uid, name))
                        engine_image_remove(d->engine, rows[i].id, &ignored);
        }
        engine_image_rows_free(rows, n);
}

void images_forget(struct daemon *d, uid_t uid, const char *reference) {
        char project[NAME_MAX_LEN + 1];

        image_cache_changed(d);
        images_project(reference, project);
        images_sweep(d, uid, project, NULL, 0);
}

/* --- the list ------------------------------------------------------------------------------- */

struct shown {
        const char *reference;
        const struct engine_image_row *row;
};

static int compare_shown(const void *a, const void *b) {
        const struct shown *x = a, *y = b;

        return strcmp(x->reference, y->reference);
}

static bool is_named(const char *typed, const char *reference) {
        char full[IMAGE_REF_SIZE];
        struct image_ref ref;
        struct refusal ignored;

        if (image_ref_parse(typed, &ref, &ignored))
                return false;
        image_ref_format(&ref, full, sizeof(full));
        return strcmp(full, reference) == 0;
}

bool images_is_base(const struct daemon *d, const char *reference) {
        for (char **base = d->config.bases; base && *base; base++)
                if (is_named(*base, reference))
                        return true;
        return d->config.default_image[0] && is_named(d->config.default_image, reference);
}

/* What everybody sees: the bases; where the site names none, whatever is nobody's own. */
static bool is_shown(const struct daemon *d, const char *reference) {
        if (image_is_personal(reference, NULL) || str_starts(reference, "<none>"))
                return false;
        return !d->config.bases || !d->config.bases[0] || images_is_base(d, reference);
}

static void short_name(const char *reference, const char *own, char *dst, size_t size) {
        size_t n;

        str_copy(dst, size, str_starts(reference, own) ? reference + strlen(own) : reference);
        n = strlen(dst);
        if (n > strlen(":latest") && strcmp(dst + n - strlen(":latest"), ":latest") == 0)
                dst[n - strlen(":latest")] = '\0';
}

void images_guess(struct call *c, struct guess *g) {
        char typed[IMAGE_REF_SIZE], name[IMAGE_REF_SIZE], own[32];
        const char *whole = g->word;
        struct engine_error error;
        struct image_list *list = image_cache_get(c->daemon, &error);

        if (!list)
                return;
        snprintf(own, sizeof(own), "ds01-%u/", c->who->uid);
        short_name(g->word, own, typed, sizeof(typed));
        g->word = typed;
        for (size_t i = 0; i < list->n; i++)
                for (char **ref = list->rows[i].refs; *ref; ref++)
                        if (str_starts(*ref, own) || is_shown(c->daemon, *ref)) {
                                short_name(*ref, own, name, sizeof(name));
                                guess_try(g, name);
                        }
        g->word = whole;
        image_list_release(list);
}

static void write_users(struct json_writer *w, struct call *c, const char *reference) {
        struct ledger *l = &c->daemon->ledger;

        json_write_key(w, "containers");
        json_write_array(w);
        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++)
                if (l->records.items[i]->uid == c->who->uid &&
                    strcmp(l->records.items[i]->image, reference) == 0)
                        json_write_str(w, l->records.items[i]->name);
        ledger_unlock(l);
        json_write_array_end(w);
}

static void write_image(struct json_writer *w, struct call *c, const struct shown *s) {
        const char *tag = strrchr(s->reference, ':'), *slash = strchr(s->reference, '/');
        char created[32], repository[IMAGE_REF_SIZE], project[IMAGE_REF_SIZE];
        uid_t owner;
        bool mine = image_is_personal(s->reference, &owner) && owner == c->who->uid;

        time_format(s->row->created_us, created, sizeof(created));
        snprintf(repository, sizeof(repository), "%.*s",
                 tag ? (int)(tag - s->reference) : (int)strlen(s->reference), s->reference);
        snprintf(project, sizeof(project), "%s",
                 mine && slash ? repository + (slash - s->reference) + 1 : "");
        json_write_object(w);
        json_put_str(w, "reference", s->reference);
        json_put_str(w, "repository", repository);
        json_put_str(w, "tag", tag ? tag + 1 : "");
        json_put_str(w, "id", s->row->id);
        json_put_int(w, "size_bytes", s->row->size);
        json_put_str(w, "created_at", created);
        json_put_str(w, "project", project[0] ? project : NULL);
        json_put_bool(w, "mine", mine);
        write_users(w, c, s->reference);
        json_write_object_end(w);
}

void handle_image_list(struct call *c) {
        struct json_writer w = JSON_WRITER(&c->answer);
        VEC(struct shown) shown = { 0 };
        struct image_list *list;
        struct engine_error error;
        char prefix[32];
        bool all;

        if (call_flag(c, "all", &all) < 0 || !call_ready(c))
                return;
        list = image_cache_get(c->daemon, &error);
        if (!list) {
                call_engine_error(c, &error);
                return;
        }
        snprintf(prefix, sizeof(prefix), "ds01-%u/", c->who->uid);
        for (size_t i = 0; i < list->n; i++)
                for (char **ref = list->rows[i].refs; *ref; ref++)
                        if (str_starts(*ref, prefix) || (all && is_shown(c->daemon, *ref)))
                                c->answer.failed |=
                                        VEC_PUSH(&shown,
                                                 ((struct shown){ *ref, &list->rows[i] })) < 0;
        if (shown.len > 0)
                qsort(shown.items, shown.len, sizeof(*shown.items), compare_shown);
        json_write_array(&w);
        for (size_t i = 0; i < shown.len; i++)
                write_image(&w, c, &shown.items[i]);
        json_write_array_end(&w);
        VEC_RELEASE(&shown);
        image_list_release(list);
}

/* --- deleting ------------------------------------------------------------------------------- */

static int no_such_image(const char *name, struct refusal *r) {
        refuse(r, REFUSAL_NO_SUCH_IMAGE, name);
        str_copy(r->extra, sizeof(r->extra), "image-list shows yours; image-create builds one");
        return r->reason;
}

/* Refuses when containers (the caller's: nobody else may have it) were made from the image. */
static int check_unused(struct call *c, const char *project, const char *reference,
                        struct refusal *r) {
        _cleanup_buf_ struct buf names = BUF_INIT(200), words = BUF_INIT(200);
        struct ledger *l = &c->daemon->ledger;
        int64_t count = 0;

        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++)
                if (strcmp(l->records.items[i]->image, reference) == 0) {
                        buf_addf(&names, "%s%s", count ? ", " : "", l->records.items[i]->name);
                        buf_addf(&words, "%s%s", count ? " " : "", l->records.items[i]->name);
                        count++;
                }
        ledger_unlock(l);
        if (count == 0)
                return 0;
        refuse_detail(r, REFUSAL_IMAGE_IN_USE, project, "%s%s", buf_str(&names),
                      names.failed ? ", ..." : "");
        str_copy(r->extra, sizeof(r->extra), buf_str(&words));
        r->asked = count;
        return r->reason;
}

static void answer_removed(struct call *c, const char *reference,
                           const struct engine_image *image) {
        struct json_writer w = JSON_WRITER(&c->answer);

        json_write_object(&w);
        json_put_bool(&w, "removed", true);
        json_put_str(&w, "image", reference);
        json_put_str(&w, "id", image->id);
        json_put_int(&w, "size_bytes", image->size);
        json_write_object_end(&w);
}

static int remove_image(struct call *c, const char *project, const char *reference,
                        struct refusal *r) {
        struct engine_image image = { 0 };
        struct engine_error error;

        if (engine_image_inspect(c->daemon->engine, reference, &image, &error) < 0) {
                if (error.status == 404)
                        return no_such_image(project, r);
                refusal_from_engine(r, &error);
        } else if (check_unused(c, project, reference, r) == 0) {
                if (engine_image_remove(c->daemon->engine, reference, &error) < 0) {
                        refusal_from_engine(r, &error);
                } else {
                        images_forget(c->daemon, c->who->uid, reference);
                        answer_removed(c, reference, &image);
                }
        }
        engine_image_release(&image);
        return r->reason;
}

void handle_image_remove(struct call *c) {
        char project[NAME_MAX_LEN + 1], reference[IMAGE_REF_SIZE];
        struct refusal *r = &c->refusal;

        if (!call_ready(c))
                return;
        /* What nobody can have is not there, like any other mistyped word. */
        if (images_name(c->name, c->who->uid, reference, project, r)) {
                no_such_image(c->name, r);
        } else if (build_begin(c->daemon, c->who->uid, project, INT64_MAX, r) == 0) {
                remove_image(c, project, reference, r);
                build_end(c->daemon, c->who->uid, project);
        }
        if (r->reason)
                call_refuse(c, r);
}
