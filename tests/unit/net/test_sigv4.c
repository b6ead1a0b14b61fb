#include "net/sigv4.h"

#include "test.h"

static const char secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
static struct err e;

static struct sigv4_scope scope_of_the_manual(void)
{
    return (struct sigv4_scope){.access_key = SLICE("AKIAIOSFODNN7EXAMPLE"),
                                .region = SLICE("us-east-1"),
                                .service = SLICE("s3"),
                                .time = "20130524T000000Z"};
}

static void signs(const struct sigv4_request *r, const char *want)
{
    struct sigv4_scope scope = scope_of_the_manual();
    struct sigv4_auth a;
    struct buf b;

    buf_init(&b, 4096);
    CHECK_OK(sigv4_sign(r, &scope, slice_of(secret), &b, &e), &e);
    CHECK_OK(sigv4_parse(buf_slice(&b), &a, &e), &e);
    test_check_text(__FILE__, __LINE__, a.signature, want);
    memcpy(a.scope.time, scope.time, sizeof(scope.time));
    CHECK_OK(sigv4_verify(r, &a, slice_of(secret), &e), &e);
    CHECK(sigv4_verify(r, &a, SLICE("wrong"), &e) < 0);
    CHECK_INT(e.code, ERR_DENIED);
    buf_release(&b);
}

/* The values are those that Amazon publishes for its example requests. */
static void the_manuals_requests_get_the_manuals_signatures(void)
{
    char empty[SIGV4_HEX];
    char welcome[SIGV4_HEX];

    sigv4_hash(SLICE(""), empty);
    sigv4_hash(SLICE("Welcome to Amazon S3."), welcome);
    {
        const struct sigv4_header h[] = {
            {SLICE("Host"), SLICE("examplebucket.s3.amazonaws.com")},
            {SLICE("Range"), SLICE("bytes=0-9")},
            {SLICE("x-amz-content-sha256"), slice_of(empty)},
            {SLICE("x-amz-date"), SLICE("20130524T000000Z")}};
        struct sigv4_request r = {SLICE("GET"), SLICE("/test.txt"),
                                  SLICE(""),    h,
                                  ARRAY_LEN(h), {empty, 64}};

        signs(&r, "f0e8bdb87c964420e857bd35b5d6ed31"
                  "0bd44f0170aba48dd91039c6036bdb41");
    }
    {
        const struct sigv4_header h[] = {
            {SLICE("x-amz-storage-class"), SLICE("REDUCED_REDUNDANCY")},
            {SLICE("x-amz-content-sha256"), slice_of(welcome)},
            {SLICE("x-amz-date"), SLICE("20130524T000000Z")},
            {SLICE("Date"), SLICE("Fri, 24 May 2013 00:00:00 GMT")},
            {SLICE("Host"), SLICE("examplebucket.s3.amazonaws.com")}};
        struct sigv4_request r = {SLICE("PUT"), SLICE("/test%24file.text"),
                                  SLICE(""),    h,
                                  ARRAY_LEN(h), {welcome, 64}};

        signs(&r, "98ad721746da40c64f1a55b78f14c238"
                  "d841ea1380cd77a1b5971af0ece108bd");
    }
    {
        const struct sigv4_header h[] = {
            {SLICE("host"), SLICE("examplebucket.s3.amazonaws.com")},
            {SLICE("x-amz-content-sha256"), slice_of(empty)},
            {SLICE("x-amz-date"), SLICE("20130524T000000Z")}};
        struct sigv4_request r = {SLICE("GET"),       SLICE("/"),
                                  SLICE("lifecycle"), h,
                                  ARRAY_LEN(h),       {empty, 64}};

        signs(&r, "fea454ca298b7da1c68078a5d1bdbfbb"
                  "e0d65c699e0f91ac7a200a0136783543");
        r.query = SLICE("prefix=J&max-keys=2");
        signs(&r, "34b48302e7b5fa45bde8084f4b7868a8"
                  "6f0a534bc59db6670ed5711ef69dc6f7");
    }
}

static void a_canonical_request_is_sorted_trimmed_and_encoded(void)
{
    const struct sigv4_header h[] = {{SLICE("X-B"), SLICE("  two   blanks ")},
                                     {SLICE("Content-Length"), SLICE("7")},
                                     {SLICE("x-a"), SLICE("1")},
                                     {SLICE("X-A"), SLICE("2")},
                                     {SLICE("Host"), SLICE("h:1")}};
    struct sigv4_request r = {SLICE("POST"),
                              SLICE(""),
                              SLICE("b=/&a-b=1&a=%7e&a=&delete"),
                              h,
                              ARRAY_LEN(h),
                              SLICE("UNSIGNED-PAYLOAD")};
    struct buf b;

    buf_init(&b, 4096);
    CHECK_OK(sigv4_canonical(&r, SLICE("host;x-a;x-b"), &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "POST\n/\na=&a=~&a-b=1&b=%2F&delete=\n"
                              "host:h:1\nx-a:1,2\nx-b:two blanks\n\n"
                              "host;x-a;x-b\nUNSIGNED-PAYLOAD");
    buf_clear(&b);
    CHECK(sigv4_canonical(&r, SLICE("host;x-c"), &b, &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
    CHECK(strstr(e.msg, "\"x-c\"") != NULL);
    r.query = SLICE("a=%zz");
    CHECK(sigv4_canonical(&r, SLICE(""), &b, &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
    buf_release(&b);
}

static void a_header_authorization_is_taken_apart(void)
{
    static const char *const wrong[] = {
        "",
        "Bearer abc",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=k/20130524/r/s/aws4_request",
        "AWS4-HMAC-SHA256 Credential=k/2013/r/s/aws4_request, "
        "SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=k/20130524/r/aws4_request, "
        "SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
    };
    struct sigv4_auth a;

    CHECK_OK(sigv4_parse(SLICE("AWS4-HMAC-SHA256 Credential=k/20130524/eu/"
                               "kinesis/aws4_request,SignedHeaders=host;x-a,"
                               "Signature=abc"),
                         &a, &e),
             &e);
    CHECK_TEXT(a.scope.access_key, "k");
    CHECK_TEXT(a.date, "20130524");
    CHECK_TEXT(a.scope.region, "eu");
    CHECK_TEXT(a.scope.service, "kinesis");
    CHECK_TEXT(a.signed_names, "host;x-a");
    CHECK_TEXT(a.signature, "abc");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK(sigv4_parse(slice_of(wrong[i]), &a, &e) < 0);
        CHECK_INT(e.code, ERR_MALFORMED);
    }
}

static void times_go_there_and_back(void)
{
    char text[SIGV4_TIME];
    int64_t us = 0;

    CHECK(sigv4_time_parse(SLICE("20130524T000102Z"), &us));
    CHECK_INT(us, 1369353662LL * 1000000);
    sigv4_time(us, text);
    CHECK_TEXT(slice_of(text), "20130524T000102Z");
    CHECK(!sigv4_time_parse(SLICE("20131324T000102Z"), &us));
    CHECK(!sigv4_time_parse(SLICE("2013-05-24T00:01"), &us));
}

int main(void)
{
    static const struct test tests[] = {
        {"the manual's requests get the manual's signatures",
         the_manuals_requests_get_the_manuals_signatures},
        {"a canonical request is sorted, trimmed and encoded",
         a_canonical_request_is_sorted_trimmed_and_encoded},
        {"a header Authorization is taken apart",
         a_header_authorization_is_taken_apart},
        {"times go there and back", times_go_there_and_back},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
