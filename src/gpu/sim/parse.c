/* The simulator's text file; see the header. */
#include "gpu/sim/sim.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 32
#define PCIE_UNSAID 255
#define MEMORY_MAX (1LL << 50)

struct parser {
        const char *file;
        unsigned line;
        struct sim_state *s;
        char *words[WORDS_MAX];
        size_t nwords;
        char *message;
        size_t size;
};

enum field_type { FIELD_TEXT, FIELD_BYTES, FIELD_NUMBER };

struct field {
        const char *name;
        enum field_type type;
        size_t offset;
        size_t size; /* text */
        int64_t min, max;
};

#define TEXT(s, f) { #f, FIELD_TEXT, offsetof(struct s, f), sizeof(((struct s *)0)->f), 0, 0 }
#define BYTES(s, f) { #f, FIELD_BYTES, offsetof(struct s, f), 0, 0, MEMORY_MAX }
#define NUMBER(s, f, min, max) { #f, FIELD_NUMBER, offsetof(struct s, f), 0, min, max }

static const struct field gpu_fields[] = {
        TEXT(sim_gpu, model),         TEXT(sim_gpu, uuid),
        TEXT(sim_gpu, pci),           BYTES(sim_gpu, memory),
        BYTES(sim_gpu, used),         NUMBER(sim_gpu, numa, -1, 1023),
        NUMBER(sim_gpu, minor, 0, 255), NUMBER(sim_gpu, util, 0, 100),
        NUMBER(sim_gpu, temp, 0, 150),  NUMBER(sim_gpu, power, 0, 4000),
};

static const struct field mig_fields[] = {
        TEXT(sim_mig, profile),   TEXT(sim_mig, uuid),  NUMBER(sim_mig, slices, 1, 7),
        BYTES(sim_mig, memory),   BYTES(sim_mig, used),
};

static const struct field process_fields[] = {
        NUMBER(sim_process, pid, 1, INT32_MAX),
        BYTES(sim_process, memory),
};

static int complain(struct parser *p, const char *fmt, ...) _printf_(2, 3);

static int complain(struct parser *p, const char *fmt, ...) {
        char what[200];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(what, sizeof(what), fmt, ap);
        va_end(ap);
        snprintf(p->message, p->size, "%s:%u: %s", p->file, p->line, what);
        return -EINVAL;
}

/* One "key=value" into the struct at @base. */
static int set_field(struct parser *p, const struct field *fields, size_t n, void *base,
                     char *word) {
        char *value = strchr(word, '=');
        int64_t number = 0;
        int r;

        if (!value)
                return complain(p, "'%.40s' is not KEY=VALUE", word);
        *value++ = '\0';
        for (size_t i = 0; i < n; i++) {
                const struct field *f = &fields[i];
                char *at = (char *)base + f->offset;

                if (!str_equal(f->name, word))
                        continue;
                if (f->type == FIELD_TEXT) {
                        if (*value == '\0' || !str_copy(at, f->size, value))
                                return complain(p, "%s is empty or too long", f->name);
                        return 0;
                }
                r = f->type == FIELD_BYTES ? str_to_bytes(value, &number)
                                           : str_to_i64(value, f->min, f->max, &number);
                if (r < 0 || number < f->min || number > f->max)
                        return complain(p, "%s: '%.40s' is no %s from %lld to %lld", f->name, value,
                                        f->type == FIELD_BYTES ? "size" : "number",
                                        (long long)f->min, (long long)f->max);
                memcpy(at, &number, sizeof(number));
                return 0;
        }
        return complain(p, "unknown key '%.40s'", word);
}

static int set_fields(struct parser *p, const struct field *fields, size_t n, void *base,
                      size_t first) {
        int r = 0;

        for (size_t i = first; i < p->nwords && r == 0; i++)
                r = set_field(p, fields, n, base, p->words[i]);
        return r;
}

/* A UUID that is the same in every run: a hash of what it names. */
static void make_uuid(const char *prefix, size_t gpu, size_t slot, char dst[NVML_UUID_SIZE]) {
        uint64_t h = 14695981039346656037ULL, words[2];

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                const size_t parts[] = { gpu + 1, slot + 1, i + 1 };

                for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
                        h = (h ^ parts[k]) * 1099511628211ULL;
                        h ^= h >> 29;
                }
                words[i] = h;
        }
        snprintf(dst, NVML_UUID_SIZE, "%s-%08x-%04x-%04x-%04x-%012llx", prefix,
                 (unsigned)(words[0] >> 32), (unsigned)(words[0] >> 16) & 0xFFFF,
                 (unsigned)words[0] & 0xFFFF, (unsigned)(words[1] >> 48),
                 (unsigned long long)(words[1] & 0xFFFFFFFFFFFFULL));
}

