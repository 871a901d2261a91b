/*
 * Runs the text cases of this folder (*.case, the files are the arguments) against the pure core,
 * all in one process; TAP, one line a case. A last line fails when a refusal that the core can give
 * is in no case. The lines of a case:
 *
 *     @case WORDS              begins a case; everything below is forgotten
 *     @gpus N [node=K]         N whole GPUs, K of them in each NUMA node
 *     @mig G 1g 2g ...         GPU G is partitioned into these instances
 *     @links A,B,C=LINK ...    every pair of these GPUs ("all" for all): system node hostbridge
 * multiple single nvlinkN
 *     @failed DEVICE WORDS, @silent DEVICE, @foreign DEVICE PID USER, @well DEVICE
 *     @limits KEY=VALUE ...    keys of resource-limits.yaml, over the built-in defaults
 *     @claim USER NAME STATE DEVICE,... [age=T] [hold=T] [unstarted=T] [units=U] [released]
 *                              DEVICE "lost": no longer there; "-": no devices
 *     @as USER                 who asks (alice)
 *     @own IMAGE ..., @default IMAGE
 *     @reserve GPUS USER,... FROM TO       a reservation, from and to so far from now (-1h +2h)
 *     @later T                 the clock goes on
 *     @ask create NAME [gpus=N] [full]     @ask start NAME     @ask name TEXT
 *     @ask image NAME [option=I] [project=P]                   @ask usage
 *     @expect GPU-0 GPU-1 | none | moved GPU-1 | CODE | NAME | SOURCE IMAGE | CONTAINERS UNITS
 *     @message TEXT, @next TEXT            of the refusal just expected, word for word
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/reserve.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { CLAIMS_MAX = 64, WORDS_MAX = 80, GPUS_MAX = 64, USERS_MAX = 8 };

#define NOW (1700000000LL * US_PER_S)

struct world {
        int ngpus, per_node, nslices[GPUS_MAX], slices[GPUS_MAX][7];
        struct gpu_device devices[GPUS_MAX * 7];
        uint8_t links[GPUS_MAX * GPUS_MAX];
        struct gpu_inventory inventory;
        struct limits_config config;
        struct claim claims[CLAIMS_MAX];
        int16_t claimed[CLAIMS_MAX][GPU_PER_CONTAINER_MAX];
        char names[CLAIMS_MAX][80];
        size_t nclaims;
        struct reservation reservations[8];
        size_t nreservations;
        char own[8][IMAGE_REF_SIZE], site_default[IMAGE_REF_SIZE];
        const char *own_list[9];
        uid_t uid;
        int64_t now_us;
        char answer[1024];
        struct refusal refusal;
};

static struct world world;
static bool seen[REFUSAL_COUNT];
static char case_name[200], case_fault[2048];
static size_t case_count, case_failures;
static const char *file_name;
static int line_number;

#define FAULT(...)                                                                                 \
        do {                                                                                       \
                size_t _n = strlen(case_fault);                                                    \
                _n += (size_t)snprintf(case_fault + _n, sizeof(case_fault) - _n,                   \
                                       "# %s:%d: ", file_name, line_number);                       \
                if (_n < sizeof(case_fault))                                                       \
                        _n += (size_t)snprintf(case_fault + _n, sizeof(case_fault) - _n,           \
                                               __VA_ARGS__);                                       \
                if (_n + 1 < sizeof(case_fault))                                                   \
                        memcpy(case_fault + _n, "\n", 2);                                          \
        } while (0)

static const char *const users[] = { "alice", "bob", "carol", "dave", "eve" };

static uid_t uid_of(const char *user) {
        for (size_t i = 0; i < ARRAY_SIZE(users); i++)
                if (strcmp(users[i], user) == 0)
                        return (uid_t)(1001 + i);
        FAULT("no user '%s'", user);
        return 1;
}

static int64_t time_of(const char *s) {
        const char *unit = s + strspn(s, "0123456789");
        int64_t n = strtoll(s, NULL, 10);

        if (strcmp(s, "ever") == 0)
                return LIMIT_UNLIMITED;
        switch (*unit) {
        case 'd':
                return n * 24 * US_PER_H;
        case 'h':
                return n * US_PER_H;
        case 'm':
                return n * 60 * US_PER_S;
        case 's':
                return n * US_PER_S;
        case 'u':
                return n;
        default:
                FAULT("'%s' is not a time", s);
                return 0;
        }
}

static struct gpu_device *device_of(const char *name) {
        for (size_t i = 0; i < world.inventory.ndevices; i++)
                if (strcmp(world.devices[i].name, name) == 0)
                        return &world.devices[i];
        FAULT("no device '%s'", name);
        return &world.devices[0];
}

static void set_link(int a, int b, uint8_t link) {
        world.links[a * world.ngpus + b] = link;
        world.links[b * world.ngpus + a] = link;
}

/* Devices and default links from the list of GPUs. */
static void build_inventory(void) {
        size_t n = 0;

        memset(world.devices, 0, sizeof(world.devices));
        for (int g = 0; g < world.ngpus; g++) {
                int parts = world.nslices[g] ? world.nslices[g] : 1;

                for (int i = 0; i < parts; i++, n++) {
                        struct gpu_device *d = &world.devices[n];

                        d->gpu = g;
                        d->numa_node = world.per_node ? g / world.per_node : 0;
                        d->instance = world.nslices[g] ? i : -1;
                        d->units = world.nslices[g] ? 1000 * world.slices[g][i] : GPU_UNITS_PER_GPU;
                        if (d->instance < 0)
                                snprintf(d->name, sizeof(d->name), "GPU-%d", g);
                        else
                                snprintf(d->name, sizeof(d->name), "GPU-%d.%d", g, i);
                }
        }
        world.inventory =
                (struct gpu_inventory){ world.devices, n, (size_t)world.ngpus, world.links };
        for (int a = 0; a < world.ngpus; a++)
                for (int b = 0; b < world.ngpus; b++)
                        set_link(a, b, a == b ? GPU_LINK_SELF
                                       : !world.per_node || a / world.per_node == b / world.per_node
                                               ? GPU_LINK_NODE : GPU_LINK_SYSTEM);
}

