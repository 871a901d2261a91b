/* The passwd and group files of an image, up to a NUL the one, then the other: in what is made of
 * them the last line is ours, and no other says anything about our name or number. */
#include "base/str.h"
#include "daemon/identity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UID = 1001, GID = 100 };

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static void check_line(const char *line, size_t n, bool ours, unsigned long id) {
        size_t name = strcspn(line, ":\n"), password;
        const char *number;

        check(utf8_valid(line, n) && n > 0);
        if (ours) {
                check(n > 6 && memcmp(line, "alice:", 6) == 0);
                return;
        }
        check(!(name == 5 && memcmp(line, "alice", 5) == 0));
        check(line[0] != ' ' && line[0] != '\t');
        if (line[name] != ':')
                return;
        password = strcspn(line + name + 1, ":\n");
        number = line + name + 1 + password;
        if (*number == ':' && number[1] != '\n')
                check(strtoul(number + 1, NULL, 10) != id);
}

static void check_file(const struct buf *b, unsigned long id) {
        const char *line = b->data, *end = b->data + b->len;

        while (line < end) {
                const char *stop = memchr(line, '\n', (size_t)(end - line));

                check(stop != NULL);
                check_line(line, (size_t)(stop - line), stop + 1 == end, id);
                line = stop + 1;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_buf_ struct buf text = BUF_INIT(IDENTITY_FILE_MAX + 2);
        _cleanup_buf_ struct buf out = BUF_INIT(2 * IDENTITY_FILE_MAX);
        struct person_entry who = { .uid = UID, .gid = GID, .name = "alice" };
        const char *group;

        if (size > IDENTITY_FILE_MAX || buf_add(&text, data, size) < 0)
                return 0;
        group = buf_str(&text) + strlen(buf_str(&text));
        if (group < text.data + text.len)
                group++;
        check(identity_passwd(buf_str(&text), &who, &out) == 0);
        check_file(&out, UID);
        buf_reset(&out);
        check(identity_group(group, &who, &out) == 0);
        check_file(&out, GID);
        return 0;
}
