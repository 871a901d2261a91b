/* Failpoints of test builds. */
#include "daemon/failpoint.h"

#ifdef DS01_FAILPOINTS
#include "base/str.h"

#include <signal.h>
#include <stdio.h>
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

bool failpoint_loses(const char *name) {
        const char *wanted = getenv("DS01_FAILPOINT");
        size_t n = strlen(name);

        return wanted && strncmp(wanted, name, n) == 0 && strcmp(wanted + n, ":lose") == 0;
}

int64_t failpoint_wall(int64_t us) {
        const char *path = getenv("DS01_CLOCK_OFF");
        char text[32] = "";
        int64_t seconds = 0;
        FILE *f = path ? fopen(path, "re") : NULL;

        if (f && fgets(text, sizeof(text), f)) {
                text[strcspn(text, "\n")] = '\0';
                (void)str_to_i64(text, -INT32_MAX, INT32_MAX, &seconds);
        }
        if (f)
                fclose(f);
        return us + seconds * 1000000;
}
#else
/* An ISO C file holds at least one declaration. */
extern int failpoints_are_compiled_out;
#endif
