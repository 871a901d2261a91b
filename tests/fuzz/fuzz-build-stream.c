/* The stream of a build: lines of output are lines, and every event is one of those there are. */
#include "engine/internal.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct engine_build_stream b;
        struct engine_build_event event;
        struct engine_error err;
        int code = 0, r;

        engine_build_stream_init(&b);
        if (buf_add(&b.in, data, size) == 0) {
                while ((r = engine_build_stream_next(&b, &event, &code, &err)) > 0)
                        if (event.kind == ENGINE_BUILD_STEP)
                                check(event.step >= 0 && event.stage >= 0);
                        else
                                check(event.text && !strpbrk(event.text, "\n\r\033"));
                check(r == 0 || err.message[0]);
                check(code >= 0 && code < 256);
        }
        engine_build_stream_release(&b);
        return 0;
}
