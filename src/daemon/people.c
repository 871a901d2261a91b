/* The cache of people. */
#include "daemon/people.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

enum { KEEP_S = 60, NSS_BUFFER = 65536 };

void people_init(struct people *p) {
        memset(p, 0, sizeof(*p));
        pthread_mutex_init(&p->lock, NULL);
}

void people_release(struct people *p) {
        for (size_t i = 0; i < p->entries.len; i++)
                free(p->entries.items[i]);
        VEC_RELEASE(&p->entries);
        pthread_mutex_destroy(&p->lock);
}

static void read_group_names(struct person_entry *e, char *buffer) {
        for (int i = 0; i < e->ngroups; i++) {
                struct group group, *found = NULL;

                e->group_names[i][0] = '\0';
                if (getgrgid_r(e->groups[i], &group, buffer, NSS_BUFFER, &found) == 0 && found)
                        str_copy(e->group_names[i], sizeof(e->group_names[i]), found->gr_name);
        }
}

static int read_person(uid_t uid, struct person_entry *e) {
        _cleanup_free_ char *buffer = malloc(NSS_BUFFER);
        struct passwd account, *found = NULL;
        int r;

        if (!buffer)
                return -ENOMEM;
        r = getpwuid_r(uid, &account, buffer, NSS_BUFFER, &found);
        if (r != 0)
                return -EAGAIN;
        if (!found)
                return -ENOENT;
        memset(e, 0, sizeof(*e));
        e->uid = uid;
        e->gid = account.pw_gid;
        str_copy(e->name, sizeof(e->name), account.pw_name);
        str_copy(e->home, sizeof(e->home), account.pw_dir);
        e->ngroups = PERSON_GROUPS_MAX;
        if (getgrouplist(account.pw_name, account.pw_gid, e->groups, &e->ngroups) < 0)
                e->ngroups = PERSON_GROUPS_MAX;
        read_group_names(e, buffer);
        e->looked_up_us = clock_mono_us();
        return 0;
}

int people_find(const char *name, uid_t *ret) {
        _cleanup_free_ char *buffer = malloc(NSS_BUFFER);
        struct passwd account, *found = NULL;

        if (!buffer || getpwnam_r(name, &account, buffer, NSS_BUFFER, &found) != 0)
                return -EAGAIN;
        if (!found)
                return -ENOENT;
        *ret = account.pw_uid;
        return 0;
}

static struct person_entry *find(struct people *p, uid_t uid) {
        for (size_t i = 0; i < p->entries.len; i++)
                if (p->entries.items[i]->uid == uid)
                        return p->entries.items[i];
        return NULL;
}

static void keep(struct people *p, const struct person_entry *fresh) {
        struct person_entry *e = find(p, fresh->uid);

        if (!e) {
                e = malloc(sizeof(*e));
                if (!e)
                        return;
                if (VEC_PUSH(&p->entries, e) < 0) {
                        free(e);
                        return;
                }
        }
        *e = *fresh;
}

int people_lookup(struct people *p, uid_t uid, struct person_entry *ret) {
        _cleanup_free_ struct person_entry *fresh = NULL;
        struct person_entry *known;
        bool have = false;
        int r;

        pthread_mutex_lock(&p->lock);
        known = find(p, uid);
        if (known) {
                *ret = *known;
                have = true;
        }
        pthread_mutex_unlock(&p->lock);
        if (have && clock_mono_us() - ret->looked_up_us < KEEP_S * US_PER_S)
                return 0;

        /* Outside the lock: a directory that hangs must not hold up people who are known. */
        fresh = malloc(sizeof(*fresh));
        if (!fresh)
                return -ENOMEM;
        r = read_person(uid, fresh);
        if (r == -EAGAIN && have)
                return 0;
        if (r < 0)
                return r;
        pthread_mutex_lock(&p->lock);
        keep(p, fresh);
        pthread_mutex_unlock(&p->lock);
        *ret = *fresh;
        return 0;
}