static uint8_t link_word(const char *w) {
        static const char *const words[] = { "system", "node", "hostbridge", "multiple", "single" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcmp(words[i], w) == 0)
                        return (uint8_t)i;
        if (str_starts(w, "nvlink"))
                return (uint8_t)(GPU_LINK_NVLINK + (w[6] ? strtol(w + 6, NULL, 10) - 1 : 0));
        FAULT("no link '%s'", w);
        return 0;
}

static void do_links(char *spec) {
        char *equals = strchr(spec, '=');
        int group[GPUS_MAX], n = 0;
        uint8_t link;

        if (!equals) {
                FAULT("no '=' in '%s'", spec);
                return;
        }
        *equals = '\0';
        link = link_word(equals + 1);
        if (strcmp(spec, "all") == 0)
                for (; n < world.ngpus; n++)
                        group[n] = n;
        else
                for (char *p = spec, *next; n < GPUS_MAX && p; p = next) {
                        next = strchr(p, ',');
                        if (next)
                                *next++ = '\0';
                        group[n++] = (int)strtol(p, NULL, 10);
                }
        for (int i = 0; i < n; i++)
                for (int j = i + 1; j < n; j++)
                        set_link(group[i], group[j], link);
}

static void claim_devices(struct claim *c, char *list) {
        for (char *p = list, *next; p && strcmp(list, "-") != 0; p = next) {
                next = strchr(p, ',');
                if (next)
                        *next++ = '\0';
                if (strcmp(p, "lost") == 0) {
                        c->devices[c->ndevices++] = -1;
                        c->nlost++;
                } else {
                        struct gpu_device *d = device_of(p);

                        c->devices[c->ndevices++] = (int16_t)(d - world.devices);
                        c->units += d->units;
                }
        }
}

