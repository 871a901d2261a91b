/* See manual.h. Two writers of the same page: what differs is in struct form. */
#include "client/manual.h"

#include "base/str.h"
#include "client/texts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 10, PLAIN_INDENT = 4, PLAIN_WIDTH = 76 };

static const struct {
        int code;
        const char *text;
} exit_codes[] = {
        { 0, "done" },
        { 1, "failed" },
        { 2, "the command line is wrong" },
        { 3, "no GPU is free, or a limit is reached" },
        { 4, "there is no such container, image or project" },
        { 5, "not permitted" },
        { 6, "the container engine or ds01d can't be reached" },
};

static const struct {
        const char *name, *text;
} environment[] = {
        { "DS01_SOCKET", "the socket of ds01d; without it /run/ds01/ds01.sock, for root "
                         "/run/ds01/admin.sock" },
        { "DS01_PLAIN", "when set, lists to choose from are numbered lines, as with --plain" },
        { "NO_COLOR", "when set, nothing is coloured" },
};

struct page {
        struct cli *cli;
        FILE *out;
        bool mdoc;
};

/* --- the two forms -------------------------------------------------------------------------- */

/* A line of text, with what mdoc would take for its own made harmless. */
static void put_line(const struct page *p, const char *line, size_t n) {
        bool begins = true;

        for (size_t i = 0; i < n; i++) {
                if (p->mdoc && begins && (line[i] == '.' || line[i] == '\''))
                        fputs("\\&", p->out);
                begins = false;
                if (p->mdoc && line[i] == '\\')
                        fputs("\\e", p->out);
                else
                        fputc(line[i], p->out);
                /* There a sentence begins a line. */
                if (p->mdoc && i + 2 < n && strchr(".!?", line[i]) && line[i + 1] == ' ') {
                        fputc('\n', p->out);
                        begins = true;
                        i++;
                }
        }
        fputc('\n', p->out);
}

/* As a sentence: "kill at once" is "Kill at once." */
static void sentence(const char *text, char *dst, size_t size) {
        char first = text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0];

        snprintf(dst, size, "%c%s.", first, text + 1);
}

static void heading(const struct page *p, const char *title) {
        fprintf(p->out, p->mdoc ? ".Sh %s\n" : "\n%s\n", title);
}

/* Words up to the next empty line, filled. Returns what follows. */
static const char *fill(const struct page *p, const char *text) {
        size_t column = 0;

        while (*text && !str_starts(text, "\n\n")) {
                size_t n = strcspn(text, " \n");

                if (column > 0 && column + 1 + n > PLAIN_WIDTH) {
                        fputc('\n', p->out);
                        column = 0;
                }
                if (n > 0)
                        column += (size_t)fprintf(p->out, "%*s%.*s", column ? 1 : PLAIN_INDENT, "",
                                                  (int)n, text);
                text += n;
                if (*text && !str_starts(text, "\n\n"))
                        text++;
        }
        fputc('\n', p->out);
        return text;
}

/* Paragraphs, as they stand in a text file; man fills their lines itself. */
static void paragraphs(const struct page *p, const char *text) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                if (n == 0 && text[1])
                        fputs(p->mdoc ? ".Pp\n" : "\n", p->out);
                else if (n > 0 && p->mdoc)
                        put_line(p, text, n);
                else if (n > 0) {
                        text = fill(p, text);
                        n = 0;
                }
                text += n + (text[n] == '\n');
        }
}

static void begin_list(const struct page *p) {
        if (p->mdoc)
                fputs(".Bl -tag -width Ds\n", p->out);
}

static void end_list(const struct page *p) {
        if (p->mdoc)
                fputs(".El\n", p->out);
}

static void item(const struct page *p, const char *term, const char *text) {
        if (p->mdoc)
                fprintf(p->out, ".It %s\n", term);
        else
                fprintf(p->out, "%*s%s\n%*s", PLAIN_INDENT, "", term, 2 * PLAIN_INDENT, "");
        put_line(p, text, strlen(text));
}

static void literal(const struct page *p, const char *lines) {
        if (p->mdoc)
                fputs(".Bd -literal -offset indent\n", p->out);
        while (*lines) {
                size_t n = strcspn(lines, "\n");

                fprintf(p->out, "%*s", p->mdoc ? 0 : PLAIN_INDENT, "");
                put_line(p, lines, n);
                lines += n + (lines[n] == '\n');
        }
        if (p->mdoc)
                fputs(".Ed\n", p->out);
}

