/* Generated passwd and group files. */
#include "daemon/identity.h"

#include "base/fd.h"
#include "base/str.h"
#include "daemon/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char probe_label[] = "ds01.probe";

void identity_login(const struct person_entry *who, char *dst, size_t size) {
        size_t n = 0;

        for (const char *p = who->name; *p && *p != '@' && n < 32 && n + 1 < size; p++) {
                char c = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
                bool letter = (c >= 'a' && c <= 'z') || c == '_';
                bool inner = letter || (c >= '0' && c <= '9') || c == '-';

                dst[n] = (n == 0 ? letter : inner) ? c : '_';
                n++;
        }
        dst[n] = '\0';
        if (n == 0)
                snprintf(dst, size, "u%u", who->uid);
}

static bool all_digits(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        return n > 0;
}

/* As the readers of such files take numbers: with zeros, blanks or a sign in front. */
static bool is_number(const char *s, size_t n, unsigned wanted) {
        unsigned long long value = 0;
        size_t i = 0;

        while (i < n && strchr(" \t\v\f\r+", s[i]))
                i++;
        if (i == n)
                return false;
        for (; i < n && s[i] >= '0' && s[i] <= '9' && value <= UINT32_MAX; i++)
                value = value * 10 + (unsigned)(s[i] - '0');
        return value == wanted;
}

/* Copies the lines of @text but those that say something about @login or @id, and those that
 * readers could take differently: blanks around a name (some cut them off) and names of digits. */
static void copy_lines(const char *text, const char *login, unsigned id, struct buf *out) {
        while (*text) {
                size_t n = strcspn(text, "\n"), name = strcspn(text, ":\n");
                const char *second = text + name + (text[name] == ':');
                size_t password = strcspn(second, ":\n");
                const char *third = second + password + (second[password] == ':');
                size_t number = strcspn(third, ":\n");
                bool plain = strcspn(text, " \t\v\f\r") >= name && !all_digits(text, name);
                bool same_name = strlen(login) == name && memcmp(text, login, name) == 0;

                if (n > 0 && plain && !same_name && !is_number(third, number, id) &&
                    utf8_valid(text, n) && !memchr(text, '\r', n)) {
                        buf_add(out, text, n);
                        buf_addc(out, '\n');
                }
                text += n + (text[n] == '\n');
        }
}

int identity_passwd(const char *image_passwd, const struct person_entry *who, struct buf *out) {
        char login[64];

        identity_login(who, login, sizeof(login));
        copy_lines(image_passwd, login, who->uid, out);
        buf_addf(out, "%s:x:%u:%u::/home/%s:/bin/sh\n", login, who->uid, who->gid, login);
        return out->failed ? -ENOBUFS : 0;
}

int identity_group(const char *image_group, const struct person_entry *who, struct buf *out) {
        char login[64];

        identity_login(who, login, sizeof(login));
        copy_lines(image_group, login, who->gid, out);
        buf_addf(out, "%s:x:%u:\n", login, who->gid);
        return out->failed ? -ENOBUFS : 0;
}

/* Reads the image's two files by way of a container that is never started. A file that the image
 * lacks, or that is no regular file there, counts as empty. */
static int read_image(struct engine *e, const char *image_id, struct buf *passwd, struct buf *group,
                      struct engine_error *err) {
        static const char *const entrypoint[] = { "/none", NULL };
        char nonce[NONCE_SIZE], name[64], id[ENGINE_ID_SIZE];
        struct engine_label label = { .key = probe_label, .value = "1" };
        struct engine_container_spec spec = { .name = name,
                                              .image = image_id,
                                              .user = "65534:65534",
                                              .entrypoint = entrypoint,
                                              .labels = &label,
                                              .nlabels = 1,
                                              .disable_healthcheck = true };
        struct engine_error ignored;
        int r;

        *err = (struct engine_error){ 0 };
        r = nonce_make(nonce);
        if (r < 0)
                return r;
        snprintf(name, sizeof(name), "ds01-probe-%.16s", nonce);
        if (engine_container_create(e, &spec, id, err) < 0)
                return -EIO;
        if (engine_container_read_file(e, id, "/etc/passwd", passwd, err) < 0 && !err->definite)
                r = -EIO;
        if (r == 0 && engine_container_read_file(e, id, "/etc/group", group, err) < 0 &&
            !err->definite)
                r = -EIO;
        engine_container_remove(e, id, true, &ignored);
        return r;
}

