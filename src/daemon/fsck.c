/* Looking, twice, and the report. */
#include "daemon/fsck.h"

#include "base/clock.h"
#include "base/str.h"
#include "daemon/call.h"
#include "daemon/proc.h"
#include "daemon/seal.h"
#include "json/json_write.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is under way while it is looked at seems wrong for a moment: a finding counts when it is
 * there again after this. */
enum { AGAIN_MS = 1200 };

static const struct {
        const char *name, *meaning;
} rules[] = {
        [FSCK_ENGINE] = { "engine", "the container engine answers" },
        [FSCK_DEVICE] = { "device", "a GPU has one owner" },
        [FSCK_LEASE] = { "lease", "each lease has its container" },
        [FSCK_SETUP] = { "setup", "each container is known, and as it was decided" },
        [FSCK_LIMITS] = { "limits", "nobody has more than their limits" },
        [FSCK_PINS] = { "pins", "mounts belong to containers, and running ones have theirs" },
        [FSCK_FILES] = { "files", "files belong to containers and can be read" },
        [FSCK_PROCESS] = { "process", "ds01d itself does not grow" },
};

void fsck_find(struct fsck *f, enum fsck_rule rule, const char *about, const char *mend,
               const char *fmt, ...) {
        struct fsck_finding *n = calloc(1, sizeof(*n));
        va_list args;

        if (!n)
                return;
        n->rule = rule;
        str_copy(n->about, sizeof(n->about), about);
        str_copy(n->mend, sizeof(n->mend), mend);
        va_start(args, fmt);
        vsnprintf(n->says, sizeof(n->says), fmt, args);
        va_end(args);
        if (VEC_PUSH(&f->findings, n) < 0)
                free(n);
}

void fsck_forget(struct fsck *f) {
        for (size_t i = 0; i < f->seen.len; i++) {
                struct fsck_container *s = f->seen.items[i];

                record_free(s->sealed);
                engine_setup_release(&s->setup);
                engine_container_release(&s->c);
                free(s);
        }
        VEC_RELEASE(&f->seen);
        for (size_t i = 0; i < f->findings.len; i++)
                free(f->findings.items[i]);
        VEC_RELEASE(&f->findings);
}

/* One container; what is gone by now is passed over. */
static int see(struct fsck *f, const char *id, struct engine_error *error) {
        struct daemon *d = f->daemon;
        struct fsck_container *s = calloc(1, sizeof(*s));

        if (!s)
                return -1;
        if (engine_container_inspect(d->engine, id, &s->c, error) < 0 ||
            engine_container_setup(d->engine, id, &s->setup, error) < 0) {
                engine_container_release(&s->c);
                free(s);
                return error->status == 404 ? 0 : -1;
        }
        s->up = s->c.state == ENGINE_RUNNING || s->c.state == ENGINE_PAUSED;
        if (seal_open(d->seal_key, sizeof(d->seal_key), &s->c, &s->sealed) < 0)
                s->sealed = NULL;
        if (VEC_PUSH(&f->seen, s) == 0)
                return 0;
        record_free(s->sealed);
        engine_setup_release(&s->setup);
        engine_container_release(&s->c);
        free(s);
        return -1;
}

/* Without a ledger the labels alone say who has what. */
static void fill_ledger(struct fsck *f) {
        struct ledger *l = &f->daemon->ledger;

        for (size_t i = 0; i < f->seen.len; i++) {
                struct fsck_container *s = f->seen.items[i];
                struct record *r = NULL;

                if (!s->sealed || seal_open(f->daemon->seal_key, sizeof(f->daemon->seal_key), &s->c,
                                            &r) < 0)
                        continue;
                if (ledger_find_id(l, r->id) >= 0 || ledger_add(l, r) < 0)
                        record_free(r);
        }
}

static void look(struct fsck *f) {
        struct engine_error error = { 0 };
        struct engine_container *list = NULL;
        size_t n = 0;
        bool seen = engine_container_list(f->daemon->engine, NULL, &list, &n, &error) == 0;

        for (size_t i = 0; seen && i < n; i++)
                seen = see(f, list[i].id, &error) == 0;
        engine_containers_free(list, n);
        if (!seen) {
                fsck_find(f, FSCK_ENGINE, "engine", "systemctl status docker",
                          "the container engine doesn't answer: %s",
                          error.message[0] ? error.message : "no memory");
                return; /* what it has can't be compared with anything */
        }
        if (f->offline)
                fill_ledger(f);
        fsck_rules(f);
        fsck_files(f);
}

static bool found_in(const struct fsck *f, const struct fsck_finding *n) {
        for (size_t i = 0; i < f->findings.len; i++) {
                const struct fsck_finding *o = f->findings.items[i];

                if (o->rule == n->rule && strcmp(o->about, n->about) == 0 &&
                    strcmp(o->says, n->says) == 0)
                        return true;
        }
        return false;
}

static void write_finding(struct json_writer *w, const struct fsck_finding *n) {
        json_write_object(w);
        json_put_str(w, "rule", rules[n->rule].name);
        json_put_str(w, "meaning", rules[n->rule].meaning);
        json_put_str(w, "about", n->about);
        json_put_str(w, "finding", n->says);
        json_put_str(w, "mend", n->mend);
        json_write_object_end(w);
}

static void write_process(struct json_writer *w, bool offline) {
        struct proc_size size;

        json_write_key(w, "process");
        if (offline || proc_size(&size) < 0) {
                json_write_null(w);
                return;
        }
        json_write_object(w);
        json_put_int(w, "descriptors", size.descriptors);
        json_put_int(w, "threads", size.threads);
        json_put_int(w, "memory_bytes", size.memory_bytes);
        json_write_object_end(w);
}

size_t fsck_report(struct daemon *d, bool offline, struct buf *out) {
        struct fsck first = { .daemon = d, .offline = offline }, second = first, *last = &first;
        struct json_writer w = JSON_WRITER(out);
        size_t count = 0, ours = 0;

        look(&first);
        if (first.findings.len > 0) {
                poll(NULL, 0, AGAIN_MS);
                look(&second);
                last = &second;
        }
        for (size_t i = 0; i < last->seen.len; i++)
                ours += last->seen.items[i]->sealed != NULL;
        json_write_object(&w);
        json_put_bool(&w, "ds01d", !offline);
        json_put_int(&w, "containers", (int64_t)ours);
        json_write_key(&w, "findings");
        json_write_array(&w);
        for (size_t i = 0; i < second.findings.len; i++)
                if (found_in(&first, second.findings.items[i])) {
                        write_finding(&w, second.findings.items[i]);
                        count++;
                }
        json_write_array_end(&w);
        write_process(&w, offline);
        json_write_object_end(&w);
        fsck_forget(&first);
        fsck_forget(&second);
        return count;
}

void handle_fsck(struct call *c) {
        if (call_is_admin(c, "only root can check the whole machine", "sudo ds01 fsck"))
                fsck_report(c->daemon, false, &c->answer);
        else
                call_refuse(c, &c->refusal);
}
