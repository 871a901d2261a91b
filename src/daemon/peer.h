/*
 * The process at the other end of a connection: what the kernel says, not what it says. Read once,
 * when the connection is made.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
        uid_t uid;
        pid_t pid;
        bool known;         /* what follows is that process's, and not of one with its number */
        char container[65]; /* the id of the container after which its group is called; "": none */
        bool inside;        /* and that group is one of root's, so it is in that container */
        bool apart;         /* of root: in another user or pid namespace than ds01d */
};

/* 0, or -errno when not even the uid can be known. */
int peer_read(int socket, struct peer *ret);

/* May it administer? Root of this machine: not of a container, and not somebody whose process ended
 * before it could be looked at. */
bool peer_is_administrator(const struct peer *p);
