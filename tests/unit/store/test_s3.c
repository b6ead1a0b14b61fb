/* The S3 store against a server that says what a test wants it to say. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/thread.h"
#include "store/store.h"

enum {
    ANSWERS_MAX = 12,
    REQUEST_MAX = 1 << 16
};

#define SECRET "very-secret-secret-key"

static struct err e;

/* --- the server ------------------------------------------------------------- */

static struct server {
    int fd, port;
    struct thread thread;
    const char *const *answers; /* "": none, the connection is closed;
                                 * "%ID" in one: the first put's id */
    size_t n, asked;
    char lines[ANSWERS_MAX][256]; /* "PUT /bucket/key HTTP/1.1" */
    char host[256];
    char id[64];
} server;

/* A whole request; its body is passed over. */
static bool read_request(int fd, char *text)
{
    size_t len = 0;
    size_t want = 0;

    while (want == 0 || len < want) {
        ssize_t n =
            recv(fd, text + (len < REQUEST_MAX / 2 ? len : REQUEST_MAX / 2),
                 REQUEST_MAX / 2 - 1, 0);
        char *end;

        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        text[len < REQUEST_MAX - 1 ? len : REQUEST_MAX - 1] = '\0';
        end = strstr(text, "\r\n\r\n");
        if (want == 0 && end != NULL) {
            const char *length = strstr(text, "Content-Length: ");
            long long body = 0;

            if (length != NULL && length < end) {
                (void)sscanf(length + 16, "%lld", &body);
            }
            want = (size_t)(end + 4 - text) + (size_t)body;
        }
    }
    return true;
}

static void note(char *text, const char *name, char *to, size_t size)
{
    char *at = strstr(text, name);

    if (at != NULL) {
        at += strlen(name);
        (void)snprintf(to, size, "%.*s", (int)strcspn(at, "\r"), at);
    }
}

static void answer(int fd, const char *text)
{
    const char *id = strstr(text, "%ID");
    char out[8192];

    if (id != NULL) {
        (void)snprintf(out, sizeof(out), "%.*s%s%s", (int)(id - text), text,
                       server.id, id + 3);
        text = out;
    }
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void serve(void *arg)
{
    static char text[REQUEST_MAX];

    (void)arg;
    while (server.asked < server.n) {
        int fd = accept(server.fd, NULL, NULL);
        bool more = fd >= 0;

        if (fd < 0) {
            return;
        }
        while (more && server.asked < server.n && read_request(fd, text)) {
            const char *say = server.answers[server.asked];

            (void)snprintf(server.lines[server.asked], sizeof(server.lines[0]),
                           "%.*s", (int)strcspn(text, "\r"), text);
            if (server.id[0] == '\0') {
                note(text, "x-amz-meta-put-id: ", server.id, sizeof(server.id));
            }
            note(text, "Host: ", server.host, sizeof(server.host));
            server.asked++;
            more = say[0] != '\0' && strstr(say, "Connection: close") == NULL;
            answer(fd, say);
        }
        (void)close(fd);
    }
}

static void start(const char *const *answers, size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    memset(&server, 0, sizeof(server));
    server.answers = answers;
    server.n = n;
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(server.fd, (struct sockaddr *)&at, len) == 0);
    CHECK(listen(server.fd, 8) == 0);
    CHECK(getsockname(server.fd, (struct sockaddr *)&at, &len) == 0);
    server.port = ntohs(at.sin_port);
    CHECK_OK(thread_start(&server.thread, "s3", serve, NULL, &e), &e);
}

/* All that was to be asked was asked. */
static void stop(void)
{
    (void)shutdown(server.fd, SHUT_RDWR);
    (void)close(server.fd);
    thread_join(&server.thread);
    CHECK_INT(server.asked, server.n);
}

static struct store *store_of(int retries)
{
    char endpoint[64];
    struct store_conf conf = {.url = "s3://bucket/pre",
                              .endpoint = endpoint,
                              .region = "us-east-1",
                              .access_key = "AKIDEXAMPLE",
                              .secret_key = SECRET,
                              .retries = retries};
    struct store *s = NULL;

    (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d",
                   server.port);
    CHECK_OK(store_open(&s, &conf, &e), &e);
    if (s == NULL) {
        exit(1);
    }
    return s;
}

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define FAULT(status, code)                                        \
    "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"             \
    "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>" \
    "in other words</Message></Error>"

/* --- what passes ------------------------------------------------------------------- */

