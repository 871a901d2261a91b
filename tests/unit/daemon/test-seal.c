/* The seal: a record survives the way through labels, and no label can be changed unnoticed. */
#include "cmocka-headers.h"

#include "daemon/seal.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

static const unsigned char key[33] = "an unguessable key for the tests";

static struct record *make_record(void) {
        struct record *r = record_new();

        str_copy(r->name, sizeof(r->name), "thesis");
        str_copy(r->engine_name, sizeof(r->engine_name), "thesis._.1001");
        assert_int_equal(nonce_make(r->nonce), 0);
        r->uid = 1001;
        r->gid = 100;
        str_copy(r->user, sizeof(r->user), "alice");
        str_copy(r->image, sizeof(r->image), "ds01-1001/thesis:latest");
        str_copy(r->project, sizeof(r->project), "thesis");
        r->workspace = strdup("/home/alice/work space/\"thesis\"");
        r->uuids = calloc(3, sizeof(*r->uuids));
        r->uuids[0] = strdup("GPU-1");
        r->uuids[1] = strdup("MIG-2");
        r->units = 8000;
        r->cpus_milli = 1500;
        r->memory_bytes = 1LL << 35;
        r->shm_bytes = 1 << 30;
        r->pids = 4096;
        r->created_us = 1795560000000000;
        return r;
}

/* The engine's container with the labels of @l; borrows everything. */
static void dress(struct engine_container *c, const struct sealed_labels *l, const char *name) {
        memset(c, 0, sizeof(*c));
        str_copy(c->id, sizeof(c->id), "0123456789abcdef");
        c->name = (char *)name;
        c->state = ENGINE_RUNNING;
        c->pid = 42;
        c->labels = calloc(l->n, sizeof(*c->labels));
        c->nlabels = l->n;
        for (size_t i = 0; i < l->n; i++) {
                c->labels[i].key = (char *)l->labels[i].key;
                c->labels[i].value = (char *)l->labels[i].value;
        }
}

static void test_round_trip(void **state) {
        struct record *r = make_record(), *back = NULL;
        struct sealed_labels labels;
        struct engine_container c;

        (void)state;
        assert_int_equal(seal_make(key, sizeof(key), r, &labels), 0);
        dress(&c, &labels, r->engine_name);
        assert_int_equal(seal_open(key, sizeof(key), &c, &back), 0);
        assert_string_equal(back->name, r->name);
        assert_string_equal(back->nonce, r->nonce);
        assert_int_equal(back->uid, r->uid);
        assert_int_equal(back->gid, r->gid);
        assert_string_equal(back->user, r->user);
        assert_string_equal(back->image, r->image);
        assert_string_equal(back->project, r->project);
        assert_string_equal(back->workspace, r->workspace);
        assert_null(back->data);
        assert_string_equal(back->uuids[0], "GPU-1");
        assert_string_equal(back->uuids[1], "MIG-2");
        assert_null(back->uuids[2]);
        assert_int_equal(back->units, r->units);
        assert_int_equal(back->memory_bytes, r->memory_bytes);
        assert_int_equal(back->created_us, r->created_us);
        assert_int_equal(back->state, CONTAINER_RUNNING);
        assert_int_equal(back->pid, 42);
        free(c.labels);
        record_free(back);
        record_free(r);
        sealed_labels_release(&labels);
}

/* Every label in turn: changed, missing. */
static void test_tampering(void **state) {
        struct record *r = make_record(), *back = NULL;
        struct sealed_labels labels;
        struct engine_container c;

        (void)state;
        assert_int_equal(seal_make(key, sizeof(key), r, &labels), 0);
        for (size_t i = 0; i < labels.n; i++) {
                if (strcmp(labels.labels[i].key, "ds01.version") == 0)
                        continue; /* only finds the containers; decides nothing */
                dress(&c, &labels, r->engine_name);
                c.labels[i].value = (char *)"forged";
                assert_int_equal(seal_open(key, sizeof(key), &c, &back), -EPERM);
                c.labels[i].key = (char *)"ds01.other";
                assert_int_equal(seal_open(key, sizeof(key), &c, &back), -EPERM);
                free(c.labels);
        }
        record_free(r);
        sealed_labels_release(&labels);
}

/* A committed image hands its labels on: on a container of another name they prove nothing. And a
 * different key does not open them. */
static void test_elsewhere(void **state) {
        static const unsigned char other_key[sizeof(key)] = "another key";
        struct record *r = make_record(), *back = NULL;
        struct sealed_labels labels;
        struct engine_container c;

        (void)state;
        assert_int_equal(seal_make(key, sizeof(key), r, &labels), 0);
        dress(&c, &labels, "copy._.1001");
        assert_int_equal(seal_open(key, sizeof(key), &c, &back), -EPERM);
        c.name = r->engine_name;
        assert_int_equal(seal_open(other_key, sizeof(other_key), &c, &back), -EPERM);
        assert_int_equal(seal_open(key, sizeof(key), &c, &back), 0);
        record_free(back);
        free(c.labels);
        record_free(r);
        sealed_labels_release(&labels);
}

/* What moves from one value into the next must not give the same seal. */
static void test_borders(void **state) {
        struct record *a = make_record(), *b = make_record();
        struct sealed_labels la, lb;

        (void)state;
        memcpy(b->nonce, a->nonce, sizeof(a->nonce));
        str_copy(a->image, sizeof(a->image), "x");
        str_copy(a->project, sizeof(a->project), "yz");
        str_copy(b->image, sizeof(b->image), "xy");
        str_copy(b->project, sizeof(b->project), "z");
        assert_int_equal(seal_make(key, sizeof(key), a, &la), 0);
        assert_int_equal(seal_make(key, sizeof(key), b, &lb), 0);
        assert_string_not_equal(la.labels[la.n - 1].value, lb.labels[lb.n - 1].value);
        sealed_labels_release(&la);
        sealed_labels_release(&lb);
        record_free(a);
        record_free(b);
}

/* An image's seal is good for one person and project, and what is kept of a container is none. */
static void test_images(void **state) {
        char text[IMAGE_LABELS_SIZE], *labels[5] = { NULL }, *at = text, project[NAME_MAX_LEN + 1];

        (void)state;
        image_seal_make(key, sizeof(key), 1001, "thesis", text);
        for (int i = 0; i < 3; i++) { /* KEY="VALUE" KEY="VALUE" ... */
                char *value = strchr(at, '"'), *end = strchr(value + 1, '"');

                labels[i] = at;
                memmove(value, value + 1, (size_t)(end - value - 1));
                end[-1] = '\0';
                at = end + 2;
        }
        assert_true(image_seal_valid(key, sizeof(key), labels, 1001, project));
        assert_string_equal(project, "thesis");
        assert_false(image_seal_valid(key, sizeof(key), labels, 1002, NULL));
        assert_false(image_seal_valid((const unsigned char *)"other", 5, labels, 1001, NULL));
        labels[3] = (char[]){ "ds01.seal=x" };
        assert_false(image_seal_valid(key, sizeof(key), labels, 1001, NULL));
        labels[3] = NULL;
        strchr(labels[1], '=')[1] = 'T';
        assert_false(image_seal_valid(key, sizeof(key), labels, 1001, NULL));
        labels[2] = NULL;
        assert_false(image_seal_valid(key, sizeof(key), labels, 1001, NULL));
        assert_false(image_seal_valid(key, sizeof(key), NULL, 1001, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_tampering),
                cmocka_unit_test(test_elsewhere),
                cmocka_unit_test(test_borders),
                cmocka_unit_test(test_images),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
