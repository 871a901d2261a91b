/* Names of containers, projects and images. */
#include "core/names.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static char to_lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_alnum(char c) {
        return is_lower(to_lower(c)) || is_digit(c);
}

static bool is_name_char(char c) {
        return is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* How many characters a stranger's text has: code points, or bytes when it is not UTF-8. */
static size_t count_characters(const char *s) {
        size_t n = strlen(s), count = 0;

        if (!utf8_valid(s, n))
                return n;
        for (size_t i = 0; i < n; i++)
                count += ((unsigned char)s[i] & 0xc0) != 0x80;
        return count;
}

/* Bytes of the character at @s, for quoting it in a message. */
static size_t character_length(const char *s) {
        size_t n = 1;

        while (n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80)
                n++;
        return utf8_valid(s, n) ? n : 1;
}

/* Says in @why what is wrong with @s as a name; false when nothing is. */
static bool name_fault(const char *s, char *why, size_t size) {
        for (const char *p = s; *p; p++) {
                if (is_name_char(*p))
                        continue;
                if (*p == ' ')
                        (void)str_copy(why, size, "it contains a blank");
                else if (*p == '/')
                        (void)str_copy(why, size, "it contains '/'; a path goes into --workspace");
                else if ((unsigned char)*p < ' ' || *p == 0x7f)
                        (void)str_copy(why, size, "it contains a control character");
                else
                        (void)snprintf(why, size, "it contains '%.*s'", (int)character_length(p),
                                       p);
                return true;
        }
        if (!is_alnum(*s))
                (void)snprintf(why, size, "it starts with '%c'", *s);
        else if (strstr(s, "._."))
                (void)str_copy(why, size, "it contains '._.', which separates name and user");
        else if (strstr(s, ".."))
                (void)str_copy(why, size, "it contains '..'");
        else
                return false;
        return true;
}

/* The name with dashes for its blanks, when that alone makes it a good one. */
static void suggest(const char *typed, struct refusal *r) {
        char dashed[NAME_MAX_LEN + 1], why[128];

        while (*typed == ' ')
                typed++;
        if (!str_copy(dashed, sizeof(dashed), typed))
                return;
        for (size_t n = strlen(dashed); n > 0 && dashed[n - 1] == ' '; n--)
                dashed[n - 1] = '\0';
        for (char *p = dashed; *p; p++)
                *p = *p == ' ' ? '-' : to_lower(*p);
        if (dashed[0] && !name_fault(dashed, why, sizeof(why)))
                (void)snprintf(r->extra, sizeof(r->extra), "; for example: %s", dashed);
}

static int name_check(const char *typed, const char *noun, char *ret, struct refusal *r) {
        char why[128], start[24];
        size_t n = strlen(typed);

        if (n == 0)
                return refuse_detail(r, REFUSAL_NAME_EMPTY, "", "%s", noun);
        if (n > NAME_MAX_LEN) {
                str_printable(start, sizeof(start), typed);
                refuse_detail(r, REFUSAL_NAME_TOO_LONG, start, "%s", noun);
                r->asked = (int64_t)count_characters(typed);
                r->max = NAME_MAX_LEN;
                /* Few characters of many bytes are not too many, they are the wrong ones. */
                if (r->asked > r->max)
                        return r->reason;
        }
        if (name_fault(typed, why, sizeof(why))) {
                refuse_detail(r, REFUSAL_NAME_INVALID, typed, "%s", why);
                suggest(typed, r);
                return r->reason;
        }
        for (size_t i = 0; i <= n; i++)
                ret[i] = to_lower(typed[i]);
        return 0;
}

int container_name_check(const char *typed, char *ret, struct refusal *r) {
        return name_check(typed, "container", ret, r);
}

int project_name_check(const char *typed, char *ret, struct refusal *r) {
        return name_check(typed, "project", ret, r);
}

void engine_name_make(const char *name, uid_t uid, char *dst) {
        (void)snprintf(dst, ENGINE_NAME_SIZE, "%.*s._.%lu", (int)NAME_MAX_LEN, name,
                       (unsigned long)uid);
}

/* A uid as we write it: no sign, no leading zero, nothing behind it. */
static int parse_uid(const char *s, uid_t *ret) {
        int64_t value;

        if (*s < '0' || *s > '9' || (*s == '0' && s[1]) ||
            str_to_i64(s, 0, UINT32_MAX - 1, &value) < 0)
                return -EINVAL;
        *ret = (uid_t)value;
        return 0;
}

int engine_name_split(const char *engine_name, char *name, uid_t *uid) {
        const char *s = engine_name, *sep = NULL;
        char why[128];
        uid_t value;
        char part[NAME_MAX_LEN + 1];

        if (*s == '/')
                s++;
        for (const char *p = strstr(s, "._."); p; p = strstr(p + 1, "._."))
                sep = p;
        if (!sep || sep == s || sep - s > NAME_MAX_LEN || parse_uid(sep + 3, &value) < 0)
                return -EINVAL;
        memcpy(part, s, (size_t)(sep - s));
        part[sep - s] = '\0';
        for (const char *p = part; *p; p++)
                if (*p != to_lower(*p))
                        return -EINVAL;
        if (name_fault(part, why, sizeof(why)))
                return -EINVAL;
        (void)str_copy(name, NAME_MAX_LEN + 1, part);
        *uid = value;
        return 0;
}

/* Image references, after github.com/distribution/reference: [registry/]path[:tag][@digest]. */

static bool is_registry(const char *s, size_t n) {
        return memchr(s, '.', n) || memchr(s, ':', n) ||
               (n == strlen("localhost") && memcmp(s, "localhost", n) == 0);
}

/* host[:port]: dot-separated labels of letters, digits and inner dashes. */
static bool registry_valid(const char *s) {
        const char *port = strchr(s, ':');
        const char *end = port ? port : s + strlen(s);

        for (const char *p = s; p < end; p++) {
                bool first = p == s || p[-1] == '.', last = p + 1 == end || p[1] == '.';

                if (!is_alnum(*p) && (*p != '.' || first) && (*p != '-' || first || last))
                        return false;
        }
        if (end == s || end[-1] == '.')
                return false;
        if (!port)
                return true;
        if (!port[1] || strlen(port + 1) > 5)
                return false;
        for (const char *p = port + 1; *p; p++)
                if (!is_digit(*p))
                        return false;
        return true;
}

/* Components of lower-case letters and digits, with one '.', one or two '_' or any number of '-'
 * between them, joined by '/'. */
static bool repository_valid(const char *s) {
        bool wants_alnum = true;

        for (; *s; s++) {
                if (is_lower(*s) || is_digit(*s)) {
                        wants_alnum = false;
                        continue;
                }
                if (wants_alnum)
                        return false;
                wants_alnum = true;
                if (*s == '_' && s[1] == '_')
                        s++;
                while (*s == '-' && s[1] == '-')
                        s++;
                if (*s != '.' && *s != '_' && *s != '-' && *s != '/')
                        return false;
        }
        return !wants_alnum;
}

static bool tag_valid(const char *s) {
        if (!is_alnum(*s) && *s != '_')
                return false;
        for (const char *p = s; *p; p++)
                if (!is_name_char(*p))
                        return false;
        return strlen(s) <= 128;
}

static bool all_hex(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!is_digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'f'))
                        return false;
        return true;
}

