/*
 * A command is one file in commands/ with one const struct: its names, options, operands, help
 * and what to run. commands.def is the only list of them. dispatch does what all have in common
 * (options, number of operands, --help, --version), so that a command's code begins with its work.
 */
#pragma once

#include "client/cli.h"
#include "client/options.h"

/* Which containers a command is meant for, for completion (and for choosing from). */
enum {
        STATUS_CREATED = 1 << 0,
        STATUS_RUNNING = 1 << 1,
        STATUS_PAUSED = 1 << 2,
        STATUS_STOPPED = 1 << 3,
        STATUS_OTHER = 1 << 4, /* creating, removing */
        STATUS_ANY = STATUS_CREATED | STATUS_RUNNING | STATUS_PAUSED | STATUS_STOPPED,
};

enum { OPERANDS_ANY = -1 };

/* What a command lets the person choose from when it is given no name. */
enum offers_kind {
        OFFERS_CONTAINERS, /* with the statuses of `picks` */
        OFFERS_IMAGES,
        OFFERS_PROJECTS,
        OFFERS_DOCKERFILES, /* projects that have one */
        OFFERS_REMOVED,     /* containers, from the bin */
};

struct command {
        const char *name;    /* "container-create" */
        const char *alias;   /* another name for the same, or NULL */
        const char *usage;   /* the operands in --help: "NAME [IMAGE]" */
        int min, max;        /* number of operands; max may be OPERANDS_ANY */
        bool rest;           /* takes "-- COMMAND..." after them */
        const char *missing; /* what is said when too few are given: "the name of ..." */
        const char *summary; /* one sentence, for --help and the lists of commands */
        const char *more;    /* further lines of --help, or NULL */
        const char *examples; /* lines, each "command  # comment" */
        const struct option_row *options;
        size_t n_options;
        size_t options_size; /* of the struct that the rows fill */
        unsigned statuses;   /* the containers that its operands name; 0: none */
        unsigned picks;      /* those that are offered when none is named; 0: none */
        enum offers_kind offers; /* something else than containers is */
        enum names names;    /* what its operands name besides, for completion */
        /* Asks step by step, when it is typed without anything on a terminal, for the words of a
         * command line (ask.h). EXIT_DONE or an exit code; NULL: `offers` serves. */
        int (*ask)(struct cli *c, struct operands *ret);
        int (*run)(struct cli *c, const void *options, const struct operands *operands);
};

#define COMMAND_OPTIONS(rows, type) \
        .options = (rows), .n_options = ARRAY_SIZE(rows), .options_size = sizeof(type)

extern const struct command *const commands[];
extern const size_t n_commands;

/* The command of that name or alias, or NULL. */
const struct command *command_find(const char *name);
/* Runs it as if it had been typed with these words and no options. */
int command_run(struct cli *c, const struct command *cmd, const struct operands *operands);
/* How people type it: the name, or "ds01 NAME" for those without a program of their own. */
void command_typed(const struct command *cmd, char *dst, size_t size);
