/* Facts: what is written comes back, and nothing else does. */
#include "cmocka-headers.h"

#include "daemon/facts.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static const unsigned char key[32] = "an unguessable key for the test";
static const char nonce[] = "0123456789abcdef0123456789abcdef";

static void write_example(struct facts *f, struct buf *text) {
        *f = (struct facts){ .released = true,
                             .moved = true,
                             .extended_until_us = 1795560000000000,
                             .ended_us = 1795550000000000 };
        str_copy(f->ended_why, sizeof(f->ended_why), "idle 31 min \"quoted\"");
        assert_int_equal(facts_write(f, nonce, key, sizeof(key), text), 0);
}

static void test_round_trip(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(FACTS_MAX);
        struct facts f, back;

        write_example(&f, &text);
        assert_int_equal(facts_read(text.data, text.len, nonce, key, sizeof(key), &back), 0);
        assert_true(back.released && back.moved && !back.is_protected);
        assert_int_equal(back.extended_until_us, f.extended_until_us);
        assert_int_equal(back.ended_us, f.ended_us);
        assert_string_equal(back.ended_why, f.ended_why);
}

/* Every other length, every other byte, another container, another key. */
static void test_damage_is_found(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(FACTS_MAX);
        unsigned char other[32] = "another key";
        struct facts f, back = { 0 };

        write_example(&f, &text);
        for (size_t n = 0; n < text.len; n++)
                assert_int_equal(facts_read(text.data, n, nonce, key, sizeof(key), &back),
                                 -EBADMSG);
        for (size_t i = 0; i < text.len; i++) {
                text.data[i] ^= 1;
                assert_int_equal(facts_read(text.data, text.len, nonce, key, sizeof(key), &back),
                                 -EBADMSG);
                text.data[i] ^= 1;
        }
        assert_int_equal(facts_read(text.data, text.len, "another", key, sizeof(key), &back),
                         -EBADMSG);
        assert_int_equal(facts_read(text.data, text.len, nonce, other, sizeof(other), &back),
                         -EBADMSG);
        assert_false(back.released);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_damage_is_found),
        };

        return cmocka_run_group_tests_name("daemon-facts", tests, NULL, NULL);
}
