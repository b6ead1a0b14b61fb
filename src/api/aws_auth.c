#include "api/aws_auth.h"

#include <string.h>

#include "core/secret.h"
#include "net/sigv4.h"

enum {
    CLOCK_OFF_US = 900000000, /* 15 minutes, as AWS allows */
};

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~') {
            return false;
        }
    }
    return s.len > 0 && s.len < AWS_KEY_TEXT;
}

static int add(struct aws_keys *k, struct slice line, const char *path, int at,
               struct err *e)
{
    struct slice access;
    struct slice secret = line;

    (void)slice_cut(&secret, ' ', &access);
    secret = slice_trim(secret);
    if (!is_word(access) || !is_word(secret)) {
        return err_set(e, ERR_INVALID,
                       "cannot use keys file \"%s\": line %d: want "
                       "\"ACCESS_KEY SECRET_KEY\"",
                       path, at);
    }
    if (k->n == AWS_KEYS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "cannot use keys file \"%s\": more than %d keys", path,
                       AWS_KEYS_MAX);
    }
    memcpy(k->keys[k->n].access, access.ptr, access.len);
    k->keys[k->n].access[access.len] = '\0';
    memcpy(k->keys[k->n].secret, secret.ptr, secret.len);
    k->keys[k->n].secret[secret.len] = '\0';
    k->n++;
    return secret_register(secret, e);
}

int aws_keys_load(struct aws_keys *ret, const char *path, struct err *e)
{
    struct slice text;
    struct slice line;
    struct buf b;
    bool more = true;
    int rc;

    ret->n = 0;
    buf_init(&b, SECRET_FILE_MAX);
    rc = secret_read(path, &b, e);
    text = buf_slice(&b);
    for (int at = 1; rc == 0 && more; at++) {
        more = slice_cut(&text, '\n', &line);
        line = slice_trim(line);
        if (line.len > 0 && line.ptr[0] != '#') {
            rc = add(ret, line, path, at, e);
        }
    }
    if (rc == 0 && ret->n == 0) {
        rc = err_set(e, ERR_INVALID,
                     "cannot use keys file \"%s\": it holds no key", path);
    }
    if (b.ptr != NULL) {
        secret_wipe(b.ptr, b.len);
    }
    buf_release(&b);
    return rc;
}

void aws_keys_release(struct aws_keys *k)
{
    secret_wipe(k, sizeof(*k));
}

static void fault(struct aws_verdict *v, const char *name, const char *words)
{
    v->fault = name;
    (void)err_set(&v->why, ERR_DENIED, "%s", words);
}

/* The headers that the signature says it covers. */
static size_t collect(struct http_request *r, struct slice names,
                      struct sigv4_header *headers)
{
    size_t n = 0;
    bool more = names.len > 0;

    while (more && n < SIGV4_HEADERS_MAX) {
        struct slice name;
        struct slice copy;

        more = slice_cut(&names, ';', &name);
        if (arena_copy(&r->arena, name, &copy, NULL) == 0 &&
            server_header(r, copy.ptr, &headers[n].value)) {
            headers[n++].name = copy;
        }
    }
    return n;
}

static const char *secret_of(const struct aws_keys *k, struct slice access,
                             struct slice *ret_access)
{
    for (size_t i = 0; i < k->n; i++) {
        if (slice_is(access, k->keys[i].access)) {
            *ret_access = slice_of(k->keys[i].access);
            return k->keys[i].secret;
        }
    }
    return NULL;
}

/* The time of the request, close to ours. */
static bool check_time(struct http_request *r, struct sigv4_auth *auth,
                       int64_t now_us, struct aws_verdict *v)
{
    struct slice date;
    int64_t at;

    if (!server_header(r, "X-Amz-Date", &date) ||
        !sigv4_time_parse(date, &at)) {
        fault(v, "IncompleteSignatureException",
              "Authorization header requires existence of either a "
              "'X-Amz-Date' or a 'Date' header.");
        return false;
    }
    sigv4_time(at, auth->scope.time);
    if (at < now_us - CLOCK_OFF_US || at > now_us + CLOCK_OFF_US) {
        char now[SIGV4_TIME];

        sigv4_time(now_us, now);
        v->fault = "InvalidSignatureException";
        (void)err_set(&v->why, ERR_DENIED,
                      "Signature %s: %s is more than 15 minutes from this "
                      "server's time %s",
                      at < now_us ? "expired" : "not yet current",
                      auth->scope.time, now);
        return false;
    }
    return true;
}

static void check_signature(const struct aws_keys *k, struct http_request *r,
                            struct sigv4_auth *auth, struct aws_verdict *v)
{
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    struct sigv4_request s = {
        .method = SLICE("POST"), .path = r->path, .query = r->query};
    char hash[SIGV4_HEX];
    const char *secret = secret_of(k, auth->scope.access_key, &v->access_key);

    if (secret == NULL) {
        fault(v, "UnrecognizedClientException",
              "The security token included in the request is invalid.");
        return;
    }
    sigv4_hash(r->body, hash);
    s.payload_hash = slice_of(hash);
    s.headers = headers;
    s.nheaders = collect(r, auth->signed_names, headers);
    if (sigv4_verify(&s, auth, slice_of(secret), &v->why) != 0) {
        fault(v, "InvalidSignatureException",
              "The request signature we calculated does not match the "
              "signature you provided. Check your AWS Secret Access Key and "
              "signing method. Consult the service documentation for "
              "details.");
    }
}

void aws_check(const struct aws_keys *k, struct http_request *r,
               const char *service, int64_t now_us, struct aws_verdict *ret)
{
    struct sigv4_auth auth;
    struct slice header;

    *ret = (struct aws_verdict){.fault = NULL};
    if (!server_header(r, "Authorization", &header)) {
        fault(ret, "MissingAuthenticationTokenException",
              "Missing Authentication Token");
    } else if (sigv4_parse(header, &auth, &ret->why) != 0) {
        ret->fault = "IncompleteSignatureException";
    } else if (!slice_is(auth.scope.service, service)) {
        ret->fault = "InvalidSignatureException";
        (void)err_set(&ret->why, ERR_DENIED,
                      "Credential should be scoped to correct service: '%s'.",
                      service);
    } else if (check_time(r, &auth, now_us, ret)) {
        check_signature(k, r, &auth, ret);
    }
}
