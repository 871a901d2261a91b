/* Reading a Dockerfile and writing it anew. See recipe.h. */
#include "core/recipe.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        unsigned least; /* words that must follow */
} words[RECIPE_WORDS] = {
        [RECIPE_FROM] = { "FROM", 1 },         [RECIPE_RUN] = { "RUN", 1 },
        [RECIPE_CMD] = { "CMD", 1 },           [RECIPE_LABEL] = { "LABEL", 1 },
        [RECIPE_MAINTAINER] = { "MAINTAINER", 1 }, [RECIPE_EXPOSE] = { "EXPOSE", 1 },
        [RECIPE_ENV] = { "ENV", 1 },           [RECIPE_ADD] = { "ADD", 2 },
        [RECIPE_COPY] = { "COPY", 2 },         [RECIPE_ENTRYPOINT] = { "ENTRYPOINT", 1 },
        [RECIPE_VOLUME] = { "VOLUME", 1 },     [RECIPE_USER] = { "USER", 1 },
        [RECIPE_WORKDIR] = { "WORKDIR", 1 },   [RECIPE_ARG] = { "ARG", 1 },
        [RECIPE_ONBUILD] = { "ONBUILD", 2 },   [RECIPE_STOPSIGNAL] = { "STOPSIGNAL", 1 },
        [RECIPE_HEALTHCHECK] = { "HEALTHCHECK", 1 }, [RECIPE_SHELL] = { "SHELL", 1 },
};

struct variable {
        char *name, *value;
};

struct reading {
        const char *at, *end;
        unsigned line; /* of @at, from 1 */
        struct recipe recipe;
        VEC(struct variable) globals; /* ARGs in front of the first FROM */
        VEC(char *) stages;           /* names, lower-case; "" = none */
        struct recipe_fault *fault;
};

static _printf_(3, 4) int blame(struct reading *r, unsigned line, const char *fmt, ...) {
        char text[sizeof(r->fault->message)];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        r->fault->line = line;
        str_printable(r->fault->message, sizeof(r->fault->message), text);
        return -EINVAL;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *s) {
        while (is_blank(*s))
                s++;
        return s;
}

static size_t word_length(const char *s) {
        return strcspn(s, " \t");
}

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same_word(const char *s, size_t n, const char *word) {
        for (size_t i = 0; i < n; i++)
                if (lower(s[i]) != lower(word[i]))
                        return false;
        return word[n] == '\0';
}

/* --- lines --------------------------------------------------------------------------------- */

/* The next physical line without its end, blanks on the right cut off. False at the end. */
static bool next_line(struct reading *r, const char **ret, size_t *ret_n) {
        const char *end;
        size_t n;

        if (r->at >= r->end)
                return false;
        end = memchr(r->at, '\n', (size_t)(r->end - r->at));
        n = (size_t)((end ? end : r->end) - r->at);
        *ret = r->at;
        r->at += n + (end != NULL);
        r->line++;
        if (n > 0 && (*ret)[n - 1] == '\r')
                n--;
        while (n > 0 && is_blank((*ret)[n - 1]))
                n--;
        *ret_n = n;
        return true;
}

static bool is_comment(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!is_blank(s[i]))
                        return s[i] == '#';
        return true; /* empty: means as little */
}

