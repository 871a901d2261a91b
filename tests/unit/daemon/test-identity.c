/* Generated passwd and group files. */
#include "cmocka-headers.h"

#include "daemon/identity.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static struct person_entry person(const char *name, uid_t uid, gid_t gid) {
        struct person_entry p = { .uid = uid, .gid = gid };

        str_copy(p.name, sizeof(p.name), name);
        return p;
}

static void test_login(void **state) {
        static const struct {
                const char *name, *login;
        } rows[] = {
                { "alice", "alice" },
                { "Alice", "alice" },
                { "h.baker@uni.de", "h_baker" },
                { "1abc", "_abc" },
                { "a b:c", "a_b_c" },
                { "@x", "u1001" },
                { "", "u1001" },
                { "\xc3\xa9va", "__va" },
                { "abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz012345" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct person_entry p = person(rows[i].name, 1001, 1001);
                char login[64];

                identity_login(&p, login, sizeof(login));
                assert_string_equal(login, rows[i].login);
        }
}

static void check(int (*make)(const char *, const struct person_entry *, struct buf *),
                  const char *image, const char *wanted) {
        _cleanup_buf_ struct buf out = BUF_INIT(IDENTITY_FILE_MAX);
        struct person_entry p = person("alice", 1001, 100);

        assert_int_equal(make(image, &p, &out), 0);
        assert_string_equal(buf_str(&out), wanted);
}

static void test_passwd(void **state) {
        static const char us[] = "alice:x:1001:100::/home/alice:/bin/sh\n";
        static const char root[] = "root:x:0:0:root:/root:/bin/sh\n";
        char both[256];

        (void)state;
        snprintf(both, sizeof(both), "%s%s", root, us);
        check(identity_passwd, "", us);
        check(identity_passwd, root, both);
        check(identity_passwd, "root:x:0:0:root:/root:/bin/sh", both); /* no newline at the end */
        /* Somebody else by our name, and our number by another name, make room. */
        check(identity_passwd,
              "root:x:0:0:root:/root:/bin/sh\nalice:x:7:7::/:/bin/sh\nubuntu:x:1001:1001::/:/x\n",
              both);
        /* All-digit names would be taken for numbers by runc before 1.3. */
        check(identity_passwd, "1001:x:0:0::/:/bin/sh\nroot:x:0:0:root:/root:/bin/sh\n", both);
        /* Readers that cut blanks off, and take numbers with signs and zeros, see the same. */
        check(identity_passwd,
              " 1001:x:0:0::/:/x\nevil:x:01001:0::/:/x\nevil:x: +1001:0::/:/x\n"
              "alice :x:0:0::/:/x\nroot:x:0:0:root:/root:/bin/sh\n",
              both);
        check(identity_passwd, "\n\nroot:x:0:0:root:/root:/bin/sh\n\xff\xfe:x:1:1::/:\n", both);
}

static void test_group(void **state) {
        (void)state;
        check(identity_group, "", "alice:x:100:\n");
        check(identity_group, "root:x:0:\n1001:x:0:alice\nusers:x:100:\n",
              "root:x:0:\nalice:x:100:\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_login),
                cmocka_unit_test(test_passwd),
                cmocka_unit_test(test_group),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
