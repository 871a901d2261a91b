/* Error values with words; the header says how they are used. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...) {
        va_list ap;

        if (!e)
                return -code;
        e->code = code;
        va_start(ap, fmt);
        vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        return -code;
}

int err_wrap(struct err *e, const char *fmt, ...) {
        char context[sizeof(e->msg)];
        char joined[2 * sizeof(e->msg) + 3];
        va_list ap;

        if (!e)
                return -1;
        va_start(ap, fmt);
        vsnprintf(context, sizeof(context), fmt, ap);
        va_end(ap);
        snprintf(joined, sizeof(joined), "%s: %s", context, e->msg);
        memcpy(e->msg, joined, sizeof(e->msg) - 1);
        e->msg[sizeof(e->msg) - 1] = '\0';
        return -e->code;
}
