/*
 * What the daemon and its helper say to each other over a stream socket: a head, then for answers a
 * body of fixed fields and arrays. Both ends are the same program file, so structs travel as they
 * are in memory; counts are checked all the same, for the helper runs foreign code.
 */
#pragma once

#include "base/buf.h"
#include "gpu/monitor.h"

#define PROTOCOL_BYTES_MAX (8 * 1024 * 1024)
#define PROTOCOL_PROCESSES_MAX 65536

enum protocol_request {
        PROTOCOL_INVENTORY = 1,
        PROTOCOL_SAMPLE = 2,
};

struct protocol_head {
        uint32_t magic;
        uint32_t request; /* enum protocol_request; an answer repeats it */
        uint32_t length;  /* of the body */
};

/* An answer in memory. For an inventory `inventory` and `processes` are set, for a sample
 * `sample`. With status < 0 (a -errno) nothing is but the message. */
struct protocol_answer {
        int status;
        char message[256];
        struct gpu_inventory inventory;
        struct gpu_processes processes;
        struct gpu_sample sample;
};

void protocol_answer_release(struct protocol_answer *a);

/* Appends head and body; 0, -ENOBUFS or -ENOMEM. */
int protocol_write_answer(enum protocol_request request, const struct protocol_answer *a,
                          struct buf *b);

/* Reads a body of @n bytes. 0, -EBADMSG or -ENOMEM. */
int protocol_read_answer(enum protocol_request request, const void *body, size_t n,
                         struct protocol_answer *ret);

/* True when @h could be the head of an answer to @request. */
bool protocol_head_valid(const struct protocol_head *h, enum protocol_request request);
struct protocol_head protocol_request_head(enum protocol_request request);
