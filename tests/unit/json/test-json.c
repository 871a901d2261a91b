/* Strict and lenient reading of JSON, decoding by tables, and the writer. */
#include "json/json.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

struct thing {
        char name[8];
        char *path;
        int64_t gpus;
        bool force, has_force;
        char **bases;
};

static const struct json_field fields[] = {
        JSON_FIELD_STR("name", struct thing, name, .required = true),
        JSON_FIELD_STRDUP("workspace", struct thing, path, 10),
        JSON_FIELD_INT("gpus", struct thing, gpus, 0, 64),
        JSON_FIELD_BOOL("force", struct thing, force,
                        .seen_offset = offsetof(struct thing, has_force)),
        JSON_FIELD_STRV("bases", struct thing, bases, 2, 4),
};

#define ROW(bytes, words)                                                                          \
        { bytes, sizeof(bytes) - 1, words }

/* Bodies that are refused, with the words that say why. */
static const struct {
        const char *bytes;
        size_t n;
        const char *words;
} refused[] = {
        ROW("", "'name' is missing"),
        ROW("{}", "'name' is missing"),
        ROW("{\"name\":null}", "'name' must not be null"),
        ROW(" ", "line 1 cannot be read"),
        ROW("[]", "must be an object"),
        ROW("null", "must be an object"),
        ROW("\"name\"", "must be an object"),
        ROW("{\"name\":\"a\"", "cannot be read"),
        ROW("{\"name\":\"a\",}", "cannot be read"),
        ROW("{'name':'a'}", "cannot be read"),
        ROW("{\"name\":\"a\"}\n\n{\"force\":true}", "line 3 cannot be read"),
        ROW("{\"name\":\"a\"}\0{\"force\":true}", "cannot be read"),
        ROW("{\"name\":\"a\"}\0", "cannot be read"),
        ROW("{\"name\":\"a\0b\"}", "cannot be read"),
        ROW("{\"name\":\"a\\u0000b\"}", "NUL"),
        ROW("{\"na\\u0000me\":\"a\"}", "NUL"),
        ROW("{\"name\":\"\xff\"}", "cannot be read"),
        ROW("{\"name\":\"\xc0\xaf\"}", "cannot be read"),
        ROW("{\"name\":\"\xed\xa0\x80\"}", "cannot be read"),
        ROW("{\"name\":\"\\ud800\"}", "cannot be read"),
        ROW("{\"name\":\"\\udc00\\ud800\"}", "cannot be read"),
        ROW("\xef\xbb\xbf{\"name\":\"a\"}", "byte order mark"),
        ROW("{\"name\":\"a\nb\"}", "cannot be read"),
        ROW("{\"name\":\"a\",\"name\":\"b\"}", "uplicate"),
        ROW("{\"name\":\"a\",\"n\\u0061me\":\"b\"}", "uplicate"),
        ROW("{\"name\":\"a\",\"NAME\":\"b\"}", "differ only by case"),
        ROW("{\"name\":\"a\",\"bases\":[],\"ba\xc5\xbf"
            "es\":[]}",
            "differ only by case"),
        ROW("{\"name\":\"a\",\"wor\\u212aspace\":\"\",\"workspace\":\"\"}", "differ only by case"),
        ROW("{\"name\":\"a\",\"bases\":[{\"k\":1,\"K\":2}]}", "differ only by case"),
        ROW("{\"Name\":\"a\"}", "did you mean 'name'"),
        ROW("{\"name\":\"a\",\"ba\xc5\xbf"
            "es\":[]}",
            "unknown key"),
        ROW("{\"nmae\":\"a\"}", "unknown key 'nmae', did you mean 'name'"),
        ROW("{\"Privileged\":true}", "unknown key 'Privileged'"),
        ROW("{\"\\u001b[2J\":true}", "unknown key '?[2J'"),
        ROW("{\"name\":\"12345678\"}", "'name' is longer than 7 bytes"),
        ROW("{\"name\":5}", "'name' must be a string"),
        ROW("{\"name\":\"a\",\"workspace\":\"0123456789a\"}", "'workspace' is longer than 10"),
        ROW("{\"name\":\"a\",\"gpus\":1e9}", "'gpus' must be a whole number"),
        ROW("{\"name\":\"a\",\"gpus\":1.0}", "'gpus' must be a whole number"),
        ROW("{\"name\":\"a\",\"gpus\":\"5\"}", "'gpus' must be a whole number"),
        ROW("{\"name\":\"a\",\"gpus\":true}", "'gpus' must be a whole number"),
        ROW("{\"name\":\"a\",\"gpus\":-1}", "'gpus' must be between 0 and 64"),
        ROW("{\"name\":\"a\",\"gpus\":65}", "'gpus' must be between 0 and 64"),
        ROW("{\"name\":\"a\",\"gpus\":9223372036854775808}", "too big"),
        ROW("{\"name\":\"a\",\"gpus\":01}", "cannot be read"),
        ROW("{\"name\":\"a\",\"gpus\":+1}", "cannot be read"),
        ROW("{\"name\":\"a\",\"gpus\":0x1}", "cannot be read"),
        ROW("{\"name\":\"a\",\"gpus\":NaN}", "cannot be read"),
        ROW("{\"name\":\"a\",\"force\":1}", "'force' must be true or false"),
        ROW("{\"name\":\"a\",\"force\":\"true\"}", "'force' must be true or false"),
        ROW("{\"name\":\"a\",\"bases\":\"x\"}", "'bases' must be a list of strings"),
        ROW("{\"name\":\"a\",\"bases\":[1]}", "'bases' must be a list of strings"),
        ROW("{\"name\":\"a\",\"bases\":[null]}", "'bases' must be a list of strings"),
        ROW("{\"name\":\"a\",\"bases\":[\"a\",\"b\",\"c\"]}", "'bases' has more than 2"),
        ROW("{\"name\":\"a\",\"bases\":[\"abcde\"]}", "'bases' is longer than 4"),
        ROW("{\"name\":\"a\",\"workspace\":\"x\",\"bases\":[\"y\"],\"gpus\":99}", "between"),
        ROW("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", "too deeply"),
};

