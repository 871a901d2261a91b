/* The table of limit keys, the reading of one value, and the resolution for one person. */
#include "core/limits.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

#define US_PER_M (60 * US_PER_S)
#define GIB (1LL << 30)

enum { PIDS_DEFAULT = 4096 };

#define KEY(key_name, aliases, key_kind, field, null, least, text)                               \
        {                                                                                        \
                .name = (key_name), .alias = (aliases), .kind = (key_kind),                      \
                .offset = offsetof(struct limits, field), .may_be_unlimited = (null),            \
                .help = (text), .min = (least)                                                   \
        }

/* The aliases are the names that older versions of the predecessor's file used; its 1.3 counted
 * MIG instances where 1.4 counts GPUs. */
const struct limit_key limit_keys[] = {
        KEY("max_gpu_equivalents", "max_gpu_slots max_gpus_per_user max_mig_instances", LIMIT_GPUS,
            gpu_units, true, 0, "GPUs of all containers together; 1.5 and MIG fractions count"),
        KEY("max_gpu_slots_per_container", "max_mig_per_container max_gpus_per_container",
            LIMIT_COUNT, gpus_per_container, true, 0, "GPUs or MIG instances of one container"),
        KEY("allow_full_gpu", NULL, LIMIT_BOOL, allow_full_gpu, false, 0,
            "whether whole GPUs are given, or only MIG instances"),
        KEY("max_containers_per_user", "max_containers", LIMIT_COUNT, containers, true, 0,
            "containers, running or not"),
        KEY("max_cpus", NULL, LIMIT_CPUS, cpus_milli, true, 1, "CPUs of one container"),
        KEY("memory", NULL, LIMIT_BYTES, memory_bytes, true, 1, "memory of one container, as 32g"),
        KEY("shm_size", NULL, LIMIT_BYTES, shm_bytes, false, 1, "/dev/shm of one container"),
        KEY("pids_limit", NULL, LIMIT_COUNT, pids, true, 1,
            "processes and threads of one container"),
        KEY("max_tasks", NULL, LIMIT_COUNT, max_tasks, true, 1,
            "the same by another name; with pids_limit the smaller applies"),
        KEY("aggregate.max_cpus", "aggregate.cpu_quota", LIMIT_CPUS, aggregate_cpus_milli, true, 1,
            "CPUs of all containers together"),
        KEY("aggregate.memory", "aggregate.memory_max", LIMIT_BYTES, aggregate_memory_bytes, true,
            1, "memory of all containers together"),
        KEY("aggregate.max_tasks", "aggregate.tasks_max", LIMIT_COUNT, aggregate_tasks, true, 1,
            "processes and threads of all containers together"),
        KEY("aggregate.max_gpu_equivalents", "aggregate.gpu_limit", LIMIT_GPUS, aggregate_gpu_units,
            true, 0, "as max_gpu_equivalents; the smaller of the two applies"),
        KEY("idle_timeout_h", "idle_timeout", LIMIT_HOURS, idle_timeout_us, true, 0,
            "hours without work until a container is stopped"),
        KEY("max_runtime_h", "max_runtime", LIMIT_HOURS, max_runtime_us, true, 0,
            "hours until a running container is stopped"),
        KEY("gpu_hold_after_stop_h", "gpu_hold_after_stop", LIMIT_HOURS, hold_after_stop_us, true,
            0, "hours for which a stopped container keeps its GPUs"),
        KEY("created_container_timeout_m", "created_container_timeout", LIMIT_MINUTES, unstarted_us,
            true, 0, "minutes for which a container that was never started keeps its GPUs"),
        KEY("gpu_idle_threshold", NULL, LIMIT_MILLI, gpu_idle_milli, false, 0,
            "idle: its GPUs are used less than this, in percent"),
        KEY("cpu_idle_threshold", NULL, LIMIT_MILLI, cpu_idle_milli, false, 0,
            "idle: and less than this of one CPU, in percent"),
        KEY("network_idle_threshold", NULL, LIMIT_BYTES, network_idle_bytes, false, 0,
            "idle: and less than this sent and received in the window"),
        KEY("idle_detection_window", NULL, LIMIT_COUNT, idle_window, false, 1,
            "samples, one every 10 seconds, over which this is looked at (at most 32)"),
        KEY("grace_period_m", "grace_period", LIMIT_MINUTES, idle_grace_us, false, 0,
            "minutes after its start in which a container is not stopped for being idle"),
        KEY("high_demand_threshold", NULL, LIMIT_MILLI, high_demand_milli, false, 0,
            "share of the machine's GPUs from which on idle ones are taken back sooner"),
        KEY("high_demand_idle_reduction", NULL, LIMIT_MILLI, high_demand_idle_milli, false, 0,
            "what idle_timeout_h is multiplied by then"),
        KEY("keepalive_max_duration_h", "keepalive_max_duration", LIMIT_HOURS, keepalive_us, true,
            0, "hours for which a file .keep-alive in the workspace keeps an idle container"),
        KEY("max_extension_h", NULL, LIMIT_HOURS, extension_us, true, 0,
            "hours that container-extend may put off a stop, from now and beyond max_runtime_h"),
        KEY("sigterm_grace_s", "sigterm_grace_seconds", LIMIT_SECONDS, sigterm_grace_us, false, 0,
            "seconds that programs have to end in when such a stop comes"),
        KEY("priority", NULL, LIMIT_COUNT, priority, false, 0, "larger goes first in the queue"),
};
const size_t limit_keys_count = ARRAY_SIZE(limit_keys);

