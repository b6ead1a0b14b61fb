/*
 * s3_ask.c - one signed request, as often as it takes, and what servers say
 * when they refuse.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/num.h"
#include "core/rand.h"
#include "net/url.h"
#include "net/xml.h"
#include "store/s3_int.h"

enum {
    OWN_HEADERS = 5, /* host, hash, date, token, authorization */
    REASON_MAX = 200
};

int s3_param(struct buf *b, const char *name, const char *value, struct err *e)
{
    if ((b->len > 0 && buf_putc(b, '&', e) < 0) ||
        url_escape(b, slice_of(name), e) < 0 || buf_putc(b, '=', e) < 0) {
        return -1;
    }
    return url_escape(b, slice_of(value), e);
}

bool s3_element(struct s3 *s, struct slice xml, const char *path, char *text,
                size_t size)
{
    struct xml_event v;
    struct xml x;
    size_t n = 0;
    bool found = false;

    xml_init(&x, xml, &s->scratch);
    while (xml_next(&x, &v, NULL) == 1) {
        bool here = xml_is_at(&x, path);

        if (here && v.kind == XML_OPEN) {
            found = true;
        } else if (here && v.kind == XML_TEXT) {
            if (n + v.text.len >= size) {
                return false;
            }
            memcpy(text + n, v.text.ptr, v.text.len);
            n += v.text.len;
        } else if (found && !here) {
            break;
        }
    }
    text[n] = '\0';
    return found;
}

/* --- the request ----------------------------------------------------------------- */

/* The address; *ret_path is where its path begins. */
static int put_address(struct s3 *s, const struct s3_ask *a, size_t *ret_path,
                       struct err *e)
{
    struct buf *b = &s->url;
    struct slice rest;
    struct slice part;
    bool more = a->key != NULL;

