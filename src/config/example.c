/*
 * The two example files, written from the tables of keys, so that they cannot fall behind the
 * readers. A test compares what is printed here with the files in data/.
 */
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "config/limits_file.h"
#include "config/site_keys.h"

#include <inttypes.h>
#include <string.h>

enum { WIDTH = 96 };

/* A comment, wrapped; every line begins with @indent and "# ". */
static void print_comment(FILE *out, const char *indent, const char *text) {
        size_t room = WIDTH - strlen(indent) - 2;

        while (*text) {
                size_t n = strlen(text);

                if (n > room)
                        for (n = room; n > 0 && text[n] != ' '; n--)
                                ;
                if (n == 0)
                        n = strcspn(text, " ");
                fprintf(out, "%s# %.*s\n", indent, (int)n, text);
                text += n + (text[n] == ' ');
        }
}

static void print_site_value(FILE *out, const struct site_key *key) {
        bool bare = key->value[0] != '\0' && key->value[0] != '~';
        const char *quote = bare ? "" : "\"";

        if (key->kind != SITE_WORDS && key->kind != SITE_ROOTS)
                fprintf(out, "%s%s%s\n", quote, key->value, quote);
        else if (key->value[0] == '\0')
                fputs("[]\n", out);
        else
                fprintf(out, "[%s%s%s]\n", quote, key->value, quote);
}

void site_config_print_example(FILE *out) {
        const char *section = "";
        size_t len = 0;

        fputs("# /etc/ds01/ds01.yaml: how this site is set up. Every key is here with its\n"
              "# default; take the '#' of a line away (and that of its section) to change it.\n"
              "# ds01d --check-config says whether the file is right; see ds01.yaml(5).\n",
              out);
        for (size_t i = 0; i < site_keys_count; i++) {
                const struct site_key *key = &site_keys[i];
                const char *dot = strchr(key->name, '.');

                fputc('\n', out);
                if (dot && ((size_t)(dot - key->name) != len ||
                            strncmp(key->name, section, len) != 0)) {
                        section = key->name;
                        len = (size_t)(dot - key->name);
                        fprintf(out, "#%.*s:\n", (int)len, section);
                }
                print_comment(out, "", key->help);
                fprintf(out, "#%s%s: ", dot ? "  " : "", dot ? dot + 1 : key->name);
                print_site_value(out, key);
        }
}

/* @value / @one as a decimal number with at most three digits after the point. */
static void format_decimal(int64_t value, int64_t one, char *dst, size_t size) {
        int64_t milli = (value % one * 1000 + one / 2) / one;
        int n = snprintf(dst, size, "%" PRId64 ".%03" PRId64, value / one, milli);

        for (; n > 0 && dst[n - 1] == '0'; n--)
                dst[n - 1] = '\0';
        if (n > 0 && dst[n - 1] == '.')
                dst[n - 1] = '\0';
}

static void format_bytes(int64_t value, char *dst, size_t size) {
        static const char units[] = "\0kmgt";
        size_t unit = 0;

        while (value != 0 && value % 1024 == 0 && unit + 1 < sizeof(units) - 1) {
                value /= 1024;
                unit++;
        }
        snprintf(dst, size, "%" PRId64 "%.1s", value, units + unit);
}

void limit_format(const struct limits *l, const struct limit_key *key, char *dst, size_t size) {
        const char *field = (const char *)l + key->offset;
        int64_t value;

        if (key->kind == LIMIT_BOOL) {
                (void)str_copy(dst, size, *(const bool *)field ? "true" : "false");
                return;
        }
        memcpy(&value, field, sizeof(value));
        if (value == LIMIT_UNLIMITED)
                (void)str_copy(dst, size, "null");
        else if (key->kind == LIMIT_GPUS)
                format_decimal(value, GPU_UNITS_PER_GPU, dst, size);
        else if (key->kind == LIMIT_CPUS || key->kind == LIMIT_MILLI)
                format_decimal(value, 1000, dst, size);
        else if (key->kind == LIMIT_HOURS)
                format_decimal(value, US_PER_H, dst, size);
        else if (key->kind == LIMIT_MINUTES)
                format_decimal(value, 60 * US_PER_S, dst, size);
        else if (key->kind == LIMIT_SECONDS)
                format_decimal(value, US_PER_S, dst, size);
        else if (key->kind == LIMIT_BYTES)
                format_bytes(value, dst, size);
        else
                snprintf(dst, size, "%" PRId64, value);
}

