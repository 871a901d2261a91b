/* See listing.h. */
#include "client/listing.h"

#include "base/cleanup.h"
#include "client/call.h"
#include "client/container.h"
#include "client/options.h"
#include "client/record.h"

#include <stdlib.h>

int rows_read(struct cli *c, const struct buf *body, const struct row_kind *kind,
              int (*each)(struct cli *c, const void *row, void *data), void *data) {
        struct json_scan s = JSON_SCAN(buf_str(body), body->len);
        _cleanup_free_ void *row = malloc(kind->size);
        int r = EXIT_DONE;

        if (!row) {
                cli_error(c, "out of memory");
                return EXIT_FAILED;
        }
        if (json_scan_next(&s) == JSON_SCAN_ARRAY)
                while (r == EXIT_DONE && json_scan_next(&s) == JSON_SCAN_OBJECT) {
                        kind->scan(&s, row);
                        if (s.failed)
                                break;
                        r = each(c, row, data);
                }
        return s.failed ? call_garbled(c, kind->what) : r;
}

int rows_get(struct cli *c, const char *target, const struct row_kind *kind,
             int (*each)(struct cli *c, const void *row, void *data), void *data) {
        const struct call call = { .method = HTTP_GET, .target = target };
        _cleanup_reply_ struct reply reply = { 0 };
        int r = call_do(c, &call, &reply);

        return r == EXIT_DONE ? rows_read(c, &reply.body, kind, each, data) : r;
}

struct printing {
        const struct listing *listing;
        struct table table;
        bool simple;
        size_t n;
};

static int print_row(struct cli *c, const void *row, void *data) {
        struct printing *p = data;

        p->n++;
        if (p->simple) {
                put_safe(c->out, (const char *)row + p->listing->name_offset);
                fputc('\n', c->out);
        } else if (p->listing->details) {
                p->listing->details(c, row);
        } else {
                p->listing->add(c, &p->table, row);
        }
        return EXIT_DONE;
}

int listing_print(struct cli *c, const struct listing *l, const struct buf *body, int format) {
        struct printing p = { .listing = l, .simple = format == FORMAT_SIMPLE };
        int r;

        if (format == FORMAT_JSON)
                return print_json(c->out, body) < 0 ? call_garbled(c, l->kind->what) : EXIT_DONE;
        p.table = TABLE_OF(l->columns, l->n_columns);
        r = rows_read(c, body, l->kind, print_row, &p);
        if (r == EXIT_DONE && p.n == 0 && !p.simple)
                fprintf(c->err, "%s\n", l->none);
        else if (r == EXIT_DONE && !p.simple && !l->details)
                table_print(&p.table, c->out, c->columns, c->utf8);
        table_release(&p.table);
        return r;
}

int listing_get(struct cli *c, const struct listing *l, const char *target, int format) {
        const struct call call = { .method = HTTP_GET, .target = target };
        _cleanup_reply_ struct reply reply = { 0 };
        int r = call_do(c, &call, &reply);

        return r == EXIT_DONE ? listing_print(c, l, &reply.body, format) : r;
}
