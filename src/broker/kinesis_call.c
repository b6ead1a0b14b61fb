/* kinesis_call.c - one action of Kinesis, as often as it takes. */
#include <stdio.h>
#include <string.h>

#include "broker/kinesis_int.h"
#include "core/clock.h"
#include "core/retry.h"

enum {
    TRY_US = 30000000,
    REASON_MAX = 200,
};

#define TARGET "Kinesis_20131202."

int kinesis_body(struct kinesis *k, const char *stream, struct err *e)
{
    buf_clear(&k->body);
    return buf_puts(&k->body, "{\"StreamName\":", e) != 0
               ? -1
               : json_print_text(&k->body, slice_of(stream), e);
}

/* What AWS's names mean to us; a code that may pass is tried again. */
static enum err_code code_of(struct slice type, int status)
{
    static const struct {
        const char *type;
        enum err_code code;
    } types[] = {
        {"ResourceNotFoundException", ERR_NOTFOUND},
        {"ResourceInUseException", ERR_EXISTS},
        {"InvalidArgumentException", ERR_INVALID},
        {"ValidationException", ERR_INVALID},
        {"SerializationException", ERR_INVALID},
        {"UnknownOperationException", ERR_UNAVAILABLE},
        {"ExpiredIteratorException", ERR_CONFLICT},
        {"LimitExceededException", ERR_BUSY},
        {"ProvisionedThroughputExceededException", ERR_BUSY},
        {"AccessDeniedException", ERR_DENIED},
        {"ExpiredTokenException", ERR_DENIED},
        {"InvalidSignatureException", ERR_DENIED},
        {"IncompleteSignatureException", ERR_DENIED},
        {"MissingAuthenticationTokenException", ERR_DENIED},
        {"UnrecognizedClientException", ERR_DENIED},
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (slice_is(type, types[i].type)) {
            return types[i].code;
        }
    }
    if (status == 401 || status == 403) {
        return ERR_DENIED;
    }
    return status >= 500 || status == 429 ? ERR_CONNECT : ERR_INVALID;
}

/* What stands between two texts; gateways before Kinesis answer in XML. */
static struct slice between(struct slice all, struct slice from,
                            struct slice to)
{
    struct slice none = {NULL, 0};

    while (all.len > 0 && !slice_starts(all, from)) {
        all = slice_from(all, 1);
    }
    all = slice_from(all, from.len < all.len ? from.len : all.len);
    for (size_t i = 0; i < all.len; i++) {
        if (slice_starts(slice_from(all, i), to)) {
            return (struct slice){all.ptr, i};
        }
    }
    return none;
}

static bool says(struct slice text, struct slice what)
{
    while (text.len > what.len && !slice_starts(text, what)) {
        text = slice_from(text, 1);
    }
    return slice_starts(text, what);
}

static const char *hint_of(enum err_code code, struct slice type,
                           struct slice words)
{
    if (code != ERR_DENIED) {
        return "";
    }
    if (slice_starts(type, SLICE("ExpiredToken"))) {
        return "; get new session credentials";
    }
    if (says(words, SLICE("expired")) || says(words, SLICE("yet current"))) {
        return "; the clocks differ too much for a signature: set this "
               "machine's, by NTP for example";
    }
    return slice_starts(type, SLICE("AccessDenied"))
               ? "; the key's owner has to be allowed that"
               : "; are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY those of "
                 "this server?";
}

static int refused(const char *action, const struct http_answer *a,
                   struct err *e)
{
    struct slice type = {NULL, 0};
    struct slice words = {NULL, 0};
    struct slice rest;
    struct json_doc doc = {0};
    enum err_code code;

    if (json_parse(&doc, a->body, 0, NULL, NULL) == 0) {
        (void)json_get_text(doc.root, "__type", &type);
        if (!json_get_text(doc.root, "message", &words)) {
            (void)json_get_text(doc.root, "Message", &words);
        }
    } else {
        type = between(a->body, SLICE("<Code>"), SLICE("</Code>"));
        words = between(a->body, SLICE("<Message>"), SLICE("</Message>"));
    }
    rest = type;
    while (slice_cut(&rest, '#', &type)) { /* "com.amazonaws...#Name" */
    }
    code = code_of(type, a->status);
    (void)err_set(e, code, "Kinesis refused %s: %.*s%s%.*s (status %d)%s",
                  action, SLICE_FMT(type), words.len > 0 ? ": " : "",
                  (int)(words.len > REASON_MAX ? REASON_MAX : words.len),
                  words.ptr, a->status, hint_of(code, type, words));
    json_release(&doc);
    return -1;
}

static int call_once(struct kinesis *k, const char *action,
                     struct json_doc *ret, struct err *e)
{
    struct http_request r = {
        .method = "POST", .url = k->url, .body = buf_slice(&k->body)};
    struct http_answer a;
    char target[80];
    struct aws_call call = {.login = &k->login,
                            .service = "kinesis",
                            .target = target,
                            .url = k->url,
                            .body = r.body,
                            .now_us = clock_wall_us()};
    size_t n = 0;

    (void)snprintf(target, sizeof(target), TARGET "%s", action);
    if (aws_json_heads(&call, &k->heads, e) != 0) {
        return -1;
    }
    for (size_t at = 0; at < k->heads.len && n + 1 < HTTP_HEADERS_MAX;
         at += strlen(k->heads.ptr + at) + 1) {
        r.headers[n++] = k->heads.ptr + at;
    }
    if (http_client_do(k->http, &r, &a, e) != 0) {
        return -1;
    }
    if (a.status != 200) {
        return refused(action, &a, e);
    }
    /* actions without an answer say nothing, or {} */
    return json_parse(ret, a.body.len > 0 ? a.body : SLICE("{}"), 0, NULL, e);
}

static void tell(struct kinesis *k, bool ok, const char *reason)
{
    mutex_lock(&k->told);
    k->health.ok = ok;
    (void)snprintf(k->health.reason, sizeof(k->health.reason), "%.200s",
                   reason);
    mutex_unlock(&k->told);
}

int kinesis_call(struct kinesis *k, const char *action, struct json_doc *ret,
                 struct err *e)
{
    struct retry_policy policy = {.first_us = 200000, .deadline_us = TRY_US};
    struct retry retry;
    struct err why = {.code = ERR_NONE};

    *ret = (struct json_doc){.root = NULL};
    if (buf_putc(&k->body, '}', e) != 0) {
        return -1;
    }
    retry_init(&retry, &policy, (uint64_t)clock_mono_us());
    while (call_once(k, action, ret, &why) != 0) {
        tell(k, !err_retriable(why.code) && why.code != ERR_DENIED, why.msg);
        if (!retry_wait(&retry, why.code)) {
            if (e != NULL) {
                *e = why;
            }
            return -1;
        }
    }
    tell(k, true, "");
    return 0;
}
