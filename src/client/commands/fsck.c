/* ds01 fsck: root's check of the whole machine. */
#include "base/fd.h"
#include "base/str.h"
#include "client/container.h"
#include "client/private.h"
#include "client/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_MAX = 16 << 20 };

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

/* Runs `ds01d --fsck` and takes what it prints. An exit code. */
static int look_without(struct cli *c, const char *config, struct buf *ret) {
        char program[PATH_MAX], option[PATH_MAX + 16] = "--config=/etc/ds01/ds01.yaml";
        char *const argv[] = { (char *)"ds01d", (char *)"--fsck", config ? option : NULL, NULL };
        int ends[2], status = 0;
        pid_t pid;
        ssize_t n;

        if (private_find_daemon(program, sizeof(program)) < 0) {
                cli_error(c, "no program ds01d was found");
                cli_error_next(c, "install it, or name it in DS01D");
                return EXIT_UNREACHABLE;
        }
        if (config)
                snprintf(option, sizeof(option), "--config=%s", config);
        if (pipe2(ends, O_CLOEXEC) < 0) {
                cli_error(c, "can't start '%s': %s", program, strerror(errno));
                return EXIT_FAILED;
        }
        pid = fork();
        if (pid == 0) {
                if (dup2(ends[1], STDOUT_FILENO) >= 0)
                        execv(program, argv);
                _exit(127);
        }
        close(ends[1]);
        do {
                n = fd_read_some(ends[0], ret, 65536, 0);
        } while (n > 0);
        close(ends[0]);
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || ret->len == 0) {
                cli_error(c, "'%s --fsck' could not look", program);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

struct report {
        int64_t containers, findings;
        bool with_daemon;
};

static void scan_finding(struct cli *c, struct json_scan *s, bool print) {
        char rule[32] = "", meaning[128] = "", about[512] = "", finding[1024] = "", mend[512] = "";

        while (json_scan_next(s) == JSON_SCAN_KEY)
                if (json_scan_is(s, "rule"))
                        json_scan_get_str(s, rule, sizeof(rule));
                else if (json_scan_is(s, "meaning"))
                        json_scan_get_str(s, meaning, sizeof(meaning));
                else if (json_scan_is(s, "about"))
                        json_scan_get_str(s, about, sizeof(about));
                else if (json_scan_is(s, "finding"))
                        json_scan_get_str(s, finding, sizeof(finding));
                else if (json_scan_is(s, "mend"))
                        json_scan_get_str(s, mend, sizeof(mend));
                else
                        json_scan_skip(s);
        if (!print)
                return;
        put_safe(c->out, about);
        fputs(": ", c->out);
        put_safe(c->out, finding);
        fputc('\n', c->out);
        print_field(c->out, "Rule", rule);
        print_field(c->out, "Means", meaning);
        print_field(c->out, "Mend", mend);
}

static int scan_report(struct cli *c, const struct buf *body, bool print, struct report *ret) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);

        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return -1;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "ds01d")) {
                        json_scan_get_bool(&s, &ret->with_daemon);
                } else if (json_scan_is(&s, "containers")) {
                        json_scan_get_int(&s, &ret->containers);
                } else if (json_scan_is(&s, "findings")) {
                        if (json_scan_next(&s) != JSON_SCAN_ARRAY)
                                return -1;
                        for (; json_scan_next(&s) == JSON_SCAN_OBJECT; ret->findings++)
                                scan_finding(c, &s, print);
                } else {
                        json_scan_skip(&s);
                }
        return s.failed ? -1 : 0;
}

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct fsck_options *o = options;
        const struct call call = { .method = HTTP_GET, .target = "/v1/fsck", .quiet = true,
                                   .doing = "looking at every container" };
        _cleanup_reply_ struct reply reply = { 0 };
        _cleanup_buf_ struct buf own = BUF_INIT(REPORT_MAX);
        const struct buf *body = &reply.body;
        struct report report = { 0 };
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
                r = look_without(c, o->config, &own);
                if (r != EXIT_DONE)
                        return r;
                body = &own;
        }
        if (scan_report(c, body, o->format == FORMAT_TABLE, &report) < 0)
                return call_garbled(c, "the report");
        if (o->format == FORMAT_JSON)
                (void)print_json(c->out, body);
        else if (report.findings == 0)
                fprintf(c->out, "%" PRId64 " containers, nothing to find fault with%s\n",
                        report.containers, report.with_daemon ? "" : ", but ds01d is away");
        else
                fprintf(c->err, "%" PRId64 " finding%s in %" PRId64 " containers\n",
                        report.findings, report.findings == 1 ? "" : "s", report.containers);
        return report.findings > 0 ? EXIT_FAILED
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
