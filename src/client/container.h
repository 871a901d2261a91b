/*
 * A container as the API describes it, and what the commands that act on containers have in
 * common: doing it to each NAME, or to all of a kind.
 */
#pragma once

#include "client/call.h"
#include "client/command.h"
#include "base/vec.h"
#include "client/listing.h"

struct container {
        char name[128];
        char status[16];
        char image[512];
        char project[128];
        char gpu[512];      /* "GPU-0,GPU-1"; "" without */
        char gpu_text[2048]; /* "GPU-0 (NVIDIA A100), GPU-1 (...)" */
        char gpu_uuids[2048]; /* joined by ", " */
        char created_at[40], started_at[40], held_until[40];
        char stopped_why[96];    /* "idle 31 min": stopped by a rule of time; else "" */
        char stops_at[40], stops_because[16]; /* one will stop it soon */
        char extended_until[40]; /* until then none does */
        bool exempt;             /* none ever does: an administrator said so */
        char workspace[4096], data[4096];
        char user[64]; /* in an administrator's list of everybody's; else "" */
        char engine_name[256];
        char id[80];
        bool gpus_lost;      /* its programs can't use them any more; a new start helps */
        int64_t gpus_wanted; /* at a start, whether it holds them now or not */
        int64_t uptime_seconds; /* -1 when it is not running */
};

/* Reads the object that @s has just entered. Keys it does not know are skipped. */
void container_scan(struct json_scan *s, struct container *ret);
extern const struct row_kind container_rows;

/* Several of the caller's containers, owned. */
struct container_list {
        VEC(struct container *) rows;
};
void container_list_release(struct container_list *l);
#define _cleanup_containers_ _cleanup_(container_list_release)

/* Those whose status is in @statuses (STATUS_...) and, unless @image is NULL, that are made from
 * it. Adds to @ret, which starts zeroed. EXIT_DONE, or an exit code after saying why. */
int container_list_get(struct cli *c, unsigned statuses, const char *image,
                       struct container_list *ret);
/* Their names, joined by ", ". */
void container_list_names(const struct container_list *l, char *dst, size_t size);
/* STATUS_... of a status word. */
unsigned container_status_bit(const char *status);

/* "/v1/containers/NAME[/ACTION]" into @ret. 0 or -errno (a name too long for a target). */
int container_target(struct buf *ret, const char *name, const char *action);

/* *result* of docs/API.md: what an action on a container answers. */
struct action_result {
        struct container container;
        bool changed;
        struct buf notes; /* lines */
};
void action_result_release(struct action_result *r);
#define _cleanup_action_ _cleanup_(action_result_release)

/* POST /v1/containers/NAME/ACTION. @body may be NULL; @doing as in struct call. 0, or an exit code
 * after saying why. */
int container_act(struct cli *c, const char *name, const char *action, const struct buf *body,
                  const char *doing, struct action_result *ret);
/* The same for what may wait in the queue (waiting.h). */
int container_act_waiting(struct cli *c, const char *name, const char *action,
                          const struct buf *body, struct action_result *ret);
/* Prints the notes, indented, on @out. */
void action_print_notes(FILE *out, const struct buf *notes);
/* Reads an array of strings into lines (the notes of any answer). @s is before the value. */
void scan_notes(struct json_scan *s, struct buf *ret);

/* What is kept of a removed container: a row of GET /v1/bin. */
struct bin_entry {
        char name[128], kept_at[40], kept_until[40];
        int64_t bytes;
};
extern const struct row_kind bin_rows;

/* Runs @each for every operand; all are tried, and the first failure is the exit code. */
int for_each_name(struct cli *c, const struct operands *names,
                  int (*each)(struct cli *c, const char *name, const void *options),
                  const void *options);

/* The same for all of the caller's containers whose status is in @statuses, after asking on a
 * terminal when @verb is not NULL ("Stop 3 containers (a, b, c)?"). @none is what is said when
 * there are none. */
int for_all(struct cli *c, unsigned statuses, const char *verb, const char *none,
            int (*each)(struct cli *c, const char *name, const void *options),
            const void *options);

/* "--all" and names exclude each other, and one of them must be given. 0 or EXIT_USAGE, said. */
int check_names_or_all(struct cli *c, const struct operands *names, bool all);

/* Foreign text on its way to stdout. */
void put_safe(FILE *out, const char *text);
