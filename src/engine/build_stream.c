/*
 * The stream of a build, lines of JSON. Of the engine's own words only the number of the step is
 * used ("Step 3/7 : " of Docker, "[1/2] STEP 3/7: " of podman); the rest of them is left out, and
 * what remains is the output of commands. A command can print the same words, so they serve for
 * showing and nothing else.
 */
#include "engine/internal.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LOG_LINE_MAX = 4096 }; /* longer lines come in pieces */

enum escape_state { PLAIN, ESCAPE, SEQUENCE };

void engine_build_stream_init(struct engine_build_stream *b) {
        *b = (struct engine_build_stream){ .in = BUF_INIT(ENGINE_LINE_MAX),
                                           .text = BUF_INIT(ENGINE_LINE_MAX),
                                           .line = BUF_INIT(LOG_LINE_MAX) };
}

void engine_build_stream_release(struct engine_build_stream *b) {
        buf_release(&b->in);
        buf_release(&b->text);
        buf_release(&b->line);
}

/* "3/7" at the beginning of @s: how many bytes, 0 when it is none. */
static int read_fraction(const char *s, int *ret_first) {
        int first = 0, n = 0;

        if (!isdigit((unsigned char)*s) || sscanf(s, "%5d/%*5d%n", &first, &n) != 1 || n == 0)
                return 0;
        *ret_first = first;
        return n;
}

/* What an engine says at the beginning of a step. */
static bool read_step(const char *text, struct engine_build_event *ret) {
        struct engine_build_event event = { .kind = ENGINE_BUILD_STEP };
        int n;

        if (str_starts(text, "Step ")) {
                n = read_fraction(text + 5, &event.step);
                if (n == 0 || !str_starts(text + 5 + n, " : "))
                        return false;
        } else {
                if (*text == '[') {
                        n = read_fraction(text + 1, &event.stage);
                        if (n == 0 || !str_starts(text + 1 + n, "] "))
                                return false;
                        text += n + 3;
                }
                if (!str_starts(text, "STEP "))
                        return false;
                n = read_fraction(text + 5, &event.step);
                if (n == 0 || text[5 + n] != ':')
                        return false;
                if (event.stage == 0)
                        event.stage = 1;
        }
        *ret = event;
        return true;
}

/* Further words of the engines themselves. */
static bool is_noise(const char *text) {
        int ignored, n;
        static const char *const beginnings[] = {
                " ---> ", "Removing intermediate container ", "Successfully built ",
                "Successfully tagged ", "Removed intermediate container ", "--> ", "COMMIT ",
        };

        if (*text == '[' && (n = read_fraction(text + 1, &ignored)) > 0 &&
            str_starts(text + 1 + n, "] COMMIT "))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
                if (str_starts(text, beginnings[i]))
                        return true;
        return strlen(text) == 65 && strspn(text, "0123456789abcdef") == 64;
}

static bool is_id(const char *text) {
        return strspn(text + (str_starts(text, "sha256:") ? 7 : 0), "0123456789abcdef") >= 12 &&
               text[strspn(text, "sh:0123456789abcdef")] == '\0';
}

/* One character of output: escape sequences go, a carriage return begins the line anew. True when
 * the line is complete. */
static bool take_char(struct engine_build_stream *b, char c) {
        bool returned = b->carriage;

        if (b->escape == ESCAPE) {
                b->escape = c == '[' ? SEQUENCE : PLAIN;
                return false;
        }
        if (b->escape == SEQUENCE) {
                if (c >= 0x40 && c <= 0x7e)
                        b->escape = PLAIN;
                return false;
        }
        if (c == '\033') {
                b->escape = ESCAPE;
                return false;
        }
        b->carriage = c == '\r';
        if (c == '\n')
                return true;
        if (c == '\r')
                return false;
        if (returned)
                buf_reset(&b->line);
        buf_addc(&b->line, (unsigned char)c < 0x20 && c != '\t' ? ' ' : c);
        return b->line.len == LOG_LINE_MAX;
}

/* The next line of output from what is left of the text. */
static bool take_line(struct engine_build_stream *b, struct engine_build_event *ret) {
        if (b->line_returned)
                buf_reset(&b->line);
        b->line_returned = false;
        while (b->at < b->text.len)
                if (take_char(b, b->text.data[b->at++])) {
                        b->line_returned = true;
                        *ret = (struct engine_build_event){ .kind = ENGINE_BUILD_LOG,
                                                            .text = buf_str(&b->line) };
                        return true;
                }
        return false;
}

/* One object of the stream: 1 an event, 0 not by itself (text to be cut into lines perhaps), -1. */
static int take_object(struct engine_build_stream *b, const json_t *line,
                       struct engine_build_event *ret, int *ret_code, struct engine_error *err) {
        json_t *detail = json_object_get(line, "errorDetail");
        const char *error = json_str(detail, "message"), *text = json_str(line, "stream");
        const char *id = json_str(json_object_get(line, "aux"), "ID");

        if (!error)
                error = json_str(line, "error");
        if (error) {
                int64_t code = json_int_or(detail, "code", 0);

                *ret_code = code > 0 && code < 256 ? (int)code : 0;
                error += strspn(error, " \n");
                if (!*error)
                        error = "it gives no reason";
                return engine_fail(err, 500, true, "%.*s", (int)strcspn(error, "\n"), error);
        }
        if (id && is_id(id) && str_copy(b->id, sizeof(b->id), id)) {
                b->built = true;
                *ret = (struct engine_build_event){ .kind = ENGINE_BUILD_IMAGE, .text = b->id };
                return 1;
        }
        if (!text)
                return 0;
        if (read_step(text, ret)) {
                b->step = true;
                return 1;
        }
        /* Docker ends the line of a step by an object of its own. Output that lacks its end is
         * ended by the engine's next words. */
        if ((b->step && str_equal(text, "\n")) || (is_noise(text) && b->line.len == 0))
                text = "";
        else if (is_noise(text))
                text = "\n";
        b->step = false;
        buf_reset(&b->text);
        b->at = 0;
        if (buf_adds(&b->text, text) < 0)
                return engine_no_memory(err);
        return 0;
}

int engine_build_stream_next(struct engine_build_stream *b, struct engine_build_event *ret,
                             int *ret_code, struct engine_error *err) {
        for (;;) {
                _cleanup_json_ json_t *line = NULL;
                int r;

                if (take_line(b, ret))
                        return 1;
                r = engine_next_line(&b->in, &line);
                if (r == 0)
                        return 0;
                if (r < 0)
                        return engine_fail(err, 0, false, "the build's answer is not JSON");
                r = take_object(b, line, ret, ret_code, err);
                if (r != 0)
                        return r;
        }
}
