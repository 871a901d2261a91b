/* Rules about containers, devices, leases and limits. */
#include "daemon/fsck.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/aggregate.h"
#include "daemon/verify.h"
#include "gpu/cdi.h"

#include <stdio.h>
#include <string.h>

enum { RESERVED_MAX_S = 90 }; /* the keeper gives a reservation up after a minute */

static const char restart[] = "systemctl restart ds01d   # it reads everything anew";

/* --- devices -------------------------------------------------------------------------------- */

struct use {
        char uuid[96];
        const struct fsck_container *by;
};
typedef VEC(struct use) uses;

static void add_use(uses *all, const char *uuid, size_t n, const struct fsck_container *by) {
        struct use u = { .by = by };

        snprintf(u.uuid, sizeof(u.uuid), "%.*s", (int)n, uuid);
        for (size_t i = 0; i < all->len; i++)
                if (all->items[i].by == by && strcmp(all->items[i].uuid, u.uuid) == 0)
                        return;
        (void)VEC_PUSH(all, u);
}

static bool is_device(const char *name) {
        return str_starts(name, "GPU-") || str_starts(name, "MIG-");
}

static void uses_of(const struct fsck_container *s, uses *all) {
        for (const char *p = s->setup.visible; *p; p += strcspn(p, ","), p += *p == ',')
                if (is_device(p))
                        add_use(all, p, strcspn(p, ","), s);
        for (char *const *p = s->setup.asked; p && *p; p++)
                if (is_device(*p))
                        add_use(all, *p, strlen(*p), s);
}

/* Whatever labels say: what runs now, with which devices. */
static void check_running(struct fsck *f) {
        uses all = { 0 };

        for (size_t i = 0; i < f->seen.len; i++)
                if (f->seen.items[i]->up)
                        uses_of(f->seen.items[i], &all);
        for (size_t i = 0; i < all.len; i++)
                for (size_t k = i + 1; k < all.len; k++) {
                        char mend[256];

                        if (strcmp(all.items[i].uuid, all.items[k].uuid) != 0)
                                continue;
                        snprintf(mend, sizeof(mend), "docker stop %s   # or the other one",
                                 all.items[k].by->c.name);
                        fsck_find(f, FSCK_DEVICE, all.items[i].uuid, mend,
                                  "two running containers use it: %s and %s",
                                  all.items[i].by->c.name, all.items[k].by->c.name);
                }
        VEC_RELEASE(&all);
        for (size_t i = 0; i < f->seen.len; i++) {
                const struct fsck_container *s = f->seen.items[i];
                char mend[256];

                if (!s->up || s->sealed || !s->setup.asked || strcmp(*s->setup.asked, "all") != 0)
                        continue;
                snprintf(mend, sizeof(mend), "docker stop %s   # unless you know why", s->c.name);
                fsck_find(f, FSCK_DEVICE, s->c.name, mend,
                          "it is not ds01's and runs with GPUs that ds01 may give to others");
        }
}

/* --- the ledger ----------------------------------------------------------------------------- */

static const struct fsck_container *seen_by_id(const struct fsck *f, const char *id) {
        for (size_t i = 0; i < f->seen.len; i++)
                if (strcmp(f->seen.items[i]->c.id, id) == 0)
                        return f->seen.items[i];
        return NULL;
}

/* True when the environment names exactly these devices. */
static bool shows(const char *visible, char *const *uuids) {
        char text[GPU_PER_CONTAINER_MAX * 100] = "";
        size_t n = 0;

        for (; uuids && uuids[n]; n++) {
                size_t end = strlen(text);

                snprintf(text + end, sizeof(text) - end, "%s%s", n ? "," : "", uuids[n]);
        }
        return strcmp(visible, n ? text : "void") == 0;
}

