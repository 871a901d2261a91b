/* Removing trees: deep ones, links, and a writer who swaps directories for links meanwhile. */
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* after the above */
#include <cmocka.h>

static char dir[] = "/tmp/ds01-test-tree-XXXXXX";

static int set_up(void **state) {
        return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
        return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void touch(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT, 0600);

        assert_true(fd >= 0);
        close(fd);
}

static void test_plain(void **state) {
        assert_int_equal(tree_remove("none"), 0);
        assert_int_equal(mkdir("t", 0700), 0);
        assert_int_equal(mkdir("t/a", 0), 0);
        assert_int_equal(mkdir("t/b", 0700), 0);
        touch("t/b/f");
        assert_int_equal(mkfifo("t/b/p", 0600), 0);
        assert_int_equal(tree_remove("t"), 0);
        assert_int_equal(access("t", F_OK), -1);
}

static void test_links_lead_nowhere(void **state) {
        assert_int_equal(mkdir("keep", 0700), 0);
        touch("keep/f");
        assert_int_equal(mkdir("t", 0700), 0);
        assert_int_equal(symlink("../keep", "t/l"), 0);
        assert_int_equal(symlink("keep", "top"), 0);
        assert_int_equal(tree_remove("t"), 0);
        assert_int_equal(tree_remove("top"), -ENOTDIR);
        assert_int_equal(access("keep/f", F_OK), 0);
        assert_int_equal(unlink("top"), 0);
        assert_int_equal(tree_remove("keep"), 0);
}

static void test_deep(void **state) {
        int at, next;

        assert_int_equal(mkdir("t", 0700), 0);
        at = open("t", O_RDONLY | O_DIRECTORY);
        for (int i = 0; i < 3000; i++) {
                assert_int_equal(mkdirat(at, "d", 0700), 0);
                assert_int_equal(mkdirat(at, "e", 0700), 0);
                next = openat(at, "d", O_RDONLY | O_DIRECTORY);
                assert_true(next >= 0);
                close(at);
                at = next;
        }
        close(at);
        assert_int_equal(tree_remove("t"), 0);
        assert_int_equal(access("t", F_OK), -1);
}

static void test_measure(void **state) {
        int64_t bytes = 5;
        int fd;

        assert_int_equal(tree_measure("none", &bytes), 0);
        assert_int_equal(mkdir("t", 0700), 0);
        assert_int_equal(tree_measure("t", &bytes), 0);
        assert_int_equal(mkdir("t/d", 0700), 0);
        fd = open("t/d/f", O_WRONLY | O_CREAT, 0600);
        assert_int_equal(write(fd, "12345", 5), 5);
        close(fd);
        assert_int_equal(symlink("/etc", "t/l"), 0);
        assert_int_equal(tree_measure("t", &bytes), 3);
        assert_int_equal(bytes, 5);
        assert_int_equal(tree_remove("t"), 0);
}

static atomic_bool done;

/* What somebody does who holds a descriptor of the tree: a directory becomes a link, and back. */
static void *swap(void *arg) {
        int top = *(int *)arg;

        while (!done) {
                mkdirat(top, "x", 0700);
                symlinkat("../keep", top, "l");
                renameat(top, "x", top, "y");
                renameat(top, "l", top, "x");
                unlinkat(top, "x", 0);
                unlinkat(top, "y", AT_REMOVEDIR);
        }
        return NULL;
}

static void test_race(void **state) {
        pthread_t writer;
        int top;

        assert_int_equal(mkdir("keep", 0700), 0);
        touch("keep/f");
        for (int i = 0; i < 300; i++) {
                assert_int_equal(mkdir("t", 0700), 0);
                top = open("t", O_RDONLY | O_DIRECTORY);
                done = false;
                assert_int_equal(pthread_create(&writer, NULL, swap, &top), 0);
                for (int n = 0; n < 20; n++)
                        tree_remove("t");
                done = true;
                pthread_join(writer, NULL);
                close(top);
                assert_int_equal(tree_remove("t"), 0);
                assert_int_equal(access("keep/f", F_OK), 0);
        }
        assert_int_equal(tree_remove("keep"), 0);
}

static void *exchange(void *arg) {
        (void)arg;
        while (!done)
                renameat2(AT_FDCWD, "t/d", AT_FDCWD, "t/l", RENAME_EXCHANGE);
        return NULL;
}

/* What is measured is what is there, and nothing that a link leads to. */
static void test_measured_in_a_race(void **state) {
        pthread_t writer;
        int64_t bytes;
        char path[32];

        assert_int_equal(mkdir("keep", 0700), 0);
        for (int i = 0; i < 50; i++) {
                snprintf(path, sizeof(path), "keep/%d", i);
                touch(path);
        }
        assert_int_equal(mkdir("t", 0700), 0);
        assert_int_equal(mkdir("t/d", 0700), 0);
        assert_int_equal(symlink("../keep", "t/l"), 0);
        done = false;
        assert_int_equal(pthread_create(&writer, NULL, exchange, NULL), 0);
        for (int n = 0; n < 5000; n++)
                assert_true(tree_measure("t", &bytes) <= 4);
        done = true;
        pthread_join(writer, NULL);
        assert_int_equal(tree_remove("t"), 0);
        assert_int_equal(tree_remove("keep"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),
                cmocka_unit_test(test_links_lead_nowhere),
                cmocka_unit_test(test_deep),
                cmocka_unit_test(test_measure),
                cmocka_unit_test(test_race),
                cmocka_unit_test(test_measured_in_a_race),
        };

        return cmocka_run_group_tests_name("base-tree", tests, set_up, tear_down);
}
