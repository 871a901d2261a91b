/* The scanner against jansson: they must agree on what is JSON, and a tree that is built from the
 * scanner's tokens must equal jansson's. */
#include "base/buf.h"
#include "json/json.h"
#include "json/json_scan.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

/* A value at the current token. */
static json_t *build(struct json_scan *s) {
        _cleanup_free_ char *text = malloc(3 * s->len + 4);
        double real = 0;
        int64_t whole;
        bool truth;
        json_t *made;

        switch (s->token) {
        case JSON_SCAN_OBJECT:
                made = json_object();
                while (json_scan_next(s) == JSON_SCAN_KEY) {
                        _cleanup_free_ char *key = malloc(3 * s->len + 4);

                        check(json_scan_str(s, key, 3 * s->len + 4) == 0);
                        check(strlen(key) >= 256 || json_scan_is(s, key));
                        json_scan_next(s);
                        json_object_set_new(made, key, build(s));
                }
                check(s->token == JSON_SCAN_OBJECT_END);
                return made;
        case JSON_SCAN_ARRAY:
                made = json_array();
                while (json_scan_next(s) != JSON_SCAN_ARRAY_END)
                        json_array_append_new(made, build(s));
                return made;
        case JSON_SCAN_STRING:
                check(json_scan_str(s, text, 3 * s->len + 4) == 0);
                return json_string(text);
        case JSON_SCAN_NUMBER:
                if (json_scan_int(s, &whole) == 0)
                        return json_integer(whole);
                check(json_scan_double(s, &real) == 0 || s->len >= 512);
                return json_real(real);
        case JSON_SCAN_NULL:
                return json_null();
        default:
                check(json_scan_bool(s, &truth) == 0);
                return json_boolean(truth);
        }
}

/* What the scanner takes and jansson (without NUL) does not, by the design of either. */
static bool differs_by_design(const char *bytes, size_t n) {
        struct json_scan s = JSON_SCAN(bytes, n);
        enum json_scan_token token;
        double real;
        int64_t whole;

        while ((token = json_scan_next(&s)) != JSON_SCAN_END) {
                if (token == JSON_SCAN_ERROR)
                        return false;
                if (token == JSON_SCAN_NUMBER && json_scan_int(&s, &whole) < 0 &&
                    (json_scan_double(&s, &real) < 0 || !memchr(s.text, '.', s.len)))
                        return true; /* jansson: "too big", "overflow" */
                if ((token == JSON_SCAN_KEY || token == JSON_SCAN_STRING) &&
                    memmem(s.text, s.len, "\\u0000", 6))
                        return true;
        }
        return false;
}

static void check_skip(const char *bytes, size_t n) {
        struct json_scan s = JSON_SCAN(bytes, n);

        json_scan_next(&s);
        json_scan_skip(&s);
        check(s.depth == 0 && json_scan_next(&s) == JSON_SCAN_END);
}

/* Cut-off strings stay valid and end with a NUL. */
static void check_cut(const char *bytes, size_t n) {
        struct json_scan s = JSON_SCAN(bytes, n);

        while (json_scan_next(&s) != JSON_SCAN_END) {
                char small[5];
                int64_t whole = 7;

                if (s.token == JSON_SCAN_KEY)
                        json_scan_get_int(&s, &whole);
                if (json_scan_str(&s, small, sizeof(small)) != -EINVAL)
                        check(strlen(small) < sizeof(small));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct json_scan s = JSON_SCAN((const char *)data, size);
        _cleanup_json_ json_t *theirs = NULL, *ours = NULL;
        enum json_scan_token token;

        theirs = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
        do
                token = json_scan_next(&s);
        while (token != JSON_SCAN_END && token != JSON_SCAN_ERROR);
        check(s.failed == (token == JSON_SCAN_ERROR) && json_scan_next(&s) == token);
        if (token == JSON_SCAN_ERROR) {
                /* jansson 2.14 takes a raw NUL behind the document for the end of the input */
                check(!theirs || s.depth == JSON_SCAN_DEPTH || memchr(data, '\0', size));
                return 0;
        }
        check_skip((const char *)data, size);
        check_cut((const char *)data, size);
        if (!theirs) {
                check(differs_by_design((const char *)data, size));
                return 0;
        }
        s = JSON_SCAN((const char *)data, size);
        json_scan_next(&s);
        ours = build(&s);
        check(json_equal(ours, theirs));
        return 0;
}