static void check_record(struct fsck *f, const struct record *r, const struct claim *claim) {
        int64_t now = ledger_now(&f->daemon->ledger);
        const struct fsck_container *s;
        char mend[256];

        if (r->busy)
                return; /* an operation is at work on it */
        if (r->id[0] == '\0') {
                if (now - r->since_us > RESERVED_MAX_S * US_PER_S)
                        fsck_find(f, FSCK_LEASE, r->engine_name, restart,
                                  "a reservation of user %s is %lld s old and has no container",
                                  r->user, (long long)((now - r->since_us) / US_PER_S));
                return;
        }
        s = seen_by_id(f, r->id);
        if (!s || !s->sealed) {
                fsck_find(f, FSCK_LEASE, r->engine_name, restart,
                          "ds01d has it in its ledger%s, the engine has it not",
                          claim_holds(claim, now) && claim->ndevices > 0 ? " with a lease" : "");
                return;
        }
        if (s->sealed->state != r->state)
                fsck_find(f, FSCK_SETUP, r->engine_name, restart,
                          "it is %s in the engine and %s in the ledger",
                          container_state_word(s->sealed->state), container_state_word(r->state));
        if (s->sealed->uid != r->uid)
                fsck_find(f, FSCK_SETUP, r->engine_name, restart,
                          "it belongs to uid %u by its labels and to uid %u in the ledger",
                          s->sealed->uid, r->uid);
        /* CDI specifications say "void", for NVIDIA's hook, and podman shows what they say. */
        if (!shows(s->setup.visible, r->uuids) &&
            (f->daemon->config.gpu_attach != ATTACH_CDI || !shows(s->setup.visible, NULL))) {
                snprintf(mend, sizeof(mend), "docker rm -f %s   # its owner can make it again",
                         s->c.name);
                fsck_find(f, FSCK_SETUP, r->engine_name, mend,
                          "its environment shows it '%s', which is not what it was given",
                          s->setup.visible);
        }
}

static void check_ledger(struct fsck *f) {
        struct ledger *l = &f->daemon->ledger;
        int holder[GPU_DEVICES_MAX];

        memset(holder, -1, sizeof(holder));
        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++) {
                const struct claim *c = &l->claims.items[i];

                check_record(f, l->records.items[i], c);
                for (int k = 0; claim_holds(c, ledger_now(l)) && k < c->ndevices; k++) {
                        int at = c->devices[k];

                        if (at < 0 || at >= GPU_DEVICES_MAX)
                                continue;
                        if (holder[at] >= 0)
                                fsck_find(f, FSCK_DEVICE, l->inventory.devices[at].name, restart,
                                          "two leases have it: that of %s and that of %s",
                                          l->records.items[holder[at]]->engine_name,
                                          l->records.items[i]->engine_name);
                        holder[at] = (int)i;
                }
        }
        for (size_t i = 0; i < f->seen.len; i++) {
                const struct fsck_container *s = f->seen.items[i];

                if (s->sealed && ledger_find_id(l, s->c.id) < 0)
                        fsck_find(f, FSCK_SETUP, s->c.name, restart,
                                  "the engine has it, ds01d does not know of it");
        }
        ledger_unlock(l);
}

/* --- each container ------------------------------------------------------------------------- */

static bool same_list(char *const *list, const char *visible) {
        bool any = list && *list;

        for (; list && *list; list++) {
                const char *at = strstr(visible, *list);

                if (!at || (at > visible && at[-1] != ',') ||
                    (at[strlen(*list)] != ',' && at[strlen(*list)] != '\0'))
                        return false;
        }
        return any;
}