/* --- the parts of a page -------------------------------------------------------------------- */

/* What the page and its file are called: "ds01-gpus" for "ds01 gpus". */
static void page_name(const struct command *cmd, char *dst, size_t size) {
        snprintf(dst, size, cmd && !strchr(cmd->name, '-') ? "ds01-%s" : "%s",
                 cmd ? cmd->name : "ds01");
}

static void put_name(const struct page *p, const char *name, const char *alias,
                     const char *summary) {
        char title[64];
        size_t i = 0;

        for (; name[i] && i + 1 < sizeof(title); i++)
                title[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
        title[i] = '\0';
        if (p->mdoc) {
                fprintf(p->out, ".Dd November 25, 2026\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s", title,
                        name);
                if (alias)
                        fprintf(p->out, " ,\n.Nm %s", alias);
                fprintf(p->out, "\n.Nd %c%s\n", summary[0] | 0x20, summary + 1);
        } else {
                fprintf(p->out, "NAME\n%*s%s%s%s -\n%*s%c%s\n", PLAIN_INDENT, "", name,
                        alias ? ", " : "", alias ? alias : "", PLAIN_INDENT, "",
                        summary[0] | 0x20, summary + 1);
        }
}

static void put_synopsis(const struct page *p, const struct command *cmd) {
        char typed[64];

        command_typed(cmd, typed, sizeof(typed));
        heading(p, "SYNOPSIS");
        if (p->mdoc) {
                fprintf(p->out, ".Nm %s\n", typed);
                if (*cmd->usage)
                        fprintf(p->out, ".Ar %s\n", cmd->usage);
                fputs(".Op Ar OPTION ...\n", p->out);
                if (cmd->rest)
                        fputs(".Op Fl - Ar COMMAND ...\n", p->out);
        } else {
                fprintf(p->out, "%*s%s%s%s [OPTION...]%s\n", PLAIN_INDENT, "", typed,
                        *cmd->usage ? " " : "", cmd->usage, cmd->rest ? " [-- COMMAND...]" : "");
        }
}

static void put_option(const struct page *p, const struct option_row *row) {
        bool optional = row->kind == OPTION_KIND_OPTIONAL;
        char term[160] = "", help[256];
        size_t n = 0;

        if (p->mdoc) {
                if (row->letter)
                        n = (size_t)snprintf(term, sizeof(term), "Fl %c , ", row->letter);
                n += (size_t)snprintf(term + n, sizeof(term) - n, "Fl -%s", row->name);
                if (row->arg)
                        snprintf(term + n, sizeof(term) - n, optional ? " Ns Op = Ns Ar %s"
                                                                      : " Ns = Ns Ar %s",
                                 row->arg);
        } else {
                if (row->letter)
                        n = (size_t)snprintf(term, sizeof(term), "-%c, ", row->letter);
                n += (size_t)snprintf(term + n, sizeof(term) - n, "--%s", row->name);
                if (row->arg)
                        snprintf(term + n, sizeof(term) - n, optional ? "[=%s]" : "=%s", row->arg);
        }
        sentence(row->help, help, sizeof(help));
        item(p, term, help);
}

static void put_options(const struct page *p, const struct command *cmd) {
        heading(p, "OPTIONS");
        begin_list(p);
        for (size_t i = 0; i < cmd->n_options; i++)
                if (!cmd->options[i].hidden)
                        put_option(p, &cmd->options[i]);
        for (size_t i = 0; i < n_common_rows; i++)
                put_option(p, &common_rows[i]);
        end_list(p);
}

static void put_commands(const struct page *p) {
        heading(p, "COMMANDS");
        begin_list(p);
        for (size_t i = 0; i < n_commands; i++) {
                char name[64], term[80], text[256];

                page_name(commands[i], name, sizeof(name));
                snprintf(term, sizeof(term), p->mdoc ? "Xr %s 1" : "%s", name);
                sentence(commands[i]->summary, text, sizeof(text));
                item(p, term, text);
        }
        end_list(p);
}

static void put_codes(const struct page *p) {
        char term[16], text[128];

        heading(p, "EXIT STATUS");
        begin_list(p);
        for (size_t i = 0; i < ARRAY_SIZE(exit_codes); i++) {
                snprintf(term, sizeof(term), "%d", exit_codes[i].code);
                sentence(exit_codes[i].text, text, sizeof(text));
                item(p, term, text);
        }
        end_list(p);
}

static void put_environment(const struct page *p) {
        char term[64], text[160];

        heading(p, "ENVIRONMENT");
        begin_list(p);
        for (size_t i = 0; i < ARRAY_SIZE(environment); i++) {
                snprintf(term, sizeof(term), p->mdoc ? "Ev %s" : "%s", environment[i].name);
                sentence(environment[i].text, text, sizeof(text));
                item(p, term, text);
        }
        end_list(p);
}

static void put_see_also(const struct page *p, const struct command *cmd) {
        heading(p, "SEE ALSO");
        if (p->mdoc)
                fprintf(p->out, "%s.Xr resource-limits.yaml 5 ,\n.Xr ds01d 8\n",
                        cmd ? ".Xr ds01 1 ,\n" : "");
        else
                fprintf(p->out, "%*s%sresource-limits.yaml(5), ds01d(8)\n", PLAIN_INDENT, "",
                        cmd ? "ds01(1), " : "");
}

static int put_description(const struct page *p, const struct command *cmd) {
        _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);
        int r;

        heading(p, "DESCRIPTION");
        if (cmd) {
                buf_addf(&text, "%s.\n", cmd->summary);
                if (cmd->more)
                        buf_addf(&text, "%s\n", cmd->more);
                buf_addc(&text, '\n');
        }
        r = text_section(p->cli, cmd ? cmd->name : "ds01", "description", &text);
        if (r == EXIT_DONE)
                paragraphs(p, buf_str(&text));
        return r;
}

