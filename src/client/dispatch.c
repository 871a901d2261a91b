/* See dispatch.h. */
#include "client/dispatch.h"

#include "base/guess.h"
#include "base/str.h"
#include "client/ask.h"
#include "client/command.h"
#include "client/complete.h"
#include "client/container.h"
#include "client/guide.h"
#include "client/help.h"
#include "client/manual.h"
#include "client/offers.h"

#include <string.h>

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The flag of that name among the command's own options, as it was given. */
static bool has_flag(const struct command *cmd, const void *options, const char *name) {
        for (size_t i = 0; i < cmd->n_options; i++)
                if (cmd->options[i].kind == OPTION_KIND_FLAG &&
                    str_equal(cmd->options[i].name, name))
                        return *(const bool *)((const char *)options + cmd->options[i].offset);
        return false;
}

static bool has_option(const struct command *cmd, const char *name) {
        for (size_t i = 0; i < cmd->n_options; i++)
                if (str_equal(cmd->options[i].name, name))
                        return true;
        return false;
}

static int run_guided(struct cli *c, const struct command *cmd, const void *options,
                      const struct operands *operands) {
        const char *name = operands->n > 0 ? operands->items[0] : NULL;
        int r;

        guide_before(c, cmd->name, name);
        r = cmd->run(c, options, operands);
        if (r == EXIT_DONE)
                guide_after(c, cmd->name, name);
        return r;
}

/* No name was given and somebody sits at a terminal: they are asked; and what takes something away
 * asks once more, since a choice is easily made wrongly. */
static int run_picked(struct cli *c, const struct command *cmd, const void *options) {
        unsigned statuses = has_flag(cmd, options, "stop") ? STATUS_ANY : cmd->picks;
        struct operands names;
        int r = offers_pick(c, cmd, statuses, &names);

        if (r == EXIT_DONE && has_option(cmd, "force") && !has_flag(cmd, options, "force") &&
            !cli_confirm(c, "%s %s%s?", c->name, names.items[0],
                         names.n > 1 ? " and others" : "")) {
                fputs("Nothing was done.\n", c->err);
                r = EXIT_FAILED;
        }
        if (r == EXIT_DONE)
                r = run_guided(c, cmd, options, &names);
        names_free(&names);
        return r;
}

static int run_command(struct cli *c, const struct command *cmd, int argc, char **argv);

/* Nothing at all was said: what is asked for step by step runs as if it had been typed. */
static int run_asked(struct cli *c, const struct command *cmd) {
        struct operands words = { 0 };
        int r = cmd->ask(c, &words);

        if (r == EXIT_DONE && words.n > 0) {
                ask_show(c, &words);
                r = run_command(c, cmd, (int)words.n, words.items);
        }
        names_free(&words);
        return r;
}

/* Runs a command whose own arguments are @argv. */
static int run_command(struct cli *c, const struct command *cmd, int argc, char **argv) {
        struct common_options common = { 0 };
        _cleanup_free_ void *options = calloc(1, cmd->options_size ? cmd->options_size : 1);
        const struct option_set sets[] = {
                { cmd->options, cmd->n_options, options },
                { common_rows, n_common_rows, &common },
        };
        struct option_fault fault;
        struct operands operands;
        const char *typed = c->name;
        int r;

        if (!options)
                return EXIT_FAILED;
        command_typed(cmd, c->name, sizeof(c->name));
        r = options_parse(sets, ARRAY_SIZE(sets), argc, argv, &operands, &fault);
        /* --help wins over what is wrong further on, as it does in git */
        if (common.help) {
                help_command(cmd, c->out);
                return EXIT_DONE;
        }
        if (common.info)
                return manual_show(c, cmd);
        if (common.concepts)
                return manual_concepts(c, cmd->name);
        if (common.version) {
                fprintf(c->out, "ds01 %s\n", DS01_VERSION);
                return EXIT_DONE;
        }
        if (r < 0) {
                cli_error(c, "%s", fault.message);
                if (fault.next[0])
                        cli_error_next(c, "%s", fault.next);
                cli_error_next(c, "%s --help shows what it takes", typed);
                return EXIT_USAGE;
        }
        if (common.plain)
                c->redraws = false;
        c->guided = common.guided;
        c->person = common.user;
        if (argc == (common.plain ? 1 : 0) && cmd->ask && picker_possible(c))
                return run_asked(c, cmd);
        if (operands.n == 0 && (cmd->picks || cmd->offers) && picker_possible(c) &&
            !has_flag(cmd, options, "all") && !has_flag(cmd, options, "list"))
                return run_picked(c, cmd, options);
        if (operands.n < (size_t)cmd->min) {
                cli_error(c, "%s is missing", cmd->missing);
                cli_error_next(c, "usage: %s %s; %s --help says more", typed, cmd->usage, typed);
                return EXIT_USAGE;
        }
        if (cmd->rest ? operands.before > (size_t)cmd->max
                      : cmd->max != OPERANDS_ANY && operands.n > (size_t)cmd->max) {
                cli_error(c, "'%s' is one argument too many", operands.items[cmd->max]);
                if (cmd->rest)
                        cli_error_next(c, "to run a command: %s %s -- %s", typed, operands.items[0],
                                       operands.items[cmd->max]);
                else
                        cli_error_next(c, "%s --help shows what it takes", typed);
                return EXIT_USAGE;
        }
        return run_guided(c, cmd, options, &operands);
}