static void passing_faults_are_tried_again(void)
{
    static const char *const answers[] = {
        FAULT("503 Slow Down", "SlowDown"),
        FAULT("500 Oh", "InternalError"),
        "", /* the connection is closed */
        OK_EMPTY,
        FAULT("409 Conflict", "ConditionalRequestConflict"),
        OK_EMPTY};
    struct store *s;

    start(answers, ARRAY_LEN(answers));
    s = store_of(0);
    CHECK_OK(store_put(s, "a=b/c+d", SLICE("x"), STORE_REPLACE, &e), &e);
    CHECK_OK(store_put(s, "k", SLICE("x"), STORE_IF_ABSENT, &e), &e);
    CHECK_TEXT(slice_of(server.lines[0]),
               "PUT /bucket/pre/a%3Db/c%2Bd HTTP/1.1");
    store_close(s);
    stop();
}

static void what_does_not_pass_is_told_with_the_number_of_tries(void)
{
    static const char *const answers[] = {FAULT("503 Slow Down", "SlowDown"),
                                          FAULT("503 Slow Down", "SlowDown")};
    struct store *s;

    start(answers, ARRAY_LEN(answers));
    s = store_of(1);
    CHECK(store_put(s, "k", SLICE("x"), STORE_REPLACE, &e) < 0);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK(strstr(e.msg, "after 2 tries") != NULL);
    CHECK(strstr(e.msg, "SlowDown") != NULL);
    store_close(s);
    stop();
}

static void a_put_whose_answer_was_lost_knows_its_own_object(void)
{
    static const char *const mine[] = {
        "", FAULT("412 Precondition Failed", "PreconditionFailed"),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx-amz-meta-put-id: "
        "%ID\r\n\r\n"};
    static const char *const theirs[] = {
        "", FAULT("412 Precondition Failed", "PreconditionFailed"),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx-amz-meta-put-id: "
        "other\r\n\r\n"};
    struct store *s;

    start(mine, ARRAY_LEN(mine));
    s = store_of(0);
    CHECK_OK(store_put(s, "k", SLICE("x"), STORE_IF_ABSENT, &e), &e);
    store_close(s);
    stop();
    start(theirs, ARRAY_LEN(theirs));
    s = store_of(0);
    CHECK(store_put(s, "k", SLICE("x"), STORE_IF_ABSENT, &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    store_close(s);
    stop();
}

/* --- what does not ------------------------------------------------------------------- */

static void get_fails(const char *const *answers, size_t n, enum err_code code,
                      const char *words)
{
    struct store *s;
    struct buf b;

    start(answers, n);
    s = store_of(1);
    buf_init(&b, 1 << 20);
    CHECK(store_get(s, "k", &b, &e) < 0);
    CHECK_INT(e.code, code);
    if (strstr(e.msg, words) == NULL) {
        test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", words, e.msg);
    }
    CHECK(strstr(e.msg, "s3://bucket/pre") != NULL);
    CHECK(strstr(e.msg, SECRET) == NULL);
    CHECK(strstr(e.msg, "AKIDEXAMPLE") == NULL);
    CHECK_INT(b.len, 0);
    buf_release(&b);
    store_close(s);
    stop();
}

#define GET_FAILS(code, words, ...)                              \
    do {                                                         \
        static const char *const answers[] = {__VA_ARGS__};      \
        get_fails(answers, ARRAY_LEN(answers), (code), (words)); \
    } while (0)

static void refusals_say_what_to_do(void)
{
    GET_FAILS(ERR_DENIED, "give it s3:ListBucket",
              FAULT("403 Forbidden", "AccessDenied"));
    GET_FAILS(ERR_DENIED, "correct AWS_SECRET_ACCESS_KEY",
              FAULT("403 Forbidden", "SignatureDoesNotMatch"));
    GET_FAILS(ERR_DENIED, "correct AWS_ACCESS_KEY_ID",
              FAULT("404 Not Found", "InvalidAccessKeyId"));
    GET_FAILS(ERR_DENIED, "correct AWS_ACCESS_KEY_ID",
              FAULT("404 Not Found", "XAdminUserNotFound"));
    GET_FAILS(ERR_INVALID, "404 NoSuchSomething",
              FAULT("404 Not Found", "NoSuchSomething"));
    GET_FAILS(ERR_INVALID, "bucket \"bucket\" does not exist",
              FAULT("404 Not Found", "NoSuchBucket"));
    GET_FAILS(ERR_NOTFOUND, "no such object",
              FAULT("404 Not Found", "NoSuchKey"));
    GET_FAILS(ERR_INVALID, "but in \"eu-west-1\"; set s3.region",
              "HTTP/1.1 301 Moved\r\nx-amz-bucket-region: eu-west-1\r\n"
              "Content-Length: 0\r\n\r\n");
    GET_FAILS(ERR_INVALID, "but in \"eu-west-2\"",
              "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n<Error><Code>"
              "AuthorizationHeaderMalformed</Code><Region>eu-west-2</Region>"
              "</Error>");
    GET_FAILS(ERR_DENIED, "at the server 2020-01-02T03:04:05Z; set",
              "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<Error><Code>"
              "RequestTimeTooSkewed</Code><ServerTime>2020-01-02T03:04:05Z"
              "</ServerTime></Error>");
    GET_FAILS(ERR_INVALID, "418",
              "HTTP/1.1 418 Teapot\r\n"
              "Content-Length: 4\r\n\r\nno x");
}

static void damaged_objects_are_noticed(void)
{
    GET_FAILS(ERR_CORRUPT, "SHA-256",
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx-amz-checksum-sha256: "
              "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n\r\nx");
    GET_FAILS(ERR_CORRUPT, "MD5",
              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: "
              "\"d41d8cd98f00b204e9800998ecf8427e\"\r\n\r\nx");
    GET_FAILS(ERR_CONNECT, "after 2 tries",
              "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
              "9\r\n\r\nx",
              "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
              "9\r\n\r\nx");
}

static void parts_that_cannot_be_joined_are_given_up(void)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<I><UploadId>u&amp;1"
        "</UploadId></I>",
        "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nETag: \"2\"\r\nContent-Length: 0\r\n\r\n",
        FAULT("200 OK", "InvalidPart"), "HTTP/1.1 204 No Content\r\n\r\n"};
    size_t n = (5 << 20) + 1;
    char *bytes = mem_zero(n, 1);
    char path[FS_PATH_MAX];
    struct store *s;

    start(answers, ARRAY_LEN(answers));
    {
        char endpoint[64];
        struct store_conf small = {.url = "s3://bucket",
                                   .endpoint = endpoint,
                                   .access_key = "AKIDEXAMPLE",
                                   .secret_key = SECRET,
                                   .part_bytes = 1};

        (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d",
                       server.port);
        CHECK_OK(store_open(&s, &small, &e), &e);
    }
    CHECK_OK(fs_join(path, test_folder(), "big", &e), &e);
    CHECK_OK(fs_publish(path, (struct slice){bytes, n}, &e), &e);
    CHECK(store_put_file(s, "k", path, STORE_REPLACE, &e) < 0);
    CHECK(strstr(e.msg, "InvalidPart") != NULL);
    CHECK_TEXT(slice_of(server.lines[2]),
               "PUT /bucket/k?partNumber=2&uploadId=u%261 HTTP/1.1");
    CHECK_TEXT(slice_of(server.lines[4]),
               "DELETE /bucket/k?uploadId=u%261 HTTP/1.1");
    store_close(s);
    stop();
    mem_free(bytes);
}

