/* ds01, the client. Everything begins in dispatch.c. */
#include "client/cli.h"
#include "client/dispatch.h"

int main(int argc, char **argv) {
        struct cli cli;

        cli_init(&cli);
        return client_run(&cli, argc, argv);
}
