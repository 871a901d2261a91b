/*
 * The pure heart: from a snapshot of what is true and a request, a verdict. No I/O, no clock; the
 * snapshot points into the ledger's arrays and is only valid under its lock, so a verdict copies
 * what it says. Times are microseconds of steady time (core/timeline.h).
 */
#pragma once

#include "core/inventory.h"
#include "core/limits.h"
#include "core/names.h"
#include "core/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum container_state {
        CONTAINER_RESERVED, /* decided, not yet in the engine */
        CONTAINER_CREATED,  /* never started */
        CONTAINER_RUNNING,
        CONTAINER_PAUSED,
        CONTAINER_STOPPED,
        CONTAINER_REMOVING,
};
/* "creating", "created", "running", ... */
const char *container_state_word(enum container_state s);
/* It has a process: running or paused. */
bool container_is_up(enum container_state s);

/* A lease is derived, not stored: from the container's state and times. */
enum lease_state {
        LEASE_NONE,   /* the container has no devices */
        LEASE_ACTIVE, /* created (within its time), running, paused */
        LEASE_HELD,   /* stopped; ends at the deadline */
        LEASE_ENDED,  /* the devices are free; the container remains */
};

/* One container, as far as decisions need to know it. Kept dense: a decision walks all of them. */
struct claim {
        uid_t uid;
        enum container_state state;
        int16_t ndevices;
        int16_t nlost;        /* of them, no longer in the inventory: they still count as units */
        /* The owner gave the devices back early. Counts while created, stopped or removing: who
         * begins to remove a container whose lease has ended sets it, otherwise a container that
         * is being removed holds its devices until it is gone. */
        bool released;
        int64_t since_us;     /* created: when; stopped: when; running: started */
        int64_t hold_us;      /* stopped: length of the hold, or LIMIT_UNLIMITED */
        int64_t unstarted_us; /* created: time to the first start */
        int64_t units;        /* sum over its devices */
        int16_t *devices;     /* indices into the inventory; -1 for a lost one */
        const char *name;
        const char *user;     /* login name of uid */
};

struct lease {
        enum lease_state state;
        int64_t deadline_us; /* when it ends by itself; LIMIT_UNLIMITED = it does not */
};
struct lease claim_lease(const struct claim *c, int64_t now_us);
/* True when the claim's devices are not free for others. */
bool claim_holds(const struct claim *c, int64_t now_us);

struct snapshot {
        const struct gpu_inventory *inventory;
        const struct claim *claims;
        size_t nclaims;
        const struct limits *limits; /* the caller's; for policy_start() the owner's */
        uid_t uid;                   /* the caller */
        /* Devices that are kept for people who wait (core/queue.h) or have reserved them
         * (core/reserve.h), a byte each; NULL = none. */
        const uint8_t *withheld;
        int64_t now_us;
};

struct grant {
        size_t n;
        int16_t devices[GPU_PER_CONTAINER_MAX]; /* indices into the inventory, ascending */
        int64_t units;
};

struct create_wish {
        const char *name; /* already checked and lower-cased */
        int64_t gpus;     /* -1: not said, 1; 0: CPU only */
        bool prefer_full; /* whole GPUs only, where the limits allow them */
};

/* May the caller create this container, and with which devices? 0 with @ret, or nonzero with @r.
 * In order: name taken, containers, GPUs per container, GPU equivalents, free devices. Of the kinds
 * that the limits allow, whole GPUs are taken first; MIG instances when too few whole ones are free
 * or the quota leaves only a fraction. */
int policy_create(const struct snapshot *s, const struct create_wish *w, struct grant *ret,
                  struct refusal *r);

/* May claim @which be started, and with which devices? Those it holds; if its lease has ended (then
 * limits are judged again), the same ones if free and usable. What can't be used is replaced by
 * free devices of the same number and units, and *ret_moved is set. Nonzero with @r: GPU_NONE_FREE,
 * GPU_FULL_NOT_ALLOWED, GPU_QUOTA, GPU_PER_CONTAINER, or GPU_GONE when a device failed, was lost or
 * is used from outside and no other is free. Also the gate: a device which another claim holds is
 * never granted, whatever this claim says. A claim without devices gets none. */
int policy_start(const struct snapshot *s, size_t which, struct grant *ret, bool *ret_moved,
                 struct refusal *r);

/* Chooses @n devices of those marked free (free[i] != 0, one byte a device). Exclusive; for several
 * the best-connected set (NVLink, then PCIe, then NUMA), for one the device whose taking leaves the
 * best sets for others; ties by index. Whole GPUs first, then MIG instances; @prefer_full: whole
 * GPUs only; without @allow_full MIG instances only. The rule stands in allocator.c. Returns 0 and
 * fills @ret, or -ENOSPC. */
int allocator_choose(const struct gpu_inventory *inv, const uint8_t *free, size_t n,
                     bool prefer_full, bool allow_full, struct grant *ret);

/* Use of one person: containers and GPU units (held leases count, ended ones do not). */
struct usage {
        int64_t containers;
        int64_t gpu_units;
};
void policy_usage(const struct snapshot *s, struct usage *ret);

/* Who has a device: the claim's index or -1; a running one before others. */
int policy_holder(const struct snapshot *s, int16_t device);

/* What a device is doing: "free", "allocated", "held" (of a stopped container, or its lease has a
 * deadline), "reserved" (free, and @reserved), "foreign" or "failed". */
enum { DEVICE_WORDS = 6 };
extern const char *const device_words[DEVICE_WORDS + 1]; /* all of them, NULL at the end */
const char *policy_device_word(const struct snapshot *s, int16_t device, bool reserved);
