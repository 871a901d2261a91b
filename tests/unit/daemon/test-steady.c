/* The file that keeps steady time: what is written comes back, and nothing else is taken for it. */
#include "cmocka-headers.h"

#include "daemon/steady.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

#define S 1000000LL

static void write_example(struct timeline *t, struct buf *text) {
        int64_t boot = 100 * S, wall = 1700000000 * S;

        timeline_begin(t, boot, wall);
        for (int i = 0; i < 40; i++) { /* more than it can hold */
                boot += 60 * S;
                wall += 65 * S;
                timeline_look(t, boot, wall);
        }
        assert_int_equal(steady_write(t, "a-boot-id", text), 0);
}

static void test_round_trip(void **state) {
        _cleanup_buf_ struct buf text = BUF_INIT(STEADY_FILE_MAX);
        struct timeline t, back;
        char boot_id[BOOT_ID_SIZE];

        (void)state;
        write_example(&t, &text);
        assert_int_equal(steady_read(text.data, text.len, &back, boot_id), 0);
        assert_string_equal(boot_id, "a-boot-id");
        assert_int_equal(back.epoch_us, t.epoch_us);
        assert_int_equal(back.last_us, t.last_us);
        assert_int_equal(back.n, t.n);
        assert_memory_equal(back.spans, t.spans, t.n * sizeof(t.spans[0]));
}

static void test_damage(void **state) {
        static const char *const bad[] = {
                "",
                "{}",
                "{\"boot_id\":\"b\",\"epoch_us\":1,\"last_us\":2}",
                "{\"boot_id\":\"b\",\"epoch_us\":1,\"last_us\":2,\"spans\":[]}",
                "{\"boot_id\":\"b\",\"epoch_us\":1,\"last_us\":2,\"spans\":[\"1 2\"]}",
                "{\"boot_id\":\"b\",\"epoch_us\":1,\"last_us\":2,\"spans\":[\"1 2 3 4\"]}",
                "{\"boot_id\":\"b\",\"epoch_us\":1,\"last_us\":2,\"spans\":[\"1 2 x\"]}",
                "{\"boot_id\":\"b\",\"epoch_us\":1,\"last_us\":2,\"spans\":[\"1 2 "
                "9223372036854775807\"]}",
                "{\"boot_id\":\"b\",\"epoch_us\":9223372036854775807,\"last_us\":2,"
                "\"spans\":[\"1 2 3\"]}",
        };
        _cleanup_buf_ struct buf text = BUF_INIT(STEADY_FILE_MAX);
        struct timeline t, back = { .n = 77 };
        char boot_id[BOOT_ID_SIZE];

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(steady_read(bad[i], strlen(bad[i]), &back, boot_id), -EBADMSG);
        write_example(&t, &text);
        for (size_t n = 0; n + 1 < text.len; n++)
                assert_int_equal(steady_read(text.data, n, &back, boot_id), -EBADMSG);
        assert_int_equal(back.n, 77);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_damage),
        };

        return cmocka_run_group_tests_name("daemon-steady", tests, NULL, NULL);
}