/* --- lists --------------------------------------------------------------------- */

#define PAGE(inner)                                \
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" \
    "<ListBucketResult><Prefix>pre/</Prefix>" inner "</ListBucketResult>"
#define ENTRY(key)                                                \
    "<Contents><Key>pre/" key                                     \
    "</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified>" \
    "<Size>3</Size></Contents>"

static bool count(void *arg, const struct store_object *o)
{
    size_t *n = arg;

    CHECK_INT(o->bytes, 3);
    CHECK_INT(o->time_us, 1795255200LL * 1000000);
    ++*n;
    return true;
}

static void list_gives(const char *const *answers, size_t n, int64_t want,
                       const char *words)
{
    struct store *s;
    size_t got = 0;
    int rc;

    start(answers, n);
    s = store_of(1);
    rc = store_list(s, "", NULL, count, &got, &e);
    if (words == NULL) {
        CHECK_OK(rc, &e);
        CHECK_INT(got, want);
    } else {
        CHECK(rc < 0 && strstr(e.msg, words) != NULL);
    }
    store_close(s);
    stop();
}

#define LIST_GIVES(want, words, ...)                              \
    do {                                                          \
        static const char *const answers[] = {__VA_ARGS__};       \
        list_gives(answers, ARRAY_LEN(answers), (want), (words)); \
    } while (0)

static void lists_are_read_page_by_page_and_checked(void)
{
    LIST_GIVES(0, NULL, PAGE(""));
    LIST_GIVES(
        3, NULL,
        PAGE(ENTRY("a") ENTRY(
            "b/c") "<IsTruncated>true</IsTruncated>"
                   "<NextContinuationToken>t/1&amp;</NextContinuationToken>"),
        PAGE(ENTRY("d&quot;") "<IsTruncated>false</IsTruncated>"));
    CHECK(strstr(server.lines[1], "continuation-token=t%2F1%26") != NULL);
    LIST_GIVES(0, "no order of bytes", PAGE(ENTRY("b") ENTRY("a")));
    LIST_GIVES(0, "how to go on",
               PAGE(ENTRY("a") "<IsTruncated>true</IsTruncated>"));
    LIST_GIVES(0, "XML", PAGE("<Contents>"));
}

/* --- who asks, and where --------------------------------------------------------------- */

