/*
 * Who a uid is: login name, home, groups. Looked up with NSS (which may be LDAP and slow), so
 * answers are kept for a minute; when a lookup fails afterwards the last answer stays in use.
 */
#pragma once

#include "base/vec.h"
#include "core/refusal.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

enum { PERSON_GROUPS_MAX = 256 };

struct person_entry { /* a value: copied out of the cache */
        uid_t uid;
        gid_t gid;
        char name[64];
        char home[512];
        gid_t groups[PERSON_GROUPS_MAX];
        int ngroups;
        char group_names[PERSON_GROUPS_MAX][33]; /* for limits by system group; "" = no name */
        int64_t looked_up_us;
};

struct people {
        pthread_mutex_t lock;
        VEC(struct person_entry *) entries;
};

void people_init(struct people *p);
void people_release(struct people *p);

/* The uid of the account called @name. 0, -ENOENT or -EAGAIN. */
int people_find(const char *name, uid_t *ret);
/* The person with @uid. 0, -ENOENT (no such account) or -EAGAIN (the directory does not answer). */
int people_lookup(struct people *p, uid_t uid, struct person_entry *ret);
