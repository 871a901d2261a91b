/*
 * What went wrong, for people. Inside the program, functions return 0 or a negative errno and
 * callers branch on that number only. A function whose failure needs words takes a struct err as
 * its last parameter; it holds the words without allocating and is untouched on success.
 * Grammar of messages: what failed first, subjects in single quotes, no full stop at the end.
 * A policy "no" is not an error but a value, see core/refusal.h.
 */
#pragma once

#include "base/cleanup.h"

struct err {
        int code; /* a positive errno; 0 while nothing went wrong */
        char msg[512];
};

/* Sets the message and returns -code, so that a caller can write `return err_set(...)`.
 * @e may be NULL. @code is a positive errno. */
int err_set(struct err *e, int code, const char *fmt, ...) _printf_(3, 4);

/* Puts "context: " in front of the message already there; returns -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) _printf_(2, 3);
