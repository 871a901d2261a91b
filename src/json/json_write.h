/*
 * Writes JSON straight into a struct buf, without a tree. Commas are the writer's business; that
 * begins and ends match, and that keys stand in objects only, is the caller's. Nothing here
 * returns an error: check `buf->failed` once at the end (the ceiling was met, or no memory).
 *
 *     struct json_writer w = JSON_WRITER(&body);
 *     json_write_object(&w);
 *     json_put_str(&w, "name", c->name);
 *     json_write_key(&w, "gpus");
 *     json_write_array(&w);
 *     ...
 *     json_write_array_end(&w);
 *     json_write_object_end(&w);
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_writer {
        struct buf *buf;
        bool comma; /* the next item needs one in front */
};

#define JSON_WRITER(b) ((struct json_writer){ .buf = (b) })

void json_write_object(struct json_writer *w);
void json_write_object_end(struct json_writer *w);
void json_write_array(struct json_writer *w);
void json_write_array_end(struct json_writer *w);
void json_write_key(struct json_writer *w, const char *key);

void json_write_str(struct json_writer *w, const char *s); /* NULL gives null */
void json_write_strn(struct json_writer *w, const char *s, size_t n);
void json_write_int(struct json_writer *w, int64_t value);
/* Fixed decimals (0 to 9), no locale; null for what is not finite or needs more than 18 digits. */
void json_write_double(struct json_writer *w, double value, int decimals);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);

/* A key and its value. */
void json_put_str(struct json_writer *w, const char *key, const char *s);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_double(struct json_writer *w, const char *key, double value, int decimals);
void json_put_bool(struct json_writer *w, const char *key, bool value);
