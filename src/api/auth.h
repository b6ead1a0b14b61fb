/*
 * auth.h - who may speak: bearer tokens, the Host header, origins.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "core/digest.h"
#include "core/err.h"
#include "core/slice.h"

enum {
    AUTH_TOKENS_MAX = 64,
    AUTH_NAME_MAX = 63,
};

struct auth {
    size_t n; /* 0: no token is asked for */
    struct {
        char name[AUTH_NAME_MAX + 1];
        uint8_t digest[DIGEST_SHA256];
    } tokens[AUTH_TOKENS_MAX];
};

/*
 * Lines "TOKEN" or "NAME TOKEN", '#' begins a comment.  ERR_DENIED when
 * others may read the file, ERR_INVALID with the line, never with a token.
 */
int auth_load(struct auth *ret, const char *path, struct err *e) MUST_USE;
/* The value of an Authorization header; *ret_name is a's. All tokens are
 * compared in full, so that time tells nothing. */
bool auth_check(const struct auth *a, struct slice header,
                struct slice *ret_name);
/* Whether a Host header names this machine's loopback (port or none): a page
 * whose name was re-bound to 127.0.0.1 sends its own name. */
bool auth_host_is_loopback(struct slice host);

#endif