    buf_clear(b);
    if (buf_puts(b, s->base, e) < 0) {
        return -1;
    }
    *ret_path = b->len;
    if (!s->host_style &&
        (buf_putc(b, '/', e) < 0 || buf_puts(b, s->bucket, e) < 0)) {
        return -1;
    }
    if ((s->host_style || a->key != NULL) && buf_putc(b, '/', e) < 0) {
        return -1;
    }
    if (more) {
        buf_clear(&s->scratch);
        if (buf_puts(&s->scratch, s->prefix, e) < 0 ||
            buf_puts(&s->scratch, a->key, e) < 0) {
            return -1;
        }
    }
    rest = buf_slice(&s->scratch);
    while (more) {
        more = slice_cut(&rest, '/', &part);
        if (url_escape(b, part, e) < 0 || (more && buf_putc(b, '/', e) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int put_header(struct s3 *s, const char *name, struct slice value,
                      struct err *e)
{
    return buf_putf(&s->heads, e, "%s: %.*s", name, SLICE_FMT(value)) < 0
               ? -1
               : buf_putc(&s->heads, '\0', e);
}

/* The signature's headers and the asked ones, as lines in s->heads. */
static int put_headers(struct s3 *s, const struct s3_ask *a,
                       const struct sigv4_request *r,
                       const struct sigv4_scope *scope, struct err *e)
{
    buf_clear(&s->auth);
    buf_clear(&s->heads);
    if (sigv4_sign(r, scope, slice_of(s->secret), &s->auth, e) < 0 ||
        put_header(s, "Authorization", buf_slice(&s->auth), e) < 0 ||
        put_header(s, "x-amz-date", slice_of(scope->time), e) < 0 ||
        put_header(s, "x-amz-content-sha256", r->payload_hash, e) < 0 ||
        (s->token != NULL &&
         put_header(s, "x-amz-security-token", slice_of(s->token), e) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < S3_MORE_MAX && a->more[i].name.len > 0; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "%.*s", SLICE_FMT(a->more[i].name));
        if (put_header(s, name, a->more[i].value, e) < 0) {
            return -1;
        }
    }
    /* libcurl would send one of its own */
    return put_header(s, "Content-Type", SLICE("application/octet-stream"), e);
}

static int sign(struct s3 *s, const struct s3_ask *a, struct slice path,
                const char *hash, struct err *e)
{
    struct sigv4_header signed_headers[S3_MORE_MAX + OWN_HEADERS] = {
        {SLICE("host"), slice_of(s->host)},
        {SLICE("x-amz-content-sha256"), slice_of(hash)}};
    struct sigv4_scope scope = {.access_key = slice_of(s->access_key),
                                .region = slice_of(s->region),
                                .service = SLICE("s3")};
    struct sigv4_request r = {.method = slice_of(a->method),
                              .path = path,
                              .query = a->query,
                              .headers = signed_headers,
                              .payload_hash = slice_of(hash)};
    size_t n = 2;

    sigv4_time(clock_wall_us() + s->clock_offset_us, scope.time);
    signed_headers[n++] =
        (struct sigv4_header){SLICE("x-amz-date"), slice_of(scope.time)};
    if (s->token != NULL) {
        signed_headers[n++] = (struct sigv4_header){
            SLICE("x-amz-security-token"), slice_of(s->token)};
    }
    for (size_t i = 0; i < S3_MORE_MAX && a->more[i].name.len > 0; i++) {
        signed_headers[n++] = a->more[i];
    }
    r.nheaders = n;
    return put_headers(s, a, &r, &scope, e);
}

/* One try: *ret_reached as http_answer.reached. */
static int ask_once(struct s3 *s, const struct s3_ask *a, const char *hash,
                    struct http_answer *ret, bool *ret_reached, struct err *e)
{
    struct http_request r = {.method = a->method, .body = a->body};
    bool any = false;
    size_t at = 0;
    size_t path;

    *ret_reached = false;
    s->status = 0;
    s->code[0] = '\0';
    if (put_address(s, a, &path, e) < 0 ||
        sign(s, a, slice_from(buf_slice(&s->url), path), hash, e) < 0 ||
        (a->query.len > 0 && (buf_putc(&s->url, '?', e) < 0 ||
                              buf_append(&s->url, a->query, e) < 0)) ||
        buf_text(&s->url, &r.url, e) < 0) {
        return -1;
    }
    for (size_t i = 0; at < s->heads.len; i++) {
        r.headers[i] = s->heads.ptr + at;
        at += strlen(r.headers[i]) + 1;
    }
    if (http_client_start(s->http, &r, e) < 0) {
        return -1;
    }
    while (!any) {
        if (http_client_wait(s->http, 1000000, ret, &any, e) < 0) {
            return -1;
        }
    }
    *ret_reached = ret->reached;
    s->status = ret->status;
    if (ret->status == 0) {
        if (e != NULL) {
            *e = ret->err;
        }
        return -1;
    }
    return 0;
}

/* --- what a refusal means --------------------------------------------------------- */

static int say_skew(struct s3 *s, const struct http_answer *a, struct err *e)
{
    char theirs[48] = "";
    char ours[CLOCK_TEXT_MAX];
    struct slice date;

    if (!s3_element(s, a->body, "Error/ServerTime", theirs, sizeof(theirs)) &&
        http_answer_header(a, "Date", &date)) {
        (void)snprintf(theirs, sizeof(theirs), "%.*s",
                       date.len > 40 ? 40 : SLICE_FMT(date));
    }
    (void)clock_iso((clock_wall_us() + s->clock_offset_us) / 1000000 * 1000000,
                    ours);
    return err_set(e, ERR_DENIED,
                   "the clocks differ too much for a signature "
                   "(RequestTimeTooSkewed): here it is %s, at the server %s; "
                   "set this machine's clock, by NTP for example",
                   ours, theirs[0] != '\0' ? theirs : "another time");
}

static int say_denied(struct s3 *s, const char *reason, struct err *e)
{
    if (strcmp(s->code, "SignatureDoesNotMatch") == 0) {
        return err_set(e, ERR_DENIED,
                       "the server at %s refused the signature "
                       "(SignatureDoesNotMatch): the secret key does not "
                       "belong to access key \"%.4s...\"; correct "
                       "AWS_SECRET_ACCESS_KEY or the profile",
                       s->host, s->access_key);
    }
    if (strcmp(s->code, "InvalidAccessKeyId") == 0 ||
        strcmp(s->code, "XAdminUserNotFound") == 0) { /* versitygw's word */
        return err_set(e, ERR_DENIED,
                       "the server at %s does not know access key \"%.4s...\" "
                       "(InvalidAccessKeyId); correct AWS_ACCESS_KEY_ID or the "
                       "profile",
                       s->host, s->access_key);
    }
    if (strcmp(s->code, "ExpiredToken") == 0 ||
        strcmp(s->code, "InvalidToken") == 0) {
        return err_set(e, ERR_DENIED,
                       "the server at %s does not take the session token of "
                       "access key \"%.4s...\" (%s); get new session "
                       "credentials (AWS_SESSION_TOKEN)",
                       s->host, s->access_key, s->code);
    }
    return err_set(e, ERR_DENIED,
                   "access key \"%.4s...\" may not do this in bucket \"%s\" at "
                   "%s (%s): %s; give it s3:ListBucket, s3:GetObject, "
                   "s3:PutObject and s3:DeleteObject",
                   s->access_key, s->bucket, s->host,
                   s->code[0] != '\0' ? s->code : "403", reason);
}

/* 301, or 400 AuthorizationHeaderMalformed: another region's bucket. */
static int say_region(struct s3 *s, const struct http_answer *a, struct err *e)
{
    char region[48] = "";
    struct slice header;

    if (http_answer_header(a, "x-amz-bucket-region", &header)) {
        (void)snprintf(region, sizeof(region), "%.*s",
                       header.len > 40 ? 40 : SLICE_FMT(header));
    } else {
        (void)s3_element(s, a->body, "Error/Region", region, sizeof(region));
    }
    return err_set(e, ERR_INVALID,
                   "bucket \"%s\" is not in region \"%s\"%s%s%s; set s3.region "
                   "or AWS_REGION",
                   s->bucket, s->region, region[0] != '\0' ? " but in \"" : "",
                   region, region[0] != '\0' ? "\"" : "");
}

/* 404, 409, 412 and other codes that have a meaning of their own. */
static int say_known(struct s3 *s, const char *reason, struct err *e)
{
    if (s->status == 412) {
        return err_set(e, ERR_EXISTS, "the object exists already");
    }
    if (strcmp(s->code, "NoSuchBucket") == 0) {
        return err_set(e, ERR_INVALID,
                       "bucket \"%s\" does not exist at %s; create it, or "
                       "correct the name",
                       s->bucket, s->host);
    }
    /* an answer to HEAD has no code; any other 404 is no absent object */
    if (s->status == 404 &&
        (s->code[0] == '\0' || strcmp(s->code, "NoSuchKey") == 0 ||
         strcmp(s->code, "NotFound") == 0)) {
        return err_set(e, ERR_NOTFOUND, "there is no such object");
    }
    if (s->status == 501) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the server at %s cannot do this (%s): %s", s->host,
                       s->code, reason);
    }
    return err_set(e, ERR_INVALID,
                   "the server at %s refused the request (%d %s): %s", s->host,
                   s->status, s->code, reason);
}

/* Worth another try, and then as what. */
static enum err_code passing(const struct s3 *s)
{
    static const struct {
        const char *code;
        enum err_code as;
    } codes[] = {{"ConditionalRequestConflict", ERR_CONFLICT},
                 {"OperationAborted", ERR_CONFLICT},
                 {"RequestTimeout", ERR_TIMEOUT},
                 {"SlowDown", ERR_BUSY},
                 {"ServiceUnavailable", ERR_BUSY},
                 {"Throttling", ERR_BUSY},
                 {"InternalError", ERR_IO}};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (strcmp(s->code, codes[i].code) == 0) {
            return codes[i].as;
        }
    }
    return s->status == 429 || s->status == 503   ? ERR_BUSY
           : s->status == 408                     ? ERR_TIMEOUT
           : s->status >= 500 && s->status != 501 ? ERR_IO
                                                  : ERR_NONE;
}

/* Codes that servers send with one status or another. */
static bool is_about_keys(const char *code)
{
    static const char *const codes[] = {
        "AccessDenied", "ExpiredToken",          "InvalidAccessKeyId",
        "InvalidToken", "SignatureDoesNotMatch", "XAdminUserNotFound"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (strcmp(code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse(struct s3 *s, const struct http_answer *a, struct err *e)
{
    char reason[REASON_MAX] = "";
    enum err_code again;

    (void)s3_element(s, a->body, "Error/Code", s->code, sizeof(s->code));
    (void)s3_element(s, a->body, "Error/Message", reason, sizeof(reason));
    again = passing(s);
    if (again != ERR_NONE) {
        return err_set(e, again, "the server at %s is in trouble (%d %s): %s",
                       s->host, s->status, s->code, reason);
    }
    if (strcmp(s->code, "RequestTimeTooSkewed") == 0) {
        return say_skew(s, a, e);
    }
    if (s->status == 401 || s->status == 403 || is_about_keys(s->code)) {
        return say_denied(s, reason, e);
    }
    if ((s->status >= 300 && s->status < 400 && s->status != 304) ||
        strcmp(s->code, "AuthorizationHeaderMalformed") == 0) {
        return say_region(s, a, e);
    }
    return say_known(s, reason, e);
}

int s3_ask(struct s3 *s, const struct s3_ask *a, struct http_answer *ret,
           struct err *e)
{
    char hash[SIGV4_HEX];
    struct err mine = {0};
    struct retry retry;

    sigv4_hash(a->body, hash);
    retry_init(&retry, &s->retry, rand_mix(s->draws++));
    s->again = false;
    for (;;) {
        bool reached = false;

        if (ask_once(s, a, hash, ret, &reached, &mine) == 0) {
            if (s->status >= 200 && s->status < 300) {
                s->bucket_seen = true;
                return 0;
            }
            (void)refuse(s, ret, &mine);
            reached = s->status >= 500;
        }
        if (!retry_wait(&retry, mine.code)) {
            break;
        }
        s->again = s->again || reached;
    }
    s->bucket_seen = s->bucket_seen || strcmp(s->code, "NoSuchKey") == 0;
    if (retry.failed > 1) {
        err_wrap(&mine, "after %u tries", retry.failed);
    }
    if (e != NULL) {
        *e = mine;
    }
    return -1;
}