int manual_print(struct cli *c, const struct command *cmd, enum manual_form form, FILE *out) {
        const struct page p = { .cli = c, .out = out, .mdoc = form == MANUAL_MDOC };
        char name[64];
        int r;

        page_name(cmd, name, sizeof(name));
        put_name(&p, name, cmd ? cmd->alias : NULL,
                 cmd ? cmd->summary : "Containers with GPUs of their own on a shared machine");
        if (cmd)
                put_synopsis(&p, cmd);
        r = put_description(&p, cmd);
        if (r != EXIT_DONE)
                return r;
        if (!cmd) {
                put_commands(&p);
                put_environment(&p);
        } else {
                put_options(&p, cmd);
        }
        put_codes(&p);
        if (cmd) {
                heading(&p, "EXAMPLES");
                literal(&p, cmd->examples);
        }
        put_see_also(&p, cmd);
        return EXIT_DONE;
}

/* man(1) knows the pager and the width. False when it has not shown the page. */
static bool show_with_man(const char *name) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
                execlp("man", "man", "1", name, (char *)NULL);
                _exit(127);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0;
}

/* True when man finds the page; it says nothing about it. */
static bool man_has(const char *name) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
                if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
                        _exit(127);
                execlp("man", "man", "-w", "1", name, (char *)NULL);
                _exit(127);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0;
}

int manual_show(struct cli *c, const struct command *cmd) {
        char name[64];

        page_name(cmd, name, sizeof(name));
        if (c->out_tty && man_has(name) && show_with_man(name))
                return EXIT_DONE;
        return manual_print(c, cmd, MANUAL_PLAIN, c->out);
}

int manual_concepts(struct cli *c, const char *command) {
        _cleanup_buf_ struct buf topics = BUF_INIT(1024);
        char topic[64];
        bool first = true;
        int r = text_section(c, command, "concepts", &topics);

        for (const char *at = buf_str(&topics); r == EXIT_DONE && *at;) {
                size_t n = strcspn(at, " \n");
                _cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);

                snprintf(topic, sizeof(topic), "%.*s", (int)n, at);
                at += n + strspn(at + n, " \n");
                r = text_concept(c, topic, &text);
                if (r == EXIT_DONE)
                        fprintf(c->out, "%s%s", first ? "" : "\n\n", buf_str(&text));
                first = false;
        }
        return r;
}
