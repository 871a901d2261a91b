/*
 * What several clients saw of containers and their GPUs, against a sequential model of leases: is
 * there any order in which all of it could have happened, one thing after the other? An operation
 * took place at some moment between its call and its answer. So between the answer that gave a
 * container its devices and the next call that could end that, it surely had them; and from the
 * call that could have given them to the answer that surely ended it, it may have had them.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum op_kind {
        OP_CREATE,
        OP_START,
        OP_STOP,
        OP_RELEASE, /* stop --release */
        OP_PAUSE,
        OP_UNPAUSE,
        OP_REMOVE,
        OP_ENGINE_KILL, /* behind ds01d's back, with the engine's own calls */
        OP_ENGINE_START,
        OP_ENGINE_REMOVE,
        OP_KINDS,
};
extern const char *const op_names[OP_KINDS];

enum op_outcome {
        OP_DONE,
        OP_REFUSED, /* and nothing was changed */
        OP_UNKNOWN, /* no answer came, or one that does not tell */
};

struct op {
        int64_t call_us, answer_us; /* CLOCK_MONOTONIC */
        enum op_kind kind;
        enum op_outcome outcome;
        int user, name; /* which container */
        int asked;      /* OP_CREATE: devices */
        uint32_t devices; /* DONE: those that it holds, a bit each */
        bool changed;
        char status[16]; /* DONE: "running" */
        char code[40];   /* REFUSED: "gpu_none_free" */
};

struct model {
        int devices, most_per_user;
        int64_t hold_us, unstarted_us;
};

/* Says on @out what could not have happened, and returns how often. The operations are in the order
 * of their calls. */
size_t history_check(const struct op *ops, size_t n, const struct model *m, FILE *out);

/* The last word on a container, if there is one: the answered operation that began after all others
 * of that container had ended. NULL: they overlap, or none is known. */
const struct op *history_last(const struct op *ops, size_t n, int user, int name);
