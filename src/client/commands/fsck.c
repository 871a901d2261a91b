/* ds01 fsck: root's check of the whole machine. */
#include "client/container.h"
#include "client/findings.h"
#include "client/record.h"

#include <inttypes.h>
#include <unistd.h>

struct fsck_options {
        int format;
        const char *config;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json", struct fsck_options, format,
                      record_format_choices, "how to print it"),
        OPTION_STRING(0, "config", "FILE", struct fsck_options, config,
                    "ds01d's configuration, for when ds01d does not run"),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct fsck_options *o = options;
        const struct call call = { .method = HTTP_GET, .target = "/v1/fsck", .quiet = true,
                                   .doing = "looking at every container" };
        _cleanup_reply_ struct reply reply = { 0 };
        _cleanup_buf_ struct buf own = BUF_INIT(FINDINGS_MAX);
        const struct buf *body = &reply.body;
        struct findings report = { 0 };
        int r = call_send(c, &call, &reply);

        if (r == EXIT_DONE && reply.status >= 400)
                return reply_print_error(c, &reply);
        if (r != EXIT_DONE) {
                if (geteuid() != 0) {
                        cli_error(c, "only root can check the whole machine");
                        cli_error_next(c, "sudo ds01 fsck");
                        return EXIT_NOT_PERMITTED;
                }
                cli_error(c, "ds01d doesn't answer; this is what can be seen without it");
                cli_error_next(c, "systemctl restart ds01d; its log: journalctl -u ds01d");
                r = findings_ask(c, "--fsck", o->config, &own);
                if (r != EXIT_DONE)
                        return r;
                body = &own;
        }
        if (findings_read(c, body, o->format == FORMAT_TABLE, &report) < 0)
                return call_garbled(c, "the report");
        if (o->format == FORMAT_JSON)
                (void)print_json(c->out, body);
        else if (report.count == 0)
                fprintf(c->out, "%" PRId64 " containers, nothing to find fault with%s\n",
                        report.containers, report.with_daemon ? "" : ", but ds01d is away");
        else
                fprintf(c->err, "%" PRId64 " finding%s in %" PRId64 " containers\n",
                        report.count, report.count == 1 ? "" : "s", report.containers);
        return report.count > 0 ? EXIT_FAILED
               : report.with_daemon ? EXIT_DONE : EXIT_UNREACHABLE;
}

const struct command command_fsck = {
        .name = "fsck",
        .usage = "",
        .summary = "Check that what must always hold does hold (root only)",
        .more = "Compares the engine's containers with the ledger, the limits, files and mounts,\n"
                "and says how to mend what it finds. It changes nothing. Exit code 1: there are\n"
                "findings; 6: none, but ds01d does not answer.",
        .examples = "ds01 fsck\n"
                    "ds01 fsck --format=json",
        COMMAND_OPTIONS(rows, struct fsck_options),
        .run = run,
};
