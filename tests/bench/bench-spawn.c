/*
 * Times a whole process, from posix_spawn() to its end, or one call to a container engine over a
 * connection of its own. Prints "MEDIAN P90" in milliseconds.
 *
 *   bench-spawn COUNT COMMAND [ARG...]
 *   bench-spawn COUNT @SOCKET METHOD PATH [BODY-FILE]
 *
 * "%d" in an argument becomes the number of the round, from 1 on. With FIRST-LAST instead of COUNT
 * the rounds have these numbers, and each time is printed, a line each. A round that fails ends it
 * with exit code 1. The command's output is thrown away, its stderr is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { ROUNDS_MAX = 10000, WORDS_MAX = 64, WORD_SIZE = 4096, BODY_MAX = 65536 };

static char words[WORDS_MAX][WORD_SIZE];
static char body[BODY_MAX + 1];

static double now_ms(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static bool number_word(char *dst, size_t size, const char *src, int round) {
        const char *mark = strstr(src, "%d");
        int n;

        if (mark)
                n = snprintf(dst, size, "%.*s%d%s", (int)(mark - src), src, round, mark + 2);
        else
                n = snprintf(dst, size, "%s", src);
        return n >= 0 && (size_t)n < size;
}

/* The words of one round; false when one does not fit. */
static bool number_words(char *const args[], int nargs, int round) {
        if (nargs >= WORDS_MAX)
                return false;
        for (int i = 0; i < nargs; i++)
                if (!number_word(words[i], sizeof(words[i]), args[i], round))
                        return false;
        return true;
}

static bool run_process(int nargs) {
        posix_spawn_file_actions_t files;
        char *argv[WORDS_MAX + 1] = { 0 };
        int status = 0, r;
        pid_t pid;

        for (int i = 0; i < nargs; i++)
                argv[i] = words[i];
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        r = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&files);
        if (r != 0) {
                fprintf(stderr, "bench-spawn: '%s': %s\n", argv[0], strerror(r));
                return false;
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool send_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

                if (n <= 0)
                        return false;
                data += n;
                size -= (size_t)n;
        }
        return true;
}

/* The engine closes the connection at the end of its answer, as it is asked to. */
static bool read_answer(int fd) {
        char first[64] = "", rest[65536];
        ssize_t n = recv(fd, first, sizeof(first) - 1, MSG_WAITALL);

        if (n < 12 || (first[9] != '2' && first[9] != '3')) {
                fprintf(stderr, "bench-spawn: the engine answered: %s\n", first);
                return false;
        }
        while ((n = recv(fd, rest, sizeof(rest), 0)) > 0)
                ;
        return n == 0;
}

static bool run_call(int nargs) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char head[WORD_SIZE * 2];
        bool ok;
        int fd, n;

        snprintf(address.sun_path, sizeof(address.sun_path), "%.*s",
                 (int)sizeof(address.sun_path) - 1, words[0] + 1);
        n = snprintf(head, sizeof(head),
                     "%s %s HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     words[1], words[2], strlen(body));
        if (nargs < 3 || n < 0 || (size_t)n >= sizeof(head))
                return false;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return false;
        ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
             send_all(fd, head, (size_t)n) && send_all(fd, body, strlen(body)) && read_answer(fd);
        close(fd);
        return ok;
}

static bool read_body(const char *path) {
        FILE *f = fopen(path, "re");

        if (!f)
                return false;
        body[fread(body, 1, BODY_MAX, f)] = '\0';
        fclose(f);
        return true;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

/* COUNT, or FIRST-LAST with *ret_each. */
static bool parse_rounds(const char *text, int *ret_first, int *ret_count, bool *ret_each) {
        char *end;
        long first = 1, last = strtol(text, &end, 10);

        *ret_each = *end == '-';
        if (*ret_each) {
                first = last;
                last = strtol(end + 1, &end, 10);
        }
        if (*end || first < 1 || last < first || last - first >= ROUNDS_MAX)
                return false;
        *ret_first = (int)first;
        *ret_count = (int)(last - first + 1);
        return true;
}

int main(int argc, char *argv[]) {
        static double times[ROUNDS_MAX];
        int first, count, nargs = argc - 2;
        bool call = argc > 2 && argv[2][0] == '@', each;

        if (argc < 3 || !parse_rounds(argv[1], &first, &count, &each)) {
                fprintf(stderr, "usage: bench-spawn COUNT|FIRST-LAST COMMAND|@SOCKET ARG...\n");
                return 2;
        }
        if (call && nargs > 3 && !read_body(argv[5])) {
                fprintf(stderr, "bench-spawn: '%s': %s\n", argv[5], strerror(errno));
                return 1;
        }
        for (int i = 0; i < count; i++) {
                double start;

                if (!number_words(argv + 2, nargs, first + i))
                        return 2;
                start = now_ms();
                if (!(call ? run_call(nargs) : run_process(nargs))) {
                        fprintf(stderr, "bench-spawn: round %d of '%s %s' failed\n", first + i,
                                words[0], nargs > 1 ? words[nargs > 2 && call ? 2 : 1] : "");
                        return 1;
                }
                times[i] = now_ms() - start;
                if (each)
                        printf("%.2f\n", times[i]);
        }
        if (each)
                return 0;
        qsort(times, (size_t)count, sizeof(*times), compare);
        printf("%.2f %.2f\n", times[count / 2], times[count * 9 / 10]);
        return 0;
}
