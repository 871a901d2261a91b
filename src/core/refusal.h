/*
 * A "no", as a value: the reason and what the sentence about it needs. The texts, HTTP statuses
 * and exit codes stand in refusals.def, one row a reason. Pure.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

enum refusal_reason {
        REFUSAL_NONE,
#define REFUSAL(id, code, http, exit, message, next) REFUSAL_##id,
#include "core/refusals.def"
#undef REFUSAL
        REFUSAL_COUNT,
};

struct refusal {
        enum refusal_reason reason;
        char subject[256];
        char detail[640];
        char extra[256];
        int64_t asked, used, max, total;
        int64_t line; /* of the Dockerfile that is to blame; 0 = none */
};

/* One row of refusals.def. */
struct refusal_kind {
        const char *code;
        int http_status;
        int exit_code;
        const char *message;
        const char *next;
};

const struct refusal_kind *refusal_kind(enum refusal_reason reason);

/* Starts a refusal: sets the reason and the subject (cut to fit; NULL = ""), clears the rest.
 * Returns @r's reason, so that a function can `return refuse(...)` where nonzero means no. */
int refuse(struct refusal *r, enum refusal_reason reason, const char *subject);
/* The same with a formatted detail. */
int refuse_detail(struct refusal *r, enum refusal_reason reason, const char *subject,
                  const char *fmt, ...) _printf_(4, 5);

/* The sentence and the next step, placeholders filled in, control characters made harmless. */
void refusal_message(const struct refusal *r, struct buf *out);
void refusal_next(const struct refusal *r, struct buf *out);

/* GPU units as people read them: "2", "1.5", "0.29", "unlimited". */
void gpu_units_format(int64_t units, char *dst, size_t size);