static void do_claim(char **w, int n) {
        static const char *const states[] = { "creating", "created", "running",
                                              "paused",   "stopped", "removing" };
        struct claim *c = &world.claims[world.nclaims];
        int64_t extra = 0;

        if (n < 5 || world.nclaims == CLAIMS_MAX) {
                FAULT("a claim has USER NAME STATE DEVICES");
                return;
        }
        *c = (struct claim){ .uid = uid_of(w[1]),
                             .hold_us = 15 * 60 * US_PER_S,
                             .unstarted_us = 30 * 60 * US_PER_S };
        c->devices = world.claimed[world.nclaims];
        str_copy(world.names[world.nclaims], sizeof(world.names[0]), w[2]);
        c->name = world.names[world.nclaims];
        c->user = users[c->uid - 1001];
        c->since_us = world.now_us;
        c->state = CONTAINER_RESERVED;
        while (strcmp(states[c->state], w[3]) != 0 && c->state < CONTAINER_REMOVING)
                c->state++;
        claim_devices(c, w[4]);
        for (int i = 5; i < n; i++) {
                if (str_starts(w[i], "age="))
                        c->since_us = world.now_us - time_of(w[i] + 4);
                else if (str_starts(w[i], "hold="))
                        c->hold_us = time_of(w[i] + 5);
                else if (str_starts(w[i], "unstarted="))
                        c->unstarted_us = time_of(w[i] + 10);
                else if (str_starts(w[i], "units="))
                        extra = strtoll(w[i] + 6, NULL, 10);
                else if (strcmp(w[i], "released") == 0)
                        c->released = true;
                else
                        FAULT("'%s' in a claim", w[i]);
        }
        if (extra)
                c->units = extra;
        world.nclaims++;
}

static void do_limit(char *pair) {
        char *equals = strchr(pair, '=');
        const struct limit_key *key;

        if (equals)
                *equals = '\0';
        key = limit_key_find(pair);
        if (!equals || !key || limit_set(&world.config.defaults.values, key, equals + 1) < 0)
                FAULT("limit '%s'", pair);
        else
                world.config.defaults.given |= UINT64_C(1) << (key - limit_keys);
}

static void answer_grant(const struct grant *g, bool moved) {
        int64_t units = 0;

        snprintf(world.answer, sizeof(world.answer), "%s", moved ? "moved" : "");
        for (size_t i = 0; i < g->n; i++) {
                const struct gpu_device *d = &world.devices[g->devices[i]];
                size_t len = strlen(world.answer);

                units += d->units;
                snprintf(world.answer + len, sizeof(world.answer) - len, "%s%s", len ? " " : "",
                         d->name);
        }
        if (g->n == 0)
                str_copy(world.answer, sizeof(world.answer), "none");
        if (units != g->units)
                FAULT("the grant says %lld units, its devices have %lld", (long long)g->units,
                      (long long)units);
}

static void ask_name(const char *text) {
        char name[NAME_MAX_LEN + 1];

        if (!container_name_check(text, name, &world.refusal))
                str_copy(world.answer, sizeof(world.answer), name);
}

static void ask_image(char **w, int n) {
        const char *option = NULL, *project = NULL;
        struct image_choice choice;

        for (int i = 3; i < n; i++) {
                if (str_starts(w[i], "option="))
                        option = w[i] + 7;
                else if (str_starts(w[i], "project="))
                        project = w[i] + 8;
        }
        if (!image_choose(option, project, w[2], world.uid, world.own_list, world.site_default,
                          &choice, &world.refusal))
                snprintf(world.answer, sizeof(world.answer), "%s %s",
                         image_source_word(choice.source), choice.reference);
}

static void ask_create(const struct snapshot *s, char **w, int n) {
        struct create_wish wish = { .name = w[2], .gpus = -1 };
        struct grant grant;

        for (int i = 3; i < n; i++) {
                if (str_starts(w[i], "gpus="))
                        wish.gpus = strtoll(w[i] + 5, NULL, 10);
                else
                        wish.prefer_full = strcmp(w[i], "full") == 0;
        }
        if (!policy_create(s, &wish, &grant, &world.refusal))
                answer_grant(&grant, false);
}

static void ask_start(const struct snapshot *s, const char *name) {
        struct grant grant;
        bool moved;

        for (size_t i = 0; i < world.nclaims; i++)
                if (world.claims[i].uid == world.uid && strcmp(world.claims[i].name, name) == 0) {
                        if (!policy_start(s, i, &grant, &moved, &world.refusal))
                                answer_grant(&grant, moved);
                        return;
                }
        FAULT("no claim '%s'", name);
}

