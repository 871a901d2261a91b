/* See record.h. */
#include "client/record.h"

#include "base/str.h"
#include "json/json_scan.h"

#include <errno.h>

static int json_is_whole(const struct buf *body, enum json_scan_token *ret_first) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);
        enum json_scan_token first = json_scan_next(&s);

        json_scan_skip(&s);
        if (json_scan_next(&s) != JSON_SCAN_END)
                return -EINVAL;
        *ret_first = first;
        return 0;
}

int print_json(FILE *out, const struct buf *body) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);
        enum json_scan_token token;
        const char *separator = "\n  ";

        if (json_is_whole(body, &token) < 0)
                return -EINVAL;
        json_scan_next(&s);
        if (token != JSON_SCAN_ARRAY) {
                size_t n = body->len;

                while (n > 0 && (body->data[n - 1] == '\n' || body->data[n - 1] == ' '))
                        n--;
                fwrite(body->data, 1, n, out);
                fputc('\n', out);
                return 0;
        }
        fputc('[', out);
        while ((token = json_scan_next(&s)) == JSON_SCAN_OBJECT) {
                const char *begin = s.at - 1;

                json_scan_skip(&s);
                fputs(separator, out);
                fwrite(begin, 1, (size_t)(s.at - begin), out);
                separator = ",\n  ";
        }
        fputs(separator[0] == ',' ? "\n]\n" : "]\n", out);
        return 0;
}

void print_field(FILE *out, const char *label, const char *value) {
        char safe[8192];

        if (!value || !*value)
                return;
        str_printable(safe, sizeof(safe), value);
        fprintf(out, "  %-10s %s\n", label, safe);
}
