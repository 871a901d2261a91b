/*
 * The service manager's two protocols, without its library: sockets that it opened for us
 * (LISTEN_FDS, see sd_listen_fds(3)) and telling it how we are (NOTIFY_SOCKET, see sd_notify(3)).
 * Both do nothing where there is no service manager.
 */
#pragma once

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* The listening socket that was passed in, or -1. */
int notify_listen_fd(void);
