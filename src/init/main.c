/* ds01-init's entry: which of its faces is meant, by the name it was called with or its first
 * argument. */
#include "init/init.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int usage(void) {
        complain("ds01-init is started by ds01 inside containers, not by hand");
        dprintf(STDERR_FILENO, "  ds01-init [-- COMMAND...]              as PID 1\n"
                               "  ds01-init shell [-l] [-- COMMAND...]   an attached shell\n"
                               "  container-exit                         ends that shell\n");
        return 2;
}

int main(int argc, char **argv) {
        const char *name = argc > 0 ? argv[0] : "ds01-init";
        const char *slash = strrchr(name, '/');

        if (strcmp(slash ? slash + 1 : name, "container-exit") == 0)
                return exit_main(argv + 1);
        if (argc > 1 && strcmp(argv[1], "container-exit") == 0)
                return exit_main(argv + 2);
        if (argc > 1 && strcmp(argv[1], "shell") == 0)
                return shell_main(argv + 2);
        if (argc > 1 && strcmp(argv[1], "--version") == 0) {
                printf("ds01-init %s\n", DS01_VERSION);
                return 0;
        }
        if (argc > 1 && strcmp(argv[1], "--") != 0)
                return usage();
        if (argc == 2 || getpid() != 1) /* kill(-1) by anyone but PID 1 would be a massacre */
                return usage();
        return reaper_main(argv + (argc > 1 ? 2 : 1));
}
