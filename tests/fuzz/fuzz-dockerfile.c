/* The editor of Dockerfiles: whatever the file, nothing is lost and what was written can be read.
 * The readers of lists of packages, requirements and .dockerignore besides. */
#include "image/dockerfile.h"
#include "image/ignore.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition) {
        if (!condition)
                abort();
}

static void write_again(const struct dockerfile *d, struct buf *out) {
        *out = BUF_INIT(8 << 20);
        must(dockerfile_write(d, out) == 0);
}

static void edit(struct dockerfile *d) {
        _cleanup_packages_ struct packages pip = { 0 };
        _cleanup_dockerfile_ struct dockerfile back = { 0 };
        _cleanup_buf_ struct buf after = { 0 };
        struct err err = { 0 };
        unsigned changed;
        int r;

        must(packages_add(&pip, PACKAGE_PIP, "einops 'numpy<2'", &err) == 0);
        if (dockerfile_add(d, PACKAGE_PIP, &pip, &changed, &err) < 0)
                return; /* what stands in a region was no package */
        write_again(d, &after);
        must(dockerfile_parse(buf_str(&after), after.len, &back, &err) == 0);
        must(dockerfile_add(&back, PACKAGE_PIP, &pip, &changed, &err) == 0 && changed == 0);
        r = dockerfile_remove(&back, PACKAGE_PIP, &pip, &err);
        must(r == 0 || r == -EINVAL); /* what else stands in a region is not thrown away */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        _cleanup_dockerfile_ struct dockerfile d = { 0 };
        _cleanup_packages_ struct packages list = { 0 };
        _cleanup_ignore_ struct ignore rules = { 0 };
        _cleanup_buf_ struct buf same = { 0 };
        _cleanup_free_ char *string = malloc(size + 1);

        if (size > 1 << 16 || !string)
                return 0;
        memcpy(string, text, size);
        string[size] = '\0';
        if (dockerfile_parse(text, size, &d, NULL) == 0) {
                write_again(&d, &same);
                must(same.len == size && memcmp(same.data ? same.data : "", text, size) == 0);
                edit(&d);
        }
        (void)packages_add(&list, PACKAGE_PIP, string, NULL);
        for (size_t i = 0; i < list.list.len; i++)
                must(!strpbrk(list.list.items[i], "'\"\\`$;|\n\r \t"));
        (void)requirements_check(text, size, NULL);
        must(ignore_add(&rules, text, size) == 0);
        (void)ignore_matches(&rules, "some/path/to.py");
        return 0;
}