static void test_refused(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                struct thing t = { .gpus = 1 }, before = { .gpus = 1 };
                struct err err = { 0 };

                if (json_decode(refused[i].bytes, refused[i].n, fields, ARRAY_SIZE(fields), &t,
                                &err) != -EINVAL)
                        fail_msg("accepted: %s", refused[i].bytes);
                if (!strstr(err.msg, refused[i].words))
                        fail_msg("%s: '%s' does not say '%s'", refused[i].bytes, err.msg,
                                 refused[i].words);
                assert_memory_equal(&t, &before, sizeof(t));
        }
}

static void decode(const char *text, struct thing *t) {
        struct err err = { 0 };

        if (json_decode(text, strlen(text), fields, ARRAY_SIZE(fields), t, &err) < 0)
                fail_msg("%s: %s", text, err.msg);
}

static void test_accepted(void **state) {
        struct thing t = { .gpus = 1 };

        decode(" {\"name\":\"1234567\", \"workspace\":\"/w\",\"gpus\":64,\"force\":false,"
               "\"bases\":[\"a\",\"\xf0\x9f\x98\x80\"]}\r\n",
               &t);
        assert_string_equal(t.name, "1234567");
        assert_string_equal(t.path, "/w");
        assert_int_equal(t.gpus, 64);
        assert_false(t.force);
        assert_true(t.has_force);
        assert_string_equal(t.bases[1], "\xf0\x9f\x98\x80");
        assert_null(t.bases[2]);
        json_release(fields, ARRAY_SIZE(fields), &t);
        assert_null(t.path);
        assert_null(t.bases);
        json_release(fields, ARRAY_SIZE(fields), &t);

        t = (struct thing){ .gpus = 1 };
        decode("{\"name\":\"\",\"workspace\":null,\"gpus\":null,\"force\":null,\"bases\":null}",
               &t);
        assert_int_equal(t.gpus, 1);
        assert_null(t.path);
        assert_null(t.bases);
        assert_false(t.has_force);

        decode("{\"name\":\"\\u0061\\\"\",\"bases\":[],\"gpus\":-0}", &t);
        assert_string_equal(t.name, "a\"");
        assert_int_equal(t.gpus, 0);
        assert_non_null(t.bases);
        assert_null(t.bases[0]);
        json_release(fields, ARRAY_SIZE(fields), &t);
}

static void test_empty_body(void **state) {
        static const struct json_field optional[] = { JSON_FIELD_INT("gpus", struct thing, gpus, 0,
                                                                     9) };
        struct thing t = { .gpus = 3 };

        assert_int_equal(json_decode(NULL, 0, optional, 1, &t, NULL), 0);
        assert_int_equal(t.gpus, 3);
}

static void test_parse_strict(void **state) {
        _cleanup_buf_ struct buf many = BUF_INIT(1 << 20), large = BUF_INIT(1 << 20);
        struct err err = { 0 };
        json_t *j = NULL;

        assert_int_equal(json_parse_strict("[[1]]", 5, 2, &j, NULL), 0);
        json_decref(j);
        j = NULL;
        assert_int_equal(json_parse_strict("[[1]]", 5, 1, &j, &err), -EINVAL);
        assert_null(j);
        /* maps keep any keys that differ by more than case */
        assert_int_equal(json_parse_strict("{\"a.b/c\":1,\"a.b/d\":2}", 21, 2, &j, NULL), 0);
        json_decref(j);

        buf_addc(&many, '[');
        for (int i = 1; i < JSON_STRICT_NODES; i++)
                buf_adds(&many, "1,");
        many.data[many.len - 1] = ']';
        assert_int_equal(json_parse_strict(many.data, many.len, 2, &j, NULL), 0);
        json_decref(j);
        many.data[many.len - 1] = ',';
        buf_adds(&many, "1]");
        assert_int_equal(json_parse_strict(many.data, many.len, 2, &j, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "too many"));

        buf_addc(&large, '"');
        for (int i = 0; i < JSON_STRICT_STRING; i++)
                buf_addc(&large, 'x');
        buf_addc(&large, '"');
        assert_int_equal(json_parse_strict(large.data, large.len, 2, &j, NULL), 0);
        json_decref(j);
        large.data[large.len - 1] = 'x';
        buf_addc(&large, '"');
        assert_int_equal(json_parse_strict(large.data, large.len, 2, &j, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "too long"));
}

