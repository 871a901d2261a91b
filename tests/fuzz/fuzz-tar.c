/* One file out of a tar archive, as it comes from the engine's archive call. */
#include "engine/internal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_buf_ struct buf file = BUF_INIT(65536);
        int r = engine_tar_file((const char *)data, size, &file);

        if (r > 0 || (r < 0 && file.len > 0) || file.len > size)
                __builtin_trap();
        return 0;
}
