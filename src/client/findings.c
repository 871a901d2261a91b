/* See findings.h. */
#include "client/findings.h"

#include "base/fd.h"
#include "base/str.h"
#include "client/container.h"
#include "client/private.h"
#include "client/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int findings_ask(struct cli *c, const char *what, const char *config, struct buf *ret) {
        char program[PATH_MAX], option[PATH_MAX + 16] = "--config=/etc/ds01/ds01.yaml";
        char *const argv[] = { (char *)"ds01d", (char *)what, config ? option : NULL, NULL };
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
                cli_error(c, "'%s %s' could not look", program, what);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

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

int findings_read(struct cli *c, const struct buf *body, bool print, struct findings *ret) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);

        if (json_scan_next(&s) != JSON_SCAN_OBJECT)
                return -1;
        while (json_scan_next(&s) == JSON_SCAN_KEY)
                if (json_scan_is(&s, "ds01d")) {
                        json_scan_get_bool(&s, &ret->with_daemon);
                } else if (json_scan_is(&s, "containers")) {
                        json_scan_get_int(&s, &ret->containers);
                } else if (json_scan_is(&s, "checks")) {
                        json_scan_get_int(&s, &ret->checks);
                } else if (json_scan_is(&s, "findings")) {
                        if (json_scan_next(&s) != JSON_SCAN_ARRAY)
                                return -1;
                        for (; json_scan_next(&s) == JSON_SCAN_OBJECT; ret->count++)
                                scan_finding(c, &s, print);
                } else {
                        json_scan_skip(&s);
                }
        return s.failed ? -1 : 0;
}
