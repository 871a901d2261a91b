/* The filter of build contexts. See context.h. */
#include "daemon/context.h"

#include "base/str.h"
#include "base/tar.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = TAR_BLOCK };

static const char no_tar[] = "that is no tar archive (or a compressed one)";

enum context_state { AT_HEADER, IN_DATA, IN_RECIPE, IN_EXTENSION, AT_END };

/* ustar of POSIX.1-1988; GNU's differs in the magic and puts other things where the prefix is. */
struct header {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
        char magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

void context_init(struct context *c, const char *dockerfile, int64_t max_bytes) {
        *c = (struct context){ .dockerfile = dockerfile,
                               .max_bytes = max_bytes,
                               .extension = BUF_INIT(CONTEXT_PAX_MAX),
                               .recipe = BUF_INIT(RECIPE_MAX) };
}

void context_release(struct context *c) {
        buf_release(&c->extension);
        buf_release(&c->recipe);
}

static int bad(struct refusal *r, const char *what) {
        return refuse_detail(r, REFUSAL_CONTEXT_INVALID, NULL, "%s", what);
}

static int bad_entry(struct refusal *r, const char *name, const char *what) {
        char shown[200];

        str_printable(shown, sizeof(shown), name);
        return refuse_detail(r, REFUSAL_CONTEXT_INVALID, NULL, "'%s' %s", shown, what);
}

static int no_memory(struct refusal *r) {
        return refuse_detail(r, REFUSAL_INTERNAL, NULL, "no memory for the archive");
}

static bool has_control(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        return true;
        return false;
}

bool context_path(const char *typed, char *dst, size_t size) {
        size_t n = 0;

        if (*typed == '/' || has_control(typed))
                return false;
        while (*typed) {
                size_t part = strcspn(typed, "/");

                if (part == 2 && memcmp(typed, "..", 2) == 0)
                        return false;
                if (part > 0 && !(part == 1 && *typed == '.')) {
                        if (n + (n > 0) + part >= size)
                                return false;
                        if (n > 0)
                                dst[n++] = '/';
                        memcpy(dst + n, typed, part);
                        n += part;
                }
                typed += part + (typed[part] == '/');
        }
        dst[n] = '\0';
        return true;
}

/* --- reading ------------------------------------------------------------------------------- */

/* Octal digits with blanks or NULs around them, or GNU's big-endian binary. -1 when neither. */
static int64_t number(const char *field, size_t n) {
        bool binary = (unsigned char)field[0] == 0x80;
        int64_t value = 0;
        size_t i = binary;

        for (; binary && i < n; i++) {
                if (value > INT64_MAX >> 8)
                        return -1;
                value = value << 8 | (unsigned char)field[i];
        }
        while (i < n && field[i] == ' ')
                i++;
        for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
                value = value << 3 | (field[i] - '0');
        for (; i < n; i++)
                if (field[i] != ' ' && field[i] != '\0')
                        return -1;
        return value;
}

static unsigned checksum(const struct header *h) {
        const unsigned char *bytes = (const unsigned char *)h;
        size_t first = offsetof(struct header, sum);
        unsigned sum = 0;

        for (size_t i = 0; i < BLOCK; i++)
                sum += i >= first && i < first + sizeof(h->sum) ? ' ' : bytes[i];
        return sum;
}

static bool all_zero(const void *block) {
        static const char zeros[BLOCK];

        return memcmp(block, zeros, BLOCK) == 0;
}

static bool take_text(char *dst, size_t size, bool *said, const char *value) {
        bool fresh = !*said;

        *said = true;
        return fresh && str_copy(dst, size, value);
}

static bool take_number(int64_t *ret, bool *said, char *value) {
        char *dot = strchr(value, '.');
        bool fresh = !*said;

        if (dot) /* fractions of a second */
                *dot = '\0';
        *said = true;
        return fresh && str_to_i64(value, INT64_MIN, INT64_MAX, ret) == 0;
}

/* One "key=value" of a pax header: each key once; what is not named here is left out. */
static bool take_record(struct context *c, const char *key, char *value) {
        struct context_entry *e = &c->entry;

        if (c->extension_type == 'g') /* would be about all entries that follow */
                return strcmp(key, "comment") == 0;
        if (strcmp(key, "path") == 0)
                return take_text(e->name, sizeof(e->name), &e->name_said, value);
        if (strcmp(key, "linkpath") == 0)
                return take_text(e->link, sizeof(e->link), &e->link_said, value);
        if (strcmp(key, "size") == 0)
                return take_number(&e->size, &e->size_said, value) && e->size >= 0;
        if (strcmp(key, "mtime") == 0)
                return take_number(&e->mtime, &e->mtime_said, value);
        return !str_starts(key, "GNU.sparse.");
}

/* Records as "17 path=a/b.c\n". */
static bool read_pax(struct context *c) {
        char *at = c->extension.data, *end = at ? at + c->extension.len : at;

        while (at < end) {
                char *key = memchr(at, ' ', (size_t)(end - at)), *value, *stop;
                int64_t length;

                if (!key)
                        return false;
                *key++ = '\0';
                if (str_to_i64(at, key - at + 2, end - at, &length) < 0)
                        return false;
                stop = at + length - 1;
                value = memchr(key, '=', (size_t)(stop - key));
                if (!value || *stop != '\n' || memchr(key, '\0', (size_t)(stop - key)))
                        return false;
                *value++ = *stop = '\0';
                if (!take_record(c, key, value))
                        return false;
                at = stop + 1;
        }
        return true;
}

static int end_extension(struct context *c, struct refusal *r) {
        struct context_entry *e = &c->entry;
        const char *text = buf_str(&c->extension);
        bool whole;

        if (c->extension_type == 'L')
                whole = take_text(e->name, sizeof(e->name), &e->name_said, text);
        else if (c->extension_type == 'K')
                whole = take_text(e->link, sizeof(e->link), &e->link_said, text);
        else
                whole = read_pax(c);
        return whole ? 0 : bad(r, "a header in it says what is not understood here");
}

/* --- writing ------------------------------------------------------------------------------- */

int context_put_recipe(const struct context *c, size_t n, struct buf *out) {
        return tar_put_entry(out, '0', c->dockerfile, "", (int64_t)n, 0644, c->recipe_mtime);
}

int context_put_end(size_t n, struct buf *out) {
        tar_put_padding(out, (int64_t)n);
        return tar_put_end(out);
}

/* --- entries ------------------------------------------------------------------------------- */

static int begin_recipe(struct context *c, char type, struct refusal *r) {
        struct context_entry *e = &c->entry;

        if (type != '0')
                return bad_entry(r, e->name, "is no regular file, so it can't be the Dockerfile");
        if (c->recipe_found)
                return bad_entry(r, e->name, "stands in it twice");
        if (e->size > RECIPE_MAX)
                return bad_entry(r, e->name, "is too large for a Dockerfile");
        c->recipe_found = true;
        c->recipe_mtime = e->mtime;
        c->state = IN_RECIPE;
        return 0;
}

static const char *unwanted(char type) {
        switch (type) {
        case '3':
        case '4':
                return "is a device; those are not built into images";
        case '6':
                return "is a pipe; those are not built into images";
        default:
                return "is of a kind that is not understood here";
        }
}

/* @e->name is clean already. */
static int begin_entry(struct context *c, char type, unsigned mode, struct buf *out,
                       struct refusal *r) {
        struct context_entry *e = &c->entry;
        char target[CONTEXT_NAME_MAX];
        size_t n = strlen(e->name);