static bool digest_valid(const char *s) {
        return str_starts(s, "sha256:") && strlen(s) == 7 + 64 && all_hex(s + 7, 64);
}

/* An image's id is not a reference here: by its id, anybody's image could be named. Docker takes
 * 64 digits for an id, and the start of one after "sha256:". */
static bool looks_like_id(const struct image_ref *ref) {
        return !ref->registry[0] &&
               (strcmp(ref->repository, "sha256") == 0 ||
                (strlen(ref->repository) == 64 && all_hex(ref->repository, 64)));
}

static bool parse_reference(const char *typed, struct image_ref *ref) {
        char text[512];
        char *rest = text, *at, *slash, *colon;

        *ref = (struct image_ref){ 0 };
        if (!str_copy(text, sizeof(text), typed))
                return false;
        at = strchr(text, '@');
        if (at) {
                *at++ = '\0';
                if (!digest_valid(at) || !str_copy(ref->digest, sizeof(ref->digest), at))
                        return false;
        }
        slash = strchr(text, '/');
        if (slash && is_registry(text, (size_t)(slash - text))) {
                *slash = '\0';
                rest = slash + 1;
                if (!registry_valid(text) || !str_copy(ref->registry, sizeof(ref->registry), text))
                        return false;
        }
        colon = strrchr(rest, ':');
        if (colon) {
                *colon++ = '\0';
                if (!tag_valid(colon) || !str_copy(ref->tag, sizeof(ref->tag), colon))
                        return false;
        } else if (!at) {
                (void)str_copy(ref->tag, sizeof(ref->tag), "latest");
        }
        return repository_valid(rest) && str_copy(ref->repository, sizeof(ref->repository), rest) &&
               strlen(typed) < IMAGE_REF_SIZE - sizeof(":latest");
}

