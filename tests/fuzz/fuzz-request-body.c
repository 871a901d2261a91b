/* The body of each request: the first byte says which, the rest is the body. What is refused leaves
 * the struct as it was and has words; what is taken can be freed. */
#include "base/str.h"
#include "daemon/call.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct request_body *const bodies[] = {
        &create_body,
        &exec_body,
        &stop_body,
        &start_body,
        &extend_body,
        &pull_body,
        &protect_body,
        &wish_body,
};

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct request_body *b;
        struct err err = { 0 };
        char *request, *untouched;

        if (size == 0 || size > BODY_MAX)
                return 0;
        b = bodies[data[0] % ARRAY_SIZE(bodies)];
        request = calloc(2, b->size);
        check(request != NULL);
        untouched = request + b->size;
        if (json_decode((const char *)data + 1, size - 1, b->fields, b->n, request, &err) < 0) {
                check(err.code && err.msg[0] && utf8_valid(err.msg, strlen(err.msg)));
                check(memcmp(request, untouched, b->size) == 0);
        } else {
                json_release(b->fields, b->n, request);
        }
        free(request);
        return 0;
}
