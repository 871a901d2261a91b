/* Accepting connections within the budget. */
#include "daemon/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { STACK_SIZE = 512 << 10, STOP_WAIT_S = 10, POLL_MS = 500 };

struct listener {
        struct daemon *daemon;
        pthread_mutex_t lock;
        pthread_cond_t ended;
        int64_t open;
};

struct connection {
        struct listener *listener;
        int fd;
        struct peer peer;
        bool admin;
};

/* Counts one more connection of @uid; nonzero with @r when that is too many. */
static int charge(struct listener *l, uid_t uid, struct refusal *r) {
        int refused = budget_take(&l->daemon->budgets, BUDGET_CONNECTIONS, uid, 0, r);

        if (refused)
                return refused;
        pthread_mutex_lock(&l->lock);
        l->open++;
        pthread_mutex_unlock(&l->lock);
        return 0;
}

static void discharge(struct listener *l, uid_t uid) {
        budget_give(&l->daemon->budgets, BUDGET_CONNECTIONS, uid);
        pthread_mutex_lock(&l->lock);
        l->open--;
        pthread_cond_signal(&l->ended);
        pthread_mutex_unlock(&l->lock);
}

static void *connection_thread(void *arg) {
        struct connection *c = arg;

        session_run(c->listener->daemon, c->fd, &c->peer, c->admin);
        discharge(c->listener, c->peer.uid);
        free(c);
        return NULL;
}

static int start_connection(struct listener *l, int fd, const struct peer *peer, bool admin) {
        struct connection *c = malloc(sizeof(*c));
        pthread_attr_t attr;
        pthread_t thread;
        int r;

        if (!c)
                return -ENOMEM;
        *c = (struct connection){ .listener = l, .fd = fd, .peer = *peer, .admin = admin };
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, STACK_SIZE);
        r = pthread_create(&thread, &attr, connection_thread, c);
        pthread_attr_destroy(&attr);
        if (r != 0)
                free(c);
        return -r;
}

static void accept_one(struct listener *l, int listen_fd, bool admin) {
        struct refusal r = { 0 };
        struct peer peer;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE) {
                        log_text(LOG_ERROR, "accept", "%s", strerror(errno));
                        poll(NULL, 0, 50); /* let some connections end */
                }
                return;
        }
        if (peer_read(fd, &peer) < 0) {
                close(fd);
                return;
        }
        if (charge(l, peer.uid, &r)) {
                session_turn_away(fd, &r);
                return;
        }
        if (start_connection(l, fd, &peer, admin) < 0) {
                discharge(l, peer.uid);
                refuse_detail(&r, REFUSAL_INTERNAL, NULL, "no thread for the connection");
                session_turn_away(fd, &r);
        }
}

static void wait_for_sessions(struct listener *l) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += STOP_WAIT_S;
        pthread_mutex_lock(&l->lock);
        while (l->open > 0 && pthread_cond_timedwait(&l->ended, &l->lock, &until) == 0)
                ;
        pthread_mutex_unlock(&l->lock);
}

void listener_run(struct daemon *d, int fd, int admin_fd) {
        /* Never freed: a session may outlive the wait at the end and still count itself off. */
        static struct listener l;

        l.daemon = d;
        pthread_mutex_init(&l.lock, NULL);
        pthread_cond_init(&l.ended, NULL);
        while (!d->stopping) {
                struct pollfd p[] = { { .fd = fd, .events = POLLIN },
                                      { .fd = admin_fd, .events = POLLIN } };

                if (poll(p, ARRAY_SIZE(p), POLL_MS) <= 0)
                        continue;
                if (p[0].revents)
                        accept_one(&l, fd, false);
                if (p[1].revents)
                        accept_one(&l, admin_fd, true);
        }
        wait_for_sessions(&l);
}
