#include "net/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/secret.h"
#include "core/text.h"
#include "net/url.h"

static const char algorithm[] = "AWS4-HMAC-SHA256";

enum {
    CANONICAL_BYTES_MAX = 1 << 20
};

void sigv4_time(int64_t us, char ret[SIGV4_TIME])
{
    struct clock_civil c;
    char text[64];

    clock_to_civil(us, &c);
    (void)snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ", c.year,
                   c.month, c.day, c.hour, c.minute, c.second);
    memcpy(ret, text, SIGV4_TIME - 1);
    ret[SIGV4_TIME - 1] = '\0';
}

bool sigv4_time_parse(struct slice text, int64_t *ret_us)
{
    return clock_parse(text, "YYYYNNDDThhmmssZ", ret_us);
}

void sigv4_hash(struct slice bytes, char ret[SIGV4_HEX])
{
    uint8_t digest[DIGEST_SHA256];

    digest_sha256(bytes, digest);
    digest_hex(digest, sizeof(digest), ret);
}

/* --- the canonical request -------------------------------------------------- */

/* One parameter, encoded in a buffer of all: name, then value. */
struct param {
    size_t at, name_len, value_len;
    const struct buf *bytes;
};

static struct slice name_of(const struct param *p)
{
    return (struct slice){p->bytes->ptr + p->at, p->name_len};
}

static struct slice value_of(const struct param *p)
{
    return (struct slice){p->bytes->ptr + p->at + p->name_len, p->value_len};
}

static int by_name(const void *a, const void *b)
{
    int order = slice_cmp(name_of(a), name_of(b));

    return order != 0 ? order : slice_cmp(value_of(a), value_of(b));
}

/* Decode and encode again; *ret_len is what was appended. */
static int encode(struct slice text, struct buf *plain, struct buf *b,
                  size_t *ret_len, struct err *e)
{
    size_t before = b->len;

    buf_clear(plain);
    if (url_unescape(plain, text, e) < 0 ||
        url_escape(b, buf_slice(plain), e) < 0) {
        return -1;
    }
    *ret_len = b->len - before;
    return 0;
}

static int read_params(struct slice query, struct param *params, size_t *n,
                       struct buf *bytes, struct err *e)
{
    struct buf plain;
    int rc = 0;

    buf_init(&plain, CANONICAL_BYTES_MAX);
    *n = 0;
    while (rc == 0 && query.len > 0) {
        struct slice pair;
        struct slice name;
        struct param *p = &params[*n];

        (void)slice_cut(&query, '&', &pair);
        if (pair.len == 0) {
            continue;
        }
        if (*n == SIGV4_PARAMS_MAX) {
            rc = err_set(e, ERR_LIMIT, "a query of over %d parameters",
                         SIGV4_PARAMS_MAX);
            break;
        }
        *p = (struct param){.at = bytes->len, .bytes = bytes};
        (void)slice_cut(&pair, '=', &name);
        rc = encode(name, &plain, bytes, &p->name_len, e);
        if (rc == 0) {
            rc = encode(pair, &plain, bytes, &p->value_len, e);
        }
        ++*n;
    }
    buf_release(&plain);
    return rc;
}

