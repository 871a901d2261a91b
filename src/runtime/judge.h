/*
 * The last word on a container before its first instruction: the bundle's config.json, or an exec's
 * process.json, against what ds01d has decided. The engine has written both from the image, its own
 * configuration and what ds01d asked for; whatever way something else got in there, it shows here.
 */
#pragma once

#include "base/buf.h"
#include "runtime/decision.h"

enum {
        JUDGE_FILE_MAX = 8 << 20, /* bytes of a config.json; Docker's has 12 to 100 thousand */
        JUDGE_OUT_MAX = JUDGE_FILE_MAX + (1 << 20),
};

/* Judges a config.json for the container with this id. What is to be run in its stead is added to
 * @out (made with JUDGE_OUT_MAX): every mount but /dev and its devices is nosuid,nodev, and the
 * groups are those that were decided. @rootfs is the root directory as the file names it. 0, or
 * -EPERM (not as decided), -EINVAL (not understood), -ENOMEM, with @err. */
int judge_bundle(const char *text, size_t n, const struct decision *d, const char *id,
                 struct buf *out, char rootfs[PATH_MAX], struct err *err);

/* The same for a process.json. */
int judge_process(const char *text, size_t n, const struct decision *d, struct buf *out,
                  struct err *err);

/* A step of a build is not judged: it is root's, with the rights that the engine gives. But the
 * device nodes that it makes are to open nothing, from outside either. Adds the text with nodev on
 * each mount but /dev to @out; otherwise as judge_bundle(). */
int judge_build(const char *text, size_t n, struct buf *out, char rootfs[PATH_MAX],
                struct err *err);

/* True when the config.json @text is of a step of a build of ds01's, which has its control group in
 * one of those that daemon/build.c has made: "/ds01/u1001/build/ID", or with systemd
 * "ds01-u1001-build.slice:docker:ID". */
bool bundle_is_build(const char *text, size_t n);
/* True when the config.json @text has a mount that comes from below @directory. What is no JSON has
 * none. */
bool bundle_mounts_from(const char *text, size_t n, const char *directory);
