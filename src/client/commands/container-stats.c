/* container-stats: what running containers use, once or again and again. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "client/container.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/tty.h"
#include "http/write.h"

#include <errno.h>
#include <poll.h>
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
        { "NAME", true }, { "CPU %" }, { "MEM USAGE" }, { "MEM %" }, { "GPU MEM" }, { "GPU %" },
};

struct usage {
        char name[128];
        double cpu, memory_percent, gpu; /* -1: unknown */
        int64_t memory, memory_limit, gpu_memory, gpu_memory_total;
};

static void scan_usage(struct json_scan *s, void *ret) {
        struct usage *u = ret;

        *u = (struct usage){ .cpu = -1, .memory_percent = -1, .gpu = -1, .memory = -1,
                             .memory_limit = -1, .gpu_memory = -1, .gpu_memory_total = -1 };
        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "name"))
                        json_scan_get_str(s, u->name, sizeof(u->name));
                else if (json_scan_is(s, "cpu_percent"))
                        json_scan_get_double(s, &u->cpu);
                else if (json_scan_is(s, "memory_used_bytes"))
                        json_scan_get_int(s, &u->memory);
                else if (json_scan_is(s, "memory_limit_bytes"))
                        json_scan_get_int(s, &u->memory_limit);
                else if (json_scan_is(s, "memory_percent"))
                        json_scan_get_double(s, &u->memory_percent);
                else if (json_scan_is(s, "gpu_memory_used_bytes"))
                        json_scan_get_int(s, &u->gpu_memory);
                else if (json_scan_is(s, "gpu_memory_total_bytes"))
                        json_scan_get_int(s, &u->gpu_memory_total);
                else if (json_scan_is(s, "gpu_percent"))
                        json_scan_get_double(s, &u->gpu);
                else
                        json_scan_skip(s);
}

static void add_percent(struct table *t, double value) {
        char text[40] = "-";

        if (value >= 0)
                format_percent(value, text, sizeof(text));
        table_add(t, text);
}

/* "8.2GB/32GB", without the second part when there is no limit. */
static void add_share(struct table *t, int64_t used, int64_t total) {
        char a[40], b[40], text[90] = "-";

        if (used >= 0) {
                format_bytes(used, a, sizeof(a));
                format_bytes(total, b, sizeof(b));
                snprintf(text, sizeof(text), total > 0 ? "%s/%s" : "%s", a, b);
        }
        table_add(t, text);
}

static void add_row(struct cli *c, struct table *t, const void *row) {
        const struct usage *u = row;

        table_add(t, u->name);
        add_percent(t, u->cpu);
        add_share(t, u->memory, u->memory_limit);
        add_percent(t, u->memory_percent);
        add_share(t, u->gpu_memory, u->gpu_memory_total);
        add_percent(t, u->gpu);
}

static const struct row_kind kind = { "the statistics", sizeof(struct usage), scan_usage };
static const struct listing listing = {
        .kind = &kind,
        LISTING_COLUMNS(columns),
        .name_offset = offsetof(struct usage, name),
        .none = "No running containers",
        .add = add_row,
};

/* One frame, drawn over the last one: the cursor goes home, each line is cleared behind its end,
 * then what is below. @text has the lines. */
static void draw(struct cli *c, const char *text) {
        _cleanup_buf_ struct buf frame = BUF_INIT(1024 * 1024);
        unsigned row = 0;

        buf_adds(&frame, "\033[H");
        while (*text && row + 1 < c->rows) {
                size_t n = strcspn(text, "\n");

                buf_add(&frame, text, n);
                buf_adds(&frame, "\033[K\r\n");
                text += n + (text[n] == '\n');
                row++;
        }
        buf_adds(&frame, "\033[J");
        fd_write_all(c->out_fd, frame.data, frame.len, 0);
}

/* True when the person wants to end it; false when the time is over or the window changed. */
static bool wait_for_key(struct cli *c, int64_t until_us) {
        for (;;) {
                struct pollfd p = { .fd = c->in_fd, .events = POLLIN };
                int64_t left = until_us - clock_mono_us();
                struct timespec t = { .tv_sec = left / US_PER_S,
                                      .tv_nsec = left % US_PER_S * 1000 };
                char key;
                int r;

                if (left <= 0)
                        return false;
                r = ppoll(&p, 1, &t, tty_wait_mask());
                if (r < 0 && errno == EINTR) {
                        if (tty_resized())
                                return false;
                        continue;
                }
                if (r <= 0)
                        return false;
                if (read(c->in_fd, &key, 1) != 1 || key == 'q' || key == 'Q' || key == 3 ||
                    key == 4)
                        return true;
        }
}

static int watch_screen(struct cli *c, const struct stats_options *o, const char *target) {
        int r;

        fflush(c->out);
        r = tty_enter(c->in_fd, c->out_fd, TTY_KEYS, "\033[?1049h\033[?25l",
                      "\033[?25h\033[?1049l");
        if (r < 0) {
                cli_error(c, "can't set the terminal's mode: %s", strerror(-r));
                return EXIT_FAILED;
        }
        do {
                /* into memory: a message of an error must not be lost with the other screen */
                struct cli inner = *c;
                char *text = NULL;
                size_t size;

                tty_size(c->out_fd, &c->rows, &c->columns);
                inner.columns = c->columns;
                inner.err_tty = false;
                inner.out = inner.err = open_memstream(&text, &size);
                if (!inner.out) {
                        tty_leave();
                        return EXIT_FAILED;
                }
                r = listing_get(&inner, &listing, target, o->format);
                fclose(inner.out);
                if (r == EXIT_DONE) {
                        draw(c, text);
                } else {
                        tty_leave();
                        fputs(text, c->err);
                }
                free(text);
        } while (r == EXIT_DONE && !wait_for_key(c, clock_mono_us() + INTERVAL_S * US_PER_S));
        tty_leave();
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
                return watch_screen(c, o, target.data);
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
