/* The attached stream: input to its end, output drained, exit codes, errors on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "fake.h"

static struct ran ran;
static char seen[1 << 20]; /* the input that the fake daemon got */
static size_t seen_len;
static bool seen_end;

static void read_input(int fd) {
        static char bytes[65536];
        size_t n;

        seen_len = 0;
        seen_end = false;
        while (read_frame(fd, bytes, &n) == 0) {
                if (n == 0) {
                        seen_end = true;
                        return;
                }
                if (seen_len + n <= sizeof(seen))
                        memcpy(seen + seen_len, bytes, n);
                seen_len += n;
        }
}

static void send_exit(int fd, uint32_t code) {
        const unsigned char bytes[4] = { (unsigned char)(code >> 24), (unsigned char)(code >> 16),
                                         (unsigned char)(code >> 8), (unsigned char)code };

        send_frame(fd, 4, bytes, 4);
}

/* Answers only after the end of the input, as a shell that was fed a script. */
static void shell(int fd) {
        read_input(fd);
        send_frame(fd, 1, "out 1\n", 6);
        send_frame(fd, 2, "err\n", 4);
        send_frame(fd, 1, "out 2\n", 6);
        send_exit(fd, 7);
}

static void at_once(int fd) {
        send_exit(fd, 0);
}

static void vanish(int fd) {
        send_frame(fd, 1, "half\n", 5);
}

static void refuse(int fd) {
        static const char error[] =
                "{\"error\":{\"code\":\"engine_failed\",\"message\":\"the engine "
                "went away\",\"next\":\"look\",\"exit\":6}}";

        send_frame(fd, 1, "x\n", 2);
        send_frame(fd, 5, error, sizeof(error) - 1);
}

static void garbage(int fd) {
        send_frame(fd, 9, "x", 1);
}

/* Much in both directions at a time: neither side may wait for the other. */
static void echo(int fd) {
        static char bytes[65536];
        size_t n;

        while (read_frame(fd, bytes, &n) == 0 && n > 0)
                send_frame(fd, 1, bytes, n);
        send_exit(fd, 0);
}

static const struct {
        const char *line, *input, *body;
        void (*stream)(int fd);
        int code;
        const char *out, *err, *got; /* got: what the daemon saw as input; NULL: not looked at */
} cases[] = {
        { "container-attach t", "cd /workspace\nexit\n", "{\"tty\":false}", shell, 7,
          "out 1\nout 2\n", "err\n", "cd /workspace\nexit\n" },
        { "container-attach t", NULL, "{\"tty\":false}", shell, 7, "out 1\nout 2\n", "err\n", "" },
        { "container-open t -- python -c print(1)", NULL,
          "{\"tty\":false,\"command\":[\"python\",\"-c\",\"print(1)\"]}", shell, 7,
          "out 1\nout 2\n", "err\n", "" },
        { "container attach t", "unread\n", "{\"tty\":false}", at_once, 0, "", "", NULL },
        { "container-attach t", NULL, NULL, vanish, 6, "half\n",
          "container-attach: the connection to ds01d was lost\n"
          "  the shell in 't' has ended; see: container-list --all\n",
          NULL },
        { "container-attach t", NULL, NULL, refuse, 6, "x\n",
          "container-attach: the engine went away\n  look\n", NULL },
        { "container-attach t", NULL, NULL, garbage, 1, "",
          "container-attach: ds01d sent an answer that this client does not understand (stream)\n"
          "  are ds01 and ds01d of the same version? see: ds01 version\n",
          NULL },
};

static void test_streams(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct fake_answer answer = { "POST /v1/containers/t/exec", cases[i].body,
                                                    .stream = cases[i].stream };
                struct fake fake;

                fake_start(&fake, &answer, 1);
                run_client(&fake, &ran, cases[i].line, cases[i].input, 0);
                fake_stop(&fake);
                assert_string_equal(ran.out, cases[i].out);
                assert_string_equal(ran.err, cases[i].err);
                assert_int_equal(ran.code, cases[i].code);
                if (cases[i].got) {
                        assert_true(seen_end);
                        assert_int_equal(seen_len, strlen(cases[i].got));
                        assert_memory_equal(seen, cases[i].got, seen_len);
                }
        }
}

static void test_refusals(void **state) {
        static const struct fake_answer refused[] = {
                { "POST /v1/containers/t/exec", NULL, 409,
                  "{\"error\":{\"code\":\"is_paused\",\"message\":\"'t' is paused\",\"next\":"
                  "\"resume it first: container-unpause t\",\"exit\":1}}" },
        };
        static const struct fake_answer closed[] = { { "POST /v1/containers/t/exec", NULL, 0 } };
        static const struct fake_answer run[] = {
                { "POST /v1/containers/t/start", "", 503,
                  "{\"error\":{\"code\":\"starting_up\",\"message\":\"\",\"exit\":6}}" },
                { "POST /v1/containers/t/start", "", 200,
                  "{\"container\":{\"name\":\"t\"},\"changed\":true,\"notes\":[\"on GPU-1 "
                  "now\"]}" },
                { "POST /v1/containers/t/exec", NULL, 503,
                  "{\"error\":{\"code\":\"starting_up\",\"message\":\"\",\"exit\":6}}" },
                { "POST /v1/containers/t/exec", "{\"tty\":false}", .stream = shell },
        };
        struct fake fake;

        fake_start(&fake, refused, 1);
        run_client(&fake, &ran, "container-attach t", NULL, 0);
        fake_stop(&fake);
        assert_int_equal(ran.code, 1);
        assert_string_equal(ran.err, "container-attach: 't' is paused\n"
                                     "  resume it first: container-unpause t\n");

        fake_start(&fake, closed, 1);
        run_client(&fake, &ran, "container-attach t", NULL, 0);
        fake_stop(&fake);
        assert_int_equal(ran.code, 6);

        fake_start(&fake, run, 4);
        run_client(&fake, &ran, "container-run t", "exit\n", 0);
        fake_stop(&fake);
        assert_int_equal(ran.code, 7);
        assert_string_equal(ran.out, "out 1\nout 2\n");
        assert_string_equal(ran.err, "  on GPU-1 now\nerr\n");
}

static void test_both_ways(void **state) {
        static const struct fake_answer answer = { "POST /v1/containers/t/exec", NULL,
                                                   .stream = echo };
        const size_t n = 3 << 20;
        char *input = malloc(n + 1);
        struct fake fake;

        for (size_t i = 0; i < n; i++)
                input[i] = (char)('a' + i % 23);
        input[n] = '\0';
        fake_start(&fake, &answer, 1);
        run_client(&fake, &ran, "container-attach t -- cat", input, 0);
        fake_stop(&fake);
        assert_int_equal(ran.code, 0);
        assert_int_equal(strlen(ran.out), sizeof(ran.out) - 1);
        assert_memory_equal(ran.out, input, sizeof(ran.out) - 1);
        free(input);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_streams),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_both_ways),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