/* The group that a dispatcher's name stands for, as a prefix of command names: "container-". */
static const char *find_group(const char *name) {
        static const struct {
                const char *name, *prefix;
        } groups[] = {
                { "container", "container-" }, { "image", "image-" }, { "project", "project-" },
                { "check", "check-" },         { "get", "get-" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                if (str_equal(groups[i].name, name))
                        return groups[i].prefix;
        return NULL;
}

/* Says the nearest of all names that begin with @prefix. @shown is put before what remains. */
static void suggest(struct cli *c, const char *typed, const char *prefix, const char *shown) {
        struct guess guess = { .word = typed };

        for (size_t i = 0; i < n_commands; i++) {
                const char *const names[] = { commands[i]->name, commands[i]->alias };

                for (size_t k = 0; k < ARRAY_SIZE(names) && names[k]; k++)
                        if (str_starts(names[k], prefix))
                                guess_try(&guess, names[k] + strlen(prefix));
        }
        if (guess.best[0])
                cli_error_next(c, "did you mean: %s%s", shown, guess.best);
}

/* "container SUB ...": @argv begins with SUB. */
static int run_group(struct cli *c, const char *group, const char *prefix, int argc, char **argv) {
        const struct command *cmd;
        char name[128], shown[64];

        str_copy(c->name, sizeof(c->name), group);
        if (argc == 0 || str_equal(argv[0], "--help") || str_equal(argv[0], "-h") ||
            str_equal(argv[0], "help")) {
                help_group(group, prefix, c->out);
                return EXIT_DONE;
        }
        if (str_equal(argv[0], "--version")) {
                fprintf(c->out, "ds01 %s\n", DS01_VERSION);
                return EXIT_DONE;
        }
        if (str_equal(argv[0], "--info"))
                return manual_show(c, NULL);
        if (str_equal(argv[0], "--concepts"))
                return manual_concepts(c, "ds01");
        snprintf(name, sizeof(name), "%s%s", prefix, argv[0]);
        cmd = command_find(name);
        if (cmd)
                return run_command(c, cmd, argc - 1, argv + 1);

        cli_error(c, "there is no '%s %s'", group, argv[0]);
        snprintf(shown, sizeof(shown), "%s ", group);
        suggest(c, argv[0], prefix, shown);
        cli_error_next(c, "%s --help lists what there is", group);
        return EXIT_USAGE;
}

/* A name and its arguments, wherever they came from. -1 when the name is not ours. */
static int run_named(struct cli *c, const char *name, int argc, char **argv) {
        const struct command *cmd = command_find(name);
        const char *prefix = find_group(name);

        if (cmd)
                return run_command(c, cmd, argc, argv);
        if (prefix)
                return run_group(c, name, prefix, argc, argv);
        return -1;
}

int client_run(struct cli *c, int argc, char **argv) {
        const char *self = argc > 0 ? base_name(argv[0]) : "ds01";
        int code = -1;

        /* "gpus" and "version" are no programs of their own, so such a link is not one of ours */
        if (strchr(self, '-') || find_group(self))
                code = run_named(c, self, argc - 1, argv + 1);
        if (code >= 0)
                return cli_finish(c, code);

        str_copy(c->name, sizeof(c->name), "ds01");
        argc = argc > 0 ? argc - 1 : 0;
        argv++;
        if (argc == 0 || str_equal(argv[0], "--help") || str_equal(argv[0], "-h") ||
            str_equal(argv[0], "help")) {
                help_overview(c->out);
                return cli_finish(c, EXIT_DONE);
        }
        if (str_equal(argv[0], "--version")) {
                fprintf(c->out, "ds01 %s\n", DS01_VERSION);
                return cli_finish(c, EXIT_DONE);
        }
        if (str_equal(argv[0], "__complete"))
                return cli_finish(c, complete(c, argc - 1, argv + 1));

        code = run_named(c, argv[0], argc - 1, argv + 1);
        if (code < 0) {
                cli_error(c, "there is no command '%s'", argv[0]);
                suggest(c, argv[0], "", "ds01 ");
                cli_error_next(c, "ds01 --help lists what there is");
                code = EXIT_USAGE;
        }
        return cli_finish(c, code);
}
