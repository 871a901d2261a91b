/* See steady.h. */
#include "daemon/steady.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "json/json.h"
#include "json/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { SAVE_EVERY_S = 60, SPAN_TEXT_MAX = 80 };

#define TIME_MAX (INT64_MAX / 8) /* so that sums of a few can't overflow */

struct kept {
        char boot_id[BOOT_ID_SIZE];
        int64_t epoch_us, last_us;
        char **spans; /* "FROM TO AHEAD" */
};

static const struct json_field fields[] = {
        JSON_FIELD_STR("boot_id", struct kept, boot_id, .required = true),
        JSON_FIELD_INT("epoch_us", struct kept, epoch_us, -TIME_MAX, TIME_MAX, .required = true),
        JSON_FIELD_INT("last_us", struct kept, last_us, -TIME_MAX, TIME_MAX, .required = true),
        JSON_FIELD_STRV("spans", struct kept, spans, TIMELINE_SPANS_MAX, SPAN_TEXT_MAX,
                        .required = true),
};

int steady_write(const struct timeline *t, const char *boot_id, struct buf *out) {
        struct json_writer w = JSON_WRITER(out);

        json_write_object(&w);
        json_put_str(&w, "boot_id", boot_id);
        json_put_int(&w, "epoch_us", t->epoch_us);
        json_put_int(&w, "last_us", t->last_us);
        json_write_key(&w, "spans");
        json_write_array(&w);
        for (size_t i = 0; i < t->n; i++) {
                char text[SPAN_TEXT_MAX];

                snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64,
                         i == 0 ? -TIME_MAX : t->spans[i].from_us, t->spans[i].to_us,
                         t->spans[i].ahead_us);
                json_write_str(&w, text);
        }
        json_write_array_end(&w);
        json_write_object_end(&w);
        buf_addc(out, '\n');
        return out->failed ? -ENOBUFS : 0;
}

static bool read_span(char *text, struct timeline_span *ret) {
        int64_t *const numbers[] = { &ret->from_us, &ret->to_us, &ret->ahead_us };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                char *word = strsep(&text, " ");

                if (!word || str_to_i64(word, -TIME_MAX, TIME_MAX, numbers[i]) < 0)
                        return false;
        }
        return text == NULL;
}

int steady_read(const char *text, size_t n, struct timeline *ret, char boot_id[BOOT_ID_SIZE]) {
        struct kept kept = { 0 };
        struct timeline t = { 0 };
        bool good = true;

        if (n > STEADY_FILE_MAX ||
            json_decode(text, n, fields, ARRAY_SIZE(fields), &kept, NULL) < 0)
                return -EBADMSG;
        for (; good && kept.spans[t.n]; t.n++)
                good = t.n < TIMELINE_SPANS_MAX && read_span(kept.spans[t.n], &t.spans[t.n]);
        good = good && t.n > 0;
        if (good) {
                t.spans[0].from_us = INT64_MIN;
                t.epoch_us = kept.epoch_us;
                t.last_us = kept.last_us;
                *ret = t;
                str_copy(boot_id, BOOT_ID_SIZE, kept.boot_id);
        }
        json_release(fields, ARRAY_SIZE(fields), &kept);
        return good ? 0 : -EBADMSG;
}

static void read_boot_id(char ret[BOOT_ID_SIZE]) {
        _cleanup_buf_ struct buf text = BUF_INIT(BOOT_ID_SIZE - 1);

        if (file_read("/proc/sys/kernel/random/boot_id", &text) < 0)
                buf_reset(&text); /* then no two runs of the machine are told apart */
        str_copy(ret, BOOT_ID_SIZE, buf_str(&text));
        ret[strcspn(ret, "\n")] = '\0';
}

static void save(struct daemon *d, const struct timeline *t) {
        _cleanup_buf_ struct buf text = BUF_INIT(STEADY_FILE_MAX);
        char path[PATH_MAX], boot_id[BOOT_ID_SIZE];
        int r;

        read_boot_id(boot_id);
        snprintf(path, sizeof(path), "%s/clock", d->config.state_dir);
        r = steady_write(t, boot_id, &text);
        if (r == 0)
                r = file_write_atomic(path, 0600, buf_str(&text), text.len);
        if (r < 0)
                log_line(LOG_ERROR, "clock-not-written", "path", path, "error", strerror(-r), NULL);
}

void steady_start(struct daemon *d) {
        _cleanup_buf_ struct buf text = BUF_INIT(STEADY_FILE_MAX);
        char path[PATH_MAX], kept[BOOT_ID_SIZE], boot_id[BOOT_ID_SIZE];
        struct timeline t;
        int r;

        snprintf(path, sizeof(path), "%s/clock", d->config.state_dir);
        r = file_read(path, &text);
        if (r == 0)
                r = steady_read(buf_str(&text), text.len, &t, kept);
        if (r == 0) {
                read_boot_id(boot_id);
                ledger_resume(&d->ledger, &t, strcmp(boot_id, kept) == 0);
        } else if (r != -ENOENT) {
                log_line(LOG_ERROR, "clock-damaged", "path", path, "error", strerror(-r), NULL);
        }
        save(d, &d->ledger.timeline);
}

void steady_tend(struct daemon *d) {
        struct ledger *l = &d->ledger;
        struct timeline t;
        bool set;

        ledger_lock(l);
        ledger_look(l);
        set = l->clock_set;
        l->clock_set = false;
        t = l->timeline;
        ledger_unlock(l);
        if (set) {
                log_text(LOG_WARN, "clock-set", "the wall clock is %+.1f s from where it was",
                         (double)(t.spans[t.n - 1].ahead_us -
                                  (t.n > 1 ? t.spans[t.n - 2].ahead_us : 0)) / US_PER_S);
                daemon_wake_keeper(d);
        }
        if (set || t.last_us - d->clock_saved_us > SAVE_EVERY_S * US_PER_S) {
                save(d, &t);
                d->clock_saved_us = t.last_us;
        }
}

void steady_end(struct daemon *d) {
        d->clock_saved_us = INT64_MIN / 2;
        steady_tend(d);
}
