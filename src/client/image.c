/* See image.h. */
#include "client/image.h"

#include "base/str.h"

#include <string.h>
#include <unistd.h>

static void scan_containers(struct json_scan *s, char *dst, size_t size) {
        char name[128];

        if (json_scan_next(s) != JSON_SCAN_ARRAY) {
                json_scan_skip(s);
                return;
        }
        while (json_scan_next(s) == JSON_SCAN_STRING) {
                size_t n = strlen(dst);

                json_scan_str(s, name, sizeof(name));
                snprintf(dst + n, size - n, "%s%s", n ? ", " : "", name);
        }
}

static void scan_image(struct json_scan *s, void *row) {
        struct image *ret = row;
        const struct json_text texts[] = {
                { "reference", ret->reference, sizeof(ret->reference) },
                { "repository", ret->repository, sizeof(ret->repository) },
                { "tag", ret->tag, sizeof(ret->tag) },
                { "id", ret->id, sizeof(ret->id) },
                { "project", ret->project, sizeof(ret->project) },
                { "created_at", ret->created_at, sizeof(ret->created_at) },
        };

        *ret = (struct image){ 0 };
        while (json_scan_next(s) == JSON_SCAN_KEY) {
                if (json_scan_text(s, texts, ARRAY_SIZE(texts)))
                        continue;
                if (json_scan_is(s, "size_bytes"))
                        json_scan_get_int(s, &ret->size_bytes);
                else if (json_scan_is(s, "mine"))
                        json_scan_get_bool(s, &ret->mine);
                else if (json_scan_is(s, "containers"))
                        scan_containers(s, ret->containers, sizeof(ret->containers));
                else
                        json_scan_skip(s);
        }
}

const struct row_kind image_rows = { "the list of images", sizeof(struct image), scan_image };

bool image_project(const char *typed, char *dst, size_t size) {
        char prefix[32];
        size_t n;

        snprintf(prefix, sizeof(prefix), "ds01-%u/", geteuid());
        if (str_starts(typed, prefix))
                typed += strlen(prefix);
        n = strcspn(typed, ":");
        if (strchr(typed, '/') || n == 0 || n >= size ||
            (typed[n] && !str_equal(typed + n, ":latest")))
                return false;
        memcpy(dst, typed, n);
        dst[n] = '\0';
        return true;
}
