/* The routes: matching, and that docs/API.md names every one of them. */
#include "cmocka-headers.h"

#include "base/fd.h"
#include "daemon/call.h"

#include <stdio.h>
#include <string.h>

/* A request as the reader would give it, from "METHOD TARGET". */
static const struct route *find(const char *text, const char **name, struct refusal *r,
                                struct http_request_reader *reader) {
        _cleanup_buf_ struct buf in = BUF_INIT(4096), body = BUF_INIT(64);

        http_request_init(reader);
        buf_addf(&in, "%s HTTP/1.1\r\nHost: x\r\n\r\n", text);
        assert_int_equal(http_request_feed(reader, &in, &body), HTTP_HEAD_DONE);
        memset(r, 0, sizeof(*r));
        *name = NULL;
        return route_find(&reader->head, name, r);
}

static void test_matching(void **state) {
        static const struct {
                const char *request;
                const char *pattern; /* NULL: refused */
                const char *name;
                enum refusal_reason reason;
        } rows[] = {
                { "GET /v1/version", "v1/version", NULL, REFUSAL_NONE },
                { "GET /v1/containers", "v1/containers", NULL, REFUSAL_NONE },
                { "GET /v1/containers?all=true", "v1/containers", NULL, REFUSAL_NONE },
                { "POST /v1/containers/x/start", "v1/containers/NAME/start", "x", REFUSAL_NONE },
                /* A container may be called like a word of ours. */
                { "GET /v1/containers/start", "v1/containers/NAME", "start", REFUSAL_NONE },
                { "DELETE /v1/containers/x?stop=true&image=true", "v1/containers/NAME", "x",
                  REFUSAL_NONE },
                { "GET /", NULL, NULL, REFUSAL_NO_SUCH_ROUTE },
                { "GET /v1", NULL, NULL, REFUSAL_NO_SUCH_ROUTE },
                { "GET /v2/version", NULL, NULL, REFUSAL_NO_SUCH_ROUTE },
                { "GET /v1/containers/x/start/y", NULL, NULL, REFUSAL_NO_SUCH_ROUTE },
                { "GET /v1/containers/x/start", NULL, NULL, REFUSAL_METHOD_NOT_ALLOWED },
                { "PUT /v1/containers", NULL, NULL, REFUSAL_METHOD_NOT_ALLOWED },
                { "GET /v1/containers?al=true", NULL, NULL, REFUSAL_BAD_REQUEST },
                { "GET /v1/version?user=alice", "v1/version", NULL, REFUSAL_NONE },
                { "GET /v1/version?all=true", NULL, NULL, REFUSAL_BAD_REQUEST },
                { "GET /V1/version", NULL, NULL, REFUSAL_NO_SUCH_ROUTE },
        };
        struct http_request_reader *reader = malloc(sizeof(*reader));

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct refusal r;
                const char *name;
                const struct route *route = find(rows[i].request, &name, &r, reader);

                print_message("# %s\n", rows[i].request);
                assert_int_equal(r.reason, rows[i].reason);
                if (!rows[i].pattern) {
                        assert_null(route);
                        continue;
                }
                assert_non_null(route);
                assert_string_equal(route->pattern, rows[i].pattern);
                if (rows[i].name)
                        assert_string_equal(name, rows[i].name);
        }
        free(reader);
}

static void test_documented(void **state) {
        _cleanup_buf_ struct buf doc = BUF_INIT(1 << 20);
        char path[4096];
        size_t n;
        const struct route *table = route_table(&n);

        (void)state;
        snprintf(path, sizeof(path), "%s/docs/API.md", getenv("DS01_SOURCE"));
        assert_int_equal(file_read(path, &doc), 0);
        for (size_t i = 0; i < n; i++) {
                char line[256];

                snprintf(line, sizeof(line), "%s /%s", http_method_names[table[i].method],
                         table[i].pattern);
                if (strcmp(table[i].pattern, "v1/containers/NAME/unpause") == 0)
                        snprintf(line, sizeof(line), ".../unpause");
                if (!strstr(doc.data, line))
                        fail_msg("docs/API.md doesn't name '%s'", line);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matching),
                cmocka_unit_test(test_documented),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