static void print_limit(FILE *out, const char *indent, const struct limits *l,
                        const struct limit_key *key, const char *name) {
        char value[32];

        limit_format(l, key, value, sizeof(value));
        fprintf(out, "%s# %s%s\n", indent, key->help,
                key->may_be_unlimited ? "; null: no limit" : "");
        fprintf(out, "%s%s: %s\n", indent, name, value);
}

/* The groups of the predecessor's site, less the members. */
static const char example_groups[] =
        "\n"
        "# The group of everybody whom no group below has as a member.\n"
        "default_group: student\n"
        "\n"
        "# A person belongs to the first group that has them. Members come from a list, from a\n"
        "# file with one login name a line, from Unix groups, or from all three; with none of\n"
        "# these, from groups/NAME.members beside this file if it exists. What a group does not\n"
        "# say, the defaults say.\n"
        "groups:\n"
        "  student:\n"
        "    max_gpu_equivalents: 2\n"
        "    max_gpu_slots_per_container: 2\n"
        "    aggregate:\n"
        "      max_cpus: 96\n"
        "      memory: 96g\n"
        "      max_tasks: 12288\n"
        "\n"
        "  researcher:\n"
        "    members: []\n"
        "    # members_file: groups/researcher.members\n"
        "    # unix_groups: [researchers]\n"
        "    max_gpu_equivalents: 4\n"
        "    max_gpu_slots_per_container: 3\n"
        "    max_containers_per_user: 5\n"
        "    max_cpus: 48\n"
        "    memory: 64g\n"
        "    shm_size: 32g\n"
        "    idle_timeout_h: 1\n"
        "    max_runtime_h: 48\n"
        "    aggregate:\n"
        "      max_cpus: 240\n"
        "      memory: 320g\n"
        "      max_tasks: 327680\n"
        "\n"
        "  faculty:\n"
        "    members: []\n"
        "    max_gpu_equivalents: 4\n"
        "    max_gpu_slots_per_container: 4\n"
        "    max_containers_per_user: 5\n"
        "    max_cpus: 64\n"
        "    memory: 128g\n"
        "    shm_size: 64g\n"
        "    idle_timeout_h: 2\n"
        "    max_runtime_h: 72\n"
        "    aggregate:\n"
        "      max_cpus: 320\n"
        "      memory: 640g\n"
        "      max_tasks: 327680\n"
        "\n"
        "  admin:\n"
        "    members: []\n"
        "    max_gpu_equivalents: null\n"
        "    max_gpu_slots_per_container: null\n"
        "    max_containers_per_user: 10\n"
        "    max_cpus: 64\n"
        "    memory: 128g\n"
        "    shm_size: 64g\n"
        "    idle_timeout_h: 1\n"
        "    gpu_hold_after_stop_h: 1\n"
        "\n"
        "# Exceptions for one person, by login name or uid; the same keys as above.\n"
        "user_overrides:\n"
        "  # alice:\n"
        "  #   max_gpu_equivalents: 4\n"
        "  #   max_runtime_h: null\n"
        "  #   reason: thesis, until the end of May\n"
        "\n"
        "# GPUs that are kept for some people, once or every week (local time). ds01 reserve adds\n"
        "# single ones without this file.\n"
        "reservations:\n"
        "  # - gpus: 2\n"
        "  #   users: [alice, bob]\n"
        "  #   start: 2026-12-01 09:00\n"
        "  #   end: 2026-12-01 18:00\n"
        "  # - gpus: 1\n"
        "  #   users: [carol]\n"
        "  #   weekly: mon wed\n"
        "  #   from: 9:00\n"
        "  #   to: 12:00\n"
        "  #   reason: the Monday and Wednesday course\n";

void limits_config_print_example(FILE *out) {
        struct limits l;

        limits_defaults(&l);
        fputs("# /etc/ds01/resource-limits.yaml: who may use what; see resource-limits.yaml(5).\n"
              "# ds01d --check-config says whether the file is right; systemctl reload ds01d\n"
              "# puts it in force. A wrong file changes nothing: the limits before it stay.\n"
              "\n"
              "# What everybody may use, unless a group or an exception below says otherwise.\n"
              "# These values are the built-in ones.\n"
              "defaults:\n",
              out);
        for (size_t i = 0; i < limit_keys_count; i++)
                if (!strchr(limit_keys[i].name, '.'))
                        print_limit(out, "  ", &l, &limit_keys[i], limit_keys[i].name);
        fputs("  aggregate:\n", out);
        for (size_t i = 0; i < limit_keys_count; i++)
                if (str_starts(limit_keys[i].name, "aggregate."))
                        print_limit(out, "    ", &l, &limit_keys[i],
                                    limit_keys[i].name + strlen("aggregate."));
        fputs(example_groups, out);
}
