/*
 * aws_json.h - requests to AWS services that speak JSON over POST / (Kinesis):
 * whose key signs, and the headers of one request.
 */
#ifndef NET_AWS_JSON_H
#define NET_AWS_JSON_H

#include "core/buf.h"

/* Borrowed from the environment, which nobody changes. */
struct aws_login {
    const char *access_key, *secret_key;
    const char *token;  /* NULL: none */
    const char *region; /* never NULL: "us-east-1" when nothing says */
};

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or
 * AWS_DEFAULT_REGION); the secrets are registered (core/secret.h).  ERR_INVALID
 * names what is not set. */
int aws_login_env(struct aws_login *ret, struct err *e) MUST_USE;

struct aws_call {
    const struct aws_login *login;
    const char *service; /* "kinesis" */
    const char *target;  /* "Kinesis_20131202.PutRecord" */
    const char *url;     /* "http://host:port/", without a query */
    struct slice body;
    int64_t now_us;
};
/* Lines "Name: value" with a NUL behind each, into heads (emptied first). */
int aws_json_heads(const struct aws_call *c, struct buf *heads,
                   struct err *e) MUST_USE;

#endif
