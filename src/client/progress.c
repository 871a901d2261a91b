/* See progress.h. */
#include "client/progress.h"

#include "base/clock.h"

enum { PLAIN_S = 10 };

void progress_init(struct progress *p, struct cli *c, const char *doing) {
        *p = (struct progress){ .cli = c, .doing = c->err_tty ? doing : NULL };
        p->start_us = clock_mono_us();
        p->next_us = p->start_us + (c->redraws ? 1 : PLAIN_S) * US_PER_S;
}

int64_t progress_deadline(const struct progress *p) {
        return p->doing ? p->next_us : 0;
}

void progress_tick(struct progress *p) {
        static const char turns[] = "|/-\\";
        int64_t now = clock_mono_us();
        long long seconds = (now - p->start_us) / US_PER_S;
        char line[256];

        if (!p->cli->redraws) {
                fprintf(p->cli->err, "%s (%llds)\n", p->doing, seconds);
                p->next_us = now + PLAIN_S * US_PER_S;
                return;
        }
        snprintf(line, sizeof(line), "%c %s (%llds)", turns[p->turn++ % 4], p->doing, seconds);
        cli_redraw(p->cli, line);
        p->shown = true;
        p->next_us = now + US_PER_S / 5;
}

void progress_clear(struct progress *p) {
        if (p->shown)
                cli_redraw(p->cli, "");
        p->shown = false;
}