/* True when @word is one of the words of @list, which has single blanks between them. */
static bool word_in(const char *list, const char *word) {
        size_t n = strlen(word);

        while (list && *list) {
                const char *blank = strchr(list, ' ');
                size_t len = blank ? (size_t)(blank - list) : strlen(list);

                if (len == n && memcmp(list, word, n) == 0)
                        return true;
                list = blank ? blank + 1 : NULL;
        }
        return false;
}

const struct limit_key *limit_key_find(const char *name) {
        for (size_t i = 0; i < limit_keys_count; i++)
                if (strcmp(limit_keys[i].name, name) == 0 || word_in(limit_keys[i].alias, name))
                        return &limit_keys[i];
        return NULL;
}

bool limit_key_is_known_unused(const char *name) {
        /* Sections of the predecessor's file: all that is in them counts as known. */
        static const char sections[] =
                "policies enforcement gpu_allocation container_types monitoring bare_metal_access "
                "access_control wrapper reservations advanced wizard";
        static const char keys[] =
                "container_hold_after_stop_h container_hold_after_stop "
                "gpu_hold_after_manual_stop_m "
                "memory_swap gpu_memory io_read_bps io_write_bps ulimit_nofile "
                "storage_workspace storage_data storage_tmp storage_home "
                "enforcement_mode unknown_commands reserved_gpus reservation "
                "auto_stop_idle checkpoint_warning require_workspace_mount enforce_storage_quotas "
                "soft_limit_threshold graceful_errors suggest_alternatives "
                "aggregate.memory_high aggregate.io_weight aggregate.cpu_weight description";
        const char *dot = strchr(name, '.');
        char section[64];

        if (word_in(sections, name) || word_in(keys, name))
                return true;
        if (!dot || (size_t)(dot - name) >= sizeof(section))
                return false;
        memcpy(section, name, (size_t)(dot - name));
        section[dot - name] = '\0';
        return word_in(sections, section);
}

/* A decimal number times @scale, rounded to the nearest integer; *@rest is what follows it. At most
 * nine digits after the point count, so that @scale up to US_PER_H * 24 / 10 cannot overflow. */
static int parse_scaled(const char *s, int64_t scale, int64_t *ret, const char **rest) {
        int64_t whole = 0, fraction = 0, one = 1, part;

        if (*s < '0' || *s > '9')
                return -EINVAL;
        for (; *s >= '0' && *s <= '9'; s++) {
                if (whole > INT64_MAX / 10 - 1)
                        return -ERANGE;
                whole = whole * 10 + (*s - '0');
        }
        if (*s == '.') {
                s++;
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                for (; *s >= '0' && *s <= '9'; s++)
                        if (one < 1000000000) {
                                fraction = fraction * 10 + (*s - '0');
                                one *= 10;
                        }
        }
        /* fraction / one * scale without a product that overflows. */
        part = scale / one * fraction + (scale % one * fraction + one / 2) / one;
        if (whole > (INT64_MAX - 1 - part) / scale)
                return -ERANGE;
        *ret = whole * scale + part;
        *rest = s;
        return 0;
}

static int parse_whole(const char *text, int64_t scale, int64_t *ret) {
        const char *rest;
        int r = parse_scaled(text, scale, ret, &rest);

        return r < 0 ? r : *rest ? -EINVAL : 0;
}

