/* Fuzzes the parser of the GPU simulator's file. */
#include "gpu/sim/sim.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct sim_state *s = NULL;
        char message[256] = "";
        int r;

        if (size > SIM_FILE_MAX)
                return 0;
        r = sim_parse("fuzz", (const char *)data, size, &s, message, sizeof(message));
        if ((r == 0) != (s != NULL) || (r < 0 && message[0] == '\0'))
                abort();
        for (size_t i = 0; s && i < s->ngpus; i++)
                for (int slot = -1; slot < SIM_MIG_MAX; slot++)
                        (void)sim_memory_used(s, i, slot);
        sim_free(s);
        return 0;
}
