/* See offers.h. */
#include "client/offers.h"

#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/image.h"
#include "client/project.h"

#include <stdio.h>
#include <string.h>

struct offers {
        VEC(struct picker_item) items; /* their texts are owned */
        const struct table_column *columns; /* of their details; NULL: there is one */
        size_t n_columns;
        unsigned statuses;
        size_t here; /* the project in whose directory we are */
        bool with_dockerfile;
        struct buf images; /* the answer to GET /v1/images */
};

static void offers_release(struct offers *o) {
        for (size_t i = 0; i < o->items.len; i++) {
                free((char *)o->items.items[i].name);
                free((char *)o->items.items[i].detail);
        }
        VEC_RELEASE(&o->items);
        buf_release(&o->images);
}

static int offer(struct cli *c, struct offers *o, const char *name, const char *detail) {
        const struct picker_item item = { .name = str_dup(name), .detail = str_dup(detail) };

        if (item.name && item.detail && VEC_PUSH(&o->items, item) == 0)
                return EXIT_DONE;
        free((char *)item.name);
        free((char *)item.detail);
        cli_error(c, "out of memory");
        return EXIT_FAILED;
}

void names_free(struct operands *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->items[i]);
        free(names->items);
        *names = (struct operands){ 0 };
}

static int ask(struct cli *c, struct offers *o, const char *title, bool several,
               struct operands *ret) {
        const struct picker_list list = { .title = title, .several = several, .first = o->here,
                                          .items = o->items.items, .n = o->items.len,
                                          .columns = o->columns, .n_columns = o->n_columns };
        int chosen = picker_ask(c, &list);

        if (chosen > 0)
                ret->items = calloc((size_t)chosen, sizeof(*ret->items));
        for (size_t i = 0; ret->items && i < o->items.len; i++)
                if (o->items.items[i].chosen &&
                    (ret->items[ret->n] = strdup(o->items.items[i].name)))
                        ret->n++;
        ret->before = ret->n;
        if (chosen == PICKER_NONE)
                fputs("Nothing was chosen.\n", c->err);
        return ret->n > 0 ? EXIT_DONE : EXIT_FAILED;
}

/* --- what is offered ------------------------------------------------------------------------ */

static const struct table_column container_columns[] = {
        { "", 2 * TABLE_LEAST }, /* marks and name */
        { "", .goes = 4 },       /* status */
        { "", TABLE_LEAST, .goes = 1 }, /* image */
        { "", TABLE_LEAST, .goes = 3 }, /* GPU */
        { "", .goes = 2 },       /* age */
};

static int offer_container(struct cli *c, const void *row, void *data) {
        const struct container *k = row;
        struct offers *o = data;
        char detail[1200], age[40];

        if (!(container_status_bit(k->status) & o->statuses))
                return EXIT_DONE;
        format_ago_text(k->created_at, c->now_us, age, sizeof(age));
        snprintf(detail, sizeof(detail), "%s\t%s\t%s\t%s", k->status, k->image,
                 k->gpu[0] ? k->gpu : "-", age);
        return offer(c, o, k->name, detail);
}

static void image_detail(struct cli *c, const struct image *image, char *dst, size_t size) {
        char bytes[32], age[40];

        format_bytes(image->size_bytes, bytes, sizeof(bytes));
        format_ago_text(image->created_at, c->now_us, age, sizeof(age));
        snprintf(dst, size, "%s  %s", bytes, age);
}

static int offer_image(struct cli *c, const void *row, void *data) {
        const struct image *image = row;
        char detail[1200];
        size_t n;

        if (!image->mine)
                return EXIT_DONE;
        image_detail(c, image, detail, sizeof(detail));
        n = strlen(detail);
        if (image->containers[0])
                snprintf(detail + n, sizeof(detail) - n, ", used by %s", image->containers);
        return offer(c, data, image->project, detail);
}

struct wanted {
        const char *project;
        char *detail;
        size_t size;
};

static int look_at_image(struct cli *c, const void *row, void *data) {
        const struct image *image = row;
        struct wanted *w = data;

        if (image->mine && strcasecmp(image->project, w->project) == 0)
                image_detail(c, image, w->detail, w->size);
        return EXIT_DONE;
}

