/* Failpoints of test builds. */
#include "daemon/failpoint.h"

#ifdef DS01_FAILPOINTS
#include "base/str.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void failpoint(const char *name) {
        const char *wanted = getenv("DS01_FAILPOINT"), *once = getenv("DS01_FAILPOINT_ONCE");
        size_t n = strlen(name);
        int64_t ms;

        if (!wanted || strncmp(wanted, name, n) != 0 || wanted[n] != ':')
                return;
        if (once && unlink(once) < 0)
                return;
        if (strcmp(wanted + n, ":kill") == 0)
                raise(SIGKILL);
        if (str_starts(wanted + n, ":sleep=") && str_to_i64(wanted + n + 7, 0, 600000, &ms) == 0)
                usleep((useconds_t)ms * 1000);
}
#else
/* An ISO C file holds at least one declaration. */
extern int failpoints_are_compiled_out;
#endif
