/* See help.h. */
#include "client/help.h"

#include "base/str.h"

#include <string.h>

enum { OPTION_WIDTH = 25, NAME_WIDTH = 13, LINE_WIDTH = 81 };

static void print_option(const struct option_row *row, FILE *out) {
        bool optional = row->kind == OPTION_KIND_OPTIONAL;
        char text[80];

        snprintf(text, sizeof(text), "  %c%c%s --%s%s%s%s", row->letter ? '-' : ' ',
                 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
                 optional   ? "[="
                 : row->arg ? "="
                            : "",
                 row->arg ? row->arg : "", optional ? "]" : "");
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
        bool asks = cmd->picks || cmd->offers || cmd->ask; /* where no name is given */
        char typed[64];

        command_typed(cmd, typed, sizeof(typed));
        fprintf(out, "Usage: %s%s%s [OPTION...]%s\n", typed, *cmd->usage ? " " : "", cmd->usage,
                cmd->rest ? " [-- COMMAND...]" : "");
        fprintf(out, "%s.\n", cmd->summary);
        if (cmd->more)
                fprintf(out, "%s\n", cmd->more);
        fputs("\nOptions:\n", out);
        for (size_t i = 0; i < cmd->n_options; i++)
                if (!cmd->options[i].hidden)
                        print_option(&cmd->options[i], out);
        for (size_t i = 0; i < n_common_rows; i++)
                if (!common_rows[i].hidden || (asks && str_equal(common_rows[i].name, "plain")))
                        print_option(&common_rows[i], out);
        /* which --info says more about */
        fputs("      --info, --concepts, --guided   manual page, basics, explained steps\n", out);
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

/* The words behind "PREFIX-" of all commands, wrapped to a screen's width. */
static void print_group(const char *prefix, FILE *out) {
        size_t column = 0;

        for (size_t i = 0; i < n_commands; i++) {
                const char *name = commands[i]->name;

                if (!str_starts(name, prefix) || name[strlen(prefix)] != '-')
                        continue;
                name += strlen(prefix) + 1;
                if (column == 0)
                        column = (size_t)fprintf(out, "  %-*s  %s", NAME_WIDTH, prefix, name);
                else if (column + strlen(name) + 2 < LINE_WIDTH)
                        column += (size_t)fprintf(out, ", %s", name);
                else
                        column = (size_t)fprintf(out, ",\n  %-*s  %s", NAME_WIDTH, "", name) - 2;
        }
        if (column > 0)
                fputc('\n', out);
}

static const char *const groups[] = { "container", "image", "project" };

static bool is_grouped(const struct command *cmd) {
        bool grouped = false;

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                grouped |= str_starts(cmd->name, groups[i]);
        return grouped;
}

void help_overview(FILE *out) {
        fputs("Usage: ds01 COMMAND [ARGUMENT...]\n"
              "Containers with GPUs of their own on a shared machine.\n\n",
              out);
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                print_group(groups[i], out);
        for (size_t i = 0; i < n_commands; i++)
                if (!is_grouped(commands[i]))
                        fprintf(out, "  %-*s  %s\n", NAME_WIDTH, commands[i]->name,
                                commands[i]->summary);
        fputs("\nThe words of a group go behind its name: container-create or container create.\n"
              "'container --help' says what they do, 'COMMAND --help' how. First steps:\n"
              "container-create NAME, then container-run NAME; check-limits shows your limits.\n",
              out);
}
