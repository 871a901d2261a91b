/* ds01 version: of the client, the daemon and the engine. */
#include "client/container.h"
#include "client/record.h"

struct version_options {
        int format;
};

static const struct option_row rows[] = {
        OPTION_CHOICE(0, "format", "table|json", struct version_options, format,
                      record_format_choices, "how to print it (json: the daemon's answer)"),
};

static int run(struct cli *c, const void *options, const struct operands *operands) {
        const struct version_options *o = options;
        const struct call call = { .method = HTTP_GET, .target = "/v1/version" };
        _cleanup_reply_ struct reply reply = { 0 };
        char version[64] = "?", engine[128] = "not answering", runtime[32] = "";
        struct json_scan s;
        int r;

        if (o->format == FORMAT_TABLE)
                fprintf(c->out, "ds01    %s\n", DS01_VERSION);
        r = call_do(c, &call, &reply);
        if (r != EXIT_DONE)
                return r;
        if (o->format == FORMAT_JSON)
                return print_json(c->out, &reply.body) < 0 ? call_garbled(c, "version")
                                                           : EXIT_DONE;
        s = JSON_SCAN(buf_str(&reply.body), reply.body.len);
        if (json_scan_next(&s) == JSON_SCAN_OBJECT)
                while (json_scan_next(&s) == JSON_SCAN_KEY) {
                        if (json_scan_is(&s, "version"))
                                json_scan_get_str(&s, version, sizeof(version));
                        else if (json_scan_is(&s, "engine"))
                                json_scan_get_str(&s, engine, sizeof(engine));
                        else if (json_scan_is(&s, "runtime"))
                                json_scan_get_str(&s, runtime, sizeof(runtime));
                        else
                                json_scan_skip(&s);
                }
        if (s.failed)
                return call_garbled(c, "version");
        fputs("ds01d   ", c->out);
        put_safe(c->out, version);
        fputs("\nengine  ", c->out);
        put_safe(c->out, engine);
        fputs(runtime[0] ? "\nruntime " : "\nruntime the engine's own; ds01-runtime is not in use",
              c->out);
        put_safe(c->out, runtime);
        fputc('\n', c->out);
        return EXIT_DONE;
}

const struct command command_version = {
        .name = "version",
        .usage = "",
        .summary = "Show the versions of client, daemon and engine",
        .examples = "ds01 version",
        COMMAND_OPTIONS(rows, struct version_options),
        .run = run,
};
