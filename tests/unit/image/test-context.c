/* Contexts: the archive holds the directory, as tar itself reads it. */
#include "image/context.h"

#include "base/fd.h"
#include "base/str.h"
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
/* after the above */
#include <cmocka.h>

static char dir[] = "/tmp/ds01-test-context-XXXXXX";

static int set_up(void **state) {
        return mkdtemp(dir) && chdir(dir) == 0 && mkdir("p", 0755) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
        return chdir("/") == 0 && tree_remove(dir) == 0 ? 0 : -1;
}

static int shell(const char *command) {
        pid_t pid = fork();
        int status = -1;

        if (pid == 0) {
                execl("/bin/sh", "sh", "-c", command, NULL);
                _exit(127);
        }
        waitpid(pid, &status, 0);
        return status;
}

static void put(const char *path, const char *text) {
        assert_int_equal(file_write_atomic(path, 0644, text, strlen(text)), 0);
}

static struct image_context *open_context(const char *bytes) {
        struct image_context *c = NULL;
        struct err err = { 0 };

        if (image_context_open("p", "Dockerfile", bytes, bytes ? strlen(bytes) : 0, &c, &err) < 0)
                fail_msg("%s", err.msg);
        return c;
}

/* Writes the archive to a file and checks the size that was foretold. */
static void write_archive(struct image_context *c) {
        FILE *out = fopen("archive.tar", "w");
        int64_t total = 0;
        int r;

        do {
                _cleanup_buf_ struct buf piece = BUF_INIT(IMAGE_CONTEXT_PIECE);
                struct err err = { 0 };

                r = image_context_next(c, &piece, &err);
                if (r < 0)
                        fail_msg("%s", err.msg);
                if (piece.len > 0)
                        assert_int_equal(fwrite(piece.data, 1, piece.len, out), piece.len);
                total += (int64_t)piece.len;
        } while (r > 0);
        fclose(out);
        assert_int_equal(total, image_context_info(c)->total_bytes);
}

/* What tar says is in it, a name a line. */
static void assert_listed(const char *wanted) {
        _cleanup_buf_ struct buf got = BUF_INIT(65536);

        assert_int_equal(shell("tar -tf archive.tar >list"), 0);
        assert_int_equal(file_read("list", &got), 0);
        assert_string_equal(buf_str(&got), wanted);
}

static void test_archive(void **state) {
        struct image_context *c;
        char deep[200];

        put("p/Dockerfile", "FROM x\n");
        put("p/empty", "");
        assert_int_equal(mkdir("p/src", 0755), 0);
        put("p/src/a.py", "print(1)\n");
        assert_int_equal(symlink("src/a.py", "p/link"), 0);
        assert_int_equal(mkdir("p/data", 0755), 0);
        put("p/data/big", "big");
        assert_int_equal(mkfifo("p/pipe", 0600), 0);
        memset(deep, 'x', 150);
        snprintf(deep + 150, sizeof(deep) - 150, ".txt");
        assert_int_equal(chdir("p/src"), 0);
        put(deep, "long");
        assert_int_equal(chdir("../.."), 0);
        c = open_context(NULL);
        assert_string_equal(image_context_info(c)->left_out, "data");
        assert_int_equal(image_context_info(c)->skipped, 1);
        write_archive(c);
        image_context_free(c);
        assert_int_equal(shell("tar -xf archive.tar --one-top-level=out && rm p/pipe && "
                               "diff -r --exclude=data p out && test -L out/link"),
                         0);
        assert_int_equal(tree_remove("out"), 0);
}

static void test_ignored(void **state) {
        struct image_context *c;

        put("p/.dockerignore", "*\n!src/a.py\n");
        c = open_context(NULL);
        assert_string_equal(image_context_info(c)->left_out, "");
        write_archive(c);
        image_context_free(c);
        assert_listed(".dockerignore\nDockerfile\nsrc/a.py\n");
        assert_int_equal(unlink("p/.dockerignore"), 0);
}

static void test_bytes_in_place_of_the_file(void **state) {
        struct image_context *c = open_context("FROM other\n");

        write_archive(c);
        image_context_free(c);
        assert_int_equal(shell("test \"$(tar -xOf archive.tar Dockerfile)\" = 'FROM other'"), 0);
}

/* Between the passes a file grows, one shrinks, one goes. */
static void test_changes_meanwhile(void **state) {
        struct image_context *c;
        struct err err = { 0 };
        int r;

        put("p/a", "12345");
        put("p/b", "12345");
        c = open_context(NULL);
        put("p/a", "1234567890");
        put("p/b", "1");
        write_archive(c);
        image_context_free(c);
        assert_int_equal(shell("test \"$(tar -xOf archive.tar a)\" = 12345 && "
                               "test \"$(tar -xOf archive.tar b | tr '\\0' .)\" = 1...."),
                         0);
        c = open_context(NULL);
        assert_int_equal(unlink("p/a"), 0);
        do {
                _cleanup_buf_ struct buf piece = BUF_INIT(IMAGE_CONTEXT_PIECE);

                r = image_context_next(c, &piece, &err);
        } while (r > 0);
        assert_int_equal(r, -ENOENT);
        assert_non_null(strstr(err.msg, "'a'"));
        image_context_free(c);
        assert_int_equal(unlink("p/b"), 0);
}

static void test_large_is_named(void **state) {
        struct image_context *c;
        int fd = open("p/huge", O_WRONLY | O_CREAT, 0644);

        assert_int_equal(ftruncate(fd, 10LL << 30), 0); /* a hole: it takes no room */
        close(fd);
        c = open_context(NULL);
        assert_true(str_starts(image_context_info(c)->largest, "huge (10GB), "));
        assert_true(image_context_info(c)->total_bytes > 10LL << 30);
        image_context_free(c);
        assert_int_equal(unlink("p/huge"), 0);
}

static void test_refusals(void **state) {
        struct image_context *c = NULL;
        struct err err = { 0 };

        assert_int_equal(image_context_open("none", "Dockerfile", NULL, 0, &c, &err), -ENOENT);
        put("p/bad\nname", "x");
        assert_int_equal(image_context_open("p", "Dockerfile", NULL, 0, &c, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "'bad?name'"));
        assert_int_equal(unlink("p/bad\nname"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_archive),
                cmocka_unit_test(test_ignored),
                cmocka_unit_test(test_bytes_in_place_of_the_file),
                cmocka_unit_test(test_changes_meanwhile),
                cmocka_unit_test(test_large_is_named),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests_name("image-context", tests, set_up, tear_down);
}