static void test_lenient(void **state) {
        static const char text[] =
                "{\"a\":\"x\\u0000y\",\"k\\u0000\":1,\"b\":\"\xff\\\\u0000\",\"n\":"
                "18446744073709551615,"
                "\"s\":\"18446744073709551615\",\"i\":7,\"t\":true,\"d\":1,\"d\":2,"
                "\"o\":{\"p.q\":{\"r\":[]}}}";
        _cleanup_json_ json_t *j = NULL;
        struct err err = { 0 };

        assert_int_equal(json_parse(text, sizeof(text) - 1, &j, &err), 0);
        assert_string_equal(json_str(j, "a"), "x\xef\xbf\xbdy");
        assert_string_equal(json_str(j, "b"), "\xef\xbf\xbd\\u0000");
        assert_string_equal(json_str(j, "s"), "18446744073709551615");
        assert_true(json_is_real(json_at(j, "n", NULL)));
        assert_int_equal(json_int_or(j, "i", 0), 7);
        assert_int_equal(json_int_or(j, "n", -1), -1);
        assert_int_equal(json_int_or(j, "d", 0), 2);
        assert_int_equal(json_int_or(j, "none", 5), 5);
        assert_int_equal(json_int_or(NULL, "none", 5), 5);
        assert_true(json_bool_or(j, "t", false));
        assert_true(json_bool_or(j, "i", true));
        assert_null(json_str(j, "i"));
        assert_null(json_str(NULL, "i"));
        assert_string_equal(json_str_or(j, "i", "-"), "-");
        assert_true(json_is_array(json_at(j, "o", "p.q", "r", NULL)));
        assert_null(json_at(j, "o", "x", "r", NULL));
        assert_null(json_at(j, "a", "x", NULL));
        assert_int_equal(json_parse("{\"a\":", 5, &(json_t *){ NULL }, &err), -EINVAL);
        assert_int_equal(json_parse("", 0, &(json_t *){ NULL }, &err), -EINVAL);
}

static void test_writer(void **state) {
        _cleanup_buf_ struct buf b = BUF_INIT(4096);
        struct json_writer w = JSON_WRITER(&b);

        json_write_array(&w);
        json_write_object(&w);
        json_put_str(&w, "s", "a\"\\\n\r\t\x01\x7f\xc3\xa9");
        json_put_str(&w, "bad", "\xff<\xed\xa0\x80>\xf0\x9f\x98");
        json_put_str(&w, "null", NULL);
        json_put_int(&w, "min", INT64_MIN);
        json_put_int(&w, "max", INT64_MAX);
        json_put_int(&w, "zero", 0);
        json_put_bool(&w, "t", true);
        json_write_key(&w, "e");
        json_write_object(&w);
        json_write_object_end(&w);
        json_write_object_end(&w);
        json_write_array(&w);
        json_write_double(&w, 1.5, 2);
        json_write_double(&w, -0.001, 2);
        json_write_double(&w, 99.999, 1);
        json_write_double(&w, -12.34, 1);
        json_write_double(&w, 3.7, 0);
        json_write_double(&w, 0.05, 9);
        json_write_double(&w, NAN, 2);
        json_write_double(&w, INFINITY, 2);
        json_write_double(&w, 1e300, 2);
        json_write_array_end(&w);
        json_write_strn(&w, "abc", 2);
        json_write_null(&w);
        json_write_array_end(&w);
        assert_false(b.failed);
        assert_string_equal(
                b.data,
                "[{\"s\":\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f\xc3\xa9\","
                "\"bad\":\"\xef\xbf\xbd<\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd>"
                "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"null\":null,"
                "\"min\":-9223372036854775808,\"max\":9223372036854775807,\"zero\":0,\"t\":true,"
                "\"e\":{}},[1.50,0.00,100.0,-12.3,4,0.050000000,null,null,null],\"ab\",null]");
}

static void test_writer_ceiling(void **state) {
        _cleanup_buf_ struct buf b = BUF_INIT(10);
        struct json_writer w = JSON_WRITER(&b);

        json_write_array(&w);
        json_write_str(&w, "0123456789");
        json_write_array_end(&w);
        assert_true(b.failed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),        cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_empty_body),     cmocka_unit_test(test_parse_strict),
                cmocka_unit_test(test_lenient),        cmocka_unit_test(test_writer),
                cmocka_unit_test(test_writer_ceiling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
