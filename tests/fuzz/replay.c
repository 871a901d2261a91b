/* Runs a fuzz target over every file of the directories given, so that what fuzzing found is
 * tested in each test run, with any compiler. Fails when there is nothing to run. */
#include "base/buf.h"
#include "base/fd.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_dir(const char *path) {
        DIR *dir = opendir(path);
        struct dirent *entry;
        int count = 0;

        if (!dir) {
                perror(path);
                return -1;
        }
        while ((entry = readdir(dir))) {
                _cleanup_buf_ struct buf b = BUF_INIT(16 << 20);
                _cleanup_free_ char *file = NULL;
                _cleanup_free_ uint8_t *exact = NULL;

                if (entry->d_name[0] == '.')
                        continue;
                if (asprintf(&file, "%s/%s", path, entry->d_name) < 0 || file_read(file, &b) < 0) {
                        fprintf(stderr, "cannot read %s/%s\n", path, entry->d_name);
                        count = -1;
                        break;
                }
                fprintf(stderr, "%s\n", file); /* so that a crash has a name */
                exact = malloc(b.len ? b.len : 1); /* without the buffer's NUL and slack */
                if (!exact)
                        abort();
                if (b.len > 0)
                        memcpy(exact, b.data, b.len);
                LLVMFuzzerTestOneInput(exact, b.len);
                count++;
        }
        closedir(dir);
        return count;
}

int main(int argc, char **argv) {
        int total = 0;

        for (int i = 1; i < argc; i++) {
                int count = replay_dir(argv[i]);

                if (count <= 0) {
                        fprintf(stderr, "%s: nothing replayed\n", argv[i]);
                        return 1;
                }
                total += count;
        }
        printf("%d inputs replayed\n", total);
        return total > 0 ? 0 : 1;
}
