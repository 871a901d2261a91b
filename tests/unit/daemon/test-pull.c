/* What people are told when a pull fails, from the words of the engines. */
#include "cmocka-headers.h"

#include "daemon/pull.h"

#include "base/str.h"

#include <string.h>

static void test_refuse(void **state) {
        static const struct {
                int status;
                const char *reference, *message, *wanted;
                enum refusal_reason reason;
        } rows[] = {
                /* Docker 20, 26, 28 and podman 4.3, in this order. */
                { 404, "r.example:5000/x:1",
                  "manifest for r.example:5000/x:1 not found: manifest unknown: manifest unknown",
                  "no image named 'r.example:5000/x:1' at r.example:5000", REFUSAL_NO_SUCH_IMAGE },
                { 404, "x:1",
                  "pull access denied for x, repository does not exist or may require 'docker "
                  "login'",
                  "no image named 'x:1' at docker.io", REFUSAL_NO_SUCH_IMAGE },
                { 500, "r.example/x:1",
                  "unknown: repository name not known to registry: name unknown",
                  "no image named 'r.example/x:1' at r.example", REFUSAL_NO_SUCH_IMAGE },
                { 500, "r.example/x:1",
                  "initializing source docker://r.example/x:1: reading manifest 1 in r.example/x: "
                  "manifest unknown: manifest unknown",
                  "no image named 'r.example/x:1' at r.example", REFUSAL_NO_SUCH_IMAGE },
                { 500, "r.example/x:1",
                  "Get \"https://r.example/v2/\": dial tcp 10.0.0.1:443: connect: connection "
                  "refused",
                  "the registry r.example can't be reached from this machine",
                  REFUSAL_REGISTRY_UNREACHABLE },
                { 500, "x/y:1",
                  "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup "
                  "registry-1.docker.io: no such host",
                  "the registry docker.io can't be reached from this machine",
                  REFUSAL_REGISTRY_UNREACHABLE },
                { 500, "x:1", "write /var/lib/docker/tmp/x: no space left on device", NULL,
                  REFUSAL_STORAGE_FULL },
                { 500, "x:1", "x509: certificate has expired", NULL, REFUSAL_ENGINE_FAILED },
                { 0, "x:1", "connect: connection refused", NULL, REFUSAL_ENGINE_UNREACHABLE },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT(4096);
                struct engine_error error = { .status = rows[i].status, .definite = true };
                struct refusal r = { 0 };

                str_copy(error.message, sizeof(error.message), rows[i].message);
                pull_refuse(&r, rows[i].reference, &error);
                assert_int_equal(r.reason, rows[i].reason);
                refusal_message(&r, &text);
                if (rows[i].wanted)
                        assert_string_equal(buf_str(&text), rows[i].wanted);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_refuse) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
