/*
 * Reservations (core/reserve.h): those of the limits file and those that root has made with `ds01
 * reserve`, which are kept in paths.state/reservations. The ledger has the current list, so that a
 * decision sees it under its lock; weekly ones stand there with this or their next time.
 */
#pragma once

#include "daemon/daemon.h"

enum { RESERVE_FILE_MAX = 128 * 1024 };

/* Reads the file. Before the first decision. */
void reserve_start(struct daemon *d);
/* Once a second is often enough: brings the ledger's list up to date and tells people who hold
 * GPUs before a reservation begins that needs them. */
void reserve_tend(struct daemon *d);

/* This or the next time of a weekly reservation: its start_us and end_us, local time. */
void reserve_occurrence(struct reservation *r, int64_t wall_us);

/* The file's text, and back: 0, -ENOBUFS or -EBADMSG. */
struct buf;
int reserve_write(const struct own_reservation *list, size_t n, struct buf *out);
int reserve_read(const char *text, size_t n, struct own_reservation *ret, size_t *ret_n);
