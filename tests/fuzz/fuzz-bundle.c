/* The first byte says which: odd, a config.json before the judge, even, a process.json.
 * What passes is good JSON, passes again, and is then left as it is. A decision is read
 * from the bytes as well. */
#include "runtime/judge.h"

#include "json/json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char id[] = "8b19e22b76822da3b2565d71303dac60eb7ba43895ae10c27c04533d39f45c1e";

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static int judge(bool bundle, const char *text, size_t n, const struct decision *d,
                 struct buf *out) {
        char rootfs[PATH_MAX];
        struct err err = { 0 };
        int e = bundle ? judge_bundle(text, n, d, id, out, rootfs, &err)
                       : judge_process(text, n, d, out, &err);

        check((e == 0) == (err.msg[0] == '\0'));
        return e;
}

/* What comes of a step is JSON, and needs no second change. */
static void check_build(const char *text, size_t n) {
        _cleanup_buf_ struct buf out = BUF_INIT(JUDGE_OUT_MAX), again = BUF_INIT(JUDGE_OUT_MAX);
        static char rootfs[PATH_MAX];
        struct err err = { 0 };
        struct json_scan s;

        if (judge_build(text, n, &out, rootfs, &err) < 0)
                return;
        s = JSON_SCAN(buf_str(&out), out.len);
        while (json_scan_next(&s) != JSON_SCAN_END)
                check(!s.failed);
        check(judge_build(buf_str(&out), out.len, &again, rootfs, &err) == 0);
        check(again.len == out.len && memcmp(again.data, out.data, out.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct decision d = {
                .uid = 1001,
                .gid = 1001,
                .groups = { 2000 },
                .ngroups = 1,
                .cgroup = "/ds01/u1001",
                .engine_root = "/var/lib/docker",
                .gpus = "void",
                .cgroup_namespace = true,
                .mounts = { { "/run/ds01/pin/a/workspace", "/workspace", false },
                            { "/var/lib/ds01/identity/*/p", "/etc/passwd", true } },
                .nmounts = 2,
        };
        _cleanup_buf_ struct buf out = BUF_INIT(JUDGE_OUT_MAX), again = BUF_INIT(JUDGE_OUT_MAX);
        static struct decision read;
        struct err err = { 0 };
        struct json_scan s;
        bool bundle;

        if (size == 0)
                return 0;
        bundle = data[0] & 1;
        decision_parse((const char *)data + 1, size - 1, &read, &err);
        bundle_mounts_from((const char *)data + 1, size - 1, "/run/ds01/pin");
        bundle_is_build((const char *)data + 1, size - 1);
        check_build((const char *)data + 1, size - 1);
        if (judge(bundle, (const char *)data + 1, size - 1, &d, &out) < 0)
                return 0;
        s = JSON_SCAN(buf_str(&out), out.len);
        while (json_scan_next(&s) != JSON_SCAN_END)
                check(!s.failed);
        check(judge(bundle, buf_str(&out), out.len, &d, &again) == 0);
        check(again.len == out.len && memcmp(again.data, out.data, out.len) == 0);
        return 0;
}
