/* The filter of build contexts, over archives made here block by block. */
#include "daemon/context.h"

#include "base/str.h"

#include "cmocka-headers.h"

#include <stdio.h>
#include <string.h>

enum { GB = 1 << 30 };

static const char dockerfile[] = "FROM a\nRUN b\n";

static void put(struct buf *b, char type, const char *name, const char *link, const char *magic,
                const char *mode, const char *data, size_t n) {
        unsigned char h[512] = { 0 };
        unsigned sum = 0;
        char text[16];

        memcpy(h, name, strnlen(name, 100));
        memcpy(h + 100, mode, strlen(mode));
        snprintf(text, sizeof(text), "%011zo", n);
        memcpy(h + 124, text, 11);
        memcpy(h + 136, "14000000000", 11);
        h[156] = (unsigned char)type;
        memcpy(h + 157, link, strnlen(link, 100));
        memcpy(h + 257, magic, 8);
        memset(h + 148, ' ', 8);
        for (size_t i = 0; i < sizeof(h); i++)
                sum += h[i];
        snprintf(text, sizeof(text), "%06o", sum);
        memcpy(h + 148, text, 7);
        buf_add(b, h, sizeof(h));
        buf_add(b, data, n);
        memset(h, 0, sizeof(h));
        if (n % 512)
                buf_add(b, h, 512 - n % 512);
}

#define POSIX "ustar\00000"
#define GNU "ustar  "

static void file(struct buf *b, const char *name, const char *text) {
        put(b, '0', name, "", POSIX, "0000644", text, strlen(text));
}

static void end(struct buf *b) {
        static const char zeros[1024];

        buf_add(b, zeros, sizeof(zeros));
}

/* Feeds @in by @step bytes; 0 or the refusal. The output goes to @out. */
static int filter(const struct buf *in, size_t step, int64_t max, struct buf *out,
                  struct buf *recipe, struct refusal *r) {
        _cleanup_buf_ struct buf piece = BUF_INIT(1 << 20), some = BUF_INIT(CONTEXT_OUT_MIN * 2);
        struct context *c = malloc(sizeof(*c));
        int refused = 0;

        context_init(c, "Dockerfile", max);
        for (size_t at = 0; !refused && at < in->len; at += step) {
                size_t before;

                buf_add(&piece, in->data + at, in->len - at < step ? in->len - at : step);
                do {
                        before = piece.len;
                        refused = context_feed(c, &piece, &some, r);
                        buf_add(out, buf_str(&some), some.len);
                        buf_reset(&some);
                } while (!refused && piece.len < before);
        }
        if (!refused)
                refused = context_complete(c, r);
        if (!refused && recipe)
                buf_add(recipe, c->recipe.data, c->recipe.len);
        context_release(c);
        free(c);
        return refused;
}

static void test_what_passes(void **state) {
        _cleanup_buf_ struct buf in = BUF_INIT(GB), out = BUF_INIT(GB), again = BUF_INIT(GB);
        _cleanup_buf_ struct buf wanted = BUF_INIT(GB), recipe = BUF_INIT(RECIPE_MAX);
        static const size_t steps[] = { 1 << 20, 512, 1000, 7 };
        char long_name[151], big[3001];
        struct refusal r = { 0 };

        memset(long_name, 'n', 150);
        long_name[150] = '\0';
        memset(big, 'x', 3000);
        big[3000] = '\0';
        put(&in, '5', "./", "", GNU, "0000755", "", 0);
        file(&in, "./a//b", "hello");
        file(&in, "Dockerfile", dockerfile);
        put(&in, 'L', "././@LongLink", "", GNU, "0000644", long_name, 151);
        put(&in, '0', "nnn", "", GNU, "0000644", big, 3000);
        put(&in, 'x', "pax", "", POSIX, "0000644",
            "19 path=sub/d\xc3\xa9j\xc3\xa0\n" "29 SCHILY.xattr.user.a=bcdef\n", 48);
        put(&in, '2', "short", "../else/where", POSIX, "0000777", "", 0);
        put(&in, '5', "dir", "", POSIX, "0006755", "", 0);
        put(&in, '1', "hard", "./a/b", POSIX, "0004755", "", 0);
        end(&in);

        file(&wanted, "a/b", "hello");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                buf_reset(&out);
                buf_reset(&recipe);
                assert_int_equal(filter(&in, steps[i], GB, &out, &recipe, &r), 0);
                assert_string_equal(buf_str(&recipe), dockerfile);
                if (i == 0)
                        buf_add(&again, out.data, out.len);
                assert_int_equal(out.len, again.len);
                assert_memory_equal(out.data, again.data, out.len);
        }
        assert_memory_equal(out.data, "a/b\0", 4);
        assert_memory_equal(out.data + 512, "hello", 6);
        assert_null(memmem(out.data, out.len, "SCHILY", 6));
        assert_null(memmem(out.data, out.len, "FROM", 4));
        assert_null(memmem(out.data, out.len, "0006755", 7));
        assert_null(memmem(out.data, out.len, "0004755", 7));
        assert_non_null(memmem(out.data, out.len, "160 path=nnnn", 13));
        assert_non_null(memmem(out.data, out.len, "sub/d\xc3\xa9j\xc3\xa0", 11));
        assert_non_null(memmem(out.data, out.len, "dir/", 5));
        /* What has passed passes again as it is. */
        file(&out, "Dockerfile", dockerfile);
        end(&out);
        buf_reset(&recipe);
        {
                _cleanup_buf_ struct buf second = BUF_INIT(GB);

                assert_int_equal(filter(&out, 4096, GB, &second, &recipe, &r), 0);
                assert_int_equal(second.len, again.len);
                assert_memory_equal(second.data, again.data, second.len);
        }
}

