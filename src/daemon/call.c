/* What handlers share: reading a request's parts and writing refusals. */
#include "daemon/call.h"

#include "base/str.h"
#include "daemon/images.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void write_error(struct json_writer *w, const struct refusal *r) {
        _cleanup_buf_ struct buf message = BUF_INIT(4096), next = BUF_INIT(4096);
        const struct refusal_kind *kind = refusal_kind(r->reason);

        refusal_message(r, &message);
        refusal_next(r, &next);
        json_write_object(w);
        json_write_key(w, "error");
        json_write_object(w);
        json_put_str(w, "code", kind->code);
        json_put_str(w, "message", buf_str(&message));
        json_put_str(w, "next", buf_str(&next));
        json_put_int(w, "exit", kind->exit_code);
        if (r->line > 0)
                json_put_int(w, "line", r->line);
        json_write_object_end(w);
        json_write_object_end(w);
}

/* A name that is nearly that of a container or an image that the caller can see: it is asked
 * whether that was meant. */
static void suggest(struct call *c) {
        char next[sizeof(c->refusal.extra)];
        struct guess guess = { .word = c->refusal.subject };

        if (!c->who)
                return;
        if (c->refusal.reason == REFUSAL_NO_SUCH_CONTAINER) {
                ledger_lock(&c->daemon->ledger);
                ledger_guess(&c->daemon->ledger, c->who->uid, &guess);
                ledger_unlock(&c->daemon->ledger);
        } else if (c->refusal.reason == REFUSAL_NO_SUCH_IMAGE) {
                images_guess(c, &guess);
        }
        if (!guess.best[0])
                return;
        str_copy(next, sizeof(next), c->refusal.extra);
        snprintf(c->refusal.extra, sizeof(c->refusal.extra), "did you mean '%s'? %s", guess.best,
                 next);
}

void call_refuse(struct call *c, const struct refusal *r) {
        struct json_writer w = JSON_WRITER(&c->answer);

        buf_reset(&c->answer);
        if (r != &c->refusal)
                c->refusal = *r;
        suggest(c);
        c->status = refusal_kind(r->reason)->http_status;
        write_error(&w, &c->refusal);
}

void call_fail(struct call *c, enum refusal_reason reason, const char *fmt, ...) {
        char detail[sizeof(c->refusal.detail)];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(detail, sizeof(detail), fmt, ap);
        va_end(ap);
        refuse_detail(&c->refusal, reason, NULL, "%s", detail);
        call_refuse(c, &c->refusal);
}

bool call_is_admin(struct call *c, const char *what, const char *next) {
        if (c->admin || c->daemon->private_mode)
                return true;
        refuse_detail(&c->refusal, REFUSAL_CALLER_NOT_ALLOWED, NULL, "%s", what);
        str_copy(c->refusal.extra, sizeof(c->refusal.extra), next);
        return false;
}

void refusal_from_engine(struct refusal *r, const struct engine_error *e) {
        /* ds01-runtime's words, which come through the engine's; what follows is ours again. */
        static const char runtime[] = "not as ds01d decided: ";
        const char *ours = strstr(e->message, runtime);
        enum refusal_reason reason = e->status == 0 && e->definite ? REFUSAL_ENGINE_UNREACHABLE
                                     : e->status == 0              ? REFUSAL_ENGINE_UNCERTAIN
                                     : strstr(e->message, "no space left on device") != NULL
                                             ? REFUSAL_STORAGE_FULL
                                             : REFUSAL_ENGINE_FAILED;

        if (e->status && ours) {
                ours += strlen(runtime);
                /* containerd adds what kind of error it was */
                refuse_detail(r, REFUSAL_NOT_AS_DECIDED, NULL, "%.*s",
                              (int)(strlen(ours) - (str_ends(ours, ": unknown") ? 9 : 0)), ours);
                return;
        }
        refuse_detail(r, reason, NULL, "%s", e->message);
        if (reason == REFUSAL_ENGINE_FAILED)
                str_copy(r->extra, sizeof(r->extra),
                         "see what there is: container-list --all; if it stays so, tell your "
                         "administrator (sudo ds01 doctor)");
}

void call_engine_error(struct call *c, const struct engine_error *e) {
        refusal_from_engine(&c->refusal, e);
        call_refuse(c, &c->refusal);
}

int call_flag(struct call *c, const char *key, bool *ret) {
        const char *value = http_request_param(c->request, key);

        if (!value || strcmp(value, "false") == 0)
                *ret = false;
        else if (strcmp(value, "true") == 0)
                *ret = true;
        else {
                call_fail(c, REFUSAL_BAD_REQUEST, "%s is true or false, not '%s'", key, value);
                return -1;
        }
        return 0;
}

int call_decode(struct call *c, const struct json_field *fields, size_t n, void *out) {
        struct err err = { 0 };

        if (json_decode(buf_str(c->body), c->body->len, fields, n, out, &err) < 0) {
                call_fail(c, REFUSAL_BAD_REQUEST, "%s", err.msg);
                return -1;
        }
        return 0;
}

int call_name(struct call *c, char ret[NAME_MAX_LEN + 1]) {
        /* A name that nobody can have is a container that is not there, not a usage error: what
         * cannot exist is asked for by a mistyped word as well. */
        if (container_name_check(c->name, ret, &c->refusal) == 0)
                return 0;
        refuse(&c->refusal, REFUSAL_NO_SUCH_CONTAINER, c->name);
        call_refuse(c, &c->refusal);
        return -1;
}