/* "# escape=`" and its like, in the lines before anything else. True while it is one. */
static bool read_directive(struct reading *r, const char *s, size_t n, int *ret_error) {
        char text[64], *value, *key;

        if (n == 0 || *s != '#' || n >= sizeof(text))
                return n > 0 && memchr(s, '=', n) != NULL;
        memcpy(text, s, n);
        text[n] = '\0';
        value = strchr(text, '=');
        if (!value)
                return false;
        *value++ = '\0';
        key = (char *)skip_blanks(text + 1);
        key[word_length(key)] = '\0';
        value = (char *)skip_blanks(value);
        if (!same_word(key, strlen(key), "escape"))
                return true;
        if (strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
                *ret_error = blame(r, r->line, "the escape character is '\\' or '`', not '%s'",
                                   value);
        else
                r->recipe.escape = *value;
        return true;
}

/* Engines disagree about lines that end with two escape characters. */
static int line_continues(struct reading *r, const char *s, size_t *n, bool *ret) {
        *ret = *n > 0 && s[*n - 1] == r->recipe.escape;
        if (!*ret)
                return 0;
        --*n;
        if (*n > 0 && s[*n - 1] == r->recipe.escape)
                return blame(r, r->line,
                             "the line ends with '%c%c', which engines understand differently",
                             r->recipe.escape, r->recipe.escape);
        return 0;
}

/* One instruction with all its continuation lines, into @text. 1, 0 at the end, or -errno. */
static int next_instruction(struct reading *r, struct buf *text, unsigned *ret_line) {
        bool directives = r->line == 0, more = true;
        const char *s;
        size_t n;
        int e = 0;

        buf_reset(text);
        while (more && next_line(r, &s, &n)) {
                if (is_comment(s, n)) {
                        directives = directives && read_directive(r, s, n, &e);
                        if (e < 0)
                                return e;
                        continue;
                }
                directives = false;
                if (text->len == 0)
                        *ret_line = r->line;
                e = line_continues(r, s, &n, &more);
                if (e < 0)
                        return e;
                if (text->len == 0)
                        for (; n > 0 && is_blank(*s); s++)
                                n--;
                if (buf_add(text, s, n) < 0)
                        return text->len + n > RECIPE_LINE_MAX
                                       ? blame(r, *ret_line, "the instruction is too long")
                                       : -ENOMEM;
                if (text->len == 0 && more)
                        return blame(r, r->line, "there is nothing to continue");
        }
        while (text->len > 0 && is_blank(text->data[text->len - 1]))
                text->data[--text->len] = '\0';
        if (text->len > 0 && text->data[text->len - 1] == r->recipe.escape)
                return blame(r, *ret_line, "it ends with '%c' in its last line", r->recipe.escape);
        return text->len > 0;
}

static int check_bytes(struct reading *r) {
        unsigned line = 1;

        for (const char *s = r->at; s < r->end; s++) {
                unsigned char c = (unsigned char)*s;
                bool line_end = c == '\n' || (c == '\r' && s + 1 < r->end && s[1] == '\n');

                line += c == '\n';
                if (((c < 0x20 && c != '\t') || c == 0x7f) && !line_end)
                        return blame(r, line, "there is a control character (0x%02x)", c);
        }
        return 0;
}

/* --- variables ------------------------------------------------------------------------------ */

static const char *find_variable(const struct reading *r, const char *name, size_t n) {
        for (size_t i = r->globals.len; i > 0; i--) {
                const struct variable *v = &r->globals.items[i - 1];

                if (strlen(v->name) == n && memcmp(v->name, name, n) == 0)
                        return v->value;
        }
        return "";
}

static bool is_name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
}

/* "$NAME", "${NAME}", "${NAME:-word}", "${NAME:+word}" at *@s. -EINVAL for anything else. */
static int expand_variable(const struct reading *r, const char **s, struct buf *out) {
        const char *name = *s + 1, *value, *close;
        bool braces = *name == '{';
        size_t n = 0;

        name += braces;
        while (is_name_char(name[n]))
                n++;
        if (n == 0)
                return -EINVAL;
        value = find_variable(r, name, n);
        *s = name + n;
        if (!braces)
                return buf_adds(out, value);
        if (**s == '}') {
                ++*s;
                return buf_adds(out, value);
        }
        close = strchr(*s, '}');
        if ((!str_starts(*s, ":-") && !str_starts(*s, ":+")) || !close ||
            strcspn(*s, "$\"'\\`") < (size_t)(close - *s))
                return -EINVAL;
        if ((*value == '\0') == ((*s)[1] == '-'))
                buf_add(out, *s + 2, (size_t)(close - *s - 2));
        else if ((*s)[1] == '-')
                buf_adds(out, value);
        *s = close + 1;
        return out->failed ? -ENOMEM : 0;
}

/* A word with quotes taken away and variables put in, as the engine does it. */
static int expand_word(const struct reading *r, const char *s, size_t n, struct buf *out) {
        _cleanup_free_ char *word = strndup(s, n);
        const char *at = word;
        char quote = '\0';

        if (!word)
                return -ENOMEM;
        while (*at) {
                if (*at == r->recipe.escape) {
                        return -EINVAL;
                } else if (*at == quote) {
                        quote = '\0';
                        at++;
                } else if (!quote && (*at == '"' || *at == '\'')) {
                        quote = *at++;
                } else if (*at == '$' && quote != '\'') {
                        int e = expand_variable(r, &at, out);

                        if (e < 0)
                                return e;
                } else if (buf_addc(out, *at++) < 0) {
                        return -ENOMEM;
                }
        }
        return quote ? -EINVAL : 0;
}

/* ARG NAME[=VALUE]... before the first FROM. What cannot be expanded is no variable: a FROM that
 * needs it is refused then. */