        if (!strchr("0125", type))
                return bad_entry(r, e->name, unwanted(type));
        if (type != '0' && e->size != 0)
                return bad_entry(r, e->name, "has data, which only files have");
        if (n == 0)
                return bad(r, "a file in it has no name");
        if (strcmp(e->name, c->dockerfile) == 0)
                return begin_recipe(c, type, r);
        if (type == '2' && (!e->link[0] || has_control(e->link)))
                return bad_entry(r, e->name, "is a link to nothing");
        if (type == '1') {
                if (!context_path(e->link, target, sizeof(target)) || !target[0])
                        return bad_entry(r, e->name, "is a link out of the directory");
                memcpy(e->link, target, sizeof(target));
        }
        if (type == '5' && n + 1 < sizeof(e->name))
                memcpy(e->name + n, "/", 2);
        if (type == '0' || type == '5')
                e->link[0] = '\0';
        c->state = IN_DATA;
        if (tar_put_entry(out, type, e->name, e->link, e->size, mode, e->mtime) < 0)
                return no_memory(r);
        return 0;
}

static int charge(struct context *c, int64_t size, struct refusal *r) {
        if (++c->entries > CONTEXT_ENTRIES_MAX)
                return bad(r, "it has more than a million entries");
        if (size > c->max_bytes || c->bytes + size + 2 * BLOCK > c->max_bytes) {
                refuse(r, REFUSAL_CONTEXT_TOO_LARGE, NULL);
                r->max = c->max_bytes >> 30;
                return r->reason;
        }
        c->bytes += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
        return 0;
}

static void set_name(struct context_entry *e, const struct header *h) {
        const char *prefix = memcmp(h->magic, "ustar\00000", 8) == 0 ? h->prefix : "";

        if (!e->name_said)
                (void)snprintf(e->name, sizeof(e->name), "%.155s%s%.100s", prefix,
                               *prefix ? "/" : "", h->name);
        if (!e->link_said)
                (void)snprintf(e->link, sizeof(e->link), "%.100s", h->link);
}

static int read_header(struct context *c, const struct header *h, struct buf *out,
                       struct refusal *r) {
        struct context_entry *e = &c->entry;
        int64_t size = number(h->size, sizeof(h->size)), mode = number(h->mode, sizeof(h->mode));
        int64_t mtime = number(h->mtime, sizeof(h->mtime));
        char type = h->type, clean[CONTEXT_NAME_MAX];

