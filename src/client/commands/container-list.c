/* container-list: the caller's containers. */
#include "base/clock.h"
#include "base/str.h"
#include "client/connection.h"
#include "client/container.h"
#include "client/format.h"
#include "client/record.h"

struct list_options {
        int format;
        bool all, detailed;
};

static const struct option_row rows[] = {
        OPTION_FLAG('a', "all", struct list_options, all, "stopped and created ones too"),
        OPTION_FLAG('d', "detailed", struct list_options, detailed, "everything about each"),
        OPTION_CHOICE(0, "format", "table|json|simple", struct list_options, format, format_choices,
                      "how to print them (simple: the names)"),
};

/* USER stands only in an administrator's list of everybody's. */
static const struct table_column columns[] = {
        { "USER", TABLE_LEAST, .goes = 3 },  { "NAME", TABLE_LEAST }, { "STATUS", TABLE_LEAST },
        { "IMAGE", TABLE_LEAST, .goes = 1 }, { "GPU", TABLE_LEAST, .goes = 2 },
        { "UPTIME", TABLE_LEAST },
};

static bool is_of_everybody(const struct cli *c) {
        return !c->person && connection_administers(c);
}

static void uptime_text(const struct container *k, char *dst, size_t size) {
        if (k->uptime_seconds < 0)
                str_copy(dst, size, "-");
        else
                duration_format(k->uptime_seconds * US_PER_S, dst, size);
}

/* "stopped (idle 31 min)" */
static void status_text(const struct container *k, char *dst, size_t size) {
        const char *why = k->gpus_lost ? "GPU lost" : k->stopped_why;

        snprintf(dst, size, *why ? "%s (%s)" : "%s", k->status, why);
}

static void print_details(struct cli *c, const void *row) {
        const struct container *k = row;
        char text[512], when[40], status[128];

        put_safe(c->out, k->name);
        fputc('\n', c->out);
        uptime_text(k, when, sizeof(when));
        status_text(k, status, sizeof(status));
        snprintf(text, sizeof(text), k->uptime_seconds < 0 ? "%s" : "%s for %s", status, when);
        print_field(c->out, "Status", text);
        if (k->stops_at[0]) {
                format_moment_text(k->stops_at, c->now_us, when, sizeof(when));
                snprintf(text, sizeof(text), "%s (%s)", when,
                         str_equal(k->stops_because, "idle") ? "idle" : "its running time is over");
                print_field(c->out, "Stops", text);
        }
        if (k->exempt)
                print_field(c->out, "Stops", "never by itself: an administrator said so");
        if (k->extended_until[0]) {
                format_moment_text(k->extended_until, c->now_us, when, sizeof(when));
                print_field(c->out, "Extended", when);
        }
        print_field(c->out, "Image", k->image);
        print_field(c->out, "Project", k->project);
        print_field(c->out, "GPU", k->gpu_text[0] ? k->gpu_text : "-");
        print_field(c->out, "GPU UUID", k->gpu_uuids);
        if (format_hold_text(k->held_until, c->now_us, text, sizeof(text)))
                print_field(c->out, "Held until", text);
        print_field(c->out, "Workspace", k->workspace);
        format_moment_text(k->created_at, c->now_us, when, sizeof(when));
        print_field(c->out, "Created", when);
        if (k->started_at[0]) {
                format_moment_text(k->started_at, c->now_us, when, sizeof(when));
                print_field(c->out, "Started", when);
        }
        snprintf(text, sizeof(text), "%s, id %.12s", k->engine_name, k->id);
        print_field(c->out, "Engine", text);
}

/* "2h 15m"; of one that does not run "-", behind which stands how long its GPU is still held. */
static void uptime_or_hold(struct cli *c, const struct container *k, char *dst, size_t size) {
        char left[40];
        int64_t until;

        uptime_text(k, dst, size);
        if (!k->gpu[0] || time_parse(k->held_until, &until) < 0 || until == 0)
                return;
        format_left(until - c->now_us, left, sizeof(left));
        snprintf(dst, size, "- (GPU held, %s left)", left);
}

static void add_row(struct cli *c, struct table *t, const void *row) {
        const struct container *k = row;
        char uptime[80], status[128];

        uptime_or_hold(c, k, uptime, sizeof(uptime));
        status_text(k, status, sizeof(status));
        if (is_of_everybody(c))
                table_add(t, k->user[0] ? k->user : "-");
        table_add(t, k->name);
        table_add(t, status);
        table_add(t, k->image);
        table_add(t, k->gpu);
        table_add(t, uptime);
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct list_options *o = options;
        bool everybody = is_of_everybody(c);
        const struct listing listing = {
                .kind = &container_rows,
                .columns = columns + !everybody,
                .n_columns = ARRAY_SIZE(columns) - !everybody,
                .name_offset = offsetof(struct container, name),
                .none = o->all ? "No containers yet (container-create NAME makes one)"
                               : "No running containers (container-list --all shows stopped ones)",
                .add = add_row,
                .details = o->detailed ? print_details : NULL,
        };

        return listing_get(c, &listing, o->all ? "/v1/containers?all=true" : "/v1/containers",
                           o->format);
}

const struct command command_container_list = {
        .name = "container-list",
        .usage = "",
        .summary = "List your containers",
        .more = "Without --all: the running and paused ones. 'GPU held, 12m left': of one that\n"
                "is not running; then the GPU is free for others, and the container stays.",
        .examples = "container-list\n"
                    "container-list --all\n"
                    "container-list --format=json",
        COMMAND_OPTIONS(rows, struct list_options),
        .run = run,
};