static int read_globals(struct reading *r, const char *args) {
        while (*(args = skip_blanks(args))) {
                _cleanup_buf_ struct buf value = BUF_INIT(4096);
                size_t n = word_length(args), name = strcspn(args, "= \t");
                struct variable v;

                if (name < n && expand_word(r, args + name + 1, n - name - 1, &value) == -ENOMEM)
                        return -ENOMEM;
                v = (struct variable){ strndup(args, name), strdup(buf_str(&value)) };
                if (!v.name || !v.value || VEC_PUSH(&r->globals, v) < 0) {
                        free(v.name);
                        free(v.value);
                        return -ENOMEM;
                }
                args += n;
        }
        return 0;
}

/* --- FROM and COPY --------------------------------------------------------------------------- */

static int find_stage(const struct reading *r, const char *name) {
        for (size_t i = 0; *name && i < r->stages.len; i++)
                if (same_word(r->stages.items[i], strlen(r->stages.items[i]), name))
                        return (int)i;
        return -1;
}

/* Passes the flags at *@args over. *@ret_from and *@ret_n: the value of --from, NULL without. */
static int pass_flags(struct reading *r, const struct recipe_step *step, const char **args,
                      const char **ret_from, size_t *ret_n) {
        const char *s = *args;

        *ret_from = NULL;
        while (str_starts(s, "--")) {
                size_t n = word_length(s);

                if (strcspn(s, "\"'\\`") < n)
                        return blame(r, step->line, "write the flag '%.*s' without quotes",
                                     (int)(n < 100 ? n : 100), s);
                if (str_starts(s, "--from")) {
                        if (*ret_from || s[6] != '=' || n == 7 ||
                            strcspn(s, "$") < n)
                                return blame(r, step->line,
                                             "--from takes one stage or image: --from=NAME");
                        *ret_from = s + 7;
                        *ret_n = n - 7;
                }
                s = skip_blanks(s + n);
        }
        *args = s;
        return 0;
}

static int set_source(struct recipe_step *step, const char *at, size_t n, const char *image,
                      const char *stage) {
        step->source_at = (size_t)(at - step->args);
        step->source_len = n;
        step->image = image ? strdup(image) : NULL;
        step->stage_name = stage ? strdup(stage) : NULL;
        return (image && !step->image) || (stage && !step->stage_name) ? -ENOMEM : 0;
}

static int add_stage(struct reading *r, const struct recipe_step *step, const char *name,
                     size_t n) {
        char *copy = strndup(name, n);

        if (!copy || VEC_PUSH(&r->stages, copy) < 0) {
                free(copy);
                return -ENOMEM;
        }
        for (char *p = copy; *p; p++) {
                *p = lower(*p);
                if (!is_name_char(*p) && *p != '-' && *p != '.')
                        return blame(r, step->line, "'%s' can't be the name of a stage", copy);
        }
        if (n > 0 && (*copy < 'a' || *copy > 'z'))
                return blame(r, step->line, "the name of a stage begins with a letter");
        return 0;
}

static int read_from(struct reading *r, struct recipe_step *step) {
        _cleanup_buf_ struct buf image = BUF_INIT(4096);
        const char *s = step->args, *from, *rest, *name;
        size_t n, ignored;
        int e = pass_flags(r, step, &s, &from, &ignored), stage;

        if (e < 0)
                return e;
        n = word_length(s);
        rest = skip_blanks(s + n);
        name = "";
        if (*rest) {
                if (!same_word(rest, word_length(rest), "as") ||
                    *(name = skip_blanks(rest + word_length(rest))) == '\0' ||
                    name[word_length(name)] != '\0')
                        return blame(r, step->line, "FROM takes IMAGE, or IMAGE AS NAME");
        }
        e = expand_word(r, s, n, &image);
        if (e == -EINVAL || image.failed || image.len == 0)
                return blame(r, step->line, "'%.*s' comes to no image",
                             (int)(n < 100 ? n : 100), s);
        if (e < 0)
                return e;
        stage = find_stage(r, image.data);
        e = set_source(step, s, n,
                       stage >= 0 || strcmp(image.data, "scratch") == 0 ? NULL : image.data,
                       stage >= 0                               ? r->stages.items[stage]
                       : strcmp(image.data, "scratch") == 0 ? "scratch"
                                                                : NULL);
        return e < 0 ? e : add_stage(r, step, name, strlen(name));
}

