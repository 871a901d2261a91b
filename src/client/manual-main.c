/* ds01-manual COMMAND|ds01: prints a manual page in mdoc(7). For the build; it is not installed. */
#include "client/manual.h"

#include "base/str.h"

int main(int argc, char **argv) {
        const struct command *cmd = argc == 2 ? command_find(argv[1]) : NULL;
        struct cli c;

        cli_init(&c);
        if (argc != 2 || (!cmd && !str_equal(argv[1], "ds01"))) {
                fprintf(stderr, "usage: %s COMMAND|ds01\n", argv[0]);
                return EXIT_USAGE;
        }
        return manual_print(&c, cmd, MANUAL_MDOC, stdout);
}
