/* container-stats: what running containers use, once or again and again. */
#include "base/clock.h"
#include "base/str.h"
#include "client/container.h"
#include "client/listing.h"
#include "client/screen.h"
#include "client/usage.h"
#include "http/write.h"

#include <string.h>
#include <time.h>

enum { INTERVAL_S = 2 };

struct stats_options {
        int format;
        bool watch, no_trunc;
};

static const struct option_row rows[] = {
        OPTION_FLAG('w', "watch", struct stats_options, watch, "again every 2 seconds; q ends it"),
        OPTION_CHOICE(0, "format", "table|json|simple", struct stats_options, format,
                      format_choices, "how to print them (simple: the names)"),
        OPTION_FLAG(0, "no-trunc", struct stats_options, no_trunc, NULL, .hidden = true),
};

static const struct table_column columns[] = {
        { "NAME", TABLE_LEAST }, { "CPU %" },              { "MEM USAGE", .goes = 3 },
        { "MEM %", .goes = 1 },  { "GPU MEM", .goes = 2 }, { "GPU %" },
};

static void add_row(struct cli *c, struct table *t, const void *row) {
        const struct usage *u = row;

        table_add(t, u->name);
        usage_add_percent(t, u->cpu);
        usage_add_share(t, u->memory, u->memory_limit);
        usage_add_percent(t, u->memory_percent);
        usage_add_share(t, u->gpu_memory, u->gpu_memory_total);
        usage_add_percent(t, u->gpu);
}

static const struct listing listing = {
        .kind = &usage_rows,
        LISTING_COLUMNS(columns),
        .name_offset = offsetof(struct usage, name),
        .none = "No running containers",
        .add = add_row,
};

/* True when the person wants to end it; false when the time is over or the window changed. */
static bool wait_for_key(struct cli *c, int64_t until_us) {
        for (;;) {
                char letter;

                switch (key_read(c->in_fd, until_us, &letter)) {
                case KEY_TIME:
                case KEY_RESIZED:
                        return false;
                case KEY_ESCAPE:
                case KEY_INTERRUPT:
                case KEY_END:
                        return true;
                default:
                        if (letter == 'q' || letter == 'Q')
                                return true;
                }
        }
}

struct watching {
        const char *target;
        char away[512]; /* of a ds01d that can't be reached */
};

static int look(struct cli *c, void *data) {
        const struct watching *w = data;

        return listing_get(c, &listing, w->target, FORMAT_TABLE);
}

static int watch_screen(struct cli *c, const char *target) {
        struct watching w = { .target = target };
        struct screen screen;
        int r = screen_open(&screen, c);

        while (r == EXIT_DONE) {
                w.away[0] = '\0';
                screen_begin(&screen, "q quit\n");
                r = screen_look(&screen, look, &w, w.away, sizeof(w.away));
                if (r != EXIT_DONE)
                        return r;
                screen.message = w.away;
                screen_text(&screen, screen.seen, 0);
                screen_show(&screen);
                if (wait_for_key(c, clock_mono_us() + INTERVAL_S * US_PER_S))
                        break;
        }
        screen_close(&screen);
        return r;
}

static int watch_lines(struct cli *c, const struct stats_options *o, const char *target) {
        const struct timespec pause = { .tv_sec = INTERVAL_S };

        for (;;) {
                int r = listing_get(c, &listing, target, o->format);

                if (r != EXIT_DONE || fflush(c->out) != 0)
                        return r;
                nanosleep(&pause, NULL);
        }
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct stats_options *o = options;
        _cleanup_buf_ struct buf target = BUF_INIT(7000);
        int r = buf_adds(&target, "/v1/stats");

        for (size_t i = 0; r == 0 && i < operands->n; i++)
                r = http_target_param(&target, "name", operands->items[i]);
        if (r < 0) {
                cli_error(c, "too many names, or too long ones");
                return EXIT_USAGE;
        }
        if (!o->watch)
                return listing_get(c, &listing, target.data, o->format);
        if (c->in_tty && c->out_tty && o->format == FORMAT_TABLE)
                return watch_screen(c, target.data);
        return watch_lines(c, o, target.data);
}

const struct command command_container_stats = {
        .name = "container-stats",
        .usage = "[NAME...]",
        .max = OPERANDS_ANY,
        .summary = "Show what your containers use of CPU, memory and GPU",
        .examples = "container-stats\n"
                    "container-stats my-thesis\n"
                    "container-stats --watch",
        COMMAND_OPTIONS(rows, struct stats_options),
        .statuses = STATUS_RUNNING | STATUS_PAUSED,
        .run = run,
};
