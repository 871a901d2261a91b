/* See progress.h. */
#include "client/progress.h"

#include "base/clock.h"

void progress_init(struct progress *p, struct cli *c, const char *doing) {
        *p = (struct progress){ .cli = c, .doing = c->err_tty ? doing : NULL };
        p->start_us = clock_mono_us();
        p->next_us = p->start_us + US_PER_S;
}

int64_t progress_deadline(const struct progress *p) {
        return p->doing ? p->next_us : 0;
}

void progress_tick(struct progress *p) {
        static const char turns[] = "|/-\\";
        int64_t now = clock_mono_us();

        fprintf(p->cli->err, "\r%c %s (%llds)\033[K", turns[p->turn++ % 4], p->doing,
                (long long)((now - p->start_us) / US_PER_S));
        fflush(p->cli->err);
        p->shown = true;
        p->next_us = now + US_PER_S / 5;
}

void progress_clear(struct progress *p) {
        if (!p->shown)
                return;
        fputs("\r\033[K", p->cli->err);
        fflush(p->cli->err);
        p->shown = false;
}
