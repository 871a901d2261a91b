/*
 * The rows behind ds01.yaml: one a key. From them come the reader, the checks, the example file
 * and the test that the manual page names every key. Private to config/ and its tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum site_kind {
        SITE_STRING,  /* any text without control characters */
        SITE_NAME,    /* letters, digits, '_', '-', '.' */
        SITE_PATH,    /* absolute */
        SITE_URL,     /* http:// or https://, without what a shell or a Dockerfile could mind */
        SITE_WORDS,   /* a list of words */
        SITE_ROOTS,   /* a list of absolute paths, or "~", each with ":MODE" or without */
        SITE_COUNT,   /* an integer from min to max */
        SITE_SECONDS, /* the same; microseconds in the struct */
        SITE_CHOICE,  /* one of the words in choices; its index in the struct */
};

struct site_key {
        const char *name; /* "engine.timeout_s": section and key */
        enum site_kind kind;
        size_t offset; /* in struct site_config */
        const char *value; /* the default as in the file; of a list its only item, "" for none */
        int64_t min, max;
        const char *const *choices; /* NULL-terminated */
        bool may_be_empty; /* "" is a value of its own, see help */
        const char *help;
};

extern const struct site_key site_keys[];
extern const size_t site_keys_count;
