/* How numbers and times are shown to people. Pure, but for the time zone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "8.2GB", "32GB", "512MB", "0B": powers of 1024, one decimal where it says something. */
void format_bytes(int64_t bytes, char *dst, size_t size);
/* "125%", "0.3%", "0%". */
void format_percent(double percent, char *dst, size_t size);
/* "2", "1.5", "0.43": at most two decimals, none that are zero. */
void format_number(double value, char *dst, size_t size);
/* A moment in the local time zone as seen from @now_us: "14:32" today, "Tue 14:32" within six
 * days, else "2026-11-24 14:32". */
void format_moment(int64_t us, int64_t now_us, char *dst, size_t size);
/* The same for an RFC 3339 text of the API; "-" when that is none. */
void format_moment_text(const char *rfc3339, int64_t now_us, char *dst, size_t size);
/* When a hold ends and how long that is from now on: "14:32 (15m left)". False, and "" in @dst,
 * when the text is no time. */
bool format_hold_text(const char *rfc3339, int64_t now_us, char *dst, size_t size);
/* How long ago a moment was: "5 minutes ago", "2 days ago", "1 week ago"; "just now" below a minute
 * and for the future. "-" when the text is no time. */
void format_ago_text(const char *rfc3339, int64_t now_us, char *dst, size_t size);
/* Time that is left, to the nearest minute: a hold of 15 minutes is not announced as "14m". */
void format_left(int64_t us, char *dst, size_t size);
