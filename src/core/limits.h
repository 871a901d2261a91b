/*
 * What one person may use. The keys are the predecessor's, so that a site carries its file over;
 * the table in limits.c has one row a key (name, type, unit, range) from which the reader of the
 * limits file, its manual page and check-limits come. Resolution: person's override > group >
 * defaults; each key on its own.
 */
#pragma once

#include "core/inventory.h"

#include <stddef.h>
#include <sys/types.h>

#define LIMIT_UNLIMITED INT64_MAX

struct limits {
        int64_t gpu_units;            /* max_gpu_equivalents, in GPU units; UNLIMITED = no limit */
        int64_t gpus_per_container;   /* max_gpu_slots_per_container: devices of one container */
        int64_t containers;           /* max_containers_per_user */
        int64_t cpus_milli;           /* max_cpus of one container, in 1/1000 CPU */
        int64_t memory_bytes;         /* memory of one container */
        int64_t shm_bytes;            /* shm_size of one container */
        int64_t pids;                 /* pids_limit of one container (and max_tasks: the smaller) */
        int64_t max_tasks;            /* as written; limits_resolve() folds it into pids */
        int64_t aggregate_cpus_milli; /* aggregate.max_cpus: all containers of the person */
        int64_t aggregate_memory_bytes;
        int64_t aggregate_tasks;
        int64_t aggregate_gpu_units;  /* as written; limits_resolve() folds it into gpu_units */
        int64_t idle_timeout_us;      /* idle_timeout_h; UNLIMITED = never */
        int64_t max_runtime_us;       /* max_runtime_h */
        int64_t hold_after_stop_us;   /* gpu_hold_after_stop_h: a stopped container's GPU is kept */
        int64_t unstarted_us; /* created_container_timeout_m: never-started container's GPU */
        int64_t gpu_idle_milli;       /* gpu_idle_threshold: below this share of a device's time
                                         (1/1000 %) its use counts as idle; so in what follows */
        int64_t cpu_idle_milli;       /* cpu_idle_threshold, of one CPU's time */
        int64_t network_idle_bytes;   /* network_idle_threshold, sent and received in the window */
        int64_t idle_window;          /* idle_detection_window: samples that are looked at */
        int64_t idle_grace_us;        /* grace_period_m: not stopped as idle for so long */
        int64_t high_demand_milli;    /* high_demand_threshold: share of all GPUs that is taken */
        int64_t high_demand_idle_milli; /* high_demand_idle_reduction: what the idle timeout is
                                         multiplied by then */
        int64_t keepalive_us;         /* keepalive_max_duration_h: age of a .keep-alive file */
        int64_t sigterm_grace_us;     /* sigterm_grace_s: between SIGTERM and SIGKILL */
        int64_t extension_us;         /* max_extension_h: beyond max_runtime, and from now on */
        bool allow_full_gpu;          /* may take whole GPUs, not only MIG instances */
        int64_t priority;             /* larger goes first in the queue */
        char group[64];               /* name of the group that applied, "" when none */
};

/* Types of limit keys; the unit is how the number in the file becomes the number in the struct. */
enum limit_kind {
        LIMIT_COUNT,    /* integer as it is */
        LIMIT_GPUS,     /* decimal GPUs -> GPU units */
        LIMIT_CPUS,     /* decimal CPUs, or "150%" of one -> 1/1000 */
        LIMIT_BYTES,    /* "32g" -> bytes */
        LIMIT_HOURS,    /* decimal hours -> microseconds; "30m", "0.5h", "2d" say their own unit */
        LIMIT_MINUTES,  /* decimal minutes -> microseconds; the same units */
        LIMIT_SECONDS,  /* decimal seconds -> microseconds; the same units */
        LIMIT_MILLI,    /* decimal number -> 1/1000 */
        LIMIT_BOOL,
};

struct limit_key {
        const char *name;      /* "max_gpu_equivalents", "aggregate.max_cpus" */
        const char *alias;     /* older names of the same key, blanks between them, or NULL */
        enum limit_kind kind;
        size_t offset;         /* in struct limits */
        bool may_be_unlimited; /* null in the file */
        const char *help;
        int64_t min;           /* smaller values are -ERANGE */
};

extern const struct limit_key limit_keys[];
extern const size_t limit_keys_count;

/* The key with this name or alias ("aggregate.max_cpus" for one within aggregate:), or NULL. */
const struct limit_key *limit_key_find(const char *name);

/* Keys and whole sections of the predecessor's file that this program accepts and does not use
 * (storage_*, policies:, container_types:, ...): read without complaint, so that a site's
 * file loads. For a key within a section either its own name or "section.key". */
bool limit_key_is_known_unused(const char *name);

/* Sets the field of @key in @l from the text of a scalar ("null" or "" = unlimited).
 * 0, -EINVAL (not of its kind) or -ERANGE. */
int limit_set(struct limits *l, const struct limit_key *key, const char *text);

/* A set of values some of which are given: a layer of the file. */
struct limits_layer {
        struct limits values;
        uint64_t given; /* bit i: limit_keys[i] is set in this layer */
};

struct limits_group {
        char name[64];
        struct limits_layer layer;
        char **members;       /* login names; NULL-terminated or NULL */
        char **unix_groups;   /* members of these system groups; NULL-terminated or NULL */
};

struct limits_override {
        char user[64]; /* login name, or a decimal uid */
        struct limits_layer layer;
};

/* So many whole GPUs for some people from one moment to another (core/reserve.h). */
enum { RESERVATIONS_MAX = 100, RESERVATION_USERS_SIZE = 512 };

struct reservation {
        int64_t gpus;
        char users[RESERVATION_USERS_SIZE]; /* login names, a blank between two */
        int64_t start_us, end_us;           /* wall clock; of a weekly one: this or the next time */
        unsigned days;                      /* weekly: bit 0 is Sunday; 0: it is once */
        int64_t from_min, to_min;           /* weekly: minutes since midnight, local time */
};

struct limits_config {
        struct limits_layer defaults;
        struct limits_group *groups;
        size_t ngroups;
        struct limits_override *overrides;
        size_t noverrides;
        char default_group[64]; /* for people in no group; "" = none */
        struct reservation *reservations;
        size_t nreservations;
};

struct person {
        uid_t uid;
        gid_t gid;
        const char *name;                /* login name */
        const char *const *unix_groups;  /* NULL-terminated names, may be NULL */
};

/* The built-in defaults (those of the predecessor's file), all fields set. */
void limits_defaults(struct limits *ret);
/* Resolves @who's limits: built-in defaults, then the file's defaults, the person's group (the
 * first in file order that has the person, by name or by Unix group; else the default group), then
 * every override for the person. */
void limits_resolve(const struct limits_config *config, const struct person *who,
                    struct limits *ret);
void limits_config_release(struct limits_config *config);
