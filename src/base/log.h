/*
 * Logging as key=value lines on stderr (the journal takes them from there). Values are quoted when
 * they need it and escaped always, so that no text of a stranger can start a line of its own.
 * Only the daemon and the edges log; libraries return errors.
 *
 *     log_line(LOG_INFO, "start", "container", name, "uid", uid_text, NULL);
 *     -> level=info event=start container=thesis uid=1001
 */
#pragma once

#include "base/cleanup.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Messages above this level are dropped; LOG_INFO at start. */
void log_set_level(enum log_level level);

/* One line: pairs of key and value, ended by NULL. A pair whose value is NULL is left out.
 * Lines are written with one write(), cut at 4096 bytes. */
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A line with one free-text value: level=... event=... msg="...". */
void log_text(enum log_level level, const char *event, const char *fmt, ...) _printf_(3, 4);
