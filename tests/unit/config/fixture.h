/*
 * What the tests of config/ share: a scratch directory as working directory, so that messages name
 * short paths, and files in it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct bad { /* a text and what is said of it, word for word */
        const char *text;
        const char *words;
};

/* Group setup and teardown for cmocka. */
int scratch_enter(void **state);
int scratch_leave(void **state);

void write_bytes(const char *name, const void *bytes, size_t n);
void write_text(const char *name, const char *text);
/* A file of the source tree, allocated. */
char *read_source(const char *name);
