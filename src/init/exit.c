/* container-exit, typed inside a container: asks the supervisor of this shell to end it. The
 * container goes on running, and so does what the shell left in the background. */
#include "init/init.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        WAIT_S = 3, /* a little more than the supervisor gives the shell */
};

static const char help[] =
        "container-exit - leave this container; it keeps running\n"
        "\n"
        "Usage: container-exit\n"
        "\n"
        "Ends the shell that container-attach or container-run opened, with status 0.\n"
        "What runs in the background goes on. `exit` and Ctrl-D do the same.\n"
        "\n"
        "On the host afterwards:\n"
        "  container-attach NAME   come back\n"
        "  container-stop NAME     stop the container\n"
        "\n"
        "Options:\n"
        "  -h, --help              show this help\n"
        "      --version           show the version\n";

int exit_main(char **argv) {
        const char *value = getenv("DS01_SHELL_PID");
        char *end = NULL;
        long pid;

        if (argv[0] && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
                fputs(help, stdout);
                return 0;
        }
        if (argv[0] && strcmp(argv[0], "--version") == 0) {
                printf("container-exit %s\n", DS01_VERSION);
                return 0;
        }
        if (argv[0]) {
                complain("unknown argument '%s': see container-exit --help", argv[0]);
                return 2;
        }
        pid = value ? strtol(value, &end, 10) : 0;
        if (pid <= 1 || pid > INT32_MAX || *end != '\0' || !proc_is_shell((pid_t)pid) ||
            kill((pid_t)pid, SIGUSR1) < 0) {
                complain("not inside a ds01 shell: type exit");
                return 1;
        }
        sleep(WAIT_S); /* until the supervisor ends us; returning would run the shell's next line */
        complain("the shell did not end: type exit");
        return 1;
}
