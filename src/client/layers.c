/* See layers.h. */
#include "client/layers.h"

#include "base/clock.h"
#include "base/str.h"
#include "client/format.h"

enum { LAYERS_MAX = 256, REDRAW_US = 100 * 1000 };

static void draw(struct layers *l) {
        unsigned room = l->cli->rows > 4 ? l->cli->rows - 2 : 22;
        size_t first = l->layers.len > room ? l->layers.len - room : 0;
        FILE *err = l->cli->err;

        if (l->drawn)
                fprintf(err, "\033[%uA", l->drawn);
        l->drawn = 0;
        for (size_t i = first; i < l->layers.len; i++) {
                const struct layer *layer = &l->layers.items[i];
                char current[32], total[32], line[256];
                int n;

                format_bytes(layer->current, current, sizeof(current));
                format_bytes(layer->total, total, sizeof(total));
                n = snprintf(line, sizeof(line), "  %-12.12s  %.40s", layer->id, layer->status);
                if (layer->total > 0 && layer->current < layer->total)
                        snprintf(line + n, sizeof(line) - (size_t)n, "  %s of %s", current, total);
                cli_redraw(l->cli, line);
                fputc('\n', err);
                l->drawn++;
        }
        fflush(err);
        l->drawn_us = clock_mono_us();
}

static struct layer *find_layer(struct layers *l, const char *id) {
        struct layer fresh = { 0 };

        for (size_t i = 0; i < l->layers.len; i++)
                if (str_equal(l->layers.items[i].id, id))
                        return &l->layers.items[i];
        str_copy(fresh.id, sizeof(fresh.id), id);
        if (l->layers.len >= LAYERS_MAX || VEC_PUSH(&l->layers, fresh) < 0)
                return NULL;
        return &l->layers.items[l->layers.len - 1];
}

void layers_step(struct layers *l, const struct layer *news) {
        struct layer *layer, safe = *news;
        bool changed;

        str_printable(safe.id, sizeof(safe.id), news->id);
        str_printable(safe.status, sizeof(safe.status), news->status);
        if (!safe.id[0]) {
                if (!l->cli->redraws && safe.status[0])
                        fprintf(l->cli->err, "  %s\n", safe.status);
                return;
        }
        layer = find_layer(l, safe.id);
        if (!layer)
                return;
        changed = !str_equal(layer->status, safe.status);
        *layer = safe;
        if (l->cli->redraws) {
                if (clock_mono_us() - l->drawn_us >= REDRAW_US)
                        draw(l);
        } else if (changed) {
                fprintf(l->cli->err, "  %s: %s\n", layer->id, layer->status);
        }
}

void layers_finish(struct layers *l) {
        if (l->cli->redraws && l->layers.len)
                draw(l);
        l->drawn = 0;
        l->layers.len = 0;
}

void layers_release(struct layers *l) {
        VEC_RELEASE(&l->layers);
}
