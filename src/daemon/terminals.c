/* See terminals.h. */
#include "daemon/terminals.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SAID_MAX = 4096 }; /* waiting for one session; what does not fit is not said */

void terminals_init(struct terminals *t) {
        pthread_mutex_init(&t->lock, NULL);
        t->first = NULL;
}

int terminals_add(struct terminals *t, struct terminal *session, const char *container, bool tty) {
        *session = (struct terminal){ .tty = tty, .said = BUF_INIT(SAID_MAX) };
        str_copy(session->container, sizeof(session->container), container);
        session->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (session->wake_fd < 0)
                return -errno;
        pthread_mutex_lock(&t->lock);
        session->next = t->first;
        t->first = session;
        pthread_mutex_unlock(&t->lock);
        return 0;
}

void terminals_remove(struct terminals *t, struct terminal *session) {
        pthread_mutex_lock(&t->lock);
        for (struct terminal **at = &t->first; *at; at = &(*at)->next)
                if (*at == session) {
                        *at = session->next;
                        break;
                }
        pthread_mutex_unlock(&t->lock);
        buf_release(&session->said);
        if (session->wake_fd >= 0)
                close(session->wake_fd);
        session->wake_fd = -1;
}

void terminals_typed(struct terminals *t, struct terminal *session) {
        int64_t now = clock_boot_us();

        pthread_mutex_lock(&t->lock);
        session->typed_us = now;
        pthread_mutex_unlock(&t->lock);
}

void terminals_hear(struct terminals *t, struct terminal *session, struct buf *out) {
        eventfd_t ignored;

        pthread_mutex_lock(&t->lock);
        (void)eventfd_read(session->wake_fd, &ignored);
        buf_add(out, buf_str(&session->said), session->said.len);
        buf_reset(&session->said);
        pthread_mutex_unlock(&t->lock);
}

void terminals_say(struct terminals *t, const char *container, const char *line) {
        pthread_mutex_lock(&t->lock);
        for (struct terminal *s = t->first; s; s = s->next) {
                if (!s->tty || strcmp(s->container, container) != 0 ||
                    s->said.len + strlen(line) + 32 > SAID_MAX)
                        continue;
                /* On a line of its own, whatever the cursor is in the middle of. */
                if (buf_addf(&s->said, "\r\n*** ds01: %s ***\r\n", line) == 0)
                        (void)eventfd_write(s->wake_fd, 1);
        }
        pthread_mutex_unlock(&t->lock);
}

int64_t terminals_last_typed(struct terminals *t, const char *container) {
        int64_t last = 0;

        pthread_mutex_lock(&t->lock);
        for (const struct terminal *s = t->first; s; s = s->next)
                if (s->typed_us > last && strcmp(s->container, container) == 0)
                        last = s->typed_us;
        pthread_mutex_unlock(&t->lock);
        return last;
}
