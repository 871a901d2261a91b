/* key=value log lines; safe to call from several threads. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096 };

static _Atomic int max_level = LOG_INFO;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_set_level(enum log_level level) {
        atomic_store(&max_level, level);
}

static bool is_plain(const char *value) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "._-/:@+,%";

        return *value && value[strspn(value, plain)] == '\0';
}

static void add_value(struct buf *b, const char *value) {
        if (is_plain(value)) {
                buf_adds(b, value);
                return;
        }
        buf_addc(b, '"');
        for (size_t n = strlen(value), len; n > 0; value += len, n -= len) {
                size_t good = str_printable_bytes(value, n);

                len = good ? good : 1;
                if (*value == '"' || *value == '\\')
                        buf_addf(b, "\\%c", *value);
                else if (good)
                        buf_add(b, value, good);
                else /* byte by byte: no terminal that shows the log obeys it */
                        buf_addf(b, "\\x%02x", (unsigned char)*value);
        }
        buf_addc(b, '"');
}

static void start_line(struct buf *b, enum log_level level, const char *event) {
        char when[32];
        int64_t now = clock_real_us();

        time_format(now, when, sizeof(when));
        when[strlen(when) - 1] = '\0';
        buf_addf(b, "time=%s.%06dZ level=%s event=", when, (int)(now % US_PER_S),
                 level_names[level]);
        add_value(b, event);
}

static void finish_line(struct buf *b) {
        /* A line that hit the ceiling is cut, but still ends as a line. */
        if (b->failed && b->len > 0)
                b->data[b->len - 1] = '\n';
        else
                buf_addc(b, '\n');
        if (b->len > 0 && write(STDERR_FILENO, b->data, b->len) < 0)
                return; /* nowhere left to complain to */
}

void log_line(enum log_level level, const char *event, ...) {
        _cleanup_buf_ struct buf b = BUF_INIT(LINE_MAX_BYTES);
        const char *key;
        va_list ap;

        if ((int)level > atomic_load(&max_level))
                return;
        start_line(&b, level, event);
        va_start(ap, event);
        while ((key = va_arg(ap, const char *))) {
                const char *value = va_arg(ap, const char *);

                if (!value)
                        continue;
                buf_addf(&b, " %s=", key);
                add_value(&b, value);
        }
        va_end(ap);
        finish_line(&b);
}

void log_text(enum log_level level, const char *event, const char *fmt, ...) {
        char text[2048];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        log_line(level, event, "msg", text, NULL);
}
