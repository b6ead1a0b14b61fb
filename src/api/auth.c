#include "api/auth.h"

#include <string.h>

#include "core/secret.h"
#include "core/text.h"

enum {
    TOKEN_MIN = 8,
};

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~') {
            return false;
        }
    }
    return s.len >= TOKEN_MIN;
}

static int add(struct auth *a, struct slice line, const char *path, int at,
               struct err *e)
{
    struct slice name = SLICE("token");
    struct slice token = line;
    size_t gap = 0;

    while (gap < line.len && line.ptr[gap] != ' ' && line.ptr[gap] != '\t') {
        gap++;
    }
    if (gap < line.len) {
        name = (struct slice){line.ptr, gap};
        token = slice_trim(slice_from(line, gap));
    }
    if (!is_token(token) || name.len > AUTH_NAME_MAX) {
        return err_set(e, ERR_INVALID,
                       "cannot use token file \"%s\": line %d: want \"TOKEN\" "
                       "or \"NAME TOKEN\", a token being %d or more "
                       "characters without blanks",
                       path, at, TOKEN_MIN);
    }
    if (a->n == AUTH_TOKENS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "cannot use token file \"%s\": more than %d tokens",
                       path, AUTH_TOKENS_MAX);
    }
    memcpy(a->tokens[a->n].name, name.ptr, name.len);
    a->tokens[a->n].name[name.len] = '\0';
    digest_sha256(token, a->tokens[a->n].digest);
    a->n++;
    return secret_register(token, e);
}

static int add_lines(struct auth *a, struct slice text, const char *path,
                     struct err *e)
{
    bool more = true;

    for (int at = 1; more; at++) {
        struct slice line;

        more = slice_cut(&text, '\n', &line);
        line = slice_trim(line);
        if (line.len > 0 && line.ptr[0] != '#' &&
            add(a, line, path, at, e) != 0) {
            return -1;
        }
    }
    if (a->n == 0) {
        return err_set(e, ERR_INVALID,
                       "cannot use token file \"%s\": it holds no token", path);
    }
    return 0;
}

int auth_load(struct auth *ret, const char *path, struct err *e)
{
    struct buf b;
    int rc;

    *ret = (struct auth){.n = 0};
    buf_init(&b, SECRET_FILE_MAX);
    rc = secret_read(path, &b, e);
    if (rc == 0) {
        rc = add_lines(ret, buf_slice(&b), path, e);
    }
    if (b.ptr != NULL) {
        secret_wipe(b.ptr, b.len);
    }
    buf_release(&b);
    return rc;
}

bool auth_check(const struct auth *a, struct slice header,
                struct slice *ret_name)
{
    struct slice scheme = SLICE("Bearer ");
    uint8_t digest[DIGEST_SHA256];
    bool found = false;

    if (header.len <= scheme.len ||
        !text_ascii_ieq((struct slice){header.ptr, scheme.len}, scheme)) {
        return false;
    }
    digest_sha256(slice_trim(slice_from(header, scheme.len)), digest);
    for (size_t i = 0; i < a->n; i++) {
        if (secret_equal((struct slice){(const char *)digest, sizeof(digest)},
                         (struct slice){(const char *)a->tokens[i].digest,
                                        sizeof(a->tokens[i].digest)})) {
            *ret_name = slice_of(a->tokens[i].name);
            found = true;
        }
    }
    return found;
}

bool auth_host_is_loopback(struct slice host)
{
    struct slice name = host;
    size_t digits = 0;

    if (host.len > 0 && host.ptr[0] == '[') {
        return slice_starts(host, SLICE("[::1]")) &&
               (host.len == 5 || host.ptr[5] == ':');
    }
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == ':') {
            name.len = i;
            break;
        }
    }
    if (text_ascii_ieq(name, SLICE("localhost"))) {
        return true;
    }
    if (!slice_starts(name, SLICE("127."))) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9')) {
            return false;
        }
        digits += name.ptr[i] == '.' ? 0 : 1;
    }
    return digits >= 4 && digits <= 12;
}
