/* JSON answers on their way to stdout, and the "Label  value" lines of single things. */
#pragma once

#include "base/buf.h"

#include <stdio.h>

/* Prints an answer's JSON: an array with one element a line, anything else as one line. The bytes
 * are the API's own. 0 or -EINVAL when it is not JSON (then nothing was printed). */
int print_json(FILE *out, const struct buf *body);

/* "  LABEL      VALUE", made safe for a terminal; nothing when @value is NULL or "". */
void print_field(FILE *out, const char *label, const char *value);