int image_ref_parse(const char *typed, struct image_ref *ret, struct refusal *r) {
        struct image_ref ref;
        char shown[128];

        str_printable(shown, sizeof(shown), typed);
        if (!parse_reference(typed, &ref)) {
                refuse_detail(r, REFUSAL_ARGUMENT_INVALID, typed,
                              "'%s' is not the name of an image", shown);
                (void)str_copy(r->extra, sizeof(r->extra),
                               "write it as NAME, NAME:TAG or REGISTRY/NAME:TAG, in lower case");
                return r->reason;
        }
        if (looks_like_id(&ref)) {
                refuse_detail(r, REFUSAL_ARGUMENT_INVALID, typed,
                              "'%s' is an image's id; images are given by name", shown);
                (void)str_copy(r->extra, sizeof(r->extra), "see the names: image-list --all");
                return r->reason;
        }
        *ret = ref;
        return 0;
}

void image_ref_format(const struct image_ref *ref, char *dst, size_t size) {
        int n = snprintf(dst, size, "%s%s%s%s%s", ref->registry, ref->registry[0] ? "/" : "",
                         ref->repository, ref->digest[0] ? "@" : ":",
                         ref->digest[0] ? ref->digest : ref->tag);

        if (n < 0 || (size_t)n >= size) /* half a reference would be another image */
                dst[0] = '\0';
}

bool image_is_personal(const char *reference, uid_t *ret_uid) {
        /* What the engines put in front of an image that came from no registry, or take away
         * again, so that both spellings are the same image. */
        static const char *const same[] = { "docker.io/", "index.docker.io/", "localhost/" };
        static const char *const kept[] = { "ds01-bin/", "ds01-moved/" };
        char digits[11];
        const char *slash;
        uid_t ignored;
        size_t n;

        if (!ret_uid)
                ret_uid = &ignored;

        for (size_t i = 0; i < ARRAY_SIZE(same); i++)
                if (str_starts(reference, same[i])) {
                        reference += strlen(same[i]);
                        break;
                }
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
                if (str_starts(reference, kept[i])) {
                        *ret_uid = IMAGE_OF_NO_PERSON;
                        return true;
                }
        if (!str_starts(reference, "ds01-"))
                return false;
        reference += strlen("ds01-");
        slash = strchr(reference, '/');
        n = slash ? (size_t)(slash - reference) : 0;
        if (n == 0 || n >= sizeof(digits))
                return false;
        memcpy(digits, reference, n);
        digits[n] = '\0';
        return parse_uid(digits, ret_uid) == 0;
}

const char *image_source_word(enum image_source s) {
        static const char *const words[] = {
                [IMAGE_OPTION] = "option",
                [IMAGE_PROJECT] = "project",
                [IMAGE_NAME] = "name",
                [IMAGE_NAME_PART] = "name-part",
                [IMAGE_DEFAULT] = "default",
        };

        return words[s];
}

static const char *find_own(const char *const *own, const char *repository, const char *tag) {
        char reference[400];

        (void)snprintf(reference, sizeof(reference), "%s:%s", repository, tag);
        for (; own && *own; own++)
                if (strcmp(*own, reference) == 0)
                        return *own;
        return NULL;
}

bool image_of_project(const char *project, uid_t uid, char *dst, size_t size) {
        char name[NAME_MAX_LEN + 1];
        size_t n = 0;

        for (; project[n] && n + 1 < sizeof(name); n++)
                name[n] = to_lower(project[n]);
        name[n] = '\0';
        /* Never made to fit: two projects would have one image. */
        if (project[n] || !repository_valid(name))
                return false;
        (void)snprintf(dst, size, "ds01-%lu/%s:latest", (unsigned long)uid, name);
        return true;
}

static const char *find_project_image(const char *const *own, const char *project, uid_t uid) {
        char reference[IMAGE_REF_SIZE];

        if (!image_of_project(project, uid, reference, sizeof(reference)))
                return NULL;
        for (; own && *own; own++)
                if (strcmp(*own, reference) == 0)
                        return *own;
        return NULL;
}

/* True when @part is @name's beginning or end, with a dash at the seam. */
static bool is_dashed_part(const char *name, const char *part, size_t n) {
        size_t len = strlen(name);

        return n > 0 && n < len &&
               ((name[n] == '-' && memcmp(name, part, n) == 0) ||
                (name[len - n - 1] == '-' && memcmp(name + len - n, part, n) == 0));
}

