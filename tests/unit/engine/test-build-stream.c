/* What engines send while they build, as events. */
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S(text) "{\"stream\":\"" text "\"}\n"
#define ID1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static const struct {
        const char *in;
        const char *out; /* "s STAGE/STEP", "l LINE", "i ID", "e STATUS CODE MESSAGE" */
} rows[] = {
        /* Docker */
        { S("Step 1/10 : FROM a") S("\\n") S(" ---\\u003e f22fd7d2da80\\n")
          S("Step 2/10 : RUN x") S("\\n") S(" ---\\u003e Running in 2d95fc680851\\n")
          S("hello\\nno newline") S("\\u001b[91merr\\n\\u001b[0m")
          S("Removing intermediate container 2d95fc680851\\n")
          "{\"aux\":{\"ID\":\"" ID1 "\"}}\n" S("Successfully built 9e1ac338b2e8\\n")
          S("Successfully tagged ds01-1/x:latest\\n"),
          "s 0/1\ns 0/2\nl hello\nl no newlineerr\ni " ID1 "\n" },
        { S("Step 2/10 : RUN x") S("\\n") S("\\n") S("no end")
          S("Removing intermediate container 2\\n") S(" ---\\u003e 1\\n") S("Step 3/10 : RUN x"),
          "s 0/2\nl \nl no end\ns 0/3\n" },
        /* podman */
        { S("STEP 1/2: FROM a\\n") S("STEP 2/2: RUN x\\n") S("[2/2] STEP 3/4: COPY\\n")
          S("COMMIT x\\n") S("[2/2] COMMIT x\\n") S("--\\u003e 123456789ab\\n")
          S("2222222222222222222222222222222222222222222222222222222222222222\\n"),
          "s 1/1\ns 1/2\ns 2/3\n" },
        /* Progress bars, and lines in pieces */
        { S("10%\\r20%\\r") S("30%") S("\\r\\n") S("a\\tb\\u0007") S("c\\n"),
          "l 30%\nl a\tb c\n" },
        { S("x") S("Step 9/9 : y") S("z\\n"), "s 0/9\nl xz\n" },
        { S("Step 1/x : a\\n") S("Step 1 : a\\n") S("[x] STEP 1/2: a\\n") S("STEP 1/2 a\\n"),
          "l Step 1/x : a\nl Step 1 : a\nl [x] STEP 1/2: a\nl STEP 1/2 a\n" },
        /* Errors */
        { "{\"errorDetail\":{\"code\":3,\"message\":\"no\"},\"error\":\"no\"}\n", "e 500 3 no\n" },
        { "{\"error\":\"only this\\n\"}\n", "e 500 0 only this\n" },
        { "{\"error\":\"\\n\"}\n", "e 500 0 it gives no reason\n" },
        { "{\"aux\":{\"ID\":\"sha256:0123456789\\u001b\"}}\n{\"aux\":{\"ID\":\"sha256:\"}}\n", "" },
        { "{\"errorDetail\":{\"code\":-1,\"message\":\"x\"}}\n", "e 500 0 x\n" },
        { "nonsense\n", "e 0 0 the build's answer is not JSON\n" },
        { "{\"aux\":5}\n{\"stream\":5}\n{\"stream\":\"\"}\n"
          "{\"aux\":{\"ID\":\"" ID1 ID1 "\"}}\n{}\n",
          "" },
};

static void test_rows(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT(65536);
                struct engine_build_stream b;
                struct engine_build_event event;
                struct engine_error err;
                int code = 0, r;

                engine_build_stream_init(&b);
                /* byte by byte: what comes out must not depend on the pieces */
                for (const char *at = rows[i].in; *at; at++) {
                        buf_addc(&b.in, *at);
                        while ((r = engine_build_stream_next(&b, &event, &code, &err)) > 0)
                                if (event.kind == ENGINE_BUILD_STEP)
                                        buf_addf(&out, "s %d/%d\n", event.stage, event.step);
                                else
                                        buf_addf(&out, "%c %s\n",
                                                 event.kind == ENGINE_BUILD_LOG ? 'l' : 'i',
                                                 event.text);
                        if (r < 0) {
                                buf_addf(&out, "e %d %d %s\n", err.status, code, err.message);
                                break;
                        }
                }
                assert_string_equal(buf_str(&out), rows[i].out);
                engine_build_stream_release(&b);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
