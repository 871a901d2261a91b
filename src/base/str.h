/*
 * Strings: bounded copies, strict numbers, UTF-8, and the distance behind "did you mean".
 * Pure functions without locale; core may use all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies @src into @dst of @size bytes, always NUL-terminated; false when it was cut. */
bool str_copy(char *dst, size_t size, const char *src);
bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* strdup() that takes NULL for NULL. */
char *str_dup(const char *s);

/* A decimal integer, nothing else in the string, between @min and @max.
 * 0, -EINVAL (not an integer) or -ERANGE. *@ret is untouched on failure. */
int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* Bytes from "512", "64m", "32g", "32G", "32GiB", "1.5g" (powers of 1024, as docker does). */
int str_to_bytes(const char *s, int64_t *ret);

/* True when @n bytes are valid UTF-8 (no surrogates, no overlong forms, no code point above
 * U+10FFFF). NUL bytes are valid here; callers that mind check for them. */
bool utf8_valid(const char *s, size_t n);

/* Terminal columns of valid UTF-8 text: 1 a code point, 2 for wide East Asian and emoji blocks,
 * 0 for combining marks; an invalid byte counts 1. No locale needed. */
size_t utf8_width(const char *s);

/* Cuts @s at its end until it is at most @width columns wide, between two characters. */
void utf8_cut(char *s, size_t width);

/* The bytes of the character at @s (of @n), or 0 when a terminal would obey it rather than show it
 * (control characters, C1 too; changes of direction), or it is no UTF-8. */
size_t str_printable_bytes(const char *s, size_t n);
/* Copies @src to @dst with what is not printable in that sense replaced by '?', so that foreign
 * text can go to a terminal or a log line. */
void str_printable(char *dst, size_t size, const char *src);

/* Edit distance (Damerau: transpositions count 1), at most 64 bytes of each are looked at. */
unsigned str_distance(const char *a, const char *b);