/* A number of GPUs in units. People write a seventh as they see it, "0.14": what is within half a
 * hundredth of a whole number of slices is that number of slices. */
static int parse_gpus(const char *text, int64_t *ret) {
        const int64_t slice = GPU_UNITS_PER_GPU / 7, near = GPU_UNITS_PER_GPU / 200;
        int64_t units, off;
        int r = parse_whole(text, GPU_UNITS_PER_GPU, &units);

        if (r < 0)
                return r;
        off = units % slice;
        if (off <= near && units > off)
                units -= off;
        else if (off >= slice - near)
                units += slice - off;
        *ret = units;
        return 0;
}

/* "1.5", or a share of one CPU as systemd writes it: "9600%". */
static int parse_cpus(const char *text, int64_t *ret) {
        const char *rest;
        int64_t value;
        int r = parse_scaled(text, 1000, &value, &rest);

        if (r < 0)
                return r;
        if (strcmp(rest, "%") == 0)
                value /= 100;
        else if (*rest)
                return -EINVAL;
        *ret = value;
        return 0;
}

/* A time in @unit_us, or with a unit of its own: "30m", "0.5h", "2d". */
static int parse_time(const char *text, int64_t unit_us, int64_t *ret) {
        size_t n = strlen(text);
        char number[32];

        if (n == 0 || n >= sizeof(number))
                return -EINVAL;
        switch (text[n - 1]) {
        case 's':
                unit_us = US_PER_S;
                break;
        case 'm':
                unit_us = US_PER_M;
                break;
        case 'h':
                unit_us = US_PER_H;
                break;
        case 'd':
                unit_us = 24 * US_PER_H;
                break;
        default:
                return parse_whole(text, unit_us, ret);
        }
        memcpy(number, text, n - 1);
        number[n - 1] = '\0';
        return parse_whole(number, unit_us, ret);
}

static int parse_bool(const char *text, bool *ret) {
        if (word_in("true True TRUE yes Yes YES on On ON", text))
                *ret = true;
        else if (word_in("false False FALSE no No NO off Off OFF", text))
                *ret = false;
        else
                return -EINVAL;
        return 0;
}

static int parse_number(enum limit_kind kind, const char *text, int64_t *ret) {
        switch (kind) {
        case LIMIT_COUNT:
                return str_to_i64(text, INT64_MIN, INT64_MAX - 1, ret);
        case LIMIT_GPUS:
                return parse_gpus(text, ret);
        case LIMIT_CPUS:
                return parse_cpus(text, ret);
        case LIMIT_BYTES:
                return str_to_bytes(text, ret);
        case LIMIT_HOURS:
                return parse_time(text, US_PER_H, ret);
        case LIMIT_MINUTES:
                return parse_time(text, US_PER_M, ret);
        case LIMIT_SECONDS:
                return parse_time(text, US_PER_S, ret);
        case LIMIT_MILLI:
                return parse_whole(text, 1000, ret);
        case LIMIT_BOOL:
                break;
        }
        return -EINVAL;
}

int limit_set(struct limits *l, const struct limit_key *key, const char *text) {
        char *field = (char *)l + key->offset;
        int64_t value;
        int r;

        if (key->kind == LIMIT_BOOL)
                return parse_bool(text, (bool *)field);
        if (*text == '\0' || word_in("null Null NULL ~ unlimited", text)) {
                if (!key->may_be_unlimited)
                        return -EINVAL;
                value = LIMIT_UNLIMITED;
        } else {
                r = parse_number(key->kind, text, &value);
                if (r < 0)
                        return r;
                if (value < key->min)
                        return -ERANGE;
        }
        memcpy(field, &value, sizeof(value));
        return 0;
}

