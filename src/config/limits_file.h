/*
 * The parts of the limits file's reader that its tests and its fuzzer call one by one.
 * Private to config/ and its tests.
 */
#pragma once

#include "base/err.h"
#include "core/limits.h"

/* As limits_config_load(), from @n bytes of @text. Files that the text names are looked for in the
 * directory of @path. */
int limits_config_parse(const char *path, const char *text, size_t n, struct limits_config *ret,
                        struct err *err);

/* The value of @key in @l as the file writes it ("32g", "0.25", "null"). @size >= 32. */
void limit_format(const struct limits *l, const struct limit_key *key, char *dst, size_t size);