        if (number(h->sum, sizeof(h->sum)) != (int64_t)checksum(h) || size < 0 || mode < 0)
                return bad(r, c->entries ? "a header in it is damaged" : no_tar);
        if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
                if (size >= CONTEXT_PAX_MAX)
                        return bad(r, "a header in it is too long");
                c->extension_type = type;
                c->state = IN_EXTENSION;
                buf_reset(&c->extension);
        } else {
                if (!e->size_said)
                        e->size = size;
                if (!e->mtime_said)
                        e->mtime = mtime;
                size = e->size;
                set_name(e, h);
                if (type == '\0' || type == '7') /* the oldest form; "contiguous" */
                        type = str_ends(e->name, "/") ? '5' : '0';
                if (!context_path(e->name, clean, sizeof(clean)))
                        return bad_entry(r, e->name, "is not a name within the directory");
                memcpy(e->name, clean, sizeof(clean));
                c->state = IN_DATA;
                /* The directory itself is there already. */
                if ((e->name[0] || type != '5' || size != 0) &&
                    begin_entry(c, type, (unsigned)mode, out, r))
                        return r->reason;
        }
        if (charge(c, size, r))
                return r->reason;
        c->left = (uint64_t)size;
        c->pad = (BLOCK - c->left % BLOCK) % BLOCK;
        return 0;
}

/* The data and the padding behind it have passed. */
static int end_data(struct context *c, struct buf *out, struct refusal *r) {
        enum context_state was = (enum context_state)c->state;

        c->state = AT_HEADER;
        if (was == IN_EXTENSION)
                return end_extension(c, r);
        if (was == IN_DATA)
                tar_put_padding(out, c->entry.size);
        c->entry = (struct context_entry){ 0 };
        return 0;
}

static int take_block(struct context *c, const char *block, struct buf *out, struct refusal *r) {
        struct header h;

        if (all_zero(block)) {
                if (++c->zeros == 2)
                        c->state = AT_END;
                return 0;
        }
        if (c->zeros)
                return bad(r, "it goes on behind its end");
        memcpy(&h, block, sizeof(h));
        if (read_header(c, &h, out, r))
                return r->reason;
        return c->left == 0 ? end_data(c, out, r) : 0;
}

/* Moves what there is of the data, then drops the padding. */
static int take_data(struct context *c, const char *bytes, size_t n, size_t *used, struct buf *out,
                     struct refusal *r) {
        struct buf *to = c->state == IN_DATA    ? out :
                         c->state == IN_RECIPE ? &c->recipe :
                                                 &c->extension;
        size_t count = n < c->left ? n : (size_t)c->left, room = out->max - out->len - BLOCK;

        if (c->state == IN_DATA && count > room)
                count = room;
        if (count > 0 && buf_add(to, bytes, count) < 0)
                return no_memory(r);
        c->left -= count;
        *used = count;
        if (c->left > 0)
                return 0;
        count = n - *used < c->pad ? n - *used : (size_t)c->pad;
        c->pad -= count;
        *used += count;
        return c->pad == 0 ? end_data(c, out, r) : 0;
}

int context_feed(struct context *c, struct buf *in, struct buf *out, struct refusal *r) {
        size_t at = 0, used;
        int refused = 0;

        while (!refused && at < in->len && out->max - out->len >= CONTEXT_OUT_MIN) {
                size_t n = in->len - at;

                if (c->state == AT_END) {
                        used = n;
                } else if (c->state != AT_HEADER) {
                        refused = take_data(c, in->data + at, n, &used, out, r);
                } else if (n < BLOCK) {
                        break;
                } else {
                        used = BLOCK;
                        refused = take_block(c, in->data + at, out, r);
                }
                at += used;
        }
        buf_consume(in, at);
        return refused;
}

int context_complete(const struct context *c, struct refusal *r) {
        if (c->state != AT_END)
                return bad(r, c->entries ? "it is cut short" : no_tar);
        if (!c->recipe_found)
                return refuse(r, REFUSAL_NO_DOCKERFILE, c->dockerfile);
        return 0;
}
