/*
 * sigv4.h - AWS Signature Version 4: for those who sign a request and for
 * those who check one.
 *
 * Both sides write the same canonical request; pure functions, nothing is
 * kept.  A path is taken as it stands on the wire and must be encoded as
 * url_escape() does, but for its '/'; a query is decoded and encoded anew, so
 * any spelling of it will do.
 */
#ifndef NET_SIGV4_H
#define NET_SIGV4_H

#include "core/buf.h"

enum {
    SIGV4_HEX = 65,         /* 64 hex digits and NUL */
    SIGV4_TIME = 17,        /* "20130524T000000Z" and NUL */
    SIGV4_HEADERS_MAX = 64, /* of one request */
    SIGV4_PARAMS_MAX = 64
};

struct sigv4_header {
    struct slice name; /* any case */
    struct slice value;
};

/* What is signed of a request. */
struct sigv4_request {
    struct slice method;
    struct slice path;  /* "/" when empty */
    struct slice query; /* without '?' */
    const struct sigv4_header *headers;
    size_t nheaders;
    struct slice payload_hash; /* hex, or UNSIGNED-PAYLOAD */
};

/* Whose signature, for what, and when. */
struct sigv4_scope {
    struct slice access_key;
    struct slice region;
    struct slice service;
    char time[SIGV4_TIME];
};

void sigv4_time(int64_t us, char ret[SIGV4_TIME]);
/* False when it is no such time. */
bool sigv4_time_parse(struct slice text, int64_t *ret_us);
void sigv4_hash(struct slice bytes, char ret[SIGV4_HEX]);

/* Append the canonical request; `signed_names` ("host;x-amz-date", as in the
 * header Authorization) says which headers count, empty: all.  ERR_MALFORMED
 * when a name among them is not in the request, or a query cannot be read. */
int sigv4_canonical(const struct sigv4_request *r, struct slice signed_names,
                    struct buf *b, struct err *e) MUST_USE;
/* The signature of a canonical request, in hex. */
void sigv4_signature(const struct sigv4_scope *s, struct slice secret,
                     struct slice canonical, char ret[SIGV4_HEX]);

/* Append the value of the header Authorization for a request whose headers
 * (host, x-amz-date, x-amz-content-sha256, ...) are all signed. */
int sigv4_sign(const struct sigv4_request *r, const struct sigv4_scope *s,
               struct slice secret, struct buf *b, struct err *e) MUST_USE;

/* The header Authorization, taken apart; slices borrow from it.  scope.time
 * is empty but for its date, as the rest stands in x-amz-date. */
struct sigv4_auth {
    struct sigv4_scope scope;
    struct slice date;         /* 8 digits */
    struct slice signed_names; /* "host;x-amz-date" */
    struct slice signature;
};

/* ERR_MALFORMED says what is missing. */
int sigv4_parse(struct slice authorization, struct sigv4_auth *ret,
                struct err *e) MUST_USE;
/* Whether the signature is right: a->scope.time is filled in from x-amz-date,
 * which must be of a->date.  ERR_DENIED when it differs; how far the clock may
 * be off is for the caller to judge.  The comparison's time says nothing. */
int sigv4_verify(const struct sigv4_request *r, const struct sigv4_auth *a,
                 struct slice secret, struct err *e) MUST_USE;

#endif
