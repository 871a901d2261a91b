/* ds01 doctor: root's check of the host. */
#include "client/container.h"
#include "client/findings.h"
#include "client/record.h"

#include <inttypes.h>
#include <unistd.h>

struct doctor_options {
        int format;
        const char *config;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json", struct doctor_options, format,
                      record_format_choices, "how to print it"),
        OPTION_STRING(0, "config", "FILE", struct doctor_options, config, "ds01d's configuration"),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct doctor_options *o = options;
        _cleanup_buf_ struct buf body = BUF_INIT(FINDINGS_MAX);
        struct findings report = { 0 };
        int r;

        if (geteuid() != 0) {
                cli_error(c, "only root can check the host");
                cli_error_next(c, "sudo ds01 doctor");
                return EXIT_NOT_PERMITTED;
        }
        r = findings_ask(c, "--doctor", o->config, &body);
        if (r != EXIT_DONE)
                return r;
        if (findings_read(c, &body, o->format == FORMAT_TABLE, &report) < 0)
                return call_garbled(c, "the report");
        if (o->format == FORMAT_JSON)
                (void)print_json(c->out, &body);
        else if (report.count == 0)
                fprintf(c->out, "%" PRId64 " checks, nothing to find fault with\n", report.checks);
        else
                fprintf(c->err, "%" PRId64 " finding%s in %" PRId64 " checks\n", report.count,
                        report.count == 1 ? "" : "s", report.checks);
        return report.count > 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_doctor = {
        .name = "doctor",
        .usage = "",
        .summary = "Check that the host is fit to be shared (root only)",
        .more = "Versions with known holes, people who are root by a group, devices and sockets\n"
                "that everybody can open, the engine's set-up, mounts, the clock, ds01d: each\n"
                "finding with its risk and what mends it. It changes nothing. Exit code 1: there\n"
                "are findings.",
        .examples = "ds01 doctor\n"
                    "ds01 doctor --format=json   # for monitoring",
        COMMAND_OPTIONS(rows, struct doctor_options),
        .run = run,
};
