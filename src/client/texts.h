/*
 * The longer texts about commands: data/help/COMMAND, installed in /usr/share/ds01/help ($DS01_DATA
 * names another /usr/share/ds01). A file has sections, each begun by a line "== NAME":
 *
 *     description  for the manual page, paragraphs with empty lines between them
 *     concepts     words: files of data/help/concepts that --concepts shows, first things first
 *     before       for --guided: what is going to happen
 *     docker       what one would type with docker alone
 *     after        what has happened, and what to do next
 *
 * In the last three {name} is the first operand, {uid} and {gid} are the caller's.
 */
#pragma once

#include "base/buf.h"
#include "client/cli.h"

/* A section's lines, at the end of @ret. EXIT_DONE (nothing added when there is no such section),
 * or EXIT_FAILED after saying that the file can't be read. */
int text_section(struct cli *c, const char *command, const char *section, struct buf *ret);
/* data/help/concepts/TOPIC as a whole. */
int text_concept(struct cli *c, const char *topic, struct buf *ret);
/* Replaces {name}, {uid} and {gid} in what is in @text. @name NULL: "NAME". */
void text_fill(struct buf *text, const char *name);