static void do_ask(char **w, int n, const char *rest) {
        const struct person who = { .uid = world.uid, .name = users[world.uid - 1001] };
        struct snapshot s = { .inventory = &world.inventory, .claims = world.claims,
                              .nclaims = world.nclaims, .uid = world.uid, .now_us = world.now_us };
        uint8_t withheld[GPU_DEVICES_MAX] = { 0 };
        struct usage usage;
        struct limits limits;

        limits_resolve(&world.config, &who, &limits);
        s.limits = &limits;
        for (size_t i = 0; i < world.nreservations; i++)
                reservation_withhold(&s, &world.reservations[i], 1, who.name, world.now_us,
                                     limits.max_runtime_us, withheld);
        s.withheld = withheld;
        world.refusal = (struct refusal){ 0 };
        world.answer[0] = '\0';
        if (n >= 2 && strcmp(w[1], "name") == 0) {
                rest += strlen("@ask name");
                ask_name(*rest ? rest + 1 : rest);
        } else if (n >= 3 && strcmp(w[1], "image") == 0) {
                ask_image(w, n);
        } else if (n >= 3 && strcmp(w[1], "create") == 0) {
                ask_create(&s, w, n);
        } else if (n == 3 && strcmp(w[1], "start") == 0) {
                ask_start(&s, w[2]);
        } else if (n == 2 && strcmp(w[1], "usage") == 0) {
                policy_usage(&s, &usage);
                snprintf(world.answer, sizeof(world.answer), "%lld %lld",
                         (long long)usage.containers, (long long)usage.gpu_units);
        } else {
                FAULT("what is asked?");
        }
        if (world.refusal.reason) {
                seen[world.refusal.reason] = true;
                str_copy(world.answer, sizeof(world.answer),
                         refusal_kind(world.refusal.reason)->code);
        }
}

static void expect(const char *what, const char *expected, const char *got) {
        if (strcmp(expected, got) != 0)
                FAULT("%s is '%s', expected '%s'", what, got, expected);
}

static void expect_text(const char *expected, bool next) {
        _cleanup_buf_ struct buf b = BUF_INIT(4096);

        if (next)
                refusal_next(&world.refusal, &b);
        else
                refusal_message(&world.refusal, &b);
        expect(next ? "the next step" : "the message", expected, buf_str(&b));
}

static void case_end(void) {
        if (!case_name[0])
                return;
        case_count++;
        case_failures += case_fault[0] != '\0';
        printf("%sok %zu - %s\n%s", case_fault[0] ? "not " : "", case_count, case_name, case_fault);
        case_name[0] = case_fault[0] = '\0';
}

static void case_begin(const char *name) {
        case_end();
        world = (struct world){ .uid = 1001, .now_us = NOW };
        limits_defaults(&world.config.defaults.values);
        snprintf(case_name, sizeof(case_name), "%s", name);
}

static void do_health(char **w, int n, const char *rest) {
        struct gpu_device *d = device_of(n > 1 ? w[1] : "");

        d->health = GPU_OK;
        d->foreign_pid = 0;
        if (strcmp(w[0], "@failed") == 0) {
                d->health = GPU_FAILED;
                rest = n > 2 ? strstr(rest, w[1]) + strlen(w[1]) + 1 : "";
                str_copy(d->health_detail, sizeof(d->health_detail), rest);
        } else if (strcmp(w[0], "@silent") == 0) {
                d->health = GPU_UNRESPONSIVE;
        } else if (strcmp(w[0], "@foreign") == 0 && n > 2) {
                d->foreign_pid = (int32_t)strtol(w[2], NULL, 10);
                str_copy(d->foreign_user, sizeof(d->foreign_user), n > 3 ? w[3] : "");
        }
}

static void do_reserve(char **w) {
        struct reservation *r = &world.reservations[world.nreservations++];
        int64_t *const ends[] = { &r->start_us, &r->end_us };

        r->gpus = strtol(w[1], NULL, 10);
        str_copy(r->users, sizeof(r->users), w[2]);
        for (char *p = r->users; *p; p++)
                if (*p == ',')
                        *p = ' ';
        for (int i = 0; i < 2; i++)
                *ends[i] = world.now_us + (w[3 + i][0] == '-' ? -1 : 1) * time_of(w[3 + i] + 1);
}

static void do_mig(char **w, int n) {
        int g = n > 2 ? (int)strtol(w[1], NULL, 10) : GPUS_MAX;

        if (g >= world.ngpus || n > 9) {
                FAULT("@mig GPU 1g ...");
                return;
        }
        for (int i = 2; i < n; i++)
                world.slices[g][i - 2] = (int)strtol(w[i], NULL, 10);
        world.nslices[g] = n - 2;
        build_inventory();
}