static int offer_project(struct cli *c, const char *name, bool has_dockerfile, void *data) {
        char detail[128] = "no image";
        struct wanted wanted = { name, detail, sizeof(detail) };
        struct offers *o = data;
        int r;

        if (o->with_dockerfile && !has_dockerfile)
                return EXIT_DONE;
        if (project_is_here(name))
                o->here = o->items.len;
        r = rows_read(c, &o->images, &image_rows, look_at_image, &wanted);
        return r == EXIT_DONE ? offer(c, o, name, detail) : r;
}

static int offer_projects(struct cli *c, struct offers *o) {
        const struct call call = { .method = HTTP_GET, .target = "/v1/images" };
        _cleanup_reply_ struct reply reply = { 0 };
        int r = call_do(c, &call, &reply);

        if (r != EXIT_DONE)
                return r;
        o->images = reply.body;
        reply.body = (struct buf){ 0 };
        return project_each(c, offer_project, o);
}

static int offer_removed(struct cli *c, const void *row, void *data) {
        const struct bin_entry *k = row;
        char detail[128], bytes[32], age[40];
        struct offers *o = data;

        /* of several with one name it is the newest that is restored, and it comes first */
        for (size_t i = 0; i < o->items.len; i++)
                if (str_equal(o->items.items[i].name, k->name))
                        return EXIT_DONE;
        format_bytes(k->bytes, bytes, sizeof(bytes));
        format_ago_text(k->kept_at, c->now_us, age, sizeof(age));
        snprintf(detail, sizeof(detail), "%s  removed %s", bytes, age);
        return offer(c, o, k->name, detail);
}

/* --- asking --------------------------------------------------------------------------------- */

static const struct {
        const char *what;          /* of one; with an s of several */
        const char *none, *next;   /* when there is nothing to offer */
} kinds[] = {
        [OFFERS_CONTAINERS] = { "container", "you have no container that this could be done to",
                                "container-list --all shows what you have" },
        [OFFERS_IMAGES] = { "image", "you have no image", "image-create PROJECT builds one" },
        [OFFERS_PROJECTS] = { "project", "you have no project in ~/workspace",
                              "project-init NAME makes one" },
        [OFFERS_DOCKERFILES] = { "project", "you have no project with a Dockerfile in ~/workspace",
                                 "image-create NAME --framework=pytorch makes one" },
        [OFFERS_REMOVED] = { "removed container", "nothing is kept of removed containers",
                             "container-list --all shows what you have" },
};

static int collect(struct cli *c, enum offers_kind kind, struct offers *o) {
        switch (kind) {
        case OFFERS_CONTAINERS:
                o->columns = container_columns;
                o->n_columns = ARRAY_SIZE(container_columns);
                return rows_get(c, "/v1/containers?all=true", &container_rows, offer_container, o);
        case OFFERS_IMAGES:
                return rows_get(c, "/v1/images", &image_rows, offer_image, o);
        case OFFERS_REMOVED:
                return rows_get(c, "/v1/bin", &bin_rows, offer_removed, o);
        case OFFERS_DOCKERFILES:
                o->with_dockerfile = true;
                return offer_projects(c, o);
        case OFFERS_PROJECTS:
                return offer_projects(c, o);
        }
        return EXIT_FAILED;
}

int offers_pick(struct cli *c, const struct command *cmd, unsigned statuses, struct operands *ret) {
        struct offers o = { .statuses = statuses };
        bool several = cmd->max == OPERANDS_ANY;
        char title[128];
        int r = collect(c, cmd->offers, &o);

        *ret = (struct operands){ 0 };
        if (r == EXIT_DONE && o.items.len == 0) {
                cli_error(c, "%s", kinds[cmd->offers].none);
                cli_error_next(c, "%s", kinds[cmd->offers].next);
                r = EXIT_NOT_FOUND;
        }
        snprintf(title, sizeof(title), "%s: which %s%s?", c->name, kinds[cmd->offers].what,
                 several ? "s" : "");
        if (r == EXIT_DONE)
                r = ask(c, &o, title, several, ret);
        offers_release(&o);
        return r;
}
