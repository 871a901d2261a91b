/* The list of capabilities. data/ds01d.service.in has the same, for systemd; a test compares. */
#include "daemon/privileges.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Each was found by leaving it out, whereupon tests failed. */
static const struct {
        int capability;
        const char *name, *why;
} kept[] = {
        { CAP_CHOWN, "CAP_CHOWN", "home directories of containers are given to their people" },
        { CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "and looked after, whatever modes they have" },
        { CAP_FOWNER, "CAP_FOWNER", "the same, for what belongs to people" },
        { CAP_KILL, "CAP_KILL", "helpers that run as a person, and what a build leaves running" },
        { CAP_SETGID, "CAP_SETGID", "helpers take on the person's groups; maps of ids" },
        { CAP_SETUID, "CAP_SETUID", "helpers take on the person's uid; maps of ids" },
        { CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "pins are mounts" },
        { CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "namespaces and mounts of people's processes" },
};

static uint64_t wanted(void) {
        uint64_t set = 0;

        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                set |= UINT64_C(1) << kept[i].capability;
        return set;
}

/* Of programs that ds01d starts, too: the GPU helper and notify.command. */
static void reduce_bounds(uint64_t set) {
        for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
                if (!(set & UINT64_C(1) << i))
                        prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

int privileges_reduce(void) {
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
        uint64_t set = wanted();

        if (syscall(SYS_capget, &head, data) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
                int c = kept[i].capability;

                if (!(data[c / 32].permitted & 1u << c % 32))
                        log_line(LOG_WARN, "privileges", "missing", kept[i].name, "for",
                                 kept[i].why, NULL);
        }
        reduce_bounds(set);
        for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
                data[i].permitted &= (uint32_t)(set >> 32 * i);
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, data) < 0)
                return -errno;
        return 0;
}