static void image_dir(const char *state_dir, const char *image_id, char *dst, size_t size) {
        const char *hex = strchr(image_id, ':');

        snprintf(dst, size, "%s/identity/%.64s", state_dir, hex ? hex + 1 : image_id);
}

static int write_file(const char *path, const struct buf *b) {
        return file_write_atomic(path, 0644, buf_str(b), b->len);
}

/* The image's own files, kept as image.passwd and image.group. */
static int ensure_image_files(struct engine *e, const char *dir, const char *image_id,
                              struct buf *passwd, struct buf *group,
                              struct engine_error *engine_error) {
        char passwd_path[IDENTITY_PATH_SIZE + 16], group_path[IDENTITY_PATH_SIZE + 16];
        int r;

        snprintf(passwd_path, sizeof(passwd_path), "%s/image.passwd", dir);
        snprintf(group_path, sizeof(group_path), "%s/image.group", dir);
        if (file_read(passwd_path, passwd) == 0 && file_read(group_path, group) == 0)
                return 0;
        buf_reset(passwd);
        buf_reset(group);
        r = read_image(e, image_id, passwd, group, engine_error);
        if (r == 0)
                r = write_file(group_path, group);
        return r < 0 ? r : write_file(passwd_path, passwd);
}

static void name_files(const char *dir, const struct person_entry *who,
                       struct identity_files *ret) {
        char login[64];

        identity_login(who, login, sizeof(login));
        snprintf(ret->passwd, sizeof(ret->passwd), "%s/%u.%u.%s.passwd", dir, who->uid, who->gid,
                 login);
        snprintf(ret->group, sizeof(ret->group), "%s/%u.%u.%s.group", dir, who->uid, who->gid,
                 login);
}

void identity_pattern(const char *state_dir, const struct person_entry *who,
                      struct identity_files *ret) {
        char dir[IDENTITY_PATH_SIZE - 64];

        image_dir(state_dir, "*", dir, sizeof(dir));
        name_files(dir, who, ret);
}

int identity_prepare(struct engine *e, const char *state_dir, const char *image_id,
                     const struct person_entry *who, struct identity_files *ret,
                     struct engine_error *engine_error, struct err *err) {
        _cleanup_buf_ struct buf image_passwd = BUF_INIT(IDENTITY_FILE_MAX);
        _cleanup_buf_ struct buf image_group = BUF_INIT(IDENTITY_FILE_MAX);
        _cleanup_buf_ struct buf passwd = BUF_INIT(IDENTITY_FILE_MAX + 4096);
        _cleanup_buf_ struct buf group = BUF_INIT(IDENTITY_FILE_MAX + 4096);
        char dir[IDENTITY_PATH_SIZE - 64];
        struct stat st;
        int r;

        *engine_error = (struct engine_error){ 0 };
        image_dir(state_dir, image_id, dir, sizeof(dir));
        name_files(dir, who, ret);
        if (stat(ret->passwd, &st) == 0 && stat(ret->group, &st) == 0)
                return 0;
        r = dir_make(dir, 0711);
        if (r == 0)
                r = ensure_image_files(e, dir, image_id, &image_passwd, &image_group, engine_error);
        if (r == 0)
                r = identity_passwd(buf_str(&image_passwd), who, &passwd);
        if (r == 0)
                r = identity_group(buf_str(&image_group), who, &group);
        if (r == 0)
                r = write_file(ret->group, &group);
        if (r == 0)
                r = write_file(ret->passwd, &passwd);
        if (r < 0)
                return err_set(err, -r, "can't prepare the user's name for image %.19s: %s",
                               image_id,
                               engine_error->message[0] ? engine_error->message : strerror(-r));
        return 0;
}
