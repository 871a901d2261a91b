/* See help.h. */
#include "client/help.h"

#include "base/str.h"

#include <string.h>

enum { OPTION_WIDTH = 25 };

static void print_option(const struct option_row *row, FILE *out) {
        char text[80];

        if (row->hidden)
                return;
        snprintf(text, sizeof(text), "  %c%c%s --%s%s%s", row->letter ? '-' : ' ',
                 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
                 row->arg ? "=" : "", row->arg ? row->arg : "");
        fprintf(out, "%-*s  %s\n", OPTION_WIDTH, text, row->help);
}

static void print_indented(const char *lines, FILE *out) {
        while (*lines) {
                size_t n = strcspn(lines, "\n");

                fprintf(out, "  %.*s\n", (int)n, lines);
                lines += n + (lines[n] == '\n');
        }
}

void help_command(const struct command *cmd, FILE *out) {
        char typed[64];

        command_typed(cmd, typed, sizeof(typed));
        fprintf(out, "Usage: %s%s%s [OPTION...]%s\n", typed, *cmd->usage ? " " : "", cmd->usage,
                cmd->rest ? " [-- COMMAND...]" : "");
        fprintf(out, "%s.\n", cmd->summary);
        if (cmd->more)
                fprintf(out, "%s\n", cmd->more);
        fputs("\nOptions:\n", out);
        for (size_t i = 0; i < cmd->n_options; i++)
                print_option(&cmd->options[i], out);
        for (size_t i = 0; i < n_common_rows; i++)
                print_option(&common_rows[i], out);
        fputs("\nExamples:\n", out);
        print_indented(cmd->examples, out);
}

void help_group(const char *group, const char *prefix, FILE *out) {
        fprintf(out, "Usage: %s COMMAND [ARGUMENT...]\n\nCommands:\n", group);
        for (size_t i = 0; i < n_commands; i++) {
                const struct command *cmd = commands[i];
                const char *name = str_starts(cmd->name, prefix)                 ? cmd->name
                                   : cmd->alias && str_starts(cmd->alias, prefix) ? cmd->alias
                                                                                  : NULL;

                if (name)
                        fprintf(out, "  %-10s  %s\n", name + strlen(prefix), cmd->summary);
        }
        fprintf(out, "\n'%s COMMAND --help' says more; %sCOMMAND is the same program.\n", group,
                prefix);
}

void help_overview(FILE *out) {
        fputs("Usage: ds01 COMMAND [ARGUMENT...]\n"
              "Containers with GPUs of their own on a shared machine.\n\nCommands:\n",
              out);
        for (size_t i = 0; i < n_commands; i++)
                fprintf(out, "  %-18s  %s\n", commands[i]->name, commands[i]->summary);
        fputs("\n'COMMAND --help' says more. First steps: container-create NAME, then\n"
              "container-run NAME. container-list and check-limits show what you have.\n",
              out);
}
