/*
 * Options as data: rows describe what a command takes, one parser reads them into the command's
 * zeroed struct, and --help and completion print the same rows.
 *
 *     struct stop_options { bool force; int64_t timeout; bool has_timeout; };
 *     static const struct option_row rows[] = {
 *             OPTION_FLAG('f', "force", struct stop_options, force, "kill at once"),
 *             OPTION_INT('t', "timeout", "SECONDS", struct stop_options, timeout, 0, 3600,
 *                        "...", .seen_offset = offsetof(struct stop_options, has_timeout)),
 *     };
 *
 * Accepted, as people type it: --name=v, --name v, -n v, -nv, -n=v, bundled flags (-fv), options
 * after operands, "--" before operands that begin with a dash.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
        OPTION_KIND_FLAG,   /* bool */
        OPTION_KIND_STRING, /* const char *, into argv */
        OPTION_KIND_OPTIONAL, /* the same, but may be given without: "--wait" is "--wait=" */
        OPTION_KIND_INT,    /* int64_t, min to max */
        OPTION_KIND_CHOICE, /* int: index into choices */
};

/* What an option's value or a command's operand names, for completion. */
enum names {
        NAMES_NONE, /* the shell completes files */
        NAMES_CONTAINERS,
        NAMES_IMAGES,   /* the caller's, by project */
        NAMES_ALL_IMAGES, /* whatever a container can be made from, as --image takes it */
        NAMES_PROJECTS, /* the directories of ~/workspace */
        NAMES_GPUS,     /* how many: from 0 to all of this machine */
        NAMES_FRAMEWORKS, /* of the catalogue */
        NAMES_TYPES,      /* of the catalogue */
};

struct option_row {
        const char *name; /* long name without dashes */
        char letter;      /* or 0 */
        enum option_kind kind;
        bool hidden;      /* accepted, but not shown: another spelling, or an older one's no-op */
        size_t offset;    /* in the command's struct */
        size_t seen_offset; /* of a bool that becomes true when the option is given; 0: none */
        int64_t min, max;
        const char *const *choices; /* NULL-terminated */
        enum names names; /* what its value names */
        const char *arg;  /* what stands for the value in --help */
        const char *help;
};

#define OPTION_OFFSET_(type, member, wanted) \
        _Generic(&((type *)0)->member, wanted: offsetof(type, member))
#define OPTION_FLAG(short_, long_, type, member, text, ...)                                        \
        { .letter = (short_), .name = (long_), .kind = OPTION_KIND_FLAG,                           \
          .offset = OPTION_OFFSET_(type, member, bool *), .help = (text), ##__VA_ARGS__ }
#define OPTION_STRING(short_, long_, value, type, member, text, ...)                               \
        { .letter = (short_), .name = (long_), .kind = OPTION_KIND_STRING, .arg = (value),         \
          .offset = OPTION_OFFSET_(type, member, const char **), .help = (text), ##__VA_ARGS__ }
#define OPTION_OPTIONAL(short_, long_, value, type, member, text, ...)                             \
        { .letter = (short_), .name = (long_), .kind = OPTION_KIND_OPTIONAL, .arg = (value),       \
          .offset = OPTION_OFFSET_(type, member, const char **), .help = (text), ##__VA_ARGS__ }
#define OPTION_INT(short_, long_, value, type, member, least, most, text, ...)                     \
        { .letter = (short_), .name = (long_), .kind = OPTION_KIND_INT, .arg = (value),            \
          .offset = OPTION_OFFSET_(type, member, int64_t *), .min = (least), .max = (most),        \
          .help = (text), ##__VA_ARGS__ }
#define OPTION_CHOICE(short_, long_, value, type, member, words, text, ...)                        \
        { .letter = (short_), .name = (long_), .kind = OPTION_KIND_CHOICE, .arg = (value),         \
          .offset = OPTION_OFFSET_(type, member, int *), .choices = (words), .help = (text),       \
          ##__VA_ARGS__ }

/* --format, the same wherever something is listed. */
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_SIMPLE };
extern const char *const format_choices[];        /* table, json, simple */
extern const char *const record_format_choices[]; /* table, json: for what is no list */

/* The options that every command has. */
struct common_options {
        bool help, version, info, concepts, guided, plain;
        const char *user;
};
extern const struct option_row common_rows[];
extern const size_t n_common_rows;

struct option_set {
        const struct option_row *rows;
        size_t n;
        void *into;
};

struct operands {
        char **items; /* into argv */
        size_t n;
        size_t before; /* how many of them stood before "--" (n without one) */
};

/* What was wrong with a command line, in words for people. */
struct option_fault {
        char message[512];
        char next[256]; /* "" when there is nothing to add */
};

/* Reads @argv (without the command's name), whose pointers it reorders: operands come to the
 * front. 0 or -EINVAL with @fault filled. */
int options_parse(const struct option_set *sets, size_t n_sets, int argc, char **argv,
                  struct operands *ret, struct option_fault *fault);
