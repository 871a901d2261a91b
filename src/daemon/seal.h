/*
 * Labels that only ds01d can have written. Everything that must outlast the daemon stands in a
 * container's labels; ds01.seal is an HMAC-SHA256 over all of them and the container's name, keyed
 * by a file that only root reads. Labels that an image or somebody's own `docker run` brings along
 * count for nothing, and the labels of one container prove nothing on another one.
 */
#pragma once

#include "base/err.h"

#include "daemon/ledger.h"
#include "engine/engine.h"

enum { SEAL_LABELS_MAX = 24 };

struct sealed_labels {
        struct engine_label labels[SEAL_LABELS_MAX]; /* keys are static; values are owned */
        size_t n;
};

/* Reads the key file, making it (0600, random) when there is none. */
int seal_key_load(const char *path, unsigned char *key, size_t size, struct err *err);

/* 32 random hex digits. */
int nonce_make(char dst[NONCE_SIZE]);

/* A seal over @text, good only together with @subject (both are strings): hex digits. */
enum { SEAL_HEX_SIZE = 2 * 32 + 1 };
void seal_text(const unsigned char *key, size_t key_size, const char *subject, const char *text,
               char hex[SEAL_HEX_SIZE]);

/* The labels of @r with their seal. Release with sealed_labels_release(). 0 or -ENOMEM. */
int seal_make(const unsigned char *key, size_t key_size, const struct record *r,
              struct sealed_labels *ret);
void sealed_labels_release(struct sealed_labels *l);

/* A record from an engine's container: 0; -EPERM when it bears no valid seal; -ENOMEM.
 * State and times are taken from the container too. */
int seal_open(const unsigned char *key, size_t key_size, const struct engine_container *c,
              struct record **ret);

/* The labels of an image that ds01d builds: whose it is, of which project, and that it was us. As a
 * LABEL instruction takes them. */
enum { IMAGE_LABELS_SIZE = 256 };
void image_seal_make(const unsigned char *key, size_t key_size, uid_t uid, const char *project,
                     char ret[IMAGE_LABELS_SIZE]);
/* True for an image with these labels ("key=value"), which says in them that it is @uid's; the
 * project is copied to @project unless NULL. What is kept of a container bears that one's seal too
 * and is none of them. */
bool image_seal_valid(const unsigned char *key, size_t key_size, char *const *labels, uid_t uid,
                      char project[NAME_MAX_LEN + 1]);
extern const char image_uid_label[];

/* Takes over what changes in the engine: state, pid, times, exit code. */
void record_update(struct record *r, const struct engine_container *c);
