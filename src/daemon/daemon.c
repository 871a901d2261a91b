/* Small things that every part asks of the daemon. */
#include "daemon/daemon.h"

#include <stdio.h>
#include <sys/eventfd.h>

void daemon_limits(struct daemon *d, const struct person_entry *who, struct limits *ret) {
        const char *groups[PERSON_GROUPS_MAX + 1];
        struct person person = {
                .uid = who->uid, .gid = who->gid, .name = who->name, .unix_groups = groups
        };
        size_t n = 0;

        for (int i = 0; i < who->ngroups; i++)
                if (who->group_names[i][0])
                        groups[n++] = who->group_names[i];
        groups[n] = NULL;
        pthread_rwlock_rdlock(&d->limits_lock);
        limits_resolve(&d->limits, &person, ret);
        pthread_rwlock_unlock(&d->limits_lock);
}

void daemon_engine_info(struct daemon *d, struct engine_info *ret) {
        pthread_mutex_lock(&d->engine_info_lock);
        *ret = d->engine_info;
        pthread_mutex_unlock(&d->engine_info_lock);
}

void daemon_wake_keeper(struct daemon *d) {
        eventfd_write(d->wake_fd, 1);
}

void daemon_cdi_site_spec(const struct daemon *d, char *dst, size_t size) {
        if (d->config.gpu_simulator_file[0])
                snprintf(dst, size, "%s/cdi-simulated.json", d->config.run_dir);
        else
                snprintf(dst, size, "%s", d->config.gpu_cdi_spec);
}