static int place_gpu(struct parser *p, struct sim_gpu *g) {
        unsigned domain, bus, device, function;
        int end = 0;

        if (sscanf(g->pci, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
            g->pci[end] != '\0' || device > 31)
                return complain(p, "pci: '%s' is not like 0000:07:00.0", g->pci);
        g->domain = domain;
        g->bus = bus;
        g->device = device;
        return 0;
}

/* PCI domain d501 is one that no machine has, so that nothing of it is found in /sys. */
static void default_gpu(struct sim_gpu *g, size_t index) {
        *g = (struct sim_gpu){ .memory = 40LL << 30, .used = -1, .numa = 0, .minor = (int64_t)index,
                               .temp = 35, .power = 60 };
        str_copy(g->model, sizeof(g->model), "NVIDIA A100-SXM4-40GB");
        make_uuid("GPU", index, 0, g->uuid);
        snprintf(g->pci, sizeof(g->pci), "d501:%02x:00.0", (unsigned)(7 + index));
}

/* "3", or "0-7", of the GPUs there are. */
static int parse_range(struct parser *p, const char *word, size_t limit, size_t *ret_first,
                       size_t *ret_last) {
        char first[16], *dash;
        int64_t a, b;

        if (!str_copy(first, sizeof(first), word))
                return complain(p, "'%.40s' is no GPU", word);
        dash = strchr(first, '-');
        if (dash)
                *dash++ = '\0';
        if (str_to_i64(first, 0, SIM_GPUS_MAX - 1, &a) < 0 ||
            (dash && str_to_i64(dash, a, SIM_GPUS_MAX - 1, &b) < 0))
                return complain(p, "'%.40s' is no GPU", word);
        if (!dash)
                b = a;
        if ((size_t)b >= limit)
                return complain(p, "there is no GPU %lld", (long long)b);
        *ret_first = (size_t)a;
        *ret_last = (size_t)b;
        return 0;
}

static int parse_gpus(struct parser *p) {
        int64_t count;

        if (str_to_i64(p->words[1], 1, SIM_GPUS_MAX, &count) < 0)
                return complain(p, "gpus: '%.40s' is no number from 1 to %d", p->words[1],
                                SIM_GPUS_MAX);
        if (p->s->ngpus)
                return complain(p, "gpus: there are GPUs already");
        for (int64_t i = 0; i < count; i++) {
                struct sim_gpu *g = &p->s->gpus[i];
                int r = 0;

                default_gpu(g, (size_t)i);
                for (size_t w = 2; w < p->nwords && r == 0; w++) {
                        size_t key = strcspn(p->words[w], "=");

                        if (str_starts(p->words[w], "uuid=") || str_starts(p->words[w], "pci=") ||
                            str_starts(p->words[w], "minor="))
                                return complain(p, "gpus: %.*s is for one GPU", (int)key,
                                                p->words[w]);
                        r = set_field(p, gpu_fields, ARRAY_SIZE(gpu_fields), g, p->words[w]);
                        if (r == 0)
                                p->words[w][key] = '='; /* set_field() cuts it there */
                }
                if (r == 0)
                        r = place_gpu(p, g);
                if (r < 0)
                        return r;
                p->s->ngpus++;
        }
        return 0;
}

static int parse_gpu(struct parser *p) {
        size_t index, last;
        int r = parse_range(p, p->words[1], p->s->ngpus + 1 < SIM_GPUS_MAX ? p->s->ngpus + 1
                                                                           : SIM_GPUS_MAX,
                            &index, &last);

        if (r < 0)
                return r;
        if (index != last)
                return complain(p, "gpu: one GPU, not a range");
        if (index == p->s->ngpus)
                default_gpu(&p->s->gpus[p->s->ngpus++], index);
        r = set_fields(p, gpu_fields, ARRAY_SIZE(gpu_fields), &p->s->gpus[index], 2);
        return r < 0 ? r : place_gpu(p, &p->s->gpus[index]);
}

/* "1g.5gb" or "1c.3g.20gb": slices and memory. */
static int apply_profile(struct parser *p, struct sim_mig *m) {
        unsigned a = 0, b = 0, gb = 0;
        int end = 0;

        if (sscanf(m->profile, "%1uc.%1ug.%4ugb%n", &a, &b, &gb, &end) != 3 || end == 0) {
                end = 0;
                if (sscanf(m->profile, "%1ug.%4ugb%n", &a, &gb, &end) != 2 || end == 0)
                        return complain(p, "profile: '%s' is not like 1g.5gb", m->profile);
                b = a;
        }
        if (a < 1 || a > 7 || b < a || b > 7 || gb < 1)
                return complain(p, "profile: '%s' is not like 1g.5gb", m->profile);
        if (!m->slices)
                m->slices = a;
        m->gi_slices = b;
        if (!m->memory)
                m->memory = (int64_t)gb << 30;
        return 0;
}

static int parse_mig(struct parser *p) {
        size_t gpu, last;
        int64_t slot;
        struct sim_mig *m;
        int r = parse_range(p, p->words[1], p->s->ngpus, &gpu, &last);

        if (r < 0)
                return r;
        if (gpu != last)
                return complain(p, "mig: one GPU, not a range");
        p->s->gpus[gpu].partitioned = true;
        if (p->nwords == 2)
                return 0; /* MIG mode on, no instances */
        if (str_to_i64(p->words[2], 0, SIM_MIG_MAX - 1, &slot) < 0)
                return complain(p, "mig: '%.40s' is no slot from 0 to %d", p->words[2],
                                SIM_MIG_MAX - 1);
        m = &p->s->gpus[gpu].migs[slot];
        if (m->present)
                return complain(p, "mig: slot %lld is taken", (long long)slot);
        *m = (struct sim_mig){ .present = true, .profile = "1g.5gb", .used = -1 };
        make_uuid("MIG", gpu, (size_t)slot + 1, m->uuid);
        r = set_fields(p, mig_fields, ARRAY_SIZE(mig_fields), m, 3);
        return r < 0 ? r : apply_profile(p, m);
}

static int links_of(const struct sim_state *s, size_t gpu) {
        int n = s->switch_links[gpu];

        for (size_t i = 0; i < s->ngpus; i++)
                n += s->nvlinks[gpu][i];
        return n;
}

static int parse_nvlink(struct parser *p) {
        size_t a, a_last, b, b_last;
        int64_t count = 0;
        int r = p->nwords == 4 ? parse_range(p, p->words[1], p->s->ngpus, &a, &a_last)
                               : complain(p, "nvlink GPU GPU COUNT");

        if (r == 0)
                r = parse_range(p, p->words[2], p->s->ngpus, &b, &b_last);
        if (r < 0)
                return r;
        if (str_to_i64(p->words[3], 0, NVML_LINKS_MAX, &count) < 0)
                return complain(p, "nvlink: '%.40s' is no count of links", p->words[3]);
        for (size_t i = a; i <= a_last; i++)
                for (size_t k = b; k <= b_last; k++) {
                        if (i == k)
                                continue;
                        p->s->nvlinks[i][k] = p->s->nvlinks[k][i] = (uint8_t)count;
                        if (links_of(p->s, i) > NVML_LINKS_MAX ||
                            links_of(p->s, k) > NVML_LINKS_MAX)
                                return complain(p, "nvlink: a GPU has %d links at most",
                                                NVML_LINKS_MAX);
                }
        return 0;
}

static int parse_nvswitch(struct parser *p) {
        size_t first, last;
        int64_t count = 12;
        int r = parse_range(p, p->words[1], p->s->ngpus, &first, &last);

        if (r < 0)
                return r;
        if (p->nwords > 3 ||
            (p->nwords == 3 && str_to_i64(p->words[2], 1, NVML_LINKS_MAX, &count) < 0))
                return complain(p, "nvswitch GPUS [LINKS]");
        for (size_t i = first; i <= last; i++) {
                p->s->switch_links[i] = (uint8_t)count;
                if (links_of(p->s, i) > NVML_LINKS_MAX)
                        return complain(p, "nvswitch: a GPU has %d links at most", NVML_LINKS_MAX);
        }
        return 0;
}

static int parse_pcie(struct parser *p) {
        static const struct {
                const char *name;
                uint8_t level;
        } levels[] = {
                { "pix", NVML_TOPOLOGY_SINGLE },     { "pxb", NVML_TOPOLOGY_MULTIPLE },
                { "phb", NVML_TOPOLOGY_HOSTBRIDGE }, { "node", NVML_TOPOLOGY_NODE },
                { "sys", NVML_TOPOLOGY_SYSTEM },
        };
        size_t a, a_last, b, b_last, level = 0;
        int r = p->nwords == 4 ? parse_range(p, p->words[1], p->s->ngpus, &a, &a_last)
                               : complain(p, "pcie GPU GPU pix|pxb|phb|node|sys");

        if (r == 0)
                r = parse_range(p, p->words[2], p->s->ngpus, &b, &b_last);
        if (r < 0)
                return r;
        while (level < ARRAY_SIZE(levels) && !str_equal(levels[level].name, p->words[3]))
                level++;
        if (level == ARRAY_SIZE(levels))
                return complain(p, "pcie: '%.40s' is not pix, pxb, phb, node or sys", p->words[3]);
        for (size_t i = a; i <= a_last; i++)
                for (size_t k = b; k <= b_last; k++)
                        p->s->pcie[i][k] = p->s->pcie[k][i] = levels[level].level;
        return 0;
}

/* "0", "0.1" or a UUID. */
static int find_target(struct parser *p, const char *word, size_t *ret_gpu, int *ret_slot) {
        char text[NVML_UUID_SIZE], *dot;
        int64_t gpu, slot = -1;

        for (size_t i = 0; i < p->s->ngpus; i++) {
                const struct sim_gpu *g = &p->s->gpus[i];

                if (str_equal(g->uuid, word)) {
                        *ret_gpu = i;
                        *ret_slot = -1;
                        return 0;
                }
                for (int k = 0; k < SIM_MIG_MAX; k++)
                        if (g->migs[k].present && str_equal(g->migs[k].uuid, word)) {
                                *ret_gpu = i;
                                *ret_slot = k;
                                return 0;
                        }
        }
        str_copy(text, sizeof(text), word);
        dot = strchr(text, '.');
        if (dot)
                *dot++ = '\0';
        if (str_to_i64(text, 0, (int64_t)p->s->ngpus - 1, &gpu) < 0 ||
            (dot && str_to_i64(dot, 0, SIM_MIG_MAX - 1, &slot) < 0) ||
            (dot && !p->s->gpus[gpu].migs[slot].present))
                return complain(p, "there is no GPU or instance '%.40s'", word);
        *ret_gpu = (size_t)gpu;
        *ret_slot = (int)slot;
        return 0;
}

static int parse_process(struct parser *p) {
        struct sim_process process = { 0 };
        struct {
                struct sim_process *items;
                size_t len, cap;
        } list = { p->s->processes, p->s->nprocesses, p->s->processes_cap };
        int r = find_target(p, p->words[1], &process.gpu, &process.slot);

        if (r == 0)
                r = set_fields(p, process_fields, ARRAY_SIZE(process_fields), &process, 2);
        if (r < 0)
                return r;
        if (!process.pid || list.len >= SIM_PROCESSES_MAX)
                return complain(p, process.pid ? "too many processes" : "process: pid is missing");
        r = VEC_PUSH(&list, process);
        p->s->processes = list.items;
        p->s->nprocesses = list.len;
        p->s->processes_cap = list.cap;
        return r;
}

/* "hang=NAME" and "error=NAME:CODE". */
static int parse_call_fault(struct parser *p, bool hang, char *what) {
        struct sim_call *c = &p->s->calls[p->s->ncalls];
        char *colon = hang ? NULL : strchr(what, ':');

        if (p->s->ncalls == SIM_CALLS_MAX)
                return complain(p, "too many faults of functions");
        if (colon)
                *colon++ = '\0';
        if (!hang && (!colon || str_to_i64(colon, 1, 999, &c->result) < 0))
                return complain(p, "fault error=FUNCTION:CODE");
        if (*what == '\0' || !str_copy(c->name, sizeof(c->name), what))
                return complain(p, "'%.40s' is no function", what);
        c->hang = hang;
        p->s->ncalls++;
        return 0;
}

static int parse_fault(struct parser *p) {
        size_t first, last;
        char *what = p->words[1];
        int64_t xid = 0;
        int r;

        if (str_starts(what, "hang="))
                return parse_call_fault(p, true, what + strlen("hang="));
        if (str_starts(what, "error="))
                return parse_call_fault(p, false, what + strlen("error="));
        r = parse_range(p, what, p->s->ngpus, &first, &last);
        if (r < 0)
                return r;
        if (p->nwords != 3)
                return complain(p, "fault GPU lost|remap|ecc|xid=N");
        what = p->words[2];
        if (str_starts(what, "xid=") && str_to_i64(what + strlen("xid="), 1, 999, &xid) < 0)
                return complain(p, "'%.40s' is no Xid", what);
        for (size_t i = first; i <= last; i++) {
                struct sim_gpu *g = &p->s->gpus[i];

                if (xid)
                        g->xid = xid;
                else if (str_equal(what, "lost"))
                        g->lost = true;
                else if (str_equal(what, "remap"))
                        g->remap = true;
                else if (str_equal(what, "ecc"))
                        g->ecc = true;
                else
                        return complain(p, "fault: '%.40s' is not lost, remap, ecc or xid=N", what);
        }
        return 0;
}

static int parse_slow(struct parser *p) {
        if (!str_starts(p->words[1], "ms=") ||
            str_to_i64(p->words[1] + strlen("ms="), 0, 60000, &p->s->slow_ms) < 0)
                return complain(p, "slow ms=MILLISECONDS");
        return 0;
}

static int parse_stride(struct parser *p) {
        if (!str_equal(p->words[1], "24") && !str_equal(p->words[1], "32"))
                return complain(p, "stride 24|32");
        p->s->stride_32 = str_equal(p->words[1], "32");
        return 0;
}

static const struct {
        const char *word;
        int (*parse)(struct parser *p);
} statements[] = {
        { "gpus", parse_gpus },         { "gpu", parse_gpu },     { "mig", parse_mig },
        { "nvlink", parse_nvlink },     { "nvswitch", parse_nvswitch }, { "pcie", parse_pcie },
        { "process", parse_process },   { "fault", parse_fault }, { "slow", parse_slow },
        { "stride", parse_stride },
};

/* Splits the line at blanks; quotes keep blanks in a word and are taken out. */
static int split(struct parser *p, char *line) {
        char *to;

        p->nwords = 0;
        for (;;) {
                bool quoted = false;

                line += strspn(line, " \t\r");
                if (*line == '\0' || *line == '#')
                        return 0;
                if (p->nwords == WORDS_MAX)
                        return complain(p, "too many words");
                p->words[p->nwords++] = to = line;
                for (; *line && (quoted || !strchr(" \t\r", *line)); line++)
                        if (*line == '"')
                                quoted = !quoted;
                        else
                                *to++ = *line;
                if (quoted)
                        return complain(p, "a quote is not closed");
                if (*line)
                        line++;
                *to = '\0';
        }
}

static int parse_line(struct parser *p, char *line) {
        int r = split(p, line);

        if (r < 0 || p->nwords == 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
                if (str_equal(statements[i].word, p->words[0]))
                        return p->nwords > 1 ? statements[i].parse(p)
                                             : complain(p, "%s: what?", p->words[0]);
        return complain(p, "unknown statement '%.40s'", p->words[0]);
}

int sim_parse(const char *file, const char *text, size_t n, struct sim_state **ret, char *message,
              size_t size) {
        struct sim_state *s = calloc(1, sizeof(*s));
        _cleanup_free_ char *copy = malloc(n + 1);
        struct parser p = { .file = file, .s = s, .message = message, .size = size };
        char *at = copy, *end;
        int r = 0;

        if (!s || !copy) {
                free(s);
                return -ENOMEM;
        }
        memset(s->pcie, PCIE_UNSAID, sizeof(s->pcie));
        if (n)
                memcpy(copy, text, n);
        copy[n] = '\0';
        end = copy + n;
        while (at < end && r == 0) {
                char *newline = memchr(at, '\n', (size_t)(end - at));
                char *stop = newline ? newline : end;

                p.line++;
                *stop = '\0';
                r = memchr(at, '\0', (size_t)(stop - at)) ? complain(&p, "a NUL byte")
                                                          : parse_line(&p, at);
                at = stop + 1;
        }
        if (r < 0) {
                sim_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

void sim_free(struct sim_state *s) {
        if (!s)
                return;
        free(s->processes);
        free(s);
}

uint64_t sim_memory_used(const struct sim_state *s, size_t gpu, int slot) {
        const struct sim_gpu *g = &s->gpus[gpu];
        int64_t used = slot < 0 ? g->used : g->migs[slot].used;
        uint64_t sum = 0;

        if (used >= 0)
                return (uint64_t)used;
        for (size_t i = 0; i < s->nprocesses; i++)
                if (s->processes[i].gpu == gpu && (slot < 0 || s->processes[i].slot == slot))
                        sum += (uint64_t)s->processes[i].memory;
        return sum;
}