static int read_copy(struct reading *r, struct recipe_step *step) {
        const char *s = step->args, *from;
        _cleanup_free_ char *name = NULL;
        int64_t number;
        size_t n;
        int e = pass_flags(r, step, &s, &from, &n);

        if (e < 0 || !from)
                return e;
        name = strndup(from, n);
        if (!name)
                return -ENOMEM;
        if (str_to_i64(name, 0, INT64_MAX, &number) == 0 || find_stage(r, name) >= 0) {
                if (strspn(name, "0123456789") == n && number + 1 >= (int64_t)r->stages.len)
                        return blame(r, step->line, "there is no stage %s before this one", name);
                return 0; /* a stage, by its number or name: as it is */
        }
        return set_source(step, from, n, name, NULL);
}

/* --- instructions ---------------------------------------------------------------------------- */

/* "<<EOF": a here-document, for engines that know them. */
static bool has_heredoc(const char *s) {
        while (*(s = skip_blanks(s))) {
                size_t digits = strspn(s, "0123456789");

                if (str_starts(s + digits, "<<") && s[digits + 2] != '<')
                        return true;
                s += word_length(s);
        }
        return false;
}

/* What is not built here, whatever an engine could do. */
static int check_allowed(struct reading *r, const struct recipe_step *s) {
        if (s->word == RECIPE_ONBUILD)
                return blame(r, s->line,
                             "ONBUILD is not allowed: what is built on such an image would run "
                             "instructions that nobody has judged");
        if (s->word != RECIPE_RUN && s->word != RECIPE_COPY && s->word != RECIPE_ADD)
                return 0;
        if (has_heredoc(s->args))
                return blame(r, s->line,
                             "here-documents need BuildKit, with which images are not built here");
        if (s->word == RECIPE_RUN && str_starts(s->args, "--"))
                return blame(r, s->line,
                             "'RUN %.*s' needs BuildKit, with which images are not built here",
                             (int)strcspn(s->args, " \t="), s->args);
        return 0;
}

static enum recipe_word find_word(const char *s, size_t n) {
        int i = 0;

        while (i < RECIPE_WORDS && !same_word(s, n, words[i].name))
                i++;
        return (enum recipe_word)i;
}

