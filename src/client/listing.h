/*
 * Lists: what ds01d answers as an array is read row by row, each into a struct; and what commands
 * that print a list have in common: a table for people, JSON, or the names alone.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"
#include "client/table.h"
#include "json/json_scan.h"

struct row_kind {
        const char *what; /* "the list of images", in the error about an answer that is none */
        size_t size;      /* of the struct */
        /* Reads the object that @s has just entered. Keys it does not know are skipped. */
        void (*scan)(struct json_scan *s, void *ret);
};

/* Calls @each for every row of an answer until it returns something else than EXIT_DONE. The row
 * is @each's for the call only. EXIT_DONE, what @each returned, or EXIT_FAILED, said. */
int rows_read(struct cli *c, const struct buf *body, const struct row_kind *kind,
              int (*each)(struct cli *c, const void *row, void *data), void *data);
/* The same with the answer to GET @target. */
int rows_get(struct cli *c, const char *target, const struct row_kind *kind,
             int (*each)(struct cli *c, const void *row, void *data), void *data);

struct listing {
        const struct row_kind *kind;
        const struct table_column *columns;
        size_t n_columns;
        size_t name_offset; /* of the char array that --format=simple prints */
        const char *none;   /* for people, when there are no rows */
        void (*add)(struct cli *c, struct table *t, const void *row); /* a row's cells */
        void (*details)(struct cli *c, const void *row); /* in place of the table, or NULL */
};

#define LISTING_COLUMNS(cols) .columns = (cols), .n_columns = ARRAY_SIZE(cols)

/* Prints the list that an answer holds, or that GET @target answers. @format: FORMAT_... */
int listing_print(struct cli *c, const struct listing *l, const struct buf *body, int format);
int listing_get(struct cli *c, const struct listing *l, const char *target, int format);