static void opens(const struct store_conf *conf, bool want, const char *words)
{
    struct store *s = NULL;
    int rc = store_open(&s, conf, &e);

    CHECK((rc == 0) == want);
    if (rc < 0 && strstr(e.msg, words) == NULL) {
        test_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", words, e.msg);
    }
    if (rc == 0) {
        store_close(s);
    }
}

static void credentials_come_from_settings_environment_or_file(void)
{
    char path[FS_PATH_MAX];
    struct store_conf conf = {.url = "s3://bucket"};

    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)unsetenv("AWS_PROFILE");
    CHECK_OK(fs_join(path, test_folder(), "credentials", &e), &e);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    (void)setenv("AWS_CONFIG_FILE", "/nowhere", 1);
    opens(&conf, false, "no credentials for S3: set AWS_ACCESS_KEY_ID");
    CHECK_OK(fs_publish(path,
                        SLICE("[default]\naws_access_key_id = A\n"
                              "aws_secret_access_key = " SECRET "\n"
                              "[half]\naws_access_key_id=B\n"),
                        &e),
             &e);
    opens(&conf, false, "chmod");
    CHECK_OK(fs_remove(path, &e), &e);
    {
        mode_t before = umask(077);

        CHECK_OK(fs_publish(path,
                            SLICE("[default]\naws_access_key_id = A\n"
                                  "aws_secret_access_key = " SECRET "\n"
                                  "[half]\naws_access_key_id=B\n"),
                            &e),
                 &e);
        (void)umask(before);
    }
    opens(&conf, true, "");
    conf.profile = "half";
    opens(&conf, false, "the profile \"half\"");
    conf.profile = NULL;
    (void)setenv("AWS_PROFILE", "half", 1);
    opens(&conf, false, "the profile \"half\"");
    conf.access_key = "A";
    conf.secret_key = SECRET;
    opens(&conf, true, "");
    conf.url = "s3:bucket";
    opens(&conf, false, "write it as s3://BUCKET/PREFIX");
    conf.url = "s3://b/x";
    opens(&conf, false, "no name of a bucket");
    conf.url = "s3://bucket/x";
    conf.endpoint = "ftp://x";
    opens(&conf, false, "endpoint: cannot read address");
}

static void the_bucket_can_stand_in_the_hosts_name(void)
{
    static const char *const answers[] = {OK_EMPTY};
    struct store_conf conf = {.url = "s3://bucket/pre",
                              .endpoint = "http://s3.example:80",
                              .access_key = "AKIDEXAMPLE",
                              .secret_key = SECRET,
                              .session_token = "a-session-token",
                              .host_style = true,
                              .retries = 1};
    char proxy[64];
    struct store *s;

    start(answers, ARRAY_LEN(answers));
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", server.port);
    (void)setenv("http_proxy", proxy, 1);
    CHECK_OK(store_open(&s, &conf, &e), &e);
    CHECK_OK(store_put(s, "k", SLICE("x"), STORE_REPLACE, &e), &e);
    CHECK_TEXT(slice_of(server.lines[0]),
               "PUT http://bucket.s3.example/pre/k HTTP/1.1");
    CHECK_TEXT(slice_of(server.host), "bucket.s3.example");
    store_close(s);
    stop();
    (void)unsetenv("http_proxy");
}

static void every_failing_allocation_is_survived(void)
{
    struct store_conf conf = {.url = "s3://bucket",
                              .endpoint = "http://127.0.0.1:1",
                              .access_key = "A",
                              .secret_key = SECRET};
    unsigned n = 0;
    int rc = -1;

    while (rc < 0 && ++n < 1000) {
        struct store *s = NULL;

        mem_fail_after(n);
        rc = store_open(&s, &conf, &e);
        mem_fail_after(0);
        if (rc == 0) {
            store_close(s);
        } else {
            CHECK_INT(e.code, ERR_NOMEM);
        }
    }
    CHECK_INT(rc, 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"passing faults are tried again", passing_faults_are_tried_again},
        {"what does not pass is told with the number of tries",
         what_does_not_pass_is_told_with_the_number_of_tries},
        {"a put whose answer was lost knows its own object",
         a_put_whose_answer_was_lost_knows_its_own_object},
        {"refusals say what to do", refusals_say_what_to_do},
        {"damaged objects are noticed", damaged_objects_are_noticed},
        {"parts that cannot be joined are given up",
         parts_that_cannot_be_joined_are_given_up},
        {"lists are read page by page and checked",
         lists_are_read_page_by_page_and_checked},
        {"credentials come from settings, environment or file",
         credentials_come_from_settings_environment_or_file},
        {"the bucket can stand in the host's name",
         the_bucket_can_stand_in_the_hosts_name},
        {"every failing allocation is survived",
         every_failing_allocation_is_survived},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