static int unknown_word(struct reading *r, unsigned line, const char *s, size_t n) {
        char typed[40];
        unsigned best = 3;
        const char *nearest = NULL;

        (void)snprintf(typed, sizeof(typed), "%.*s", (int)(n < 32 ? n : 32), s);
        for (size_t i = 0; i < RECIPE_WORDS; i++) {
                char shouted[40];
                unsigned d;

                (void)str_copy(shouted, sizeof(shouted), typed);
                for (char *p = shouted; *p; p++)
                        *p = *p >= 'a' && *p <= 'z' ? (char)(*p & ~0x20) : *p;
                d = str_distance(shouted, words[i].name);
                if (d < best) {
                        best = d;
                        nearest = words[i].name;
                }
        }
        return blame(r, line, "unknown instruction '%s'%s%s%s", typed,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static int check_words(struct reading *r, const struct recipe_step *s) {
        unsigned n = 0;

        for (const char *at = s->args; *at; at = skip_blanks(at + word_length(at)))
                n++;
        if (n < words[s->word].least && !(s->args[0] == '[' && n > 0))
                return blame(r, s->line, "%s needs %s", words[s->word].name,
                             words[s->word].least == 1 ? "something behind it"
                                                       : "a source and a destination");
        if (s->word == RECIPE_ENV && n < 2 && !strchr(s->args, '='))
                return blame(r, s->line, "ENV needs a name and a value: ENV NAME=VALUE");
        return 0;
}

/* Takes the instruction in @text; the step is released by the caller on failure. */
static int read_step(struct reading *r, const struct buf *text, struct recipe_step *step) {
        size_t n = word_length(text->data);
        int e;

        step->word = find_word(text->data, n);
        if (step->word == RECIPE_WORDS)
                return unknown_word(r, step->line, text->data, n);
        step->args = strdup(skip_blanks(text->data + n));
        if (!step->args)
                return -ENOMEM;
        step->stage = r->stages.len > 0 ? (unsigned)r->stages.len - 1 : 0;
        e = check_words(r, step);
        if (e == 0)
                e = check_allowed(r, step);
        if (e < 0)
                return e;
        if (step->word == RECIPE_FROM) {
                step->stage = (unsigned)r->stages.len;
                return read_from(r, step);
        }
        if (r->stages.len == 0)
                return step->word == RECIPE_ARG
                               ? read_globals(r, step->args)
                               : blame(r, step->line, "the first instruction must be FROM");
        return step->word == RECIPE_COPY || step->word == RECIPE_ADD ? read_copy(r, step) : 0;
}

static void step_release(struct recipe_step *s) {
        free(s->args);
        free(s->image);
        free(s->stage_name);
}

static int read_all(struct reading *r) {
        _cleanup_buf_ struct buf text = BUF_INIT(RECIPE_LINE_MAX);
        unsigned line = 0;
        int e = check_bytes(r);

        if (e < 0)
                return e;
        while ((e = next_instruction(r, &text, &line)) > 0) {
                struct recipe_step step = { .line = line };

                e = read_step(r, &text, &step);
                if (e == 0 && r->recipe.steps.len == RECIPE_STEPS_MAX)
                        e = blame(r, line, "there are more than %d instructions", RECIPE_STEPS_MAX);
                if (e == 0)
                        e = VEC_PUSH(&r->recipe.steps, step);
                if (e < 0) {
                        step_release(&step);
                        return e;
                }
        }
        return e < 0 || r->stages.len > 0 ? e : blame(r, 0, "there is no FROM in it");
}

int recipe_read(const char *bytes, size_t n, struct recipe *ret, struct recipe_fault *fault) {
        struct reading r = { .at = bytes,
                             .end = bytes + n,
                             .recipe = { .escape = '\\' },
                             .fault = fault };
        int e;

        if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
                r.at += 3;
        e = read_all(&r);
        for (size_t i = 0; i < r.globals.len; i++) {
                free(r.globals.items[i].name);
                free(r.globals.items[i].value);
        }
        VEC_RELEASE(&r.globals);
        for (size_t i = 0; i < r.stages.len; i++)
                free(r.stages.items[i]);
        VEC_RELEASE(&r.stages);
        if (e < 0)
                recipe_release(&r.recipe);
        else
                *ret = r.recipe;
        return e;
}

void recipe_release(struct recipe *r) {
        for (size_t i = 0; i < r->steps.len; i++)
                step_release(&r->steps.items[i]);
        VEC_RELEASE(&r->steps);
}

void recipe_step_text(const struct recipe_step *s, char *dst, size_t size) {
        (void)snprintf(dst, size, "%s %s", words[s->word].name, s->args);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writing {
        struct buf *out;
        struct recipe_lines lines;
        int error;
};

static void end_line(struct writing *w, int step) {
        buf_addc(w->out, '\n');
        if (VEC_PUSH(&w->lines.step, step) < 0)
                w->error = -ENOMEM;
}

static void write_step(struct writing *w, const struct recipe_step *s, int index,
                       const char *image) {
        const char *source = s->image ? image : s->stage_name;

        buf_addf(w->out, "%s ", words[s->word].name);
        if (source) {
                buf_add(w->out, s->args, s->source_at);
                buf_addf(w->out, "%s%s", source, s->args + s->source_at + s->source_len);
        } else {
                buf_adds(w->out, s->args);
        }
        end_line(w, index);
}

int recipe_write(const struct recipe *r, const char *const *images, const char *const *prologue,
                 struct buf *out, struct recipe_lines *ret) {
        static const char no_gpu[] = "ENV NVIDIA_VISIBLE_DEVICES=void";
        struct writing w = { .out = out };
        bool gpu_set = false; /* the environment may name GPUs again */

        if (r->escape != '\\') {
                buf_addf(out, "# escape=%c\n", r->escape);
                w.lines.first = 1;
        }
        for (size_t i = 0; i < r->steps.len; i++) {
                const struct recipe_step *s = &r->steps.items[i];

                if (s->word == RECIPE_RUN && gpu_set) {
                        buf_adds(out, no_gpu);
                        end_line(&w, -1);
                        gpu_set = false;
                }
                write_step(&w, s, (int)i, images[i]);
                if (s->word == RECIPE_FROM) {
                        for (const char *const *p = prologue; *p; p++) {
                                buf_adds(out, *p);
                                if (p == prologue)
                                        buf_addf(out, " ds01.image.stage=\"%u\"", s->stage);
                                end_line(&w, -1);
                        }
                        buf_adds(out, no_gpu);
                        end_line(&w, -1);
                        gpu_set = false;
                }
                gpu_set |= s->word == RECIPE_ENV;
        }
        if (out->failed || w.error < 0) {
                recipe_lines_release(&w.lines);
                return w.error < 0 ? w.error : -ENOBUFS;
        }
        *ret = w.lines;
        return 0;
}

void recipe_lines_release(struct recipe_lines *l) {
        VEC_RELEASE(&l->step);
}
