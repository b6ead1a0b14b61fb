/*
 * aws_auth.h - whose signature a request carries (AWS Signature Version 4).
 *
 * Keys come from a file of lines "ACCESS_KEY SECRET_KEY"; the secrets stay in
 * memory, wiped at the end, and are never printed.  Checking may be done by
 * any thread.
 */
#ifndef API_AWS_AUTH_H
#define API_AWS_AUTH_H

#include "api/server.h"

enum {
    AWS_KEYS_MAX = 64,
    AWS_KEY_TEXT = 129,
};

struct aws_keys {
    size_t n; /* 0: signatures are not checked */
    struct {
        char access[AWS_KEY_TEXT];
        char secret[AWS_KEY_TEXT];
    } keys[AWS_KEYS_MAX];
};

/* ERR_DENIED when others may read the file, ERR_INVALID with the line. */
int aws_keys_load(struct aws_keys *ret, const char *path,
                  struct err *e) MUST_USE;
void aws_keys_release(struct aws_keys *k);

/* Why a request was refused: AWS's name of it; NULL: it was not. */
struct aws_verdict {
    const char *fault;
    struct err why;
    struct slice access_key; /* whose it is, borrowed from the keys */
};
/* Check the header Authorization against the body, within handle(). */
void aws_check(const struct aws_keys *k, struct http_request *r,
               const char *service, int64_t now_us, struct aws_verdict *ret);

#endif
