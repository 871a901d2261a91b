/* See slice.h. What is used of libsystemd is declared here, so that building needs no header of it;
 * the interface is stable (sd-bus(3), since version 221). */
#include "daemon/slice.h"

#include "base/cleanup.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char destination[] = "org.freedesktop.systemd1", path[] = "/org/freedesktop/systemd1",
                  manager[] = "org.freedesktop.systemd1.Manager",
                  exists[] = "org.freedesktop.systemd1.UnitExists";
enum { CALL_TIMEOUT_US = 5000000 };

struct sd_bus;
struct sd_bus_message;
struct sd_bus_error {
        const char *name, *message;
        int need_free;
};

static struct {
        int (*open_system)(struct sd_bus **ret);
        struct sd_bus *(*flush_close_unref)(struct sd_bus *bus);
        int (*set_method_call_timeout)(struct sd_bus *bus, uint64_t us);
        int (*call_method)(struct sd_bus *bus, const char *destination, const char *path,
                           const char *interface, const char *member, struct sd_bus_error *error,
                           struct sd_bus_message **reply, const char *types, ...);
        void (*error_free)(struct sd_bus_error *error);
        char why[256]; /* they could not be had */
} lib;

static void load(void) {
        static const struct {
                const char *name;
                void **at;
        } symbols[] = {
                { "sd_bus_open_system", (void **)&lib.open_system },
                { "sd_bus_flush_close_unref", (void **)&lib.flush_close_unref },
                { "sd_bus_set_method_call_timeout", (void **)&lib.set_method_call_timeout },
                { "sd_bus_call_method", (void **)&lib.call_method },
                { "sd_bus_error_free", (void **)&lib.error_free },
        };
        void *handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

        for (size_t i = 0; handle && i < ARRAY_SIZE(symbols); i++)
                if (!(*symbols[i].at = dlsym(handle, symbols[i].name)))
                        handle = NULL;
        if (!handle)
                snprintf(lib.why, sizeof(lib.why), "%s", dlerror());
}

/* No limit is the largest number. */
static uint64_t property(int64_t limit, uint64_t scale) {
        return limit == LIMIT_UNLIMITED ? UINT64_MAX : (uint64_t)limit * scale;
}

static int fail(struct err *err, const char *what, const char *name,
                const struct sd_bus_error *error, int r) {
        return err_set(err, -r, "systemd doesn't set the %s of %s: %s", what, name,
                       error->message ? error->message : strerror(-r));
}

static int open_bus(struct sd_bus **ret, struct err *err) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        int r;

        pthread_once(&once, load);
        if (lib.why[0])
                return err_set(err, ENOSYS, "libsystemd can't be used: %s", lib.why);
        r = lib.open_system(ret);
        if (r < 0)
                return err_set(err, -r, "can't reach systemd over D-Bus: %s", strerror(-r));
        lib.set_method_call_timeout(*ret, CALL_TIMEOUT_US);
        return 0;
}

#define LIMIT_VALUES(l)                                                                            \
        "MemoryMax", "t", property((l)->aggregate_memory_bytes, 1), "CPUQuotaPerSecUSec", "t",     \
                property((l)->aggregate_cpus_milli, 1000), "TasksMax", "t",                        \
                property((l)->aggregate_tasks, 1)

int slice_prepare(const char *name, const struct limits *limits, struct err *err) {
        struct sd_bus_error error = { 0 };
        struct sd_bus *bus = NULL;
        int r = open_bus(&bus, err);

        if (r < 0)
                return r;
        r = lib.call_method(bus, destination, path, manager, "StartTransientUnit", &error, NULL,
                            "ssa(sv)a(sa(sv))", name, "fail", 4, "Description", "s",
                            "One person's ds01 containers", LIMIT_VALUES(limits), 0);
        if (r < 0 && error.name && strcmp(error.name, exists) == 0) {
                lib.error_free(&error);
                error = (struct sd_bus_error){ 0 };
                r = lib.call_method(bus, destination, path, manager, "SetUnitProperties", &error,
                                    NULL, "sba(sv)", name, 1, 3, LIMIT_VALUES(limits));
        }
        if (r < 0)
                r = fail(err, "limits", name, &error, r);
        lib.error_free(&error);
        lib.flush_close_unref(bus);
        return r < 0 ? r : 0;
}

int slice_allow_device(const char *unit, const char *device, struct err *err) {
        struct sd_bus_error error = { 0 };
        struct sd_bus *bus = NULL;
        int r = open_bus(&bus, err);

        if (r < 0)
                return r;
        /* It is added to those that are there. */
        r = lib.call_method(bus, destination, path, manager, "SetUnitProperties", &error, NULL,
                            "sba(sv)", unit, 1, 1, "DeviceAllow", "a(ss)", 1, device, "rw");
        if (r < 0)
                r = fail(err, "devices", unit, &error, r);
        lib.error_free(&error);
        lib.flush_close_unref(bus);
        return r < 0 ? r : 0;
}
