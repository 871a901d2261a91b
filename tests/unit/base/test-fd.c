/* Descriptors, whole files and Unix sockets, in a directory of their own. */
#include "base/clock.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
/* after the above */
#include <cmocka.h>

static char dir[] = "/tmp/ds01-test-fd-XXXXXX";

static int set_up(void **state) {
        return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
        return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void assert_file(const char *path, const char *bytes) {
        _cleanup_buf_ struct buf b = BUF_INIT(100000);

        assert_int_equal(file_read(path, &b), 0);
        assert_string_equal(buf_str(&b), bytes);
}

static size_t files_here(void) {
        DIR *d = opendir(".");
        size_t n = 0;

        while (readdir(d))
                n++;
        closedir(d);
        return n - 2;
}

static void test_files(void **state) {
        _cleanup_buf_ struct buf five = BUF_INIT(5), four = BUF_INIT(4);
        struct stat st;

        assert_int_equal(file_read("none", &five), -ENOENT);
        assert_int_equal(file_write_atomic("f", 0640, "hello", 5), 0);
        assert_int_equal(stat("f", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(file_read("f", &five), 0); /* exactly the ceiling */
        assert_string_equal(five.data, "hello");
        assert_int_equal(file_read("f", &four), -ENOBUFS);
        assert_int_equal(file_write_atomic("f", 0600, "", 0), 0);
        assert_file("f", "");
        assert_int_equal(file_write_atomic("none/f", 0600, "x", 1), -ENOENT);
        assert_int_equal(files_here(), 1); /* no temporary file stays */
        assert_int_equal(mkdir("d", 0700), 0);
        assert_true(file_write_atomic("d", 0600, "x", 1) < 0);
        assert_int_equal(files_here(), 2);
        rmdir("d");
        unlink("f");
}

/* A reader sees the old or the new content, never a part of either. */
static void *replace(void *stop) {
        static char a[5000], b[5000];

        memset(a, 'a', sizeof(a));
        memset(b, 'b', sizeof(b));
        while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
                file_write_atomic("swap", 0600, a, sizeof(a));
                file_write_atomic("swap", 0600, b, sizeof(b));
        }
        return NULL;
}

static void test_atomic(void **state) {
        bool stop = false;
        pthread_t thread;

        assert_int_equal(file_write_atomic("swap", 0600, "", 0), 0);
        assert_int_equal(pthread_create(&thread, NULL, replace, &stop), 0);
        for (int i = 0; i < 500; i++) {
                _cleanup_buf_ struct buf b = BUF_INIT(6000);

                assert_int_equal(file_read("swap", &b), 0);
                assert_true(b.len == 0 || b.len == 5000);
                for (size_t k = 1; k < b.len; k++)
                        assert_int_equal(b.data[k], b.data[0]);
        }
        __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
        pthread_join(thread, NULL);
        assert_int_equal(files_here(), 1);
        unlink("swap");
}

static void test_directories(void **state) {
        struct stat st;

        assert_int_equal(dir_make("a/b/c", 0750), 0);
        assert_int_equal(dir_make("a/b/c", 0750), 0);
        assert_int_equal(stat("a/b", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
        rmdir("a/b/c");
        rmdir("a/b");
        rmdir("a");
}

static void test_deadlines(void **state) {
        _cleanup_buf_ struct buf b = BUF_INIT(8);
        static char large[1 << 20];
        int64_t start = clock_mono_us();
        int s[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
        assert_int_equal(fd_wait(s[0], 1, start + 20000), -ETIMEDOUT);
        assert_true(clock_mono_us() >= start + 20000);
        assert_int_equal(fd_read_some(s[0], &b, 8, clock_mono_us() + 1000), -ETIMEDOUT);
        assert_int_equal(fd_write_all(s[0], large, sizeof(large), clock_mono_us() + 20000),
                         -ETIMEDOUT); /* nobody reads */
        assert_int_equal(fd_write_all(s[1], "0123456789", 10, 0), 0);
        assert_int_equal(fd_read_some(s[0], &b, 4, 0), 4);
        assert_int_equal(fd_read_some(s[0], &b, 100, 0), 4); /* the buffer's ceiling */
        assert_int_equal(fd_read_some(s[0], &b, 100, 0), -ENOBUFS);
        assert_string_equal(b.data, "01234567");
        buf_reset(&b);
        assert_int_equal(fd_set_nonblocking(s[0], 1), 0);
        assert_int_equal(fd_read_some(s[0], &b, 100, clock_mono_us() + 1000000), 2);
        assert_int_equal(fd_read_some(s[0], &b, 100, clock_mono_us() + 1000), -ETIMEDOUT);
        close(s[1]);
        assert_true(fd_write_all(s[0], "x", 1, 0) == -EPIPE); /* and no SIGPIPE */
        close(s[0]);
}

static void test_sockets(void **state) {
        char longer[200] = "";
        struct stat st;
        int fd, again, peer;

        memset(longer, 'x', sizeof(longer) - 1);
        assert_int_equal(unix_connect("none.sock"), -ENOENT);
        assert_int_equal(unix_connect(longer), -ENAMETOOLONG);
        fd = unix_listen("a.sock", 0666, 5);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(stat("a.sock", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666);
        peer = unix_connect("a.sock");
        assert_true(peer >= 0);
        assert_int_equal(unix_listen("a.sock", 0666, 5), -EADDRINUSE);
        close(peer);
        close(fd);
        assert_int_equal(unix_connect("a.sock"), -ECONNREFUSED);
        again = unix_listen("a.sock", 0600, 5); /* the dead one is replaced */
        assert_true(again >= 0);
        close(again);
        unlink("a.sock");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),       cmocka_unit_test(test_atomic),
                cmocka_unit_test(test_directories), cmocka_unit_test(test_deadlines),
                cmocka_unit_test(test_sockets),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
