/* Request bodies: what is accepted, written out and read again, must be the same; what is refused
 * leaves the struct alone and has words. */
#include "base/str.h"
#include "json/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct thing {
        char name[16];
        char *path;
        int64_t gpus;
        bool force, has_force;
        char **bases;
};

static const struct json_field fields[] = {
        JSON_FIELD_STR("name", struct thing, name, .required = true),
        JSON_FIELD_STRDUP("path", struct thing, path, 64),
        JSON_FIELD_INT("gpus", struct thing, gpus, -5, 1000),
        JSON_FIELD_BOOL("force", struct thing, force,
                        .seen_offset = offsetof(struct thing, has_force)),
        JSON_FIELD_STRV("bases", struct thing, bases, 4, 20),
};

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static void write_thing(struct buf *out, const struct thing *t) {
        struct json_writer w = JSON_WRITER(out);

        json_write_object(&w);
        json_put_str(&w, "name", t->name);
        json_put_str(&w, "path", t->path);
        json_put_int(&w, "gpus", t->gpus);
        if (t->has_force)
                json_put_bool(&w, "force", t->force);
        json_write_key(&w, "bases");
        if (t->bases) {
                json_write_array(&w);
                for (char **p = t->bases; *p; p++)
                        json_write_str(&w, *p);
                json_write_array_end(&w);
        } else {
                json_write_null(&w);
        }
        json_write_object_end(&w);
        check(!out->failed);
}

static void check_same(const struct thing *a, const struct thing *b) {
        size_t i = 0;

        check(str_equal(a->name, b->name) && str_equal(a->path, b->path) && a->gpus == b->gpus &&
              a->force == b->force && a->has_force == b->has_force && !a->bases == !b->bases);
        for (; a->bases && a->bases[i]; i++)
                check(str_equal(a->bases[i], b->bases[i]));
        check(!a->bases || !b->bases[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct thing a = { .gpus = 1 }, b = { .gpus = 1 }, untouched = { .gpus = 1 };
        _cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
        _cleanup_json_ json_t *tree = NULL;
        struct err err = { 0 };

        if (json_parse((const char *)data, size, &tree, &err) < 0)
                check(err.code && err.msg[0]);
        err = (struct err){ 0 };
        if (json_decode((const char *)data, size, fields, ARRAY_SIZE(fields), &a, &err) < 0) {
                check(err.code && err.msg[0] && utf8_valid(err.msg, strlen(err.msg)));
                check(memcmp(&a, &untouched, sizeof(a)) == 0);
                return 0;
        }
        check(tree); /* what the strict reader takes, the lenient one takes */
        check(utf8_valid(a.name, strlen(a.name)) && a.gpus >= -5 && a.gpus <= 1000);
        write_thing(&text, &a);
        check(json_decode(text.data, text.len, fields, ARRAY_SIZE(fields), &b, &err) == 0);
        check_same(&a, &b);
        json_release(fields, ARRAY_SIZE(fields), &a);
        json_release(fields, ARRAY_SIZE(fields), &b);
        return 0;
}
