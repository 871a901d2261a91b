/* Listing and showing containers: from the ledger alone, without asking the engine. */
#include "daemon/operation.h"

#include <string.h>

static int by_person_and_name(const void *a, const void *b) {
        const struct container_view *x = a, *y = b;

        int whose = strcmp(x->record->user, y->record->user);

        return whose ? whose : strcmp(x->record->name, y->record->name);
}

void handle_container_list(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        VEC(struct container_view) views = { 0 };
        bool all;

        if (!call_ready(c) || call_flag(c, "all", &all) < 0)
                return;
        ledger_lock(l);
        for (size_t i = 0; i < l->records.len; i++) {
                const struct record *r = l->records.items[i];
                struct container_view view;

                if ((r->uid != c->who->uid && !c->everybody) ||
                    (!all && !container_is_up(r->state)))
                        continue;
                ledger_view(l, (int)i, &view);
                view.of_all = c->everybody;
                if (VEC_PUSH(&views, view) < 0)
                        c->answer.failed = true;
        }
        if (views.len > 1)
                qsort(views.items, views.len, sizeof(views.items[0]), by_person_and_name);
        json_write_array(&w);
        for (size_t i = 0; i < views.len; i++)
                write_container(&w, &views.items[i]);
        json_write_array_end(&w);
        ledger_unlock(l);
        VEC_RELEASE(&views);
}

void handle_container_get(struct call *c) {
        struct ledger *l = &c->daemon->ledger;
        struct json_writer w = JSON_WRITER(&c->answer);
        char name[NAME_MAX_LEN + 1];
        struct container_view view;
        int i;

        if (!call_ready(c) || call_name(c, name) < 0)
                return;
        ledger_lock(l);
        i = ledger_find(l, c->who->uid, name);
        if (i >= 0) {
                ledger_view(l, i, &view);
                write_container(&w, &view);
        }
        ledger_unlock(l);
        if (i < 0) {
                refuse(&c->refusal, REFUSAL_NO_SUCH_CONTAINER, name);
                call_refuse(c, &c->refusal);
        }
}
