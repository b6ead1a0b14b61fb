#include "net/aws_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/secret.h"
#include "net/sigv4.h"
#include "net/url.h"

#define JSON_TYPE "application/x-amz-json-1.1"

enum {
    HOST_TEXT = 300,
    AUTHORIZATION_MAX = 4096,
};

static const char *env(const char *name)
{
    const char *text = getenv(name);

    return text != NULL && text[0] != '\0' ? text : NULL;
}

int aws_login_env(struct aws_login *ret, struct err *e)
{
    const char *region = env("AWS_REGION");

    *ret = (struct aws_login){.access_key = env("AWS_ACCESS_KEY_ID"),
                              .secret_key = env("AWS_SECRET_ACCESS_KEY"),
                              .token = env("AWS_SESSION_TOKEN"),
                              .region = region};
    if (ret->region == NULL) {
        ret->region = env("AWS_DEFAULT_REGION");
    }
    if (ret->region == NULL) {
        ret->region = "us-east-1";
    }
    if (ret->access_key == NULL || ret->secret_key == NULL) {
        return err_set(e, ERR_INVALID,
                       "calls of Kinesis are signed: set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY");
    }
    if (secret_register(slice_of(ret->secret_key), e) != 0) {
        return -1;
    }
    return ret->token != NULL ? secret_register(slice_of(ret->token), e) : 0;
}

static int put_host(const char *address, char host[HOST_TEXT], struct url *u,
                    struct err *e)
{
    if (url_parse(u, slice_of(address), e) != 0) {
        return -1;
    }
    if (u->host.len > HOST_TEXT - 16) {
        return err_set(e, ERR_LIMIT, "the host of \"%s\" is too long", address);
    }
    if (u->has_port) {
        (void)snprintf(host, HOST_TEXT, "%s%.*s%s:%d", u->ipv6 ? "[" : "",
                       SLICE_FMT(u->host), u->ipv6 ? "]" : "", (int)u->port);
    } else {
        (void)snprintf(host, HOST_TEXT, "%s%.*s%s", u->ipv6 ? "[" : "",
                       SLICE_FMT(u->host), u->ipv6 ? "]" : "");
    }
    return 0;
}

static int put_line(struct buf *b, const char *name, const char *value,
                    struct err *e)
{
    return buf_putf(b, e, "%s: %s", name, value) != 0 ? -1
                                                      : buf_putc(b, '\0', e);
}

int aws_json_heads(const struct aws_call *c, struct buf *heads, struct err *e)
{
    const struct aws_login *l = c->login;
    struct sigv4_scope scope = {.access_key = slice_of(l->access_key),
                                .region = slice_of(l->region),
                                .service = slice_of(c->service)};
    struct sigv4_header headers[5];
    struct sigv4_request r = {.method = SLICE("POST"), .headers = headers};
    char hash[SIGV4_HEX];
    char host[HOST_TEXT];
    const char *text;
    struct buf line;
    struct url u;
    int rc;

    if (put_host(c->url, host, &u, e) != 0) {
        return -1;
    }
    sigv4_hash(c->body, hash);
    sigv4_time(c->now_us, scope.time);
    headers[r.nheaders++] =
        (struct sigv4_header){SLICE("content-type"), SLICE(JSON_TYPE)};
    headers[r.nheaders++] =
        (struct sigv4_header){SLICE("host"), slice_of(host)};
    headers[r.nheaders++] =
        (struct sigv4_header){SLICE("x-amz-date"), slice_of(scope.time)};
    if (l->token != NULL) {
        headers[r.nheaders++] = (struct sigv4_header){
            SLICE("x-amz-security-token"), slice_of(l->token)};
    }
    headers[r.nheaders++] =
        (struct sigv4_header){SLICE("x-amz-target"), slice_of(c->target)};
    r.path = u.path;
    r.payload_hash = slice_of(hash);
    buf_clear(heads);
    buf_init(&line, AUTHORIZATION_MAX);
    rc = sigv4_sign(&r, &scope, slice_of(l->secret_key), &line, e) != 0 ||
                 buf_text(&line, &text, e) != 0 ||
                 put_line(heads, "Authorization", text, e) != 0 ||
                 put_line(heads, "Content-Type", JSON_TYPE, e) != 0 ||
                 put_line(heads, "X-Amz-Date", scope.time, e) != 0 ||
                 put_line(heads, "X-Amz-Target", c->target, e) != 0 ||
                 (l->token != NULL &&
                  put_line(heads, "X-Amz-Security-Token", l->token, e) != 0)
             ? -1
             : 0;
    buf_release(&line);
    return rc;
}
