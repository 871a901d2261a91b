/* Building as the client does it: what is sent, and what of the answer is shown. */
#include "fake.h"

#include "client/build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TARGET "POST /v1/images/thesis/build?no_cache=true&dockerfile=d%2FDockerfile"
#define READY { .expect = "GET /v1/limits", .status = 200, .reply = "{}" }

/* The build of a test: @pieces are sent one by one; "!" fails. */
struct job {
        const char *const *pieces;
        bool quiet;
        struct build_result result;
};

static int next_piece(void *source, struct buf *piece) {
        struct job *j = source;

        if (!*j->pieces)
                return 0;
        if (strcmp(*j->pieces, "!") == 0)
                return -EIO;
        buf_adds(piece, *j->pieces++);
        return 1;
}

static int build(struct cli *c, void *arg) {
        struct job *j = arg;
        const struct build_request q = { .project = "thesis",
                                         .dockerfile = "d/Dockerfile",
                                         .no_cache = true,
                                         .quiet = j->quiet,
                                         .next_piece = next_piece,
                                         .source = j };

        return build_image(c, &q, &j->result);
}

#define STEPS                                                                                      \
        "{\"id\":\"\",\"status\":\"Pulling from x\",\"current\":0,\"total\":0}\n"                  \
        "{\"id\":\"l1\",\"status\":\"Downloading\",\"current\":1,\"total\":2}\n"                   \
        "{\"step\":1,\"steps\":2,\"line\":1,\"text\":\"FROM x\"}\n"                                \
        "{\"step\":2,\"steps\":2,\"line\":3,\"text\":\"RUN y\"}\n"                                 \
        "{\"log\":\"one\"}\n{\"log\":\"\\u001btwo\"}\n"
#define DONE                                                                                       \
        "{\"done\":true,\"id\":\"sha256:1\",\"image\":\"ds01-1/thesis:latest\",\"size_bytes\":77," \
        "\"notes\":[\"a note\"]}\n"
#define FAILED                                                                                     \
        "{\"error\":{\"code\":\"step_failed\",\"message\":\"line 3 of it\",\"next\":\"mend it\","  \
        "\"exit\":1,\"line\":3}}\n"

static void run_build(const struct fake_answer *answers, size_t n, struct job *j, struct ran *ran,
                      bool live) {
        struct fake f;

        fake_start(&f, answers, n);
        run_part(&f, ran, build, j, live);
        fake_stop(&f);
}

static void test_built(void **state) {
        static const char *const pieces[] = { "hello", "", "world!", NULL };
        static const struct fake_answer answers[] = {
                READY,
                { .expect = TARGET, .status = 200, .reply = STEPS DONE,
                  .body = "5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n" },
        };
        static struct ran ran;

        for (int live = 0; live < 2; live++) {
                struct job j = { .pieces = pieces };

                run_build(answers, ARRAY_SIZE(answers), &j, &ran, live);
                assert_int_equal(ran.code, EXIT_DONE);
                assert_string_equal(ran.out, "");
                assert_string_equal(j.result.id, "sha256:1");
                assert_string_equal(j.result.image, "ds01-1/thesis:latest");
                assert_int_equal(j.result.size_bytes, 77);
                assert_string_equal(buf_str(&j.result.notes), "a note\n");
                if (live) {
                        assert_non_null(strstr(ran.err, "  1/2  FROM x\n"));
                        assert_non_null(strstr(ran.err, "  2/2  RUN y\n"));
                        assert_null(strstr(ran.err, "two\n"));
                } else {
                        assert_string_equal(ran.err, "  Pulling from x\n  l1: Downloading\n"
                                                     "Step 1/2: FROM x\nStep 2/2: RUN y\n"
                                                     "  one\n  ?two\n");
                }
                build_result_release(&j.result);
        }
}

static void test_failed(void **state) {
        static const char *const pieces[] = { "x", NULL };
        static const struct fake_answer answers[] = {
                READY,
                { .expect = TARGET, .status = 200, .reply = STEPS FAILED },
        };
        static struct ran ran;

        for (int live = 0; live < 2; live++) {
                struct job j = { .pieces = pieces, .quiet = !live };

                run_build(answers, ARRAY_SIZE(answers), &j, &ran, live);
                assert_int_equal(ran.code, EXIT_FAILED);
                assert_int_equal(j.result.line, 3);
                assert_non_null(strstr(ran.err, "The output of 'RUN y':\n  one\n  ?two\n"
                                                "ds01: line 3 of it\n  mend it\n"));
                build_result_release(&j.result);
        }
}

/* Refused before it was sent; broken off; and a source that fails. */
static void test_not_built(void **state) {
        static const char *const pieces[] = { "x", NULL }, *const broken[] = { "x", "!" };
        static const struct fake_answer refused[] = {
                READY,
                { .expect = TARGET, .status = 409,
                  .reply = "{\"error\":{\"code\":\"x\",\"message\":\"no base\",\"next\":\"\","
                           "\"exit\":4,\"line\":2}}" },
        };
        static const struct fake_answer lost[] = { READY,
                                                   { .expect = TARGET, .status = 200,
                                                     .reply = STEPS } };
        static const struct fake_answer cut[] = { READY, { .cut = true } };
        static struct ran ran;
        struct job j = { .pieces = pieces };

        run_build(refused, ARRAY_SIZE(refused), &j, &ran, false);
        assert_int_equal(ran.code, 4);
        assert_string_equal(ran.err, "ds01: no base\n  it is line 2 of the Dockerfile\n");
        build_result_release(&j.result);

        j = (struct job){ .pieces = pieces };
        run_build(lost, ARRAY_SIZE(lost), &j, &ran, false);
        assert_int_equal(ran.code, EXIT_UNREACHABLE);
        assert_non_null(strstr(ran.err, "was lost while the image was being built"));
        build_result_release(&j.result);

        j = (struct job){ .pieces = broken };
        run_build(cut, ARRAY_SIZE(cut), &j, &ran, false);
        assert_int_equal(ran.code, EXIT_FAILED);
        assert_string_equal(ran.err, "");
        build_result_release(&j.result);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_built),
                cmocka_unit_test(test_failed),
                cmocka_unit_test(test_not_built),
        };

        return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
