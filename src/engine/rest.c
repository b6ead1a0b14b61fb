#include "engine/rest.h"

#include <string.h>

#include "core/mem.h"
#include "core/retry.h"
#include "core/stop.h"
#include "net/http_client.h"

enum {
    URL_BYTES = 16384,
    AUTH_BYTES = 8192,
    ANSWER_BYTES = 64 << 20,
    WORDS_MAX = 300 /* of a far side's fault that are told */
};

#define CALL_US     ((int64_t)60000000)
#define DEADLINE_US ((int64_t)60000000)
#define FIRST_US    ((int64_t)100000)
#define MOST_US     ((int64_t)5000000)

struct rest {
    struct http_client *http;
    struct buf base;
    struct buf auth; /* "Authorization: Bearer ..."; empty: none */
    struct buf url;
};

int rest_open(struct rest **ret, const char *base, struct slice token,
              struct err *e)
{
    struct http_client_conf conf = {.timeout_us = CALL_US,
                                    .answer_max = ANSWER_BYTES};
    struct slice at = slice_of(base);
    struct rest *r = mem_zero(1, sizeof(*r));
    const char *text;

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    while (at.len > 0 && at.ptr[at.len - 1] == '/') {
        at.len--;
    }
    buf_init(&r->base, URL_BYTES);
    buf_init(&r->auth, AUTH_BYTES);
    buf_init(&r->url, URL_BYTES);
    if (buf_append(&r->base, at, e) < 0 ||
        (token.len > 0 &&
         (buf_puts(&r->auth, "Authorization: Bearer ", e) < 0 ||
          buf_append(&r->auth, token, e) < 0 ||
          buf_text(&r->auth, &text, e) < 0)) ||
        http_client_new(&r->http, &conf, e) < 0) {
        rest_close(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void rest_close(struct rest *r)
{
    if (r != NULL) {
        http_client_free(r->http);
        buf_release(&r->base);
        buf_release(&r->auth);
        buf_release(&r->url);
        mem_free(r);
    }
}

/* What the far side says of its fault. */
static void put_fault(struct json_doc *doc, const char *what,
                      const struct http_answer *a, struct err *e)
{
    static const char *const names[] = {"message", "error", "detail"};
    enum err_code code = a->status == 401 || a->status == 403  ? ERR_DENIED
                         : a->status == 404                    ? ERR_NOTFOUND
                         : a->status == 429 || a->status > 499 ? ERR_CONNECT
                                                               : ERR_INVALID;
    struct slice words = a->body;

    if (doc->root != NULL) {
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            if (json_get_text(doc->root, names[i], &words)) {
                break;
            }
        }
    }
    words.len = words.len < WORDS_MAX ? words.len : WORDS_MAX;
    err_set(e, code, "\"%s\" answered %d: %.*s", what, a->status,
            SLICE_FMT(words));
}

static int once(struct rest *r, const struct http_request *q,
                struct json_doc *ret, struct buf *text, struct err *e)
{
    struct json_doc doc = {0};
    struct http_answer a;

    if (http_client_do(r->http, q, &a, e) < 0) {
        return -1;
    }
    if (a.status > 299 || ret != NULL) {
        if (json_parse(&doc, a.body, JSON_NUMBERS, NULL,
                       a.status > 299 ? NULL : e) < 0) {
            doc = (struct json_doc){0};
            if (a.status <= 299) {
                return err_wrap(e, "answer of \"%s\"", q->url);
            }
        }
    }
    if (a.status > 299) {
        put_fault(&doc, q->url, &a, e);
        json_release(&doc);
        return -1;
    }
    if (ret == NULL) {
        return buf_append(text, a.body, e);
    }
    *ret = doc;
    return 0;
}

static int call(struct rest *r, struct http_request *q, struct json_doc *ret,
                struct buf *text, struct err *e)
{
    const struct retry_policy policy = {.deadline_us = DEADLINE_US};
    struct retry again;
    struct err fault;
    size_t n = 0;

    if (r->auth.len > 0) {
        q->headers[n++] = r->auth.ptr;
    }
    if (q->body.len > 0) {
        q->headers[n++] = "Content-Type: application/json";
    }
    retry_init(&again, &policy, 1);
    while (once(r, q, ret, text, &fault) < 0) {
        bool passing = fault.code == ERR_CONNECT || fault.code == ERR_TIMEOUT;

        if (!passing || !retry_wait(&again, fault.code)) {
            if (e != NULL) {
                *e = fault;
            }
            return -1;
        }
    }
    return 0;
}

int rest_call(struct rest *r, const char *path, struct slice body,
              struct json_doc *ret, struct err *e)
{
    struct http_request q = {.method = body.len > 0 ? "POST" : "GET",
                             .body = body};

    buf_clear(&r->url);
    if (buf_append(&r->url, buf_slice(&r->base), e) < 0 ||
        buf_puts(&r->url, path, e) < 0 || buf_text(&r->url, &q.url, e) < 0) {
        return -1;
    }
    return call(r, &q, ret, NULL, e);
}

int rest_text(struct rest *r, const char *url, struct buf *b, struct err *e)
{
    struct http_request q = {.method = "GET", .url = url};

    return call(r, &q, NULL, b, e);
}

int rest_pause(unsigned looks, struct err *e)
{
    int64_t us = FIRST_US << (looks < 6 ? looks : 6);

    return stop_wait(us < MOST_US ? us : MOST_US)
               ? err_set(e, ERR_INTERRUPTED, "interrupted")
               : 0;
}
