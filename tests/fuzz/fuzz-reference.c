/* Names of images and containers as people type them: one that is taken reads the same when it is
 * written in full, and whose image it is does not depend on how it was written. */
#include "base/str.h"
#include "core/names.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static void check_reference(const char *typed) {
        static const char *const allowed[] = { "docker.io", "ghcr.io/org", NULL };
        struct image_ref a = { 0 }, b = { 0 };
        struct refusal r = { 0 };
        char text[512], again[512];
        uid_t owner = 0, same = 0;

        if (image_ref_parse(typed, &a, &r)) {
                check(r.reason == REFUSAL_ARGUMENT_INVALID);
                return;
        }
        image_ref_format(&a, text, sizeof(text));
        for (const char *p = text; *p; p++)
                check(*p > 0x20 && *p < 0x7f);
        check(*text && image_ref_parse(text, &b, &r) == 0);
        image_ref_format(&b, again, sizeof(again));
        check(strcmp(text, again) == 0);
        check(strcmp(a.repository, b.repository) == 0 && strcmp(a.registry, b.registry) == 0);
        check(image_is_personal(text, &owner) == image_is_personal(again, &same) && owner == same);
        check(registry_is_allowed(&a, allowed) == registry_is_allowed(&b, allowed));
}

static void check_name(const char *typed) {
        char name[NAME_MAX_LEN + 1], again[NAME_MAX_LEN + 1], full[ENGINE_NAME_SIZE];
        char reference[IMAGE_REF_SIZE];
        struct refusal r = { 0 };
        struct image_ref ref;
        uid_t uid;

        if (container_name_check(typed, name, &r)) {
                check(r.reason != REFUSAL_NONE);
                return;
        }
        check(container_name_check(name, again, &r) == 0 && strcmp(name, again) == 0);
        engine_name_make(name, 4101, full);
        check(engine_name_split(full, again, &uid) == 0 && uid == 4101);
        check(strcmp(name, again) == 0);
        if (project_name_check(typed, name, &r) == 0 &&
            image_of_project(name, 4101, reference, sizeof(reference)))
                check(image_ref_parse(reference, &ref, &r) == 0 &&
                      image_is_personal(reference, &uid) && uid == 4101);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char name[NAME_MAX_LEN + 1], typed[2048];
        uid_t uid;

        if (size >= sizeof(typed))
                return 0;
        memcpy(typed, data, size);
        typed[size] = '\0';
        check_reference(typed);
        check_name(typed);
        (void)engine_name_split(typed, name, &uid);
        (void)image_is_personal(typed, &uid);
        return 0;
}
