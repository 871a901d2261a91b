/* Names of containers, projects and images. */
#include "core/names.h"

#include "base/cleanup.h"

#include "cmocka-setup.h"

#include <errno.h>
#include <string.h>

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_container_names(void **state) {
        static const struct {
                const char *typed, *kept; /* NULL: refused with reason and detail */
                enum refusal_reason reason;
                const char *detail;
        } rows[] = {
                { "thesis", "thesis", 0, NULL },
                { "My-Thesis", "my-thesis", 0, NULL },
                { "7", "7", 0, NULL },
                { "a.b_c-d", "a.b_c-d", 0, NULL },
                { "a.", "a.", 0, NULL },
                { A63, A63, 0, NULL },
                { "", NULL, REFUSAL_NAME_EMPTY, "container" },
                { A63 "a", NULL, REFUSAL_NAME_TOO_LONG, "container" },
                { ".", NULL, REFUSAL_NAME_INVALID, "it starts with '.'" },
                { "-x", NULL, REFUSAL_NAME_INVALID, "it starts with '-'" },
                { "_x", NULL, REFUSAL_NAME_INVALID, "it starts with '_'" },
                { "a..b", NULL, REFUSAL_NAME_INVALID, "it contains '..'" },
                { "a._.b", NULL, REFUSAL_NAME_INVALID,
                  "it contains '._.', which separates name and user" },
                { "a b", NULL, REFUSAL_NAME_INVALID, "it contains a blank" },
                { "a\tb", NULL, REFUSAL_NAME_INVALID, "it contains a control character" },
                { "a\nb", NULL, REFUSAL_NAME_INVALID, "it contains a control character" },
                { "a/b", NULL, REFUSAL_NAME_INVALID,
                  "it contains '/'; a path goes into --workspace" },
                { "a;b", NULL, REFUSAL_NAME_INVALID, "it contains ';'" },
                { "a$b", NULL, REFUSAL_NAME_INVALID, "it contains '$'" },
                { "\xf0\x9f\x98\x80", NULL, REFUSAL_NAME_INVALID,
                  "it contains '\xf0\x9f\x98\x80'" },
                /* 32 umlauts are 64 bytes: not too many characters, the wrong ones */
                { "öööööööööööööööööööööööööööööööö", NULL, REFUSAL_NAME_INVALID,
                  "it contains 'ö'" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char name[NAME_MAX_LEN + 1] = "untouched";
                struct refusal r = { 0 };
                int no = container_name_check(rows[i].typed, name, &r);

                if (no != (int)rows[i].reason)
                        fail_msg("'%s' gives %d (%s)", rows[i].typed, no, r.detail);
                assert_string_equal(name, rows[i].kept ? rows[i].kept : "untouched");
                if (rows[i].detail)
                        assert_string_equal(r.detail, rows[i].detail);
        }
}

static void test_long_name(void **state) {
        char name[NAME_MAX_LEN + 1], typed[301];
        struct refusal r;

        memset(typed, 'x', 300);
        typed[300] = '\0';
        assert_int_equal(container_name_check(typed, name, &r), REFUSAL_NAME_TOO_LONG);
        assert_int_equal(r.asked, 300);
        assert_int_equal(r.max, 63);
        assert_int_equal(project_name_check(typed, name, &r), REFUSAL_NAME_TOO_LONG);
        assert_string_equal(r.detail, "project");
}

static void test_suggestion(void **state) {
        static const struct {
                const char *typed, *extra;
        } rows[] = {
                { "My Thesis", "; for example: my-thesis" },
                { "  my thesis ", "; for example: my-thesis" },
                { "my thésis", "" },
                { " ", "" },
                { " - ", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char name[NAME_MAX_LEN + 1];
                struct refusal r;

                assert_int_equal(container_name_check(rows[i].typed, name, &r),
                                 REFUSAL_NAME_INVALID);
                assert_string_equal(r.extra, rows[i].extra);
        }
}

static void test_engine_names(void **state) {
        static const struct {
                const char *engine_name, *name; /* name NULL: not one of ours */
                uid_t uid;
        } rows[] = {
                { "thesis._.1001", "thesis", 1001 },
                { "/thesis._.1001", "thesis", 1001 },
                { "a.._.5", "a.", 5 },
                { "a._._.5", "a._", 5 },
                { A63 "._.4294967294", A63, 4294967294 },
                { "thesis._.0", "thesis", 0 },
                { "thesis", NULL, 0 },
                { "thesis._.", NULL, 0 },
                { "._.1001", NULL, 0 },
                { "thesis._.01001", NULL, 0 },
                { "thesis._.+1", NULL, 0 },
                { "thesis._.1001x", NULL, 0 },
                { "thesis._.4294967295", NULL, 0 }, /* (uid_t)-1 is nobody */
                { "thesis._.99999999999999999999", NULL, 0 },
                { "Thesis._.1001", NULL, 0 },
                { "a._.b._.1001", NULL, 0 },
                { A63 "a._.1", NULL, 0 },
                { "//x._.1", NULL, 0 },
                { "", NULL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char name[NAME_MAX_LEN + 1] = "untouched", again[ENGINE_NAME_SIZE];
                uid_t uid = 77;
                int r = engine_name_split(rows[i].engine_name, name, &uid);

                if (!rows[i].name) {
                        if (r != -EINVAL)
                                fail_msg("'%s' was taken", rows[i].engine_name);
                        assert_string_equal(name, "untouched");
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(name, rows[i].name);
                assert_int_equal(uid, rows[i].uid);
                engine_name_make(name, uid, again);
                assert_string_equal(again, rows[i].engine_name + (rows[i].engine_name[0] == '/'));
        }
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

static void test_references(void **state) {
        static const struct {
                const char *typed, *registry, *repository, *tag, *digest;
        } rows[] = {
                { "busybox", "", "busybox", "latest", "" },
                { "aime/pytorch:2.8.0-cuda12.4", "", "aime/pytorch", "2.8.0-cuda12.4", "" },
                { "ghcr.io/org/x/y", "ghcr.io", "org/x/y", "latest", "" },
                { "localhost:5000/x:1", "localhost:5000", "x", "1", "" },
                { "localhost/x", "localhost", "x", "latest", "" },
                { "host:5000", "", "host", "5000", "" },
                { "a__b/c--d.e", "", "a__b/c--d.e", "latest", "" },
                { "x@" DIGEST, "", "x", "", DIGEST },
                { "x:1@" DIGEST, "", "x", "1", DIGEST },
                { "Ghcr.IO/x", "Ghcr.IO", "x", "latest", "" },
        };
        static const char *const bad[] = {
                "",
                " ",
                "X",
                "a b",
                "a/",
                "/a",
                "a//b",
                "a:",
                "a:-x",
                "a:b:c",
                "a..b",
                "a___b",
                "-a",
                "a-",
                "a._b",
                "a@",
                "a@sha256:1",
                "a@" DIGEST "0",
                "a@md5:" HEX64,
                "a@" DIGEST "@" DIGEST,
                "-h.io/x",
                "h-.io/x",
                "h..io/x",
                "h.io:/x",
                "h.io:99999999/x",
                "h.io:x/y",
                ".io/x",
                "a\nb",
                "\xc3\xb6",
                HEX64,
                DIGEST,
                "sha256:0123",
                "--privileged",
                "a:"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        };
        struct image_ref ref;
        struct refusal r;
        char text[IMAGE_REF_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (image_ref_parse(rows[i].typed, &ref, &r))
                        fail_msg("'%s' is refused", rows[i].typed);
                assert_string_equal(ref.registry, rows[i].registry);
                assert_string_equal(ref.repository, rows[i].repository);
                assert_string_equal(ref.tag, rows[i].tag);
                assert_string_equal(ref.digest, rows[i].digest);
                image_ref_format(&ref, text, sizeof(text));
                assert_int_equal(image_ref_parse(text, &ref, &r), 0); /* reads back */
                assert_string_equal(ref.repository, rows[i].repository);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (image_ref_parse(bad[i], &ref, &r) != REFUSAL_ARGUMENT_INVALID)
                        fail_msg("'%s' is taken for an image", bad[i]);
}

static void test_long_references(void **state) {
        char text[2000];
        struct image_ref ref;
        struct refusal r;

        for (size_t n = 190; n < sizeof(text) - 1; n += 9) {
                memset(text, 'a', n);
                text[n] = '\0';
                if (image_ref_parse(text, &ref, &r))
                        continue;
                assert_true(strlen(ref.repository) == n);
        }
}

static void test_personal(void **state) {
        static const struct {
                const char *reference;
                int uid; /* -1: nobody's; -2: ds01d's */
        } rows[] = {
                { "ds01-bin/1001:thesis.20260101120000.4711", -2 },
                { "docker.io/ds01-bin/1001:thesis.20260101120000.4711", -2 },
                { "localhost/ds01-moved/6e269839f0f35ed5b7b53924dc2c191d:latest", -2 },
                { "ds01-bin:latest", -1 },
                { "ghcr.io/ds01-bin/1001:thesis", -1 },
                { "ds01-1001/thesis:latest", 1001 },
                { "docker.io/ds01-1001/thesis", 1001 },
                { "index.docker.io/ds01-1001/thesis", 1001 },
                { "localhost/ds01-1001/thesis", 1001 },
                { "ds01-01001/thesis", -1 },
                { "ds01-x/thesis", -1 },
                { "ds01-/thesis", -1 },
                { "ds01-1001", -1 },
                { "ds01-99999999999/x", -1 },
                { "ghcr.io/ds01-1001/thesis", -1 },
                { "ds01-base:latest", -1 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uid_t uid = 0;
                bool is = image_is_personal(rows[i].reference, &uid);

                assert_int_equal(!is ? -1 : uid == IMAGE_OF_NO_PERSON ? -2 : (int)uid,
                                 rows[i].uid);
        }
}

static void test_choice(void **state) {
        static const char *const own[] = { "ds01-5/thesis:latest", "ds01-5/test:latest",
                                           "ds01-5/x-y:latest",    "ds01-5/y-z:latest",
                                           "ds01-5/v:v1",          NULL };
        static const struct {
                const char *option, *project, *name;
                enum image_source source;
                const char *reference; /* NULL: refused */
        } rows[] = {
                { NULL, "thesis", "other", IMAGE_PROJECT, "ds01-5/thesis:latest" },
                { NULL, "Thesis", "other", IMAGE_PROJECT, "ds01-5/thesis:latest" },
                { NULL, "thesis.", "other", IMAGE_DEFAULT, "base:1" }, /* a project of its own */
                { NULL, "none", "thesis", IMAGE_NAME, "ds01-5/thesis:latest" },
                { NULL, "none", "thesis-2", IMAGE_NAME_PART, "ds01-5/thesis:latest" },
                { NULL, NULL, "test-thesis", IMAGE_NAME_PART,
                  "ds01-5/thesis:latest" },                                    /* the longer */
                { NULL, NULL, "x-y-z", IMAGE_NAME_PART, "ds01-5/x-y:latest" }, /* by name */
                { NULL, NULL, "testthesis", IMAGE_DEFAULT, "base:1" },
                { NULL, NULL, "a-thesis-b", IMAGE_DEFAULT, "base:1" },
                { NULL, NULL, "my-v", IMAGE_DEFAULT, "base:1" }, /* not a :latest */
                { "thesis", NULL, "q", IMAGE_OPTION, "ds01-5/thesis:latest" },
                { "thesis:latest", NULL, "q", IMAGE_OPTION, "ds01-5/thesis:latest" },
                { "v:v1", NULL, "q", IMAGE_OPTION, "ds01-5/v:v1" },
                { "v", NULL, "q", IMAGE_OPTION, "v:latest" },
                { "busybox", "thesis", "thesis", IMAGE_OPTION, "busybox:latest" },
                { "ds01-5/other", NULL, "q", IMAGE_OPTION, "ds01-5/other:latest" },
                { "ds01-6/other", NULL, "q", 0, NULL },
                { "ds01-6/other@" DIGEST, NULL, "q", 0, NULL },
                { "localhost/ds01-6/other", NULL, "q", 0, NULL },
                { "", NULL, "q", 0, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct image_choice choice;
                struct refusal r;
                int no = image_choose(rows[i].option, rows[i].project, rows[i].name, 5, own,
                                      "base:1", &choice, &r);

                assert_int_equal(no == 0, rows[i].reference != NULL);
                if (no)
                        continue;
                assert_string_equal(choice.reference, rows[i].reference);
                assert_string_equal(image_source_word(choice.source),
                                    image_source_word(rows[i].source));
        }
}

static void test_no_image(void **state) {
        struct image_choice choice;
        struct refusal r;

        assert_int_equal(image_choose(NULL, NULL, "x", 5, NULL, NULL, &choice, &r),
                         REFUSAL_NO_SUCH_IMAGE);
        assert_int_equal(image_choose(NULL, NULL, "x", 5, NULL, "", &choice, &r),
                         REFUSAL_NO_SUCH_IMAGE);
}

static void test_registries(void **state) {
        static const char *const allowed[] = { "docker.io/library", "docker.io/aime/", "ghcr.io",
                                               NULL };
        static const char *const all[] = { "*", NULL };
        static const struct {
                const char *typed;
                bool allowed;
        } rows[] = {
                { "ubuntu", true },
                { "docker.io/ubuntu", true },
                { "index.docker.io/ubuntu", true },
                { "aime/pytorch", true },
                { "aimed/pytorch", false },
                { "evil/ubuntu", false },
                { "ghcr.io/a/b", true },
                { "GHCR.io/a/b", true },
                { "ghcr.io.evil.com/a", false },
                { "quay.io/a/b", false },
                { "ghcr.io:443/a/b", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct image_ref ref;
                struct refusal r;

                assert_int_equal(image_ref_parse(rows[i].typed, &ref, &r), 0);
                if (registry_is_allowed(&ref, allowed) != rows[i].allowed)
                        fail_msg("%s", rows[i].typed);
                assert_true(registry_is_allowed(&ref, all));
                assert_false(registry_is_allowed(&ref, NULL));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_container_names), cmocka_unit_test(test_long_name),
                cmocka_unit_test(test_suggestion),      cmocka_unit_test(test_engine_names),
                cmocka_unit_test(test_references),      cmocka_unit_test(test_long_references),
                cmocka_unit_test(test_personal),        cmocka_unit_test(test_choice),
                cmocka_unit_test(test_no_image),        cmocka_unit_test(test_registries),
        };

        return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
