/* See guide.h. */
#include "client/guide.h"

#include "base/buf.h"
#include "base/str.h"
#include "client/texts.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { GUIDE_MAX = 16 << 10 };

/* The section's lines, indented. */
static void print_section(struct cli *c, const char *command, const char *section,
                          const char *name) {
        _cleanup_buf_ struct buf text = BUF_INIT(GUIDE_MAX);

        if (text_section(c, command, section, &text) != EXIT_DONE)
                return;
        text_fill(&text, name);
        for (const char *line = buf_str(&text); *line;) {
                size_t n = strcspn(line, "\n");
                char safe[512], copy[512];

                snprintf(copy, sizeof(copy), "%.*s", (int)n, line);
                str_printable(safe, sizeof(safe), copy);
                fprintf(c->err, "  %s\n", safe);
                line += n + (line[n] == '\n');
        }
}

static void wait_for_enter(struct cli *c) {
        struct pollfd p = { .fd = c->in_fd, .events = POLLIN };
        char byte = '\0';

        if (!c->in_tty || !c->err_tty)
                return;
        fputs("\n  Enter goes on, Ctrl-C ends it here: ", c->err);
        fflush(c->err);
        /* poll() returns when Ctrl-C was caught, for who wants to undo what was done before */
        while (byte != '\n' && poll(&p, 1, -1) > 0 && read(c->in_fd, &byte, 1) == 1)
                ;
}

void guide_before(struct cli *c, const char *command, const char *name) {
        if (!c->guided)
                return;
        fflush(c->out);
        fprintf(c->err, "\n--- %s: what will happen\n", command);
        print_section(c, command, "before", name);
        fputs("\n  With docker alone:\n", c->err);
        print_section(c, command, "docker", name);
        wait_for_enter(c);
        fputc('\n', c->err);
        fflush(c->err);
}

void guide_after(struct cli *c, const char *command, const char *name) {
        if (!c->guided)
                return;
        fflush(c->out);
        fprintf(c->err, "\n--- %s: what has happened\n", command);
        print_section(c, command, "after", name);
        fflush(c->err);
}