void limits_defaults(struct limits *ret) {
        *ret = (struct limits){
                .gpu_units = GPU_UNITS_PER_GPU,
                .gpus_per_container = 1,
                .containers = 3,
                .cpus_milli = 32000,
                .memory_bytes = 32 * GIB,
                .shm_bytes = 16 * GIB,
                .pids = PIDS_DEFAULT,
                .max_tasks = LIMIT_UNLIMITED,
                .aggregate_cpus_milli = LIMIT_UNLIMITED,
                .aggregate_memory_bytes = LIMIT_UNLIMITED,
                .aggregate_tasks = LIMIT_UNLIMITED,
                .aggregate_gpu_units = LIMIT_UNLIMITED,
                .idle_timeout_us = US_PER_H / 2,
                .max_runtime_us = 24 * US_PER_H,
                .hold_after_stop_us = US_PER_H / 4,
                .unstarted_us = 30 * US_PER_M,
                .gpu_idle_milli = 5000,
                .cpu_idle_milli = 2000,
                .network_idle_bytes = 1 << 20,
                .idle_window = 3,
                .idle_grace_us = 30 * US_PER_M,
                .high_demand_milli = 800,
                .high_demand_idle_milli = 500,
                .keepalive_us = 24 * US_PER_H,
                .extension_us = 12 * US_PER_H,
                .sigterm_grace_us = 60 * US_PER_S,
                /* The predecessor's default is MIG only, which on a machine without MIG would
                 * mean no GPU for anybody. */
                .allow_full_gpu = true,
                .priority = 10,
        };
}

static void apply(struct limits *l, const struct limits_layer *layer, uint64_t *given) {
        for (size_t i = 0; i < limit_keys_count; i++) {
                size_t size = limit_keys[i].kind == LIMIT_BOOL ? sizeof(bool) : sizeof(int64_t);

                if (layer->given & (UINT64_C(1) << i))
                        memcpy((char *)l + limit_keys[i].offset,
                               (const char *)&layer->values + limit_keys[i].offset, size);
        }
        *given |= layer->given;
}

static bool list_has(char *const *list, const char *name) {
        for (; list && *list; list++)
                if (strcmp(*list, name) == 0)
                        return true;
        return false;
}

static bool group_has(const struct limits_group *g, const struct person *who) {
        if (who->name && list_has(g->members, who->name))
                return true;
        for (const char *const *name = who->unix_groups; name && *name; name++)
                if (list_has(g->unix_groups, *name))
                        return true;
        return false;
}

static const struct limits_group *group_of(const struct limits_config *c,
                                           const struct person *who) {
        for (size_t i = 0; i < c->ngroups; i++)
                if (group_has(&c->groups[i], who))
                        return &c->groups[i];
        for (size_t i = 0; i < c->ngroups && c->default_group[0]; i++)
                if (strcmp(c->groups[i].name, c->default_group) == 0)
                        return &c->groups[i];
        return NULL;
}

static bool override_is_for(const struct limits_override *o, const struct person *who) {
        int64_t uid;

        if (who->name && strcmp(o->user, who->name) == 0)
                return true;
        return str_to_i64(o->user, 0, UINT32_MAX - 1, &uid) == 0 && (uid_t)uid == who->uid;
}

static int64_t min_of(int64_t a, int64_t b) {
        return a < b ? a : b;
}

static bool is_given(uint64_t given, size_t offset) {
        for (size_t i = 0; i < limit_keys_count; i++)
                if (limit_keys[i].offset == offset)
                        return given & (UINT64_C(1) << i);
        return false;
}

void limits_resolve(const struct limits_config *config, const struct person *who,
                    struct limits *ret) {
        const struct limits_group *group = group_of(config, who);
        uint64_t given = 0;

        limits_defaults(ret);
        apply(ret, &config->defaults, &given);
        if (group) {
                apply(ret, &group->layer, &given);
                (void)str_copy(ret->group, sizeof(ret->group), group->name);
        }
        for (size_t i = 0; i < config->noverrides; i++)
                if (override_is_for(&config->overrides[i], who))
                        apply(ret, &config->overrides[i].layer, &given);

        /* Two pairs of keys speak of the same thing; the smaller value applies. The built-in
         * number of processes stands back when either of its keys is in the file. */
        if (is_given(given, offsetof(struct limits, max_tasks)) &&
            !is_given(given, offsetof(struct limits, pids)))
                ret->pids = ret->max_tasks;
        ret->pids = min_of(ret->pids, ret->max_tasks);
        ret->gpu_units = min_of(ret->gpu_units, ret->aggregate_gpu_units);
}

static void strings_release(char **list) {
        for (char **s = list; s && *s; s++)
                free(*s);
        free(list);
}

void limits_config_release(struct limits_config *config) {
        if (!config)
                return;
        for (size_t i = 0; i < config->ngroups; i++) {
                strings_release(config->groups[i].members);
                strings_release(config->groups[i].unix_groups);
        }
        free(config->groups);
        free(config->overrides);
        free(config->reservations);
        *config = (struct limits_config){ 0 };
}
