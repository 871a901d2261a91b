/* See texts.h. */
#include "client/texts.h"

#include "base/fd.h"
#include "base/str.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 10 };

static int read_text(struct cli *c, const char *folder, const char *name, struct buf *ret) {
        const char *data = getenv("DS01_DATA");
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "%s/help%s/%s", data && *data ? data : DS01_DATADIR, folder,
                 name);
        r = file_read(path, ret);
        if (r == 0)
                return EXIT_DONE;
        cli_error(c, "can't read the text about it, '%s': %s", path, strerror(-r));
        cli_error_next(c, "ds01 is not installed completely; --help needs no file");
        return EXIT_FAILED;
}

int text_concept(struct cli *c, const char *topic, struct buf *ret) {
        return read_text(c, "/concepts", topic, ret);
}

int text_section(struct cli *c, const char *command, const char *section, struct buf *ret) {
        _cleanup_buf_ struct buf all = BUF_INIT(TEXT_MAX);
        bool within = false;
        int r = read_text(c, "", command, &all);

        if (r != EXIT_DONE)
                return r;
        for (const char *line = buf_str(&all); *line;) {
                size_t n = strcspn(line, "\n");

                if (str_starts(line, "== "))
                        within = n - 3 == strlen(section) && memcmp(line + 3, section, n - 3) == 0;
                else if (within)
                        buf_addf(ret, "%.*s\n", (int)n, line);
                line += n + (line[n] == '\n');
        }
        return ret->failed ? EXIT_FAILED : EXIT_DONE;
}

void text_fill(struct buf *text, const char *name) {
        _cleanup_buf_ struct buf out = BUF_INIT(TEXT_MAX);
        char uid[16], gid[16];
        const struct {
                const char *key, *value;
        } values[] = { { "{name}", name ? name : "NAME" }, { "{uid}", uid }, { "{gid}", gid } };

        snprintf(uid, sizeof(uid), "%u", getuid());
        snprintf(gid, sizeof(gid), "%u", getgid());
        for (const char *at = buf_str(text); *at;) {
                size_t i;

                for (i = 0; i < ARRAY_SIZE(values); i++)
                        if (str_starts(at, values[i].key))
                                break;
                if (i < ARRAY_SIZE(values)) {
                        buf_adds(&out, values[i].value);
                        at += strlen(values[i].key);
                } else {
                        buf_addc(&out, *at++);
                }
        }
        buf_reset(text);
        buf_add(text, buf_str(&out), out.len);
}
