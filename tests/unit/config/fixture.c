/* See fixture.h. */
#include "fixture.h"

#include "base/buf.h"
#include "base/fd.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char scratch[] = "/tmp/ds01-config-XXXXXX";

int scratch_enter(void **state) {
        (void)state;
        return mkdtemp(scratch) && chdir(scratch) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st, (void)type, (void)ftw;
        return remove(path);
}

int scratch_leave(void **state) {
        (void)state;
        return chdir("/") == 0 ? nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

void write_bytes(const char *name, const void *bytes, size_t n) {
        FILE *f = fopen(name, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

void write_text(const char *name, const char *text) {
        write_bytes(name, text, strlen(text));
}

char *read_source(const char *name) {
        const char *root = getenv("DS01_SOURCE_ROOT");
        struct buf text = BUF_INIT(1 << 20);
        char path[4096];

        assert_non_null(root);
        snprintf(path, sizeof(path), "%s/%s", root, name);
        if (file_read(path, &text) < 0)
                fail_msg("cannot read %s", path);
        return text.data;
}