static void check_container(struct fsck *f, const struct fsck_container *s) {
        const struct daemon *d = f->daemon;
        const struct record *r = s->sealed;
        char user[32], cdi[80], parent[64], mend[256], why[VERIFY_WHY_SIZE];
        struct engine_info info;

        snprintf(mend, sizeof(mend), "docker rm -f %s   # its owner can make it again", s->c.name);
        snprintf(user, sizeof(user), "%u:%u", r->uid, r->gid);
        if (strcmp(s->setup.user, user) != 0)
                fsck_find(f, FSCK_SETUP, s->c.name, mend, "it runs as '%s', not as %s",
                          s->setup.user, user);
        if (s->setup.asked && !same_list(s->setup.asked, s->setup.visible))
                fsck_find(f, FSCK_SETUP, s->c.name, mend,
                          "it asks the engine for '%s' and is shown '%s'", *s->setup.asked,
                          s->setup.visible);
        snprintf(cdi, sizeof(cdi), "%s=%s", CDI_KIND, r->nonce);
        if (s->setup.cdi && (strcmp(*s->setup.cdi, cdi) != 0 || s->setup.cdi[1]))
                fsck_find(f, FSCK_SETUP, s->c.name, mend,
                          "it asks for the CDI device '%s', which is not its own", *s->setup.cdi);
        daemon_engine_info(f->daemon, &info);
        if (strcmp(info.name, "docker") == 0 && !d->private_mode) {
                aggregate_parent(info.cgroup_driver, d->config.cgroup_parent, r->uid, parent,
                                 sizeof(parent));
                if (strcmp(s->setup.cgroup_parent, parent) != 0)
                        fsck_find(f, FSCK_SETUP, s->c.name, mend,
                                  "its control group is below '%s', not '%s'",
                                  s->setup.cgroup_parent, parent);
        }
        if (s->up && !d->private_mode && verify_look(f->daemon, r, why))
                fsck_find(f, FSCK_SETUP, s->c.name, mend, "%s", why);
}

/* --- limits --------------------------------------------------------------------------------- */

static void check_person(struct fsck *f, const struct person_entry *who) {
        struct ledger *l = &f->daemon->ledger;
        struct limits limits;
        struct snapshot snapshot;
        struct usage use;
        char mend[160];

        daemon_limits(f->daemon, who, &limits);
        ledger_lock(l);
        ledger_snapshot(l, &limits, who->uid, &snapshot);
        policy_usage(&snapshot, &use);
        ledger_unlock(l);
        snprintf(mend, sizeof(mend), "limits that were lowered, perhaps: ask %s to give one back",
                 who->name);
        if (limits.gpu_units != LIMIT_UNLIMITED && use.gpu_units > limits.gpu_units)
                fsck_find(f, FSCK_LIMITS, who->name, mend, "holds %.2f of %.2f GPUs",
                          (double)use.gpu_units / GPU_UNITS_PER_GPU,
                          (double)limits.gpu_units / GPU_UNITS_PER_GPU);
        if (limits.containers != LIMIT_UNLIMITED && use.containers > limits.containers)
                fsck_find(f, FSCK_LIMITS, who->name, mend, "has %lld of %lld containers",
                          (long long)use.containers, (long long)limits.containers);
}

static void check_people(struct fsck *f) {
        struct person_entry *who = malloc(sizeof(*who));

        for (size_t i = 0; who && i < f->seen.len; i++) {
                const struct record *r = f->seen.items[i]->sealed;
                bool done = !r;

                for (size_t k = 0; k < i && !done; k++)
                        done = f->seen.items[k]->sealed && f->seen.items[k]->sealed->uid == r->uid;
                if (done)
                        continue;
                if (people_lookup(&f->daemon->people, r->uid, who) == 0)
                        check_person(f, who);
                else
                        fsck_find(f, FSCK_LIMITS, f->seen.items[i]->c.name,
                                  "docker rm -f NAME   # when its owner has left",
                                  "uid %u, its owner, has no account here", r->uid);
        }
        free(who);
}

void fsck_rules(struct fsck *f) {
        check_running(f);
        check_ledger(f);
        for (size_t i = 0; i < f->seen.len; i++) {
                const struct fsck_container *s = f->seen.items[i];

                if (s->sealed)
                        check_container(f, s);
                else if (engine_container_label(&s->c, "ds01.probe"))
                        fsck_find(f, FSCK_FILES, s->c.name,
                                  "systemctl restart ds01d   # it removes it",
                                  "it was made to read an image's files and is left");
        }
        check_people(f);
}