static void do_words(char **w, int n, const char *line) {
        if (strcmp(w[0], "@gpus") == 0 && n > 1) {
                world.ngpus = (int)strtol(w[1], NULL, 10);
                world.per_node = n > 2 ? (int)strtol(w[2] + strlen("node="), NULL, 10) : 0;
                build_inventory();
        } else if (strcmp(w[0], "@mig") == 0) {
                do_mig(w, n);
        } else if (strcmp(w[0], "@links") == 0) {
                for (int i = 1; i < n; i++)
                        do_links(w[i]);
        } else if (strcmp(w[0], "@failed") == 0 || strcmp(w[0], "@silent") == 0 ||
                   strcmp(w[0], "@foreign") == 0 || strcmp(w[0], "@well") == 0) {
                do_health(w, n, line);
        } else if (strcmp(w[0], "@limits") == 0) {
                for (int i = 1; i < n; i++)
                        do_limit(w[i]);
        } else if (strcmp(w[0], "@claim") == 0) {
                do_claim(w, n);
        } else if (strcmp(w[0], "@as") == 0 && n == 2) {
                world.uid = uid_of(w[1]);
        } else if (strcmp(w[0], "@own") == 0 && n <= 9) {
                for (int i = 1; i < n; i++) {
                        str_copy(world.own[i - 1], sizeof(world.own[0]), w[i]);
                        world.own_list[i - 1] = world.own[i - 1];
                }
        } else if (strcmp(w[0], "@default") == 0 && n == 2) {
                str_copy(world.site_default, sizeof(world.site_default), w[1]);
        } else if (strcmp(w[0], "@reserve") == 0 && n == 5 && world.nreservations < 8) {
                do_reserve(w);
        } else if (strcmp(w[0], "@later") == 0 && n == 2) {
                world.now_us += time_of(w[1]);
        } else if (strcmp(w[0], "@ask") == 0) {
                do_ask(w, n, line);
        } else {
                FAULT("unknown line '%s'", line);
        }
}

static void do_line(char *line) {
        char copy[1024], *words[WORDS_MAX];
        int n = 0;

        if (*line == '\0' || *line == '#')
                return;
        if (str_starts(line, "@case ")) {
                case_begin(line + 6);
        } else if (str_starts(line, "@expect ")) {
                expect("the answer", line + 8, world.answer);
        } else if (str_starts(line, "@message ")) {
                expect_text(line + 9, false);
        } else if (str_starts(line, "@next ")) {
                expect_text(line + 6, true);
        } else {
                str_copy(copy, sizeof(copy), line);
                for (char *p = copy, *next; p && n < WORDS_MAX; p = next) {
                        next = strchr(p, ' ');
                        if (next)
                                *next++ = '\0';
                        if (*p)
                                words[n++] = p;
                }
                do_words(words, n, line);
        }
}

static void run_file(const char *path) {
        FILE *f = fopen(path, "re");
        char line[1024];

        file_name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        line_number = 0;
        if (!f) {
                printf("Bail out! cannot open %s\n", path);
                exit(1);
        }
        while (fgets(line, sizeof(line), f)) {
                line_number++;
                line[strcspn(line, "\n")] = '\0';
                do_line(line);
        }
        case_end();
        fclose(f);
}

/* Every refusal that core can give has a case. */
static void check_coverage(void) {
        static const enum refusal_reason reasons[] = {
                REFUSAL_NAME_EMPTY, REFUSAL_NAME_TOO_LONG, REFUSAL_NAME_INVALID,
                REFUSAL_ARGUMENT_INVALID, REFUSAL_GPU_COUNT_INVALID, REFUSAL_NAME_TAKEN,
                REFUSAL_NO_SUCH_IMAGE, REFUSAL_IMAGE_FOREIGN, REFUSAL_CONTAINER_QUOTA,
                REFUSAL_CONTAINERS_NOT_ALLOWED, REFUSAL_GPU_PER_CONTAINER, REFUSAL_GPU_QUOTA,
                REFUSAL_GPU_QUOTA_TOO_SMALL, REFUSAL_GPU_NONE_FREE, REFUSAL_GPU_NOT_ENOUGH,
                REFUSAL_GPU_NONE_HERE, REFUSAL_GPU_FULL_NOT_ALLOWED, REFUSAL_GPU_GONE, REFUSAL_BUSY,
        };

        str_copy(case_name, sizeof(case_name), "every refusal of the core has a case");
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
                if (!seen[reasons[i]])
                        FAULT("no case for %s", refusal_kind(reasons[i])->code);
        case_end();
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                run_file(argv[i]);
        check_coverage();
        printf("1..%zu\n", case_count);
        return case_failures > 0;
}
