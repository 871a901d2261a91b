/* Refusals: the table of refusals.def and the expansion of its texts. */
#include "core/refusal.h"

#include "base/str.h"
#include "core/inventory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct refusal_kind kinds[REFUSAL_COUNT] = {
        [REFUSAL_NONE] = { "none", 200, 0, "", "" },
#define REFUSAL(id, code, http, exit, message, next) \
        [REFUSAL_##id] = { code, http, exit, message, next },
#include "core/refusals.def"
#undef REFUSAL
};

const struct refusal_kind *refusal_kind(enum refusal_reason reason) {
        return (unsigned)reason < REFUSAL_COUNT ? &kinds[reason] : &kinds[REFUSAL_INTERNAL];
}

int refuse(struct refusal *r, enum refusal_reason reason, const char *subject) {
        *r = (struct refusal){ .reason = reason };
        if (subject)
                str_printable(r->subject, sizeof(r->subject), subject);
        return (int)reason;
}

int refuse_detail(struct refusal *r, enum refusal_reason reason, const char *subject,
                  const char *fmt, ...) {
        va_list ap;

        refuse(r, reason, subject);
        va_start(ap, fmt);
        (void)vsnprintf(r->detail, sizeof(r->detail), fmt, ap);
        va_end(ap);
        return (int)reason;
}

void gpu_units_format(int64_t units, char *dst, size_t size) {
        int64_t whole, cents;
        const char *sign = "";

        if (units == GPU_UNITS_UNLIMITED) {
                (void)str_copy(dst, size, "unlimited");
                return;
        }
        if (units < 0) {
                sign = "-";
                units = -units;
        }
        whole = units / GPU_UNITS_PER_GPU;
        cents = (units % GPU_UNITS_PER_GPU * 100 + GPU_UNITS_PER_GPU / 2) / GPU_UNITS_PER_GPU;
        if (cents == 100) {
                whole++;
                cents = 0;
        }
        if (cents == 0)
                (void)snprintf(dst, size, "%s%lld", sign, (long long)whole);
        else if (cents % 10 == 0)
                (void)snprintf(dst, size, "%s%lld.%lld", sign, (long long)whole,
                               (long long)cents / 10);
        else
                (void)snprintf(dst, size, "%s%lld.%02lld", sign, (long long)whole,
                               (long long)cents);
}

/* What stands between two braces, taken apart: {NAME}, {NAME|ONE|MANY} or {PREFIX~NAME}. */
struct placeholder {
        const char *prefix, *name, *one, *many;
        size_t prefix_len, name_len, one_len, many_len;
};

static void placeholder_parse(const char *s, size_t n, struct placeholder *ret) {
        const char *tilde = memchr(s, '~', n), *end = s + n, *bar;

        *ret = (struct placeholder){ .name = s, .name_len = n };
        if (tilde) {
                ret->prefix = s;
                ret->prefix_len = (size_t)(tilde - s);
                ret->name = tilde + 1;
                ret->name_len = (size_t)(end - ret->name);
        }
        bar = memchr(ret->name, '|', ret->name_len);
        if (!bar)
                return;
        ret->name_len = (size_t)(bar - ret->name);
        ret->one = bar + 1;
        bar = memchr(ret->one, '|', (size_t)(end - ret->one));
        ret->one_len = (size_t)((bar ? bar : end) - ret->one);
        ret->many = bar ? bar + 1 : end;
        ret->many_len = (size_t)(end - ret->many);
}

static bool named(const struct placeholder *p, const char *name) {
        return p->name_len == strlen(name) && memcmp(p->name, name, p->name_len) == 0;
}

/* Writes the value of @p's name; true when the number in it is exactly one. @dst stays "" for a
 * name that does not exist, which a test of the whole table would notice. */
static bool value_format(const struct refusal *r, const struct placeholder *p, char *dst,
                         size_t size) {
        const struct {
                const char *name, *text;
        } strings[] = { { "subject", r->subject }, { "detail", r->detail }, { "extra", r->extra } };
        const struct {
                const char *name;
                int64_t value;
                bool gpu;
        } numbers[] = {
                { "asked", r->asked, false },    { "used", r->used, false },
                { "max", r->max, false },        { "total", r->total, false },
                { "asked_gpu", r->asked, true }, { "used_gpu", r->used, true },
                { "max_gpu", r->max, true },     { "total_gpu", r->total, true },
        };

        dst[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
                if (named(p, strings[i].name)) {
                        str_printable(dst, size, strings[i].text);
                        return false;
                }
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                if (!named(p, numbers[i].name))
                        continue;
                if (numbers[i].gpu || numbers[i].value == INT64_MAX)
                        gpu_units_format(numbers[i].value, dst, size);
                else
                        (void)snprintf(dst, size, "%lld", (long long)numbers[i].value);
                return strcmp(dst, "1") == 0;
        }
        return false;
}

static void expand(const char *text, const struct refusal *r, struct buf *out) {
        char value[sizeof(r->detail)];

        while (*text) {
                const char *open = strchr(text, '{');
                const char *close = open ? strchr(open, '}') : NULL;
                struct placeholder p;
                bool one;

                if (!close) {
                        (void)buf_adds(out, text);
                        return;
                }
                (void)buf_add(out, text, (size_t)(open - text));
                text = close + 1;
                placeholder_parse(open + 1, (size_t)(close - open - 1), &p);
                one = value_format(r, &p, value, sizeof(value));
                if (p.one) {
                        (void)buf_add(out, one ? p.one : p.many, one ? p.one_len : p.many_len);
                } else if (value[0]) {
                        (void)buf_add(out, p.prefix ? p.prefix : "", p.prefix_len);
                        (void)buf_adds(out, value);
                }
        }
}

void refusal_message(const struct refusal *r, struct buf *out) {
        expand(refusal_kind(r->reason)->message, r, out);
}

void refusal_next(const struct refusal *r, struct buf *out) {
        expand(refusal_kind(r->reason)->next, r, out);
}
