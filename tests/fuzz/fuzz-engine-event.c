/* Lines of the engine's event stream: cutting, parsing, taking an event out of each. */
#include "engine/internal.h"

#include <errno.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_buf_ struct buf in = BUF_INIT(ENGINE_LINE_MAX);

        if (buf_add(&in, data, size) < 0)
                return 0;
        for (;;) {
                _cleanup_json_ json_t *object = NULL;
                size_t before = in.len;
                struct engine_event event;
                int r = engine_next_line(&in, &object);

                if (r == 0)
                        return 0;
                if (in.len >= before)
                        __builtin_trap(); /* it would never end */
                if (r == 1 && engine_event_read(object, &event) == 0 &&
                    (event.exit_code < 0 || event.exit_code > 255))
                        __builtin_trap();
        }
}