static int put_query(struct slice query, struct buf *b, struct err *e)
{
    struct param params[SIGV4_PARAMS_MAX];
    struct buf bytes;
    size_t n;
    int rc;

    buf_init(&bytes, CANONICAL_BYTES_MAX);
    rc = read_params(query, params, &n, &bytes, e);
    if (rc == 0 && n > 0) {
        qsort(params, n, sizeof(*params), by_name);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if ((i > 0 && buf_putc(b, '&', e) < 0) ||
            buf_append(b, name_of(&params[i]), e) < 0 ||
            buf_putc(b, '=', e) < 0 ||
            buf_append(b, value_of(&params[i]), e) < 0) {
            rc = -1;
        }
    }
    buf_release(&bytes);
    return rc;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int by_header(const void *a, const void *b)
{
    const struct slice x = (*(const struct sigv4_header *const *)a)->name;
    const struct slice y = (*(const struct sigv4_header *const *)b)->name;

    for (size_t i = 0; i < x.len && i < y.len; i++) {
        if (lower(x.ptr[i]) != lower(y.ptr[i])) {
            return lower(x.ptr[i]) < lower(y.ptr[i]) ? -1 : 1;
        }
    }
    return x.len == y.len ? 0 : x.len < y.len ? -1 : 1;
}

static bool is_among(struct slice name, struct slice names)
{
    struct slice one;
    bool more = true;

    while (more) {
        more = slice_cut(&names, ';', &one);
        if (text_ascii_ieq(one, name)) {
            return true;
        }
    }
    return false;
}

/* The headers that count, in order; those of one name stay in theirs, as the
 * pointers of equal names are compared by where they stand. */
static int pick(const struct sigv4_request *r, struct slice names,
                const struct sigv4_header **picked, size_t *n, struct err *e)
{
    *n = 0;
    for (size_t i = 0; i < r->nheaders; i++) {
        if (names.len > 0 && !is_among(r->headers[i].name, names)) {
            continue;
        }
        if (*n == SIGV4_HEADERS_MAX) {
            return err_set(e, ERR_LIMIT, "over %d headers are signed",
                           SIGV4_HEADERS_MAX);
        }
        picked[(*n)++] = &r->headers[i];
    }
    for (size_t i = 1; i < *n; i++) { /* few, and it must be stable */
        const struct sigv4_header *h = picked[i];
        size_t k = i;

        while (k > 0 && by_header(&picked[k - 1], &h) > 0) {
            picked[k] = picked[k - 1];
            k--;
        }
        picked[k] = h;
    }
    return 0;
}

static int put_lower(struct slice s, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < s.len; i++) {
        if (buf_putc(b, lower(s.ptr[i]), e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Trimmed, and runs of blanks as one. */
static int put_value(struct slice s, struct buf *b, struct err *e)
{
    s = slice_trim(s);
    for (size_t i = 0; i < s.len; i++) {
        bool again = i > 0 && s.ptr[i] == ' ' && s.ptr[i - 1] == ' ';

        if (!again && buf_putc(b, s.ptr[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool repeats(const struct sigv4_header **picked, size_t i)
{
    return i > 0 && by_header(&picked[i - 1], &picked[i]) == 0;
}

static int put_headers(const struct sigv4_header **picked, size_t n,
                       struct buf *b, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        bool more = i + 1 < n && repeats(picked, i + 1);

        if (!repeats(picked, i) &&
            (put_lower(picked[i]->name, b, e) < 0 || buf_putc(b, ':', e) < 0)) {
            return -1;
        }
        if (put_value(picked[i]->value, b, e) < 0 ||
            buf_putc(b, more ? ',' : '\n', e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_names(const struct sigv4_header **picked, size_t n,
                     struct buf *b, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (repeats(picked, i)) {
            continue;
        }
        if ((i > 0 && buf_putc(b, ';', e) < 0) ||
            put_lower(picked[i]->name, b, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Every name that was said to be signed is there. */
static int check_names(const struct sigv4_request *r, struct slice names,
                       struct err *e)
{
    struct slice one;
    bool more = names.len > 0;

    while (more) {
        bool found = false;

        more = slice_cut(&names, ';', &one);
        for (size_t i = 0; i < r->nheaders && !found; i++) {
            found = text_ascii_ieq(r->headers[i].name, one);
        }
        if (!found) {
            return err_set(e, ERR_MALFORMED,
                           "the signed header \"%.*s\" is not in the request",
                           one.len > 80 ? 80 : SLICE_FMT(one));
        }
    }
    return 0;
}

int sigv4_canonical(const struct sigv4_request *r, struct slice signed_names,
                    struct buf *b, struct err *e)
{
    const struct sigv4_header *picked[SIGV4_HEADERS_MAX];
    size_t n;

    if (check_names(r, signed_names, e) < 0 ||
        pick(r, signed_names, picked, &n, e) < 0) {
        return -1;
    }
    if (buf_append(b, r->method, e) < 0 || buf_putc(b, '\n', e) < 0 ||
        buf_append(b, r->path.len > 0 ? r->path : SLICE("/"), e) < 0 ||
        buf_putc(b, '\n', e) < 0 || put_query(r->query, b, e) < 0 ||
        buf_putc(b, '\n', e) < 0 || put_headers(picked, n, b, e) < 0 ||
        buf_putc(b, '\n', e) < 0 || put_names(picked, n, b, e) < 0 ||
        buf_putc(b, '\n', e) < 0 || buf_append(b, r->payload_hash, e) < 0) {
        return -1;
    }
    return 0;
}

/* --- signatures ------------------------------------------------------------------ */

/* HMAC after HMAC: secret, date, region, service, the end word. */
static void signing_key(const struct sigv4_scope *s, struct slice secret,
                        uint8_t key[DIGEST_SHA256])
{
    const struct slice steps[] = {
        {s->time, 8}, s->region, s->service, SLICE("aws4_request")};
    char first[260];
    int n = snprintf(first, sizeof(first), "AWS4%.*s",
                     secret.len > 255 ? 255 : (int)secret.len, secret.ptr);
    struct slice from = {first, (size_t)n};
    union {
        uint8_t bytes[DIGEST_SHA256];
        char text[DIGEST_SHA256];
    } now, next;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        digest_hmac_sha256(from, steps[i], next.bytes);
        now = next;
        from = (struct slice){now.text, sizeof(now.text)};
    }
    memcpy(key, now.bytes, DIGEST_SHA256);
    secret_wipe(first, sizeof(first));
}

void sigv4_signature(const struct sigv4_scope *s, struct slice secret,
                     struct slice canonical, char ret[SIGV4_HEX])
{
    union {
        uint8_t bytes[DIGEST_SHA256];
        char text[DIGEST_SHA256];
    } key;
    uint8_t signature[DIGEST_SHA256];
    char hash[SIGV4_HEX];
    char text[512];
    int n;

    sigv4_hash(canonical, hash);
    n = snprintf(text, sizeof(text), "%s\n%s\n%.8s/%.*s/%.*s/aws4_request\n%s",
                 algorithm, s->time, s->time,
                 s->region.len > 128 ? 128 : (int)s->region.len, s->region.ptr,
                 s->service.len > 64 ? 64 : (int)s->service.len, s->service.ptr,
                 hash);
    signing_key(s, secret, key.bytes);
    digest_hmac_sha256((struct slice){key.text, sizeof(key.text)},
                       (struct slice){text, (size_t)n}, signature);
    digest_hex(signature, sizeof(signature), ret);
}

int sigv4_sign(const struct sigv4_request *r, const struct sigv4_scope *s,
               struct slice secret, struct buf *b, struct err *e)
{
    const struct sigv4_header *picked[SIGV4_HEADERS_MAX];
    char signature[SIGV4_HEX];
    struct buf canonical;
    size_t n;
    int rc = -1;

    buf_init(&canonical, CANONICAL_BYTES_MAX);
    if (sigv4_canonical(r, SLICE(""), &canonical, e) < 0 ||
        pick(r, SLICE(""), picked, &n, e) < 0) {
        goto out;
    }
    sigv4_signature(s, secret, buf_slice(&canonical), signature);
    if (buf_putf(b, e,
                 "%s Credential=%.*s/%.8s/%.*s/%.*s/aws4_request, "
                 "SignedHeaders=",
                 algorithm, SLICE_FMT(s->access_key), s->time,
                 SLICE_FMT(s->region), SLICE_FMT(s->service)) < 0 ||
        put_names(picked, n, b, e) < 0 ||
        buf_putf(b, e, ", Signature=%s", signature) < 0) {
        goto out;
    }
    rc = 0;
out:
    buf_release(&canonical);
    return rc;
}

/* --- checking --------------------------------------------------------------------- */

/* KEY/DATE/REGION/SERVICE/aws4_request; a key may hold no slash. */
static bool read_credential(struct slice text, struct sigv4_auth *a)
{
    if (!slice_cut(&text, '/', &a->scope.access_key) ||
        !slice_cut(&text, '/', &a->date) ||
        !slice_cut(&text, '/', &a->scope.region) ||
        !slice_cut(&text, '/', &a->scope.service) || a->date.len != 8 ||
        a->scope.access_key.len == 0 || !slice_is(text, "aws4_request")) {
        return false;
    }
    memcpy(a->scope.time, a->date.ptr, a->date.len);
    return true;
}

int sigv4_parse(struct slice authorization, struct sigv4_auth *ret,
                struct err *e)
{
    struct sigv4_auth a = {0};
    struct slice rest = slice_trim(authorization);
    bool credential = false;
    struct slice word;

    (void)slice_cut(&rest, ' ', &word);
    if (!slice_is(word, algorithm)) {
        return err_set(e, ERR_MALFORMED,
                       "the header Authorization is not of \"%s\"", algorithm);
    }
    while (rest.len > 0) {
        struct slice item;
        struct slice name;

        (void)slice_cut(&rest, ',', &item);
        item = slice_trim(item);
        (void)slice_cut(&item, '=', &name);
        if (slice_is(name, "Credential")) {
            credential = read_credential(item, &a);
        } else if (slice_is(name, "SignedHeaders")) {
            a.signed_names = item;
        } else if (slice_is(name, "Signature")) {
            a.signature = item;
        }
    }
    if (!credential) {
        return err_set(e, ERR_MALFORMED,
                       "the header Authorization has no whole Credential");
    }
    if (a.signed_names.len == 0 || a.signature.len == 0) {
        return err_set(e, ERR_MALFORMED,
                       "the header Authorization has no \"%s\"",
                       a.signature.len == 0 ? "Signature" : "SignedHeaders");
    }
    *ret = a;
    return 0;
}

int sigv4_verify(const struct sigv4_request *r, const struct sigv4_auth *a,
                 struct slice secret, struct err *e)
{
    char signature[SIGV4_HEX];
    struct buf canonical;
    int rc;

    if (strncmp(a->scope.time, a->date.ptr, 8) != 0) {
        return err_set(e, ERR_DENIED,
                       "the date of the credential is not that of the request");
    }
    buf_init(&canonical, CANONICAL_BYTES_MAX);
    rc = sigv4_canonical(r, a->signed_names, &canonical, e);
    if (rc == 0) {
        sigv4_signature(&a->scope, secret, buf_slice(&canonical), signature);
        if (!secret_equal(slice_of(signature), a->signature)) {
            rc = err_set(e, ERR_DENIED,
                         "the signature does not match the request");
        }
    }
    buf_release(&canonical);
    return rc;
}