static const char *find_part(const char *const *own, const char *name, uid_t uid) {
        char prefix[32];
        const char *best = NULL;
        size_t best_len = 0;

        (void)snprintf(prefix, sizeof(prefix), "ds01-%lu/", (unsigned long)uid);
        for (; own && *own; own++) {
                const char *project = *own + strlen(prefix), *colon;
                size_t n;

                if (!str_starts(*own, prefix) || !str_ends(*own, ":latest"))
                        continue;
                colon = strrchr(project, ':');
                n = (size_t)(colon - project);
                if (is_dashed_part(name, project, n) &&
                    (n > best_len || (n == best_len && strcmp(*own, best) < 0))) {
                        best = *own;
                        best_len = n;
                }
        }
        return best;
}

static int choose_option(const char *option, uid_t uid, const char *const *own,
                         struct image_choice *choice, struct refusal *r) {
        char repository[sizeof(((struct image_ref *)0)->repository) + 32];
        const char *mine = NULL;
        struct image_ref ref;
        uid_t owner;

        if (image_ref_parse(option, &ref, r))
                return r->reason;
        choice->source = IMAGE_OPTION;
        if (!ref.registry[0] && !strchr(ref.repository, '/') && !ref.digest[0]) {
                (void)snprintf(repository, sizeof(repository), "ds01-%lu/%s", (unsigned long)uid,
                               ref.repository);
                mine = find_own(own, repository, ref.tag);
        }
        if (mine)
                (void)str_copy(choice->reference, sizeof(choice->reference), mine);
        else
                image_ref_format(&ref, choice->reference, sizeof(choice->reference));
        if (image_is_personal(choice->reference, &owner) && owner != uid)
                return refuse(r, REFUSAL_IMAGE_FOREIGN, option);
        return 0;
}

int image_choose(const char *option, const char *project, const char *name, uid_t uid,
                 const char *const *own, const char *site_default, struct image_choice *ret,
                 struct refusal *r) {
        struct image_choice choice = { 0 };
        const char *found = NULL;

        if (option) {
                if (choose_option(option, uid, own, &choice, r))
                        return r->reason;
                *ret = choice;
                return 0;
        }
        if (project) {
                choice.source = IMAGE_PROJECT;
                found = find_project_image(own, project, uid);
        }
        if (!found) {
                choice.source = IMAGE_NAME;
                found = find_project_image(own, name, uid);
        }
        if (!found) {
                choice.source = IMAGE_NAME_PART;
                found = find_part(own, name, uid);
        }
        if (!found && site_default && site_default[0]) {
                choice.source = IMAGE_DEFAULT;
                found = site_default;
        }
        if (!found) {
                refuse_detail(r, REFUSAL_NO_SUCH_IMAGE, project ? project : name, "%s",
                              " among yours, and this site has no default image");
                (void)str_copy(r->extra, sizeof(r->extra),
                               "name one that is there (image-list --all): --image=IMAGE, or build "
                               "one: image-create");
                return r->reason;
        }
        (void)str_copy(choice.reference, sizeof(choice.reference), found);
        *ret = choice;
        return 0;
}

static bool same_host(const char *a, const char *b, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (to_lower(a[i]) != to_lower(b[i]))
                        return false;
        return a[n] == '\0';
}

bool registry_is_allowed(const struct image_ref *ref, const char *const *allowed) {
        const char *registry = ref->registry;
        char repository[sizeof(ref->repository) + sizeof("library/")];

        if (!registry[0] || strcmp(registry, "index.docker.io") == 0)
                registry = "docker.io";
        /* Docker Hub keeps its own images under a name that nobody types. */
        (void)snprintf(repository, sizeof(repository), "%s%s",
                       strcmp(registry, "docker.io") == 0 && !strchr(ref->repository, '/')
                               ? "library/" : "", ref->repository);
        for (; allowed && *allowed; allowed++) {
                const char *slash = strchr(*allowed, '/');
                size_t host = slash ? (size_t)(slash - *allowed) : strlen(*allowed), n;

                if (strcmp(*allowed, "*") == 0)
                        return true;
                if (!same_host(registry, *allowed, host))
                        continue;
                n = slash ? strlen(slash + 1) : 0;
                if (n > 0 && slash[n] == '/')
                        n--;
                if (n == 0 || (strncmp(repository, slash + 1, n) == 0 &&
                               (repository[n] == '/' || repository[n] == '\0')))
                        return true;
        }
        return false;
}