/* One entry that is refused, in an archive that is right otherwise. */
static const struct {
        char type;
        const char *name, *link, *data, *said;
} bad_entries[] = {
        { '0', "/etc/passwd", "", "x", "within the directory" },
        { '0', "../x", "", "x", "within the directory" },
        { '0', "a/../../x", "", "x", "within the directory" },
        { '0', "a\nb", "", "x", "within the directory" },
        { '0', "", "", "x", "no name" },
        { '5', "./", "", "x", "has data" },
        { '5', "d", "", "x", "has data" },
        { '2', "l", "", "", "link to nothing" },
        { '2', "l", "a\tb", "", "link to nothing" },
        { '1', "l", "../x", "", "out of the directory" },
        { '1', "l", "/etc/shadow", "", "out of the directory" },
        { '1', "l", "./", "", "out of the directory" },
        { '3', "null", "", "", "device" },
        { '4', "sda", "", "", "device" },
        { '6', "pipe", "", "", "pipe" },
        { 'S', "sparse", "", "x", "not understood" },
        { 'V', "label", "", "", "not understood" },
        { '0', "./Dockerfile", "", "FROM b", "twice" },
        { '2', "Dockerfile", "x", "", "no regular file" },
        { '1', "x/../Dockerfile", "x", "", "within the directory" },
        { 'g', "g", "", "14 uname=root\n", "not understood" },
        { 'x', "x", "", "22 GNU.sparse.major=1\n", "not understood" },
        { 'x', "x", "", "10 path=a\n10 path=b\n", "not understood" },
        { 'x', "x", "", "99 path=a\n", "not understood" },
        { 'x', "x", "", "10 path=a", "not understood" },
        { 'x', "x", "", "1 p\n", "not understood" },
        { 'x', "x", "", "9 size=-1\n", "not understood" },
        { 'x', "x", "", "path=a\n", "not understood" },
};

static void test_what_does_not(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(bad_entries); i++) {
                _cleanup_buf_ struct buf in = BUF_INIT(GB), out = BUF_INIT(GB);
                struct refusal r = { 0 };

                file(&in, "Dockerfile", dockerfile);
                put(&in, bad_entries[i].type, bad_entries[i].name, bad_entries[i].link, POSIX,
                    "0000644", bad_entries[i].data, strlen(bad_entries[i].data));
                end(&in);
                assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), REFUSAL_CONTEXT_INVALID);
                if (!strstr(r.detail, bad_entries[i].said))
                        fail_msg("row %zu: %s", i, r.detail);
        }
}

static void test_broken_archives(void **state) {
        _cleanup_buf_ struct buf in = BUF_INIT(GB), out = BUF_INIT(GB);
        struct refusal r = { 0 };

        file(&in, "a", "x");
        end(&in);
        assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), REFUSAL_NO_DOCKERFILE);
        buf_reset(&in);
        file(&in, "Dockerfile", dockerfile);
        assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), REFUSAL_CONTEXT_INVALID);
        assert_non_null(strstr(r.detail, "cut short"));
        end(&in);
        assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), 0);
        assert_int_equal(filter(&in, 4096, 1000, &out, NULL, &r), REFUSAL_CONTEXT_TOO_LARGE);
        in.data[3]++;
        assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), REFUSAL_CONTEXT_INVALID);
        assert_non_null(strstr(r.detail, "no tar"));
        buf_reset(&in);
        buf_adds(&in, "\x1f\x8b short");
        assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), REFUSAL_CONTEXT_INVALID);
        buf_reset(&in);
        assert_int_equal(filter(&in, 4096, GB, &out, NULL, &r), REFUSAL_CONTEXT_INVALID);
}

static void test_what_is_put_in(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(GB), recipe = BUF_INIT(RECIPE_MAX);
        _cleanup_buf_ struct buf passed = BUF_INIT(GB);
        struct context *c = malloc(sizeof(*c));
        struct refusal r = { 0 };

        context_init(c, "Dockerfile", GB);
        assert_int_equal(context_put_recipe(c, strlen(dockerfile), &out), 0);
        buf_adds(&out, dockerfile);
        assert_int_equal(context_put_end(strlen(dockerfile), &out), 0);
        assert_int_equal(out.len, 2048);
        assert_int_equal(filter(&out, 4096, GB, &passed, &recipe, &r), 0);
        assert_string_equal(buf_str(&recipe), dockerfile);
        assert_int_equal(passed.len, 0);
        context_release(c);
        free(c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_passes),
                cmocka_unit_test(test_what_does_not),
                cmocka_unit_test(test_broken_archives),
                cmocka_unit_test(test_what_is_put_in),
        };

        return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
